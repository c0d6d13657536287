/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorting in place. Lines of an array are shared among threads. A long line is cut into parts, each
 * of which holds numbers less than the next one's: so it takes no more memory than NumPy's sort.
 * NumPy's own functions sort lines and parts. Where numbers can be equal and still differ in bits,
 * those functions would decide their order, and the array is left to NumPy.
 */
#include "order.h"

#include <stdlib.h>

#include <treadle/treadle.h>

#include "../limit.h"
#include "../method.h"
#include "bits.h"
#include "lines.h"
#include "moves_loops.h"
#include "order_parts.h"
#include "parameters.h"
#include "span.h"

static struct method sort;

/* Of one number: in a line of thousands, to look at it, and to put it into its part. */
static const double SORT_NS = 20.0, LOOK_NS = 0.3, CUT_NS = 2.0;

enum { PARTS_MAX = 64, GRAIN = 4096 };

/* NumPy 2 refuses to sort along an axis of more. */
enum { AXES_MAX = 32 };

/* ---- many lines ------------------------------------------------------------------------------ */

struct sorting {
    struct lines lines;
    const struct order_type *type;
    PyArray_SortFunc *fn; /* NumPy's own, on a line without gaps */
    PyArrayObject *array;
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

static void copy_line(char *to, npy_intp to_step, const char *from, npy_intp from_step,
                      const struct lines *lines)
{
    moves_loop(lines->size)((char *[]){(char *)from, to}, &lines->length,
                            (npy_intp[]){from_step, to_step}, NULL);
}

static void sort_with_gaps(struct sorting *sorting, int64_t begin, int64_t end)
{
    const struct lines *lines = &sorting->lines;
    char *copy = malloc((size_t)(lines->length * lines->size));

    if (!copy)
        fail(sorting);
    for (int64_t i = begin; copy && i < end; i++) {
        char *line = lines_at(lines, i);

        copy_line(copy, lines->size, line, lines->step, lines);
        sort_at(sorting, copy, lines->length);
        copy_line(line, lines->step, copy, lines->size, lines);
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
    double ns = SORT_NS * (double)sorting->lines.length;

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
    return run_parts(&parts, sort_parts, SORT_NS) && !sorting->failed;
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

/* The array is in one piece, and has numbers. */
static bool sort_array(PyArrayObject *array, int axis, NPY_SORTKIND kind)
{
    struct sorting sorting = {.lines = lines_along(array, axis),
                              .type = order_type(PyArray_TYPE(array)),
                              .fn = PyDataType_GetArrFuncs(PyArray_DESCR(array))->sort[kind],
                              .array = array};

    if (!sorting.type || !sorting.fn || !is_plain(&sorting))
        return false;
    return sorting.lines.count > 1 ? sort_lines(&sorting) : sort_line(&sorting);
}

/* ---- the call: false sends it on to NumPy
 * -------------------------------------------------------- */

static bool read_kind(PyObject *object, NPY_SORTKIND *kind)
{
    static const struct {
        const char *name;
        NPY_SORTKIND kind;
    } kinds[] = {{"quicksort", NPY_QUICKSORT},
                 {"heapsort", NPY_HEAPSORT},
                 {"mergesort", NPY_STABLESORT},
                 {"stable", NPY_STABLESORT}};

    *kind = NPY_QUICKSORT;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!parameters_absent(object) && parameters_is_word(object, kinds[i].name)) {
            *kind = kinds[i].kind;
            return true;
        }
    return parameters_absent(object);
}

static bool read_arguments(PyObject *const *args, Py_ssize_t nargs, PyObject *keywords, int ndim,
                           int *axis, NPY_SORTKIND *kind)
{
    static const char *const names[] = {"axis", "kind", "order", "stable", NULL};
    PyObject *given[PARAMETERS_MAX];

    *axis = ndim - 1;
    if (nargs > 3 || !parameters_read(names, args, nargs, keywords, given) ||
        !parameters_absent(given[2]) || !parameters_absent(given[3]))
        return false;
    return (!given[0] || parameters_read_axis(given[0], ndim, axis)) && read_kind(given[1], kind);
}

static bool suits(PyObject *object)
{
    PyArrayObject *array = (PyArrayObject *)object;

    return limit_reached(PyArray_SIZE(array), SORT_NS) && PyArray_CheckExact(object) &&
           PyArray_ISBEHAVED(array) && PyArray_ISONESEGMENT(array) && PyArray_NDIM(array) > 0 &&
           PyArray_NDIM(array) <= AXES_MAX && PyArray_SIZE(array) > 0 &&
           treadle_get_num_threads() > 1 && bits_tell();
}

static __attribute__((noinline)) PyObject *sort_large(PyObject *self, PyObject *const *args,
                                                      Py_ssize_t nargs, PyObject *names)
{
    NPY_SORTKIND kind;
    int axis;

    if (suits(self) &&
        read_arguments(args, nargs, names, PyArray_NDIM((PyArrayObject *)self), &axis, &kind) &&
        sort_array((PyArrayObject *)self, axis, kind))
        Py_RETURN_NONE;
    return sort.original(self, args, nargs, names);
}

static HOT PyObject *sort_in_place(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *names)
{
    if (LIKELY(limit_is_far((PyArrayObject *)self)))
        return sort.original(self, args, nargs, names);
    return sort_large(self, args, nargs, names);
}

int order_install(void)
{
    return method_replace(&sort, &PyArray_Type, "sort", sort_in_place);
}

void order_uninstall(void)
{
    method_restore(&sort);
}
