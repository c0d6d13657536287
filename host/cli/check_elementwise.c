/* SPDX-License-Identifier: BSD-3-Clause */
/* values.elementwise, values.inplace, values.edges: every layout that a host may hand over. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "check_reference.h"
#include "check_tests.h"
#include "check_values.h"

#define ELEMENTWISE "add subtract multiply divide maximum minimum negative abs sqrt square copy"

static const int64_t lengths[] = {0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 255, 1025};

/* Large enough that a plugin with threads uses them, and no multiple of anything. */
static const int64_t long_length = 40009;

enum { X, Y, OUT, OPERANDS };

enum in_place { APART, OUT_IS_X, OUT_IS_Y };

/** One way to call an op. */
struct layout {
    int32_t ndim;
    int64_t shape[3];
    int64_t steps[OPERANDS]; /* strides of the last axis, in items */
    enum check_place place;
    enum in_place in_place;
    enum check_values values;
    uint32_t threads;
    bool stream; /* told to write past the caches */
};

static bool has_reference(const struct check_op *op)
{
    char zero[CHECK_ITEM_MAX] = {0}, out[CHECK_ITEM_MAX];

    for (uint32_t i = 1; i < op->ntypes; i++)
        if (memcmp(&op->dtypes[i], &op->dtypes[0], sizeof op->dtypes[0]))
            return false;
    return check_reference(op->name, op->dtypes[0], zero, zero, out);
}

/** Also the inputs as they were: in place they are gone after the call. */
struct operands {
    struct check_array arrays[OPERANDS], before[2];
};

static void copy_of(struct check_array *copy, const struct check_array *a,
                    const struct layout *layout, int64_t step)
{
    check_array_init(copy, a->array.dtype, layout->ndim, layout->shape, step, layout->place);
    memcpy(copy->memory, a->memory, a->bytes);
}

static void operands_init(struct operands *o, struct treadle_dtype dtype,
                          const struct layout *layout)
{
    for (int i = 0; i < OPERANDS; i++)
        check_array_init(&o->arrays[i], dtype, layout->ndim, layout->shape, layout->steps[i],
                         layout->place);
    for (int i = 0; i < 2; i++) {
        check_array_fill(&o->arrays[i], layout->values,
                         (uint64_t)layout->shape[0] * 2 + (uint64_t)i);
        copy_of(&o->before[i], &o->arrays[i], layout, layout->steps[i]);
    }
}

static void operands_finish(struct operands *o)
{
    for (int i = 0; i < OPERANDS; i++)
        check_array_finish(&o->arrays[i]);
    for (int i = 0; i < 2; i++)
        check_array_finish(&o->before[i]);
}

static bool compare(const struct check_op *op, const struct operands *o,
                    const struct check_array *out)
{
    struct treadle_dtype dtype = op->dtypes[0];
    char want[CHECK_ITEM_MAX];

    for (int64_t i = 0, n = check_array_count(out); i < n; i++) {
        const void *x = check_array_item(&o->before[X], i), *y = check_array_item(&o->before[Y], i);
        const void *got = check_array_item(out, i);
        check_reference(op->name, dtype, x, y, want);
        if (check_reference_agrees(op->name, dtype, got, want))
            continue;
        check_fail_here("item %lld of %lld is %s, should be %s (x is %s, y is %s)", (long long)i,
                        (long long)n, check_item_text(dtype, got), check_item_text(dtype, want),
                        check_item_text(dtype, x),
                        op->nin == 2 ? check_item_text(dtype, y) : "not there");
        return false;
    }
    return true;
}

static void say_what(const struct check_op *op, const struct operands *o,
                     const struct layout *layout)
{
    static const char *const places[] = {"", ", misaligned", ", at the end of a page"};
    static const char *const aliases[] = {"", ", in place of x", ", in place of y"};

    check_doing("%s, shape %s, strides %lld %lld %lld items%s%s%s, threads_max %u",
                check_op_text(op), check_shape_text(&o->arrays[OUT]), (long long)layout->steps[X],
                (long long)layout->steps[Y], (long long)layout->steps[OUT], places[layout->place],
                aliases[layout->in_place], layout->stream ? ", TREADLE_CALL_STREAM" : "",
                layout->threads);
}

static bool try_once(const struct check_op *op, const struct layout *layout,
                     struct check_tally *tally)
{
    struct operands o;
    struct check_array *out = &o.arrays[layout->in_place == APART ? OUT : layout->in_place - 1];
    struct check_array *binary[] = {&o.arrays[X], &o.arrays[Y], out};
    struct check_array *unary[] = {&o.arrays[X], out};
    bool good = true;

    operands_init(&o, op->dtypes[0], layout);
    say_what(op, &o, layout);
    check_call_flags(layout->stream ? TREADLE_CALL_STREAM : 0);
    if (check_case(op, op->nin == 2 ? binary : unary, op->nin + 1, NULL, layout->threads, tally))
        good = compare(op, &o, out);
    operands_finish(&o);
    return good && !check_has_failed();
}

/** Returns false after a failure. Nobody is told to write past the caches in place. */
static bool try_layout(const struct check_op *op, const struct layout *layout,
                       struct check_tally *tally)
{
    struct layout streamed = *layout;

    streamed.stream = true;
    return try_once(op, layout, tally) &&
           (layout->in_place != APART || try_once(op, &streamed, tally));
}

/** Complex products of NaN and infinities are no matter of bits. */
static enum check_values values_for(const struct check_op *op)
{
    return op->dtypes[0].code == TREADLE_COMPLEX ? CHECK_PLAIN : CHECK_SPECIAL;
}

static void note_unknown(const struct check_op *op)
{
    check_note("%s: called, but there is no reference to compare it with", check_op_text(op));
}

static void try_rows(const struct check_op *op, int64_t length, struct check_tally *tally)
{
    static const int64_t steps[][OPERANDS] = {{1, 1, 1},   {1, 0, 1},  {0, 1, 1}, {2, 1, 1},
                                              {1, -1, 1},  {1, 1, 3},  {0, 0, 2}, {-1, 2, 1},
                                              {-3, 3, -1}, {1, 1, -2}, {2, 2, 2}};

    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (int place = CHECK_ALIGNED; place <= CHECK_MISALIGNED; place++) {
            struct layout layout = {.ndim = 1,
                                    .shape = {length},
                                    .place = (enum check_place)place,
                                    .values = values_for(op),
                                    .threads = check_threads[s % 2]};
            memcpy(layout.steps, steps[s], sizeof layout.steps);
            if (!try_layout(op, &layout, tally))
                return;
        }
}

static void try_axes(const struct check_op *op, struct check_tally *tally)
{
    static const int64_t shapes[][3] = {{3, 4, 5}, {2, 1, 257}, {40, 50, 17}, {5, 0, 3}, {0, 2, 2}};

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct layout layout = {.ndim = 3,
                                .steps = {2, 0, -1},
                                .values = values_for(op),
                                .threads = check_threads[i % 2]};
        memcpy(layout.shape, shapes[i], sizeof layout.shape);
        if (!try_layout(op, &layout, tally))
            return;
    }
    struct layout scalar = {.steps = {1, 1, 1}, .values = values_for(op), .threads = 1};
    try_layout(op, &scalar, tally);
}

static void try_all_layouts(const struct check_op *op)
{
    struct check_tally tally = {0};

    if (!has_reference(op)) {
        note_unknown(op);
        return;
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths && !check_has_failed(); i++)
        try_rows(op, lengths[i], &tally);
    if (!check_has_failed())
        try_axes(op, &tally);
    for (size_t t = 0; t < 2 && !check_has_failed(); t++) {
        struct layout layout = {.ndim = 1,
                                .shape = {long_length},
                                .steps = {1, 1, 1},
                                .values = values_for(op),
                                .threads = check_threads[t]};
        try_layout(op, &layout, &tally);
    }
    check_tally_end(op, &tally);
}

void check_elementwise(void)
{
    check_each(ELEMENTWISE, try_all_layouts);
}

static void try_in_place(const struct check_op *op)
{
    static const int64_t in_place_lengths[] = {1, 7, 64, 1025, 40009};
    static const int64_t steps[] = {1, -1, 2};
    struct check_tally tally = {0};

    for (size_t i = 0; has_reference(op) && i < 5 * 3 * 2; i++) {
        struct layout layout = {.ndim = 1,
                                .shape = {in_place_lengths[i / 6]},
                                .in_place = op->nin == 2 && i % 2 ? OUT_IS_Y : OUT_IS_X,
                                .values = values_for(op),
                                .threads = check_threads[i / 2 % 2]};
        for (int k = 0; k < OPERANDS; k++)
            layout.steps[k] = steps[i / 2 % 3];
        if (!try_layout(op, &layout, &tally))
            return;
    }
}

void check_in_place(void)
{
    check_each(ELEMENTWISE, try_in_place);
}

/** The operands end where a page begins that cannot be read: one item too many is a crash. */
static void try_edges(const struct check_op *op)
{
    struct check_tally tally = {0};

    for (size_t i = 0; has_reference(op) && i < sizeof lengths / sizeof *lengths; i++)
        for (size_t t = 0; t < 2; t++) {
            struct layout layout = {.ndim = 1,
                                    .shape = {lengths[i]},
                                    .steps = {1, 1, 1},
                                    .place = CHECK_AT_THE_END,
                                    .values = CHECK_PLAIN,
                                    .threads = check_threads[t]};
            if (!try_layout(op, &layout, &tally))
                return;
        }
}

void check_edges(void)
{
    check_each(ELEMENTWISE, try_edges);
}
