/* SPDX-License-Identifier: BSD-3-Clause */
#include "order.h"

#include <treadle/treadle.h>

#include "../limit.h"
#include "../method.h"
#include "bits.h"
#include "order_argsort.h"
#include "order_parts.h"
#include "order_sort.h"
#include "parameters.h"

static struct method sort, argsort;

/* NumPy 2 refuses to sort along an axis of more. */
enum { AXES_MAX = 32 };

/* ---- arguments: what is unusual, or wrong, is NumPy's ---------------------------------------- */

static bool read_word(PyObject *object, NPY_SORTKIND *kind)
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

/* NumPy takes one of them, and not both. */
static bool read_kind(PyObject *word, PyObject *stable, NPY_SORTKIND *kind)
{
    if (parameters_absent(stable))
        return read_word(word, kind);
    *kind = stable == Py_True ? NPY_STABLESORT : NPY_QUICKSORT;
    return PyBool_Check(stable) && parameters_absent(word);
}

static bool read_arguments(PyObject *const *args, Py_ssize_t nargs, PyObject *keywords, int ndim,
                           int *axis, NPY_SORTKIND *kind)
{
    static const char *const names_of_1[] = {"axis", "kind", "order", NULL};
    static const char *const names[] = {"axis", "kind", "order", "stable", NULL};
    PyObject *given[PARAMETERS_MAX] = {NULL};

    *axis = ndim - 1;
    if (nargs > 3 ||
        !parameters_read(numpy_is_2() ? names : names_of_1, args, nargs, keywords, given) ||
        !parameters_absent(given[2]))
        return false;
    return (!given[0] || parameters_read_axis(given[0], ndim, axis)) &&
           read_kind(given[1], given[3], kind);
}

static bool suits(PyArrayObject *array)
{
    return limit_reached(PyArray_SIZE(array), ORDER_NS) && PyArray_CheckExact(array) &&
           PyArray_ISBEHAVED_RO(array) && PyArray_ISONESEGMENT(array) && PyArray_NDIM(array) > 0 &&
           PyArray_NDIM(array) <= AXES_MAX && PyArray_SIZE(array) > 0 &&
           treadle_get_num_threads() > 1 && bits_tell();
}

/* ---- the calls ------------------------------------------------------------------------------- */

static __attribute__((noinline)) PyObject *sort_large(PyObject *self, PyObject *const *args,
                                                      Py_ssize_t nargs, PyObject *names)
{
    PyArrayObject *array = (PyArrayObject *)self;
    NPY_SORTKIND kind;
    int axis;

    if (!suits(array) || !read_arguments(args, nargs, names, PyArray_NDIM(array), &axis, &kind))
        return sort.original(self, args, nargs, names);
    if (PyArray_FailUnlessWriteable(array, "sort array") < 0) /* it may warn, the first time */
        return NULL;
    if (order_sort(array, axis, kind))
        Py_RETURN_NONE;
    return sort.original(self, args, nargs, names);
}

static __attribute__((noinline)) PyObject *argsort_large(PyObject *self, PyObject *const *args,
                                                         Py_ssize_t nargs, PyObject *names)
{
    PyArrayObject *array = (PyArrayObject *)self;
    PyObject *result = NULL;
    NPY_SORTKIND kind;
    int axis;

    if (suits(array) && read_arguments(args, nargs, names, PyArray_NDIM(array), &axis, &kind))
        result = order_argsort(array, axis, kind);
    return result || PyErr_Occurred() ? result : argsort.original(self, args, nargs, names);
}

static HOT PyObject *sort_in_place(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *names)
{
    if (LIKELY(limit_is_far((PyArrayObject *)self)))
        return sort.original(self, args, nargs, names);
    return sort_large(self, args, nargs, names);
}

static HOT PyObject *argsort_of(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *names)
{
    if (LIKELY(limit_is_far((PyArrayObject *)self)))
        return argsort.original(self, args, nargs, names);
    return argsort_large(self, args, nargs, names);
}

int order_install(void)
{
    return method_replace(&sort, &PyArray_Type, "sort", sort_in_place) +
           method_replace(&argsort, &PyArray_Type, "argsort", argsort_of);
}

void order_uninstall(void)
{
    method_restore(&sort);
    method_restore(&argsort);
}
