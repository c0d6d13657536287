/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Elements picked from an array in one piece: x.take(places), x[places], x[bools]. What is wrong
 * with a place, NumPy says.
 */
#include "gather.h"

#include "../limit.h"
#include "../method.h"
#include "../reduce_request.h"
#include "gather_loops.h"
#include "parameters.h"
#include "span.h"

static struct method take;
static binaryfunc numpys_subscript;

/* For an element: places are anywhere in memory, bools are read twice. */
static const double TAKE_NS = 2.0, CHOOSE_NS = 1.5, COUNT_NS = 0.05;

enum { GRAIN = 512, BLOCKS = 256 };

static bool is_in_one_piece(PyArrayObject *array)
{
    return PyArray_IS_C_CONTIGUOUS(array) && PyArray_ISBEHAVED_RO(array);
}

/* An array of the same type. */
static PyArrayObject *new_like(PyArrayObject *array, int ndim, npy_intp *shape)
{
    PyArray_Descr *descr = PyArray_DESCR(array);

    Py_INCREF(descr);
    return (PyArrayObject *)PyArray_NewFromDescr(&PyArray_Type, descr, ndim, shape, NULL, NULL, 0,
                                                 NULL);
}

static PyObject *keep_if(bool done, PyArrayObject *result)
{
    if (!done)
        Py_CLEAR(result);
    return (PyObject *)result;
}

/* ---- places
 * -------------------------------------------------------------------------------------- */

struct taking {
    const struct gather_loops *loops;
    const npy_intp *places;
    char *out;
    const char *x;
    npy_intp size, length;
    bool failed;
};

static void take_range(void *ctx, int64_t begin, int64_t end)
{
    struct taking *t = ctx;

    if (!t->loops->take(t->out + begin * t->size, t->x, t->length, t->places + begin, end - begin))
        __atomic_store_n(&t->failed, true, __ATOMIC_RELAXED);
}

static bool are_places(PyObject *object)
{
    PyArrayObject *array = (PyArrayObject *)object;

    return PyArray_CheckExact(object) && PyArray_TYPE(array) == NPY_INTP &&
           limit_reached(PyArray_SIZE(array), TAKE_NS) && PyArray_NDIM(array) > 0 &&
           PyArray_SIZE(array) > 0 && is_in_one_piece(array);
}

/* NULL: NumPy shall do it. */
static PyObject *take_from(PyArrayObject *array, PyArrayObject *places)
{
    struct taking t = {.loops = gather_loops(PyArray_ITEMSIZE(array)),
                       .places = PyArray_DATA(places),
                       .x = PyArray_BYTES(array),
                       .size = PyArray_ITEMSIZE(array),
                       .length = PyArray_SIZE(array)};
    PyArrayObject *result;

    if (!t.loops || !request_is_number(PyArray_TYPE(array)) || !is_in_one_piece(array))
        return NULL;
    result = new_like(array, PyArray_NDIM(places), PyArray_DIMS(places));
    if (!result)
        return NULL;
    t.out = PyArray_BYTES(result);
    return keep_if(span_run(take_range, &t, PyArray_SIZE(places), GRAIN, TAKE_NS) && !t.failed,
                   result);
}

/* ---- bools
 * --------------------------------------------------------------------------------------- */

struct choosing {
    const struct gather_loops *loops;
    const npy_bool *chosen;
    char *out;
    const char *x;
    npy_intp size, length, block; /* elements of the array, and of a block */
    npy_intp ends[BLOCKS + 1];    /* elements chosen in a block, then up to its end */
};

static npy_intp block_length(const struct choosing *c, npy_intp i)
{
    npy_intp left = c->length - i * c->block;

    return left < 0 ? 0 : left < c->block ? left : c->block;
}

/* A byte has room for the count of so many: the compiler makes vectors of them. */
enum { HANDFUL = 64 };

static npy_intp count_chosen(const npy_bool *chosen, npy_intp n)
{
    npy_intp count = 0, i = 0;

    for (; n - i >= HANDFUL; i += HANDFUL) {
        uint8_t few = 0;

        for (int k = 0; k < HANDFUL; k++)
            few = (uint8_t)(few + (chosen[i + k] != 0));
        count += few;
    }
    for (; i < n; i++)
        count += chosen[i] != 0;
    return count;
}

static void count_blocks(void *ctx, int64_t begin, int64_t end)
{
    struct choosing *c = ctx;

    for (int64_t i = begin; i < end; i++)
        c->ends[i + 1] = count_chosen(c->chosen + i * c->block, block_length(c, i));
}

static void choose_blocks(void *ctx, int64_t begin, int64_t end)
{
    struct choosing *c = ctx;

    for (int64_t i = begin; i < end; i++)
        c->loops->choose(c->out + c->ends[i] * c->size, c->ends[i + 1] - c->ends[i],
                         c->x + i * c->block * c->size, c->chosen + i * c->block,
                         block_length(c, i));
}

static bool run_blocks(struct choosing *c, span_fn fn, double ns)
{
    return span_run(fn, c, BLOCKS, 1, ns * (double)c->block);
}

static bool are_choices(PyObject *object, PyArrayObject *array)
{
    PyArrayObject *chosen = (PyArrayObject *)object;

    return PyArray_CheckExact(object) && PyArray_TYPE(chosen) == NPY_BOOL &&
           limit_reached(PyArray_SIZE(chosen), CHOOSE_NS) && PyArray_NDIM(chosen) > 0 &&
           PyArray_NDIM(chosen) == PyArray_NDIM(array) && PyArray_SAMESHAPE(chosen, array) &&
           PyArray_SIZE(chosen) > 0 && is_in_one_piece(chosen);
}

/* NULL: NumPy shall do it. */
static PyObject *choose_from(PyArrayObject *array, PyArrayObject *chosen)
{
    struct choosing c = {.loops = gather_loops(PyArray_ITEMSIZE(array)),
                         .chosen = PyArray_DATA(chosen),
                         .x = PyArray_BYTES(array),
                         .size = PyArray_ITEMSIZE(array),
                         .length = PyArray_SIZE(array)};
    PyArrayObject *result;

    c.block = (c.length + BLOCKS - 1) / BLOCKS;
    c.block = (c.block + HANDFUL - 1) / HANDFUL * HANDFUL;
    if (!c.loops || !request_is_number(PyArray_TYPE(array)) || !is_in_one_piece(array) ||
        !run_blocks(&c, count_blocks, COUNT_NS))
        return NULL;
    for (int i = 0; i < BLOCKS; i++)
        c.ends[i + 1] += c.ends[i];
    result = new_like(array, 1, &c.ends[BLOCKS]);
    if (!result || c.ends[BLOCKS] == 0)
        return (PyObject *)result;
    c.out = PyArray_BYTES(result);
    return keep_if(run_blocks(&c, choose_blocks, CHOOSE_NS), result);
}

/* ---- the calls
 * ----------------------------------------------------------------------------------- */

static __attribute__((noinline)) PyObject *take_many(PyObject *self, PyObject *const *args,
                                                     Py_ssize_t nargs, PyObject *keywords)
{
    static const char *const names[] = {"indices", "axis", "out", "mode", NULL};
    PyArrayObject *array = (PyArrayObject *)self;
    PyObject *given[PARAMETERS_MAX], *result = NULL;
    int axis = 0;

    if (PyArray_CheckExact(self) && are_places(args[0]) &&
        parameters_read(names, args, nargs, keywords, given) && parameters_absent(given[2]) &&
        (parameters_absent(given[1]) ||
         (PyArray_NDIM(array) == 1 && parameters_read_axis(given[1], 1, &axis))) &&
        (!given[3] || parameters_is_word(given[3], "raise")))
        result = take_from(array, (PyArrayObject *)given[0]);
    PyErr_Clear();
    return result ? result : take.original(self, args, nargs, keywords);
}

/* Whether there are few of them, or nothing that could be places or bools. */
static inline bool are_few(PyObject *index)
{
    return !PyArray_CheckExact(index) || limit_is_far((PyArrayObject *)index);
}

static HOT PyObject *take_places(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    if (LIKELY(nargs < 1 || are_few(args[0])))
        return take.original(self, args, nargs, keywords);
    return take_many(self, args, nargs, keywords);
}

static __attribute__((noinline)) PyObject *pick_many(PyObject *self, PyObject *index)
{
    PyArrayObject *array = (PyArrayObject *)self;
    PyObject *result = NULL;

    if (!PyArray_CheckExact(self))
        return numpys_subscript(self, index);
    if (PyArray_NDIM(array) == 1 && are_places(index))
        result = take_from(array, (PyArrayObject *)index);
    else if (are_choices(index, array))
        result = choose_from(array, (PyArrayObject *)index);
    PyErr_Clear();
    return result ? result : numpys_subscript(self, index);
}

static HOT PyObject *subscript(PyObject *self, PyObject *index)
{
    if (LIKELY(are_few(index)))
        return numpys_subscript(self, index);
    return pick_many(self, index);
}

static binaryfunc *place_of_subscript(void)
{
    return &PyArray_Type.tp_as_mapping->mp_subscript;
}

int gather_install(void)
{
    binaryfunc present = *place_of_subscript();

    if (present != subscript) {
        numpys_subscript = present;
        __atomic_store_n(place_of_subscript(), subscript, __ATOMIC_RELEASE);
    }
    return method_replace(&take, &PyArray_Type, "take", take_places) + 1;
}

/* Types that were made meanwhile have inherited ours, which works on. */
void gather_uninstall(void)
{
    method_restore(&take);
    if (*place_of_subscript() == subscript)
        __atomic_store_n(place_of_subscript(), numpys_subscript, __ATOMIC_RELEASE);
}
