/* SPDX-License-Identifier: BSD-3-Clause */
/* What HelloJni.java calls. Arrays are described once: a call passes addresses, and copies nothing.
 */
#include <jni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>

/* One array; `used` is of the last call that wrote it. */
struct operand {
    struct treadle_array array;
    struct treadle_used used;
    int64_t extents[]; /* shape, then strides */
};

static void *pointer(jlong address)
{
    return (void *)(intptr_t)address;
}

static void throw(JNIEnv * env, const char *class, const char *message)
{
    (*env)->ThrowNew(env, (*env)->FindClass(env, class), message);
}

static void check(JNIEnv *env, int32_t status)
{
    if (status != TREADLE_OK)
        throw(env, "java/lang/IllegalArgumentException", treadle_last_error());
}

/* Kept until the program ends: there are few operations. */
JNIEXPORT jlong JNICALL Java_HelloJni_operation(JNIEnv *env, jclass self, jstring name)
{
    const char *text = (*env)->GetStringUTFChars(env, name, NULL);
    char *kept = text ? strdup(text) : NULL;
    (void)self;
    if (text)
        (*env)->ReleaseStringUTFChars(env, name, text);
    return (intptr_t)kept;
}

/* float64 in C order. The caller keeps `data` alive for as long as the description. */
JNIEXPORT jlong JNICALL Java_HelloJni_describe(JNIEnv *env, jclass self, jobject data,
                                               jlongArray shape)
{
    const int axes = (*env)->GetArrayLength(env, shape);
    struct operand *made = calloc(1, sizeof(*made) + 2 * (size_t)axes * sizeof(int64_t));
    (void)self;
    if (!made)
        return throw(env, "java/lang/OutOfMemoryError", "an array's description"), 0;
    int64_t *extents = made->extents, *strides = made->extents + axes;
    (*env)->GetLongArrayRegion(env, shape, 0, axes, (jlong *)extents);
    int64_t stride = sizeof(double);
    for (int axis = axes - 1; axis >= 0; axis--) {
        strides[axis] = stride;
        stride *= extents[axis];
    }
    made->array = (struct treadle_array){.data = (*env)->GetDirectBufferAddress(env, data),
                                         .shape = extents,
                                         .strides = strides,
                                         .ndim = axes,
                                         .dtype = {TREADLE_FLOAT, 64, 1},
                                         .itemsize = sizeof(double)};
    return (intptr_t)made;
}

JNIEXPORT void JNICALL Java_HelloJni_release(JNIEnv *env, jclass self, jlong array)
{
    (void)env, (void)self;
    free(pointer(array));
}

JNIEXPORT void JNICALL Java_HelloJni_binary__JJJJ(JNIEnv *env, jclass self, jlong operation,
                                                  jlong x, jlong y, jlong out)
{
    const struct operand *first = pointer(x), *second = pointer(y);
    struct operand *to = pointer(out);
    (void)self;
    check(env,
          treadle_binary(pointer(operation), &first->array, &second->array, &to->array, &to->used));
}

JNIEXPORT void JNICALL Java_HelloJni_sum__JJ(JNIEnv *env, jclass self, jlong x, jlong out)
{
    const struct operand *from = pointer(x);
    struct operand *to = pointer(out);
    (void)self;
    check(env, treadle_reduce("sum", &from->array, NULL, -1, &to->array, &to->used));
}

JNIEXPORT jstring JNICALL Java_HelloJni_who(JNIEnv *env, jclass self, jlong out)
{
    const struct operand *of = pointer(out);
    char text[64];
    (void)self;
    snprintf(text, sizeof(text), "%s on %u", of->used.backend, of->used.threads);
    return (*env)->NewStringUTF(env, text);
}

JNIEXPORT void JNICALL Java_HelloJni_setBackend(JNIEnv *env, jclass self, jstring spec)
{
    const char *text = (*env)->GetStringUTFChars(env, spec, NULL);
    (void)self;
    if (!text)
        return;
    check(env, treadle_set_backend(text));
    (*env)->ReleaseStringUTFChars(env, spec, text);
}

JNIEXPORT jobjectArray JNICALL Java_HelloJni_backends(JNIEnv *env, jclass self)
{
    const jsize count = (jsize)treadle_backend_count();
    jobjectArray found =
        (*env)->NewObjectArray(env, count, (*env)->FindClass(env, "java/lang/String"), NULL);
    (void)self;
    for (jsize i = 0; found && i < count; i++) {
        struct treadle_backend_info info;
        char line[512];
        if (treadle_backend_info((uint32_t)i, &info) != TREADLE_OK)
            continue;
        snprintf(line, sizeof(line), "%s %s", info.name, info.reason);
        (*env)->SetObjectArrayElement(env, found, i, (*env)->NewStringUTF(env, line));
    }
    return found;
}
