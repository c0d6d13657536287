/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What treadle.f90 calls: Fortran's array descriptors become the library's arrays. Compiled with
 * the program, because the layout of a descriptor is its Fortran compiler's.
 */
#include <ISO_Fortran_binding.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>

/* As many operands as treadle_run() of treadle.f90 takes; the longest name of an operation. */
enum { OPERANDS_MAX = 4, NAME_MAX = 255, SENTENCE_MAX = 600 };

/* Where the outcome goes; each may be NULL, as an absent argument is. */
struct outcome {
    struct treadle_used *used;
    int *stat;
    CFI_cdesc_t *errmsg;
};

/* The arrays stand side by side, as treadle_run() takes them. */
struct operands {
    struct treadle_array arrays[OPERANDS_MAX];
    int64_t shapes[OPERANDS_MAX][CFI_MAX_RANK], strides[OPERANDS_MAX][CFI_MAX_RANK];
};

/* In treadle.f90; ends the program. */
void treadle_fortran_stop(const char *sentence);

void treadle_fortran_unary(const CFI_cdesc_t *op, const CFI_cdesc_t *x, const CFI_cdesc_t *out,
                           struct treadle_used *used, int *stat, CFI_cdesc_t *errmsg);
void treadle_fortran_binary(const CFI_cdesc_t *op, const CFI_cdesc_t *x1, const CFI_cdesc_t *x2,
                            const CFI_cdesc_t *out, struct treadle_used *used, int *stat,
                            CFI_cdesc_t *errmsg);
void treadle_fortran_reduce(const CFI_cdesc_t *op, const CFI_cdesc_t *x, const CFI_cdesc_t *out,
                            const CFI_cdesc_t *dim, struct treadle_used *used, int *stat,
                            CFI_cdesc_t *errmsg);
void treadle_fortran_run(const CFI_cdesc_t *op, int32_t nin, const CFI_cdesc_t *a1,
                         const CFI_cdesc_t *a2, const CFI_cdesc_t *a3, const CFI_cdesc_t *a4,
                         const int32_t *flags, struct treadle_used *used, int *stat,
                         CFI_cdesc_t *errmsg);
void treadle_fortran_set_backend(const CFI_cdesc_t *spec, int *stat, CFI_cdesc_t *errmsg);
void treadle_fortran_set_thread_backend(const CFI_cdesc_t *spec, int *stat, CFI_cdesc_t *errmsg);
void treadle_fortran_set_num_threads(int32_t threads, int *stat, CFI_cdesc_t *errmsg);
int treadle_fortran_backend(int32_t i, const char *texts[4]);

/* ---- the outcome --------------------------------------------------------------------------- */

static void fill_message(CFI_cdesc_t *errmsg, const char *sentence)
{
    size_t length = strlen(sentence), room = errmsg->elem_len;
    memset(errmsg->base_addr, ' ', room);
    memcpy(errmsg->base_addr, sentence, length < room ? length : room);
}

static void fail(const struct outcome *outcome, int32_t status, const char *sentence)
{
    if (!outcome->stat)
        treadle_fortran_stop(sentence);
    *outcome->stat = status;
    if (outcome->errmsg)
        fill_message(outcome->errmsg, sentence);
}

/* Of a call of the library. */
static void finish(const struct outcome *outcome, int32_t status)
{
    if (status != TREADLE_OK)
        fail(outcome, status, treadle_last_error());
    else if (outcome->stat)
        *outcome->stat = TREADLE_OK;
}

/* ---- from Fortran to C --------------------------------------------------------------------- */

/* Without trailing blanks. */
static size_t length_of(const CFI_cdesc_t *text)
{
    const char *letters = text->base_addr;
    size_t length = text->elem_len;
    while (length > 0 && letters[length - 1] == ' ')
        length--;
    return length;
}

/* A name that is too long is cut, and so is none that anybody has. */
static inline const char *name_of(const CFI_cdesc_t *text, char room[NAME_MAX + 1])
{
    const char *letters = text->base_addr;
    const size_t length = length_of(text);
    size_t i = 0;
    for (; i < length && i < NAME_MAX; i++)
        room[i] = letters[i];
    room[i] = '\0';
    return room;
}

static int dtype_of(CFI_type_t type, struct treadle_dtype *dtype)
{
    static const struct {
        CFI_type_t type;
        struct treadle_dtype dtype;
    } known[] = {
        {CFI_type_double, {TREADLE_FLOAT, 64, 1}},
        {CFI_type_float, {TREADLE_FLOAT, 32, 1}},
        {CFI_type_int32_t, {TREADLE_INT, 32, 1}},
        {CFI_type_int64_t, {TREADLE_INT, 64, 1}},
        {CFI_type_double_Complex, {TREADLE_COMPLEX, 128, 1}},
        {CFI_type_float_Complex, {TREADLE_COMPLEX, 64, 1}},
        {CFI_type_int8_t, {TREADLE_INT, 8, 1}},
        {CFI_type_int16_t, {TREADLE_INT, 16, 1}},
        {CFI_type_Bool, {TREADLE_BOOL, 8, 1}},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].type == type) {
            *dtype = known[i].dtype;
            return 1;
        }
    return 0;
}

/* NULL, or what is wrong. The base address is the section's first element, strides are bytes. */
static inline const char *describe(struct treadle_array *to, int64_t *shape, int64_t *strides,
                                   const CFI_cdesc_t *from)
{
    const int32_t rank = from->rank;
    if (!from->base_addr)
        return "it is not allocated or not associated";
    for (int32_t axis = 0; axis < rank; axis++) {
        if (from->dim[axis].extent < 0)
            return "it is an assumed-size array, whose last extent nobody knows";
        shape[axis] = from->dim[axis].extent;
        strides[axis] = from->dim[axis].sm;
    }
    *to = (struct treadle_array){.data = from->base_addr,
                                 .shape = shape,
                                 .strides = strides,
                                 .ndim = rank,
                                 .itemsize = (uint32_t)from->elem_len};
    if (!dtype_of(from->type, &to->dtype) || to->dtype.bits != from->elem_len * 8)
        return "its type is none of integer(1, 2, 4, 8), real(4, 8), complex(4, 8), "
               "logical(c_bool)";
    return NULL;
}

static void refuse(const char *op, const char *argument, const char *wrong,
                   const struct outcome *outcome)
{
    char sentence[SENTENCE_MAX];
    snprintf(sentence, sizeof(sentence), "%s: argument %s: %s", op, argument, wrong);
    fail(outcome, TREADLE_E_INVALID, sentence);
}

/* 1 if all could be described, else the outcome is filled in. */
static inline int describe_all(struct operands *to, const CFI_cdesc_t *const *from,
                               const char *const *names, uint32_t count, const char *op,
                               const struct outcome *outcome)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *wrong = describe(&to->arrays[i], to->shapes[i], to->strides[i], from[i]);
        if (wrong) {
            refuse(op, names[i], wrong, outcome);
            return 0;
        }
    }
    return 1;
}

/* ---- calls --------------------------------------------------------------------------------- */

void treadle_fortran_unary(const CFI_cdesc_t *op, const CFI_cdesc_t *x, const CFI_cdesc_t *out,
                           struct treadle_used *used, int *stat, CFI_cdesc_t *errmsg)
{
    static const char *const names[] = {"x", "out"};
    const CFI_cdesc_t *const from[] = {x, out};
    const struct outcome outcome = {used, stat, errmsg};
    struct operands operands;
    char room[NAME_MAX + 1];
    const char *name = name_of(op, room);
    if (describe_all(&operands, from, names, 2, name, &outcome))
        finish(&outcome, treadle_run(name, operands.arrays, 2, 1, NULL, used));
}

void treadle_fortran_binary(const CFI_cdesc_t *op, const CFI_cdesc_t *x1, const CFI_cdesc_t *x2,
                            const CFI_cdesc_t *out, struct treadle_used *used, int *stat,
                            CFI_cdesc_t *errmsg)
{
    static const char *const names[] = {"x1", "x2", "out"};
    const CFI_cdesc_t *const from[] = {x1, x2, out};
    const struct outcome outcome = {used, stat, errmsg};
    struct operands operands;
    char room[NAME_MAX + 1];
    const char *name = name_of(op, room);
    if (describe_all(&operands, from, names, 3, name, &outcome))
        finish(&outcome, treadle_run(name, operands.arrays, 3, 2, NULL, used));
}

/* Axes from 1 become axes from 0; a wrong one stays wrong, and the sentence counts from 1. */
static int axes_of(const CFI_cdesc_t *dim, int32_t rank, int32_t axes[TREADLE_NDIM_MAX],
                   const char *op, const struct outcome *outcome)
{
    const int64_t count = dim->rank == 0 ? 1 : dim->dim[0].extent;
    char sentence[SENTENCE_MAX];
    if (dim->rank > 1 || count > rank) {
        snprintf(sentence, sizeof(sentence), "%s: argument dim: one axis, or a list of up to %d",
                 op, rank);
        fail(outcome, TREADLE_E_INVALID, sentence);
        return -1;
    }
    for (int64_t i = 0; i < count; i++) {
        const int64_t step = dim->rank == 0 ? 0 : dim->dim[0].sm;
        const int axis = *(const int *)(const void *)((const char *)dim->base_addr + i * step);
        if (axis < 1 || axis > rank) {
            snprintf(sentence, sizeof(sentence), "%s: argument dim: %d; allowed is 1 to %d", op,
                     axis, rank);
            fail(outcome, TREADLE_E_INVALID, sentence);
            return -1;
        }
        axes[i] = axis - 1;
    }
    return (int)count;
}

void treadle_fortran_reduce(const CFI_cdesc_t *op, const CFI_cdesc_t *x, const CFI_cdesc_t *out,
                            const CFI_cdesc_t *dim, struct treadle_used *used, int *stat,
                            CFI_cdesc_t *errmsg)
{
    static const char *const names[] = {"x", "out"};
    const CFI_cdesc_t *const from[] = {x, out};
    const struct outcome outcome = {used, stat, errmsg};
    struct operands operands;
    char room[NAME_MAX + 1];
    int32_t axes[TREADLE_NDIM_MAX];
    int naxes = -1;
    const char *name = name_of(op, room);
    if (!describe_all(&operands, from, names, 2, name, &outcome))
        return;
    if (dim && (naxes = axes_of(dim, x->rank, axes, name, &outcome)) < 0)
        return;
    finish(&outcome,
           treadle_reduce(name, &operands.arrays[0], axes, naxes, &operands.arrays[1], used));
}

void treadle_fortran_run(const CFI_cdesc_t *op, int32_t nin, const CFI_cdesc_t *a1,
                         const CFI_cdesc_t *a2, const CFI_cdesc_t *a3, const CFI_cdesc_t *a4,
                         const int32_t *flags, struct treadle_used *used, int *stat,
                         CFI_cdesc_t *errmsg)
{
    static const char *const names[] = {"a1", "a2", "a3", "a4"};
    const CFI_cdesc_t *const from[] = {a1, a2, a3, a4};
    const struct outcome outcome = {used, stat, errmsg};
    const uint32_t count = !a3 ? 2 : !a4 ? 3 : 4;
    const struct treadle_linalg linalg = {sizeof(linalg), flags ? (uint32_t)*flags : 0};
    struct operands operands;
    char room[NAME_MAX + 1];
    const char *name = name_of(op, room);
    if (!describe_all(&operands, from, names, count, name, &outcome))
        return;
    finish(&outcome,
           treadle_run(name, operands.arrays, count, (uint32_t)nin, flags ? &linalg : NULL, used));
}

/* ---- choosing and looking ------------------------------------------------------------------ */

static void choose(int32_t (*set)(const char *), const CFI_cdesc_t *spec,
                   const struct outcome *outcome)
{
    size_t length = length_of(spec);
    char *text = length > 0 ? strndup(spec->base_addr, length) : NULL;
    if (length > 0 && !text)
        fail(outcome, TREADLE_E_NOMEM, "spec: no memory for a copy");
    else
        finish(outcome, set(text));
    free(text);
}

void treadle_fortran_set_backend(const CFI_cdesc_t *spec, int *stat, CFI_cdesc_t *errmsg)
{
    choose(treadle_set_backend, spec, &(struct outcome){NULL, stat, errmsg});
}

void treadle_fortran_set_thread_backend(const CFI_cdesc_t *spec, int *stat, CFI_cdesc_t *errmsg)
{
    choose(treadle_set_thread_backend, spec, &(struct outcome){NULL, stat, errmsg});
}

void treadle_fortran_set_num_threads(int32_t threads, int *stat, CFI_cdesc_t *errmsg)
{
    finish(&(struct outcome){NULL, stat, errmsg}, treadle_set_num_threads(threads));
}

int treadle_fortran_backend(int32_t i, const char *texts[4])
{
    struct treadle_backend_info info;
    int32_t status = i < 0 ? TREADLE_E_INVALID : treadle_backend_info((uint32_t)i, &info);
    if (status == TREADLE_OK) {
        texts[0] = info.name;
        texts[1] = info.path;
        texts[2] = info.version;
        texts[3] = info.reason;
    }
    return status;
}
