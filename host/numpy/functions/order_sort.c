/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of an array are shared among threads. A long line is cut into parts, each of which holds
 * numbers less than the next one's: so it takes no more memory than NumPy's sort. NumPy's own
 * functions sort lines and parts. Where numbers can be equal and still differ in bits, those
 * functions would decide their order, and the array is left to NumPy.
 */
#include "order_sort.h"

#include <stdlib.h>

#include <treadle/treadle.h>

#include "../limit.h"
#include "lines.h"
#include "moves_loops.h"
#include "order_parts.h"
#include "span.h"

/* Of one number: to look at it, to put it into its part, and to sort it where it is sorted. */
static const double LOOK_NS = 0.3, CUT_NS = 1.5, SORTED_NS = 1.0;

enum { PARTS_MAX = 64, GRAIN = 4096 };

/* ---- many lines ------------------------------------------------------------------------------ */

struct sorting {
    struct lines lines;
    const struct order_type *type;
    PyArray_SortFunc *fn; /* NumPy's own, on a line without gaps */
    PyArrayObject *array;
    double ns;    /* of one number, in a line of thousands */
    double worth; /* what of it is worth threads: not what only they need */
    bool failed;
};

/* NumPy's own sort fails if there is no memory, and then is tried on the whole. */
static void fail(struct sorting *sorting)
{
    __atomic_store_n(&sorting->failed, true, __ATOMIC_RELAXED);
}

static void sort_at(struct sorting *sorting, void *line, npy_intp n)
{
    if (n > 1 && sorting->fn(line, n, sorting->array) < 0)
        fail(sorting);
}

static void sort_with_gaps(struct sorting *sorting, int64_t begin, int64_t end)
{
    const struct lines *lines = &sorting->lines;
    char *copy = malloc((size_t)(lines->length * lines->size));

    if (!copy)
        fail(sorting);
    for (int64_t i = begin; copy && i < end; i++) {
        char *line = lines_at(lines, i);

        moves_copy(copy, lines->size, line, lines->step, lines->size, lines->length);
        sort_at(sorting, copy, lines->length);
        moves_copy(line, lines->step, copy, lines->size, lines->size, lines->length);
    }
    free(copy);
}

static void sort_range(void *ctx, int64_t begin, int64_t end)
{
    struct sorting *sorting = ctx;

    if (sorting->lines.step != sorting->lines.size) {
        sort_with_gaps(sorting, begin, end);
        return;
    }
    for (int64_t i = begin; i < end; i++)
        sort_at(sorting, lines_at(&sorting->lines, i), sorting->lines.length);
}

static bool sort_lines(struct sorting *sorting)
{
    double ns = sorting->ns * (double)sorting->lines.length;

    return span_run(sort_range, sorting, sorting->lines.count, 1, ns) && !sorting->failed;
}

/* ---- one line -------------------------------------------------------------------------------- */

struct parts {
    struct sorting *sorting;
    int count;
    npy_intp bounds[PARTS_MAX + 1], middles[PARTS_MAX];
};

static char *part_at(const struct parts *parts, int64_t i)
{
    return parts->sorting->lines.data + parts->bounds[i] * parts->sorting->lines.size;
}

static void cut_range(void *ctx, int64_t begin, int64_t end)
{
    struct parts *parts = ctx;

    for (int64_t i = begin; i < end; i++) {
        npy_intp n = parts->bounds[i + 1] - parts->bounds[i];

        parts->middles[i] = parts->bounds[i] + parts->sorting->type->cut(part_at(parts, i), n);
    }
}

static void sort_parts(void *ctx, int64_t begin, int64_t end)
{
    struct parts *parts = ctx;

    for (int64_t i = begin; i < end; i++)
        sort_at(parts->sorting, part_at(parts, i), parts->bounds[i + 1] - parts->bounds[i]);
}

static bool run_parts(struct parts *parts, span_fn fn, double ns)
{
    npy_intp n = parts->bounds[parts->count];

    return span_run(fn, parts, parts->count, 1, ns * (double)(n / parts->count));
}

/* Cut each part in two. */
static bool cut_parts(struct parts *parts)
{
    if (!run_parts(parts, cut_range, CUT_NS))
        return false;
    for (int i = parts->count; i > 0; i--) {
        parts->bounds[2 * i] = parts->bounds[i];
        parts->bounds[2 * i - 1] = parts->middles[i - 1];
    }
    parts->count *= 2;
    return true;
}

static bool sort_line(struct sorting *sorting)
{
    struct parts parts = {sorting, 1, {0, sorting->lines.length}, {0}};
    int threads = treadle_get_num_threads();

    while (parts.count < threads && 2 * parts.count <= PARTS_MAX)
        if (!cut_parts(&parts))
            return false;
    return run_parts(&parts, sort_parts, sorting->ns) && !sorting->failed;
}

/* ---- which ----------------------------------------------------------------------------------- */

struct looking {
    const struct sorting *sorting;
    bool is_odd;
};

static void look(void *ctx, int64_t begin, int64_t end)
{
    struct looking *looking = ctx;
    const struct sorting *sorting = looking->sorting;

    if (!__atomic_load_n(&looking->is_odd, __ATOMIC_RELAXED) &&
        !sorting->type->is_plain(PyArray_DATA(sorting->array), begin, end))
        __atomic_store_n(&looking->is_odd, true, __ATOMIC_RELAXED);
}

/* Whether all numbers that are equal have the same bits. */
static bool is_plain(const struct sorting *sorting)
{
    struct looking looking = {sorting, false};

    return span_run(look, &looking, PyArray_SIZE(sorting->array), GRAIN, LOOK_NS) &&
           !looking.is_odd;
}

/* What is equal has the same bits, so that any algorithm does. The stable one is slow, but for what
 * is in runs: then nothing is faster. */
static void choose(struct sorting *sorting, NPY_SORTKIND kind)
{
    PyArray_ArrFuncs *functions = PyDataType_GetArrFuncs(PyArray_DESCR(sorting->array));
    bool is_stable = kind == NPY_STABLESORT,
         is_fast = is_stable && order_is_in_runs(sorting->type, &sorting->lines);

    sorting->fn = functions->sort[is_fast ? NPY_STABLESORT : NPY_QUICKSORT];
    sorting->ns = is_fast ? SORTED_NS : order_ns(sorting->array);
    sorting->worth = is_fast ? SORTED_NS : is_stable ? ORDER_NS : sorting->ns;
    if (sorting->lines.count == 1)
        sorting->worth -= 2.0 * (LOOK_NS + CUT_NS);
}

bool order_sort(PyArrayObject *array, int axis, NPY_SORTKIND kind)
{
    struct sorting sorting = {
        .lines = lines_along(array, axis), .type = order_type(PyArray_TYPE(array)), .array = array};

    if (!sorting.type)
        return false;
    choose(&sorting, kind);
    if (!sorting.fn || !limit_reached(PyArray_SIZE(array), sorting.worth) || !is_plain(&sorting))
        return false;
    return sorting.lines.count > 1 ? sort_lines(&sorting) : sort_line(&sorting);
}
