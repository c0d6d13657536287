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

static void __attribute__((noinline))
fail(const struct outcome *outcome, int32_t status, const char *sentence)
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

/* Neighbours in struct treadle_array that the library reads as one word: to be written as one,
 * because a word that was written in halves is not there yet when the call reads it (1.6 ns a
 * call). */
struct axes {
    int32_t ndim;
    uint32_t flags;
};
struct element {
    struct treadle_dtype dtype;
    uint32_t size;
};

/* NULL if the library has no such type. */
static inline const struct element *element_of(CFI_type_t type)
{
    static const struct {
        CFI_type_t type;
        struct element element;
    } known[] = {
        {CFI_type_double, {{TREADLE_FLOAT, 64, 1}, 8}},
        {CFI_type_float, {{TREADLE_FLOAT, 32, 1}, 4}},
        {CFI_type_int32_t, {{TREADLE_INT, 32, 1}, 4}},
        {CFI_type_int64_t, {{TREADLE_INT, 64, 1}, 8}},
        {CFI_type_double_Complex, {{TREADLE_COMPLEX, 128, 1}, 16}},
        {CFI_type_float_Complex, {{TREADLE_COMPLEX, 64, 1}, 8}},
        {CFI_type_int8_t, {{TREADLE_INT, 8, 1}, 1}},
        {CFI_type_int16_t, {{TREADLE_INT, 16, 1}, 2}},
        {CFI_type_Bool, {{TREADLE_BOOL, 8, 1}, 1}},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].type == type)
            return &known[i].element;
    return NULL;
}

static void __attribute__((noinline))
refuse(const char *op, const char *argument, const char *wrong, const struct outcome *outcome)
{
    char sentence[SENTENCE_MAX];
    snprintf(sentence, sizeof(sentence), "%s: argument %s: %s", op, argument, wrong);
    fail(outcome, TREADLE_E_INVALID, sentence);
}

/* Operand `i`; 1, or the outcome is filled in. The base address is the section's first element,
 * strides are bytes. Inline: as a loop over the operands it is slower by 1.5 ns a call. */
static inline __attribute__((always_inline)) int describe(struct operands *to, int i,
                                                          const CFI_cdesc_t *from, const char *op,
                                                          const char *argument,
                                                          const struct outcome *outcome)
{
    const struct axes axes = {.ndim = from->rank};
    const struct element *element = element_of(from->type);
    struct treadle_array *array = &to->arrays[i];
    if (!from->base_addr) {
        refuse(op, argument, "it is not allocated or not associated", outcome);
        return 0;
    }
    for (int32_t axis = 0; axis < axes.ndim; axis++) {
        if (from->dim[axis].extent < 0) {
            refuse(op, argument, "it is an assumed-size array, whose last extent nobody knows",
                   outcome);
            return 0;
        }
        to->shapes[i][axis] = from->dim[axis].extent;
        to->strides[i][axis] = from->dim[axis].sm;
    }
    if (!element || element->size != from->elem_len) {
        refuse(op, argument,
               "its type is none of integer(1, 2, 4, 8), real(4, 8), complex(4, 8), "
               "logical(c_bool)",
               outcome);
        return 0;
    }
    *array = (struct treadle_array){
        .data = from->base_addr, .shape = to->shapes[i], .strides = to->strides[i]};
    memcpy(&array->ndim, &axes, sizeof(axes));
    memcpy(&array->dtype, element, sizeof(*element));
    return 1;
}

/* ---- calls --------------------------------------------------------------------------------- */

void treadle_fortran_unary(const CFI_cdesc_t *op, const CFI_cdesc_t *x, const CFI_cdesc_t *out,
                           struct treadle_used *used, int *stat, CFI_cdesc_t *errmsg)
{
    const struct outcome outcome = {used, stat, errmsg};
    struct operands operands;
    char room[NAME_MAX + 1];
    const char *name = name_of(op, room);
    if (describe(&operands, 0, x, name, "x", &outcome) &&
        describe(&operands, 1, out, name, "out", &outcome))
        finish(&outcome, treadle_run(name, operands.arrays, 2, 1, NULL, used));
}

void treadle_fortran_binary(const CFI_cdesc_t *op, const CFI_cdesc_t *x1, const CFI_cdesc_t *x2,
                            const CFI_cdesc_t *out, struct treadle_used *used, int *stat,
                            CFI_cdesc_t *errmsg)
{
    const struct outcome outcome = {used, stat, errmsg};
    struct operands operands;
    char room[NAME_MAX + 1];
    const char *name = name_of(op, room);
    if (describe(&operands, 0, x1, name, "x1", &outcome) &&
        describe(&operands, 1, x2, name, "x2", &outcome) &&
        describe(&operands, 2, out, name, "out", &outcome))
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
    const struct outcome outcome = {used, stat, errmsg};
    struct operands operands;
    char room[NAME_MAX + 1];
    int32_t axes[TREADLE_NDIM_MAX];
    int naxes = -1;
    const char *name = name_of(op, room);
    if (!describe(&operands, 0, x, name, "x", &outcome) ||
        !describe(&operands, 1, out, name, "out", &outcome))
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
    const struct outcome outcome = {used, stat, errmsg};
    const uint32_t count = !a3 ? 2 : !a4 ? 3 : 4;
    const struct treadle_linalg linalg = {sizeof(linalg), flags ? (uint32_t)*flags : 0};
    struct operands operands;
    char room[NAME_MAX + 1];
    const char *name = name_of(op, room);
    if (!describe(&operands, 0, a1, name, "a1", &outcome) ||
        !describe(&operands, 1, a2, name, "a2", &outcome) ||
        (a3 && !describe(&operands, 2, a3, name, "a3", &outcome)) ||
        (a4 && !describe(&operands, 3, a4, name, "a4", &outcome)))
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
