/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of an array are shared among threads, and NumPy's own function sorts each. A long line is
 * cut: indices go into parts, each of numbers less than the next one's, which that function sorts
 * by themselves. So equal numbers come into another order than on one thread. A stable sort leaves
 * only one order to them, and they are put into it; of any other sort, a line with equal numbers is
 * left to NumPy.
 */
#include "order_argsort.h"

#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "../limit.h"
#include "lines.h"
#include "moves_loops.h"
#include "order_parts.h"
#include "span.h"

/* Of one number: to find its part, and to put its index there. */
static const double SHARE_NS = 3.0, PUT_NS = 2.0;

/* What is left of the time NumPy takes for one number, after those and a look for equal ones. */
static const double LUCKY_NS = 1.0;

/* Parts of so many numbers are sorted in a core's cache. */
enum { PARTS_MAX = 64, PARTS_A_THREAD = 4, PART = 32768, SAMPLE_MAX = 4096, SAMPLED = 8 };

struct ranking {
    struct lines numbers, indices;
    const struct order_type *type;
    bool stable;
    PyArray_ArgSortFunc *fn; /* NumPy's own, on a line without gaps */
    PyArray_SortFunc *sort_indices;
    PyArrayObject *array, *result;
    double ns; /* of one number, in a line of thousands */
    bool failed;
};

/* There is no memory, or NumPy would have to decide the order: it is asked to do the whole. */
static void fail(struct ranking *ranking)
{
    __atomic_store_n(&ranking->failed, true, __ATOMIC_RELAXED);
}

static bool has_failed(struct ranking *ranking)
{
    return __atomic_load_n(&ranking->failed, __ATOMIC_RELAXED);
}

/* The indices are 0 to n - 1. */
static void rank(struct ranking *ranking, char *line, npy_intp *indices, npy_intp n)
{
    if (n > 1 && ranking->fn(line, indices, n, ranking->array) < 0)
        fail(ranking);
}

/* ---- many lines ------------------------------------------------------------------------------ */

/* What lies with gaps is copied into one piece, and out of it. */
static void rank_line(struct ranking *ranking, int64_t i, npy_intp *indices, char *numbers)
{
    const struct lines *in = &ranking->numbers, *out = &ranking->indices;
    char *line = lines_at(in, i), *place = lines_at(out, i);
    bool has_gaps = out->step != out->size;

    if (in->step != in->size) {
        moves_copy(numbers, in->size, line, in->step, in->size, in->length);
        line = numbers;
    }
    if (!has_gaps)
        indices = (npy_intp *)place;
    for (npy_intp k = 0; k < in->length; k++)
        indices[k] = k;
    rank(ranking, line, indices, in->length);
    if (has_gaps)
        moves_copy(place, out->step, (char *)indices, out->size, out->size, in->length);
}

static void rank_lines(void *ctx, int64_t begin, int64_t end)
{
    struct ranking *ranking = ctx;
    size_t n = (size_t)ranking->numbers.length;
    npy_intp *indices = malloc(n * (sizeof(npy_intp) + (size_t)ranking->numbers.size));

    if (!indices)
        fail(ranking);
    for (int64_t i = begin; i < end && !has_failed(ranking); i++)
        rank_line(ranking, i, indices, (char *)(indices + n));
    free(indices);
}

static bool argsort_lines(struct ranking *ranking)
{
    double ns = ranking->ns * (double)ranking->numbers.length;

    return span_run(rank_lines, ranking, ranking->numbers.count, 1, ns);
}

/* ---- one line -------------------------------------------------------------------------------- */

/* Part 2 k is of numbers between two limits, part 2 k + 1 of numbers that are equal: a limit, and
 * what is equal to it, or the NaNs. */
struct parts {
    struct ranking *ranking;
    char *line;
    npy_intp *indices;
    npy_intp n;
    int count;     /* limits and one; pieces in which numbers are looked at */
    uint8_t *part; /* of each number: never looked at twice, for the program may change it */
    npy_intp *places;
    char *limits;
    npy_intp bounds[2 * PARTS_MAX + 1];
};

static int parts_wanted(npy_intp n)
{
    npy_intp threads = treadle_get_num_threads();
    int count = 2;

    while (count < PARTS_MAX && (count < PARTS_A_THREAD * threads || count < n / PART))
        count *= 2;
    return count;
}

/* Numbers side by side, and the indices that sort them: NumPy's function can't sort indices of some
 * numbers in a line, for it looks whether the first ones of the line are in order already. */
struct few {
    npy_intp *order;
    char *numbers;
};

static bool few_alloc(struct few *few, const struct ranking *ranking, npy_intp n)
{
    few->order = malloc((size_t)(n + 1) * (sizeof(npy_intp) + (size_t)ranking->numbers.size));
    few->numbers = (char *)(few->order + n + 1);
    return few->order;
}

static void few_rank(struct few *few, struct ranking *ranking, npy_intp n)
{
    for (npy_intp i = 0; i < n; i++)
        few->order[i] = i;
    rank(ranking, few->numbers, few->order, n);
}

/* Whether equal numbers, if any, are in an order that NumPy's algorithm would leave them in. */
static bool few_settle(struct few *few, struct ranking *ranking, npy_intp n)
{
    const struct order_type *type = ranking->type;
    npy_intp end;

    for (npy_intp i = type->find(few->numbers, few->order, 1, n, true); i < n;
         i = type->find(few->numbers, few->order, end + 1, n, true)) {
        end = type->find(few->numbers, few->order, i + 1, n, false);
        if (!ranking->stable ||
            ranking->sort_indices(few->order + i - 1, end - i + 1, ranking->result) < 0)
            return false;
    }
    return true;
}

/* Whether the equal numbers of a sample, if any, may be there. */
static bool take_sample(const struct parts *parts, struct few *few, npy_intp n)
{
    struct ranking *ranking = parts->ranking;

    for (npy_intp i = 0; i < n; i++)
        few->order[i] = i * (parts->n / n);
    ranking->type->gather(parts->line, few->order, n, few->numbers);
    few_rank(few, ranking, n);
    return few_settle(few, ranking, n);
}

/* The limits come from a sample. A smaller one before it finds what is there again and again. */
static bool set_limits(const struct parts *parts)
{
    npy_intp n = parts->n / SAMPLED < SAMPLE_MAX ? parts->n / SAMPLED : SAMPLE_MAX;
    npy_intp size = parts->ranking->numbers.size;
    struct few few;
    bool done = n >= parts->count && few_alloc(&few, parts->ranking, n);

    if (!done)
        return false;
    done = take_sample(parts, &few, parts->count) && take_sample(parts, &few, n);
    for (int i = 1; done && i < parts->count; i++)
        memcpy(parts->limits + (i - 1) * size, few.numbers + few.order[i * n / parts->count] * size,
               (size_t)size);
    free(few.order);
    return done;
}

static npy_intp piece_begin(const struct parts *parts, int64_t i)
{
    npy_intp more = parts->n % parts->count;

    return parts->n / parts->count * i + (i < more ? i : more);
}

static npy_intp *places_of(const struct parts *parts, int64_t piece)
{
    return parts->places + piece * 2 * parts->count;
}

static void count_pieces(void *ctx, int64_t begin, int64_t end)
{
    struct parts *parts = ctx;
    struct ranking *ranking = parts->ranking;

    for (int64_t piece = begin; piece < end; piece++) {
        npy_intp first = piece_begin(parts, piece), last = piece_begin(parts, piece + 1);
        npy_intp *counts = places_of(parts, piece);

        ranking->type->share(parts->line + first * ranking->numbers.size, last - first,
                             parts->limits, parts->count, parts->part + first);
        for (npy_intp i = first; i < last; i++)
            counts[parts->part[i]]++;
    }
}

/* Counts become places: of a part, the pieces follow each other. */
static void set_places(struct parts *parts)
{
    npy_intp place = 0;

    for (int i = 0; i < 2 * parts->count; i++) {
        parts->bounds[i] = place;
        for (int piece = 0; piece < parts->count; piece++) {
            npy_intp *count = places_of(parts, piece) + i, begin = place;

            place += *count;
            *count = begin;
        }
    }
    parts->bounds[2 * parts->count] = place;
}

static npy_intp part_size(const struct parts *parts, int64_t i)
{
    return parts->bounds[i + 1] - parts->bounds[i];
}

static bool has_equals(const struct parts *parts)
{
    bool has = false;

    for (int i = 1; i < 2 * parts->count; i += 2)
        has |= part_size(parts, i) > 1;
    return has;
}

static void put_pieces(void *ctx, int64_t begin, int64_t end)
{
    struct parts *parts = ctx;

    for (int64_t piece = begin; piece < end; piece++) {
        npy_intp last = piece_begin(parts, piece + 1);
        npy_intp *places = places_of(parts, piece);

        for (npy_intp i = piece_begin(parts, piece); i < last; i++)
            parts->indices[places[parts->part[i]]++] = i;
    }
}

static bool rank_part(const struct parts *parts, struct few *few, npy_intp *indices, npy_intp n)
{
    struct ranking *ranking = parts->ranking;

    ranking->type->gather(parts->line, indices, n, few->numbers);
    few_rank(few, ranking, n);
    if (!few_settle(few, ranking, n))
        return false;
    for (npy_intp i = 0; i < n; i++)
        few->order[i] = indices[few->order[i]];
    memcpy(indices, few->order, (size_t)n * sizeof(npy_intp));
    return true;
}

/* Equal numbers are in order already. */
static void rank_parts(void *ctx, int64_t begin, int64_t end)
{
    struct parts *parts = ctx;
    struct few few;
    npy_intp most = 0;
    bool done;

    for (int64_t i = begin; i < end; i++)
        most = part_size(parts, 2 * i) > most ? part_size(parts, 2 * i) : most;
    done = few_alloc(&few, parts->ranking, most);
    for (int64_t i = begin; done && i < end && !has_failed(parts->ranking); i++)
        done =
            rank_part(parts, &few, parts->indices + parts->bounds[2 * i], part_size(parts, 2 * i));
    if (!done)
        fail(parts->ranking);
    free(few.order);
}

static bool run(struct parts *parts, span_fn fn, double ns)
{
    return span_run(fn, parts, parts->count, 1, ns * (double)parts->n / parts->count) &&
           !has_failed(parts->ranking);
}

static bool run_all(struct parts *parts)
{
    if (!set_limits(parts) || !run(parts, count_pieces, SHARE_NS))
        return false;
    set_places(parts);
    if (!parts->ranking->stable && has_equals(parts))
        fail(parts->ranking);
    return !has_failed(parts->ranking) && run(parts, put_pieces, PUT_NS) &&
           run(parts, rank_parts, parts->ranking->ns);
}

static bool argsort_line(struct ranking *ranking)
{
    npy_intp n = ranking->numbers.length;
    int count = parts_wanted(n);
    struct parts parts = {.ranking = ranking,
                          .line = ranking->numbers.data,
                          .indices = (npy_intp *)ranking->indices.data,
                          .n = n,
                          .count = count,
                          .part = malloc((size_t)n),
                          .places = calloc((size_t)count * 2, (size_t)count * sizeof(npy_intp)),
                          .limits = malloc((size_t)(count * ranking->numbers.size))};
    bool done = parts.part && parts.places && parts.limits && run_all(&parts);

    free(parts.part);
    free(parts.places);
    free(parts.limits);
    return done;
}

/* ---- which ----------------------------------------------------------------------------------- */

/* Some lines have equal numbers that no sample shows, and programs sort such lines more than once:
 * after one that was sorted in vain, so many calls of its type are NumPy's. */
enum { PATIENCE = 16 };
static int to_skip[NPY_DOUBLE + 1];

static bool is_skipped(int type)
{
    int left = limit_is_forced() ? 0 : __atomic_load_n(&to_skip[type], __ATOMIC_RELAXED);

    if (left > 0)
        __atomic_store_n(&to_skip[type], left - 1, __ATOMIC_RELAXED);
    return left > 0;
}

/* Whether one line is worth it. What is in runs NumPy sorts several times as fast. Any sort but a
 * stable one has to be in luck: among thousands of numbers of four bytes two are equal. */
static bool is_line_worth(const struct ranking *ranking)
{
    const struct lines *line = &ranking->numbers;

    if (order_is_in_runs(ranking->type, line))
        return false;
    return ranking->stable || (line->size == 8 && limit_reached(line->length, LUCKY_NS) &&
                               !is_skipped(PyArray_TYPE(ranking->array)));
}

static bool is_worth(struct ranking *ranking)
{
    if (ranking->numbers.count == 1)
        return is_line_worth(ranking);
    return limit_reached(PyArray_SIZE(ranking->array), ranking->ns);
}

static bool argsort(struct ranking *ranking)
{
    bool done = ranking->numbers.count > 1 ? argsort_lines(ranking) : argsort_line(ranking);

    if (has_failed(ranking) && ranking->numbers.count == 1 && !ranking->stable)
        __atomic_store_n(&to_skip[PyArray_TYPE(ranking->array)], PATIENCE, __ATOMIC_RELAXED);
    return done && !has_failed(ranking);
}

PyObject *order_argsort(PyArrayObject *array, int axis, NPY_SORTKIND kind)
{
    PyArray_ArrFuncs *functions = PyDataType_GetArrFuncs(PyArray_DESCR(array));
    struct ranking ranking = {.numbers = lines_along(array, axis),
                              .type = order_type(PyArray_TYPE(array)),
                              .stable = kind == NPY_STABLESORT,
                              .array = array};

    if (!ranking.type || kind == NPY_HEAPSORT) /* of which some versions make another sort */
        return NULL;
    ranking.fn = functions->argsort[ranking.numbers.count > 1 ? kind : NPY_QUICKSORT];
    ranking.ns = ranking.stable ? ORDER_NS : 1.5 * order_ns(array);
    if (!ranking.fn || !is_worth(&ranking))
        return NULL;
    ranking.result =
        (PyArrayObject *)PyArray_SimpleNew(PyArray_NDIM(array), PyArray_DIMS(array), NPY_INTP);
    if (!ranking.result) {
        forget_refusal();
        return NULL;
    }
    ranking.indices = lines_along(ranking.result, axis);
    ranking.sort_indices =
        PyDataType_GetArrFuncs(PyArray_DESCR(ranking.result))->sort[NPY_QUICKSORT];
    if (!ranking.sort_indices || !argsort(&ranking))
        Py_CLEAR(ranking.result);
    return (PyObject *)ranking.result;
}
