/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduction.h"

#include <string.h>

/* An accumulator of any type. */
typedef union {
    double f64;
    int64_t i64;
    char bytes[8];
} accumulator;

static size_t item_size(const struct treadle_reduction_plan *plan)
{
    return plan->fold->dtypes[1].bits / 8;
}

/* ---- the plan --------------------------------------------------------------------------- */

/* A negative stride stays: NumPy adds from index 0 on, unless its caller turned the axis round. */
static void take_axes(struct treadle_reduction_plan *plan, const struct treadle_array *x,
                      const struct treadle_array *out, uint64_t axes)
{
    for (int32_t i = x->ndim; i-- > 0;) {
        struct treadle_reduction_axis axis = {(size_t)x->shape[i], x->strides[i], out->strides[i],
                                              (int)(axes >> i & 1)};
        if (axis.extent == 1)
            continue;
        if (axis.reduced) {
            axis.out = 0;
            plan->count *= axis.extent;
        }
        plan->axes[plan->naxes++] = axis;
    }
}

static void merge_axes(struct treadle_reduction_plan *plan)
{
    int last = 0;
    for (int i = 1; i < plan->naxes; i++) {
        struct treadle_reduction_axis *a = &plan->axes[last], *b = &plan->axes[i];
        if (a->reduced == b->reduced && a->x * (ptrdiff_t)a->extent == b->x &&
            a->out * (ptrdiff_t)a->extent == b->out)
            a->extent *= b->extent;
        else
            plan->axes[++last] = *b;
    }
    if (plan->naxes)
        plan->naxes = last + 1;
}

/*
 * Which axes make a block and how long its pieces are: npyiter_find_buffering_setup() of NumPy
 * 2.3 and later for the operands (out, x), where only x can need a buffer. The innermost axis is
 * reduced, so out has a single stride, 0, up to the first kept axis.
 */
static void choose_block(struct treadle_reduction_plan *plan)
{
    const struct treadle_reduction_axis *axes = plan->axes;
    const int converts = (plan->fold->flags & TREADLE_FOLD_CONVERTS) != 0;
    size_t size = axes[0].extent, best_size = size, best_core = 1;
    int cost = 1 + converts, best_cost = cost, best = 0, x_single = 1, kept = 0;
    for (int i = 1; i < plan->naxes && !kept; i++) {
        if (size >= TREADLE_REDUCTION_BUFFER && cost > 1)
            break;
        if (x_single == i && axes[i - 1].x * (ptrdiff_t)axes[i - 1].extent == axes[i].x)
            x_single++;
        else if (x_single == i && !converts)
            cost++;
        if (!axes[i].reduced) {
            cost++; /* out leaves its single stride */
            kept = i;
        }
        size_t core = size;
        size *= axes[i].extent;
        size_t buffer =
            size > TREADLE_REDUCTION_BUFFER && cost > 1 ? TREADLE_REDUCTION_BUFFER : size;
        if ((double)cost * (double)best_size <= (double)best_cost * (double)buffer) {
            best_cost = cost;
            best_core = core;
            best_size = size;
            best = i;
        }
    }
    if (kept && best == kept) {
        plan->naxes_block = kept;
        plan->block = plan->piece = best_core;
        plan->gathers = converts || x_single < kept;
        return;
    }
    plan->naxes_block = best + 1;
    plan->block = best_size;
    plan->gathers = converts || x_single <= best;
    plan->piece = best_size;
    if (plan->gathers && best_size > TREADLE_REDUCTION_BUFFER)
        plan->piece = TREADLE_REDUCTION_BUFFER / best_core * best_core;
}

static void plan_rows(struct treadle_reduction_plan *plan)
{
    const uint32_t flags = plan->fold->flags;
    if (flags & (TREADLE_FOLD_PAIRWISE | TREADLE_FOLD_UNLESS_SPECIAL)) {
        choose_block(plan);
    } else { /* in sequence or in any order: the pieces do not matter */
        plan->naxes_block = 1;
        plan->block = plan->piece = plan->axes[0].extent;
    }
    plan->outputs = 1;
    plan->pieces = (plan->block + plan->piece - 1) / plan->piece;
    for (int i = plan->naxes_block; i < plan->naxes; i++) {
        if (plan->axes[i].reduced)
            plan->pieces *= plan->axes[i].extent;
        else
            plan->outputs *= plan->axes[i].extent;
    }
}

/*
 * Lines as long as the cache allows, but at least one for each thread. The last one is up to twice
 * as long: the remainder after NumPy's whole vectors must stay behind whole vectors.
 */
static void plan_columns(struct treadle_reduction_plan *plan, size_t threads)
{
    enum { SHORTEST = 64 };
    const size_t extent = plan->axes[0].extent;
    plan->columns = 1;
    plan->pieces = 1;
    plan->piece = (extent / threads + SHORTEST) / SHORTEST * SHORTEST;
    if (plan->piece > TREADLE_REDUCTION_LINE)
        plan->piece = TREADLE_REDUCTION_LINE;
    plan->lines = extent < plan->piece ? extent != 0 : extent / plan->piece;
    plan->outputs = plan->lines;
    for (int i = 1; i < plan->naxes; i++) {
        if (plan->axes[i].reduced)
            plan->pieces *= plan->axes[i].extent;
        else
            plan->outputs *= plan->axes[i].extent;
    }
}

int32_t treadle_reduction_plan(struct treadle_reduction_plan *plan, const struct treadle_fold *fold,
                               const struct treadle_array *x, const struct treadle_array *out,
                               uint64_t axes, size_t threads)
{
    plan->fold = fold;
    plan->x = x->data;
    plan->out = out->data;
    plan->count = 1;
    plan->naxes = plan->naxes_block = plan->columns = plan->gathers = 0;
    take_axes(plan, x, out, axes);
    merge_axes(plan);
    if (!plan->naxes)
        plan->axes[plan->naxes++] = (struct treadle_reduction_axis){1, 0, 0, 0};
    if (!plan->count) {
        /* Results without elements are lines that nothing is combined into. */
        int kept = 0;
        for (int i = 0; i < plan->naxes; i++)
            if (!plan->axes[i].reduced)
                plan->axes[kept++] = plan->axes[i];
        plan->naxes = kept;
        if (!kept)
            plan->axes[plan->naxes++] = (struct treadle_reduction_axis){1, 0, 0, 0};
        plan_columns(plan, threads);
        plan->pieces = 0;
        return plan->outputs && fold->flags & TREADLE_FOLD_NEEDS_ONE ? TREADLE_E_INVALID
                                                                     : TREADLE_OK;
    }
    if (plan->axes[0].reduced)
        plan_rows(plan);
    else
        plan_columns(plan, threads);
    return TREADLE_OK;
}

/* ---- rows --------------------------------------------------------------------------------- */

/* The offset in x of index `i` over those axes in [first, naxes) that are reduced, or that are not.
 */
static ptrdiff_t offset_of(const struct treadle_reduction_plan *plan, int first, int reduced,
                           size_t i, ptrdiff_t *out)
{
    ptrdiff_t x = 0;
    *out = 0;
    for (int a = first; i && a < plan->naxes; a++) {
        const struct treadle_reduction_axis *axis = &plan->axes[a];
        if (axis->reduced != reduced)
            continue;
        x += (ptrdiff_t)(i % axis->extent) * axis->x;
        *out += (ptrdiff_t)(i % axis->extent) * axis->out;
        i /= axis->extent;
    }
    return x;
}

/* Elements [first, first + n) of the block at x, made contiguous. */
static void gather_block(const struct treadle_reduction_plan *plan, const char *x, size_t first,
                         size_t n, char *to)
{
    const struct treadle_reduction_axis *inner = &plan->axes[0];
    while (n) {
        size_t row = first / inner->extent, column = first % inner->extent;
        size_t width = inner->extent - column < n ? inner->extent - column : n;
        ptrdiff_t offset = (ptrdiff_t)column * inner->x;
        for (int a = 1; row && a < plan->naxes_block; a++) {
            offset += (ptrdiff_t)(row % plan->axes[a].extent) * plan->axes[a].x;
            row /= plan->axes[a].extent;
        }
        plan->fold->gather(to, width, x + offset, inner->x);
        to += width * item_size(plan);
        first += width;
        n -= width;
    }
}

char *treadle_reduction_output(const struct treadle_reduction_plan *plan, size_t i, const char **x)
{
    ptrdiff_t out;
    *x = plan->x + offset_of(plan, plan->naxes_block, 0, i, &out);
    return plan->out + out;
}

void treadle_reduction_fold_piece(const struct treadle_reduction_plan *plan, size_t output,
                                  size_t k, size_t skip, void *acc)
{
    const struct treadle_fold *fold = plan->fold;
    const size_t in_block = (plan->block + plan->piece - 1) / plan->piece;
    size_t first = k % in_block * plan->piece, n = plan->block - first;
    ptrdiff_t unused;
    const char *x;
    treadle_reduction_output(plan, output, &x);
    x += offset_of(plan, plan->naxes_block, 1, k / in_block, &unused);
    if (n > plan->piece)
        n = plan->piece;
    first += skip;
    n -= skip;
    if (plan->gathers) {
        char buffer[TREADLE_REDUCTION_BUFFER * sizeof(accumulator)] __attribute__((aligned(64)));
        gather_block(plan, x, first, n, buffer);
        fold->fold(acc, n, buffer, (ptrdiff_t)item_size(plan));
    } else {
        fold->fold(acc, n, x + (ptrdiff_t)first * plan->axes[0].x, plan->axes[0].x);
    }
}

void treadle_reduction_finish(const struct treadle_reduction_plan *plan, void *acc, char *out)
{
    if (plan->fold->divide)
        plan->fold->divide(acc, (int64_t)plan->count);
    memcpy(out, acc, item_size(plan));
}

static void run_rows(const struct treadle_reduction_plan *plan, size_t first, size_t end)
{
    const struct treadle_fold *fold = plan->fold;
    for (size_t i = first; i < end; i++) {
        const char *x;
        char *out = treadle_reduction_output(plan, i, &x);
        accumulator acc;
        if (fold->start)
            memcpy(&acc, fold->start, item_size(plan));
        else
            fold->gather(&acc, 1, x, 0);
        for (size_t k = 0; k < plan->pieces; k++)
            treadle_reduction_fold_piece(plan, i, k, !fold->start && !k, &acc);
        treadle_reduction_finish(plan, &acc, out);
    }
}

/* ---- columns ------------------------------------------------------------------------------ */

static void combine_line(const struct treadle_fold *fold, size_t n, char *acc, const char *x,
                         ptrdiff_t x_stride)
{
    const ptrdiff_t item = fold->dtypes[1].bits / 8;
    accumulator converted[2 * TREADLE_REDUCTION_LINE];
    if (fold->flags & TREADLE_FOLD_CONVERTS) {
        fold->gather(converted, n, x, x_stride);
        x = (const char *)converted;
        x_stride = item;
    }
    char *const ptrs[3] = {acc, (char *)x, acc};
    const ptrdiff_t strides[3] = {item, x_stride, item};
    fold->combine(n, ptrs, strides, 0);
}

static void run_columns(const struct treadle_reduction_plan *plan, size_t first, size_t end)
{
    const struct treadle_fold *fold = plan->fold;
    const struct treadle_reduction_axis *line = &plan->axes[0];
    const size_t item = item_size(plan);
    for (size_t i = first; i < end; i++) {
        accumulator storage[2 * TREADLE_REDUCTION_LINE];
        char *acc = (char *)storage;
        size_t column = i % plan->lines * plan->piece, n = line->extent - column, k = 0;
        ptrdiff_t out_offset, unused;
        const char *x = plan->x + offset_of(plan, 1, 0, i / plan->lines, &out_offset) +
                        (ptrdiff_t)column * line->x;
        char *out = plan->out + out_offset + (ptrdiff_t)column * line->out;
        if (i % plan->lines + 1 < plan->lines)
            n = plan->piece;
        if (fold->start)
            for (size_t j = 0; j < n; j++)
                memcpy(acc + j * item, fold->start, item);
        else
            fold->gather(acc, n, x, line->x), k = 1;
        for (; k < plan->pieces; k++)
            combine_line(fold, n, acc, x + offset_of(plan, 1, 1, k, &unused), line->x);
        for (size_t j = 0; j < n; j++)
            treadle_reduction_finish(plan, acc + j * item, out + (ptrdiff_t)j * line->out);
    }
}

void treadle_reduction_run(const struct treadle_reduction_plan *plan, size_t first, size_t end)
{
    if (plan->columns)
        run_columns(plan, first, end);
    else
        run_rows(plan, first, end);
}
