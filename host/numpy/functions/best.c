/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * argmin and argmax. NumPy copies what is not one piece in the right order, and then asks a
 * function for each line along the axis. Here the lines are shared among threads, or parts of a
 * line.
 */
#include "best.h"

#include <stdlib.h>
#include <string.h>

#include "../limit.h"
#include "../method.h"
#include "../reduce_request.h"
#include "best_lines.h"
#include "parameters.h"

/* So few lines are cut into parts each, for there may be more threads. */
enum { FEW_LINES = 16 };

static struct method argmin, argmax;

struct arguments {
    int axis; /* NPY_RAVEL_AXIS: all elements, in C order */
    bool keepdims;
};

/* False: as unusual, or as wrong, that NumPy shall have it. */
static bool read_arguments(PyObject *const *args, Py_ssize_t nargs, PyObject *keywords, int ndim,
                           struct arguments *a)
{
    static const char *const names[] = {"axis", "out", "keepdims", NULL};
    PyObject *given[PARAMETERS_MAX];

    *a = (struct arguments){.axis = NPY_RAVEL_AXIS};
    if (nargs > 2 || !parameters_read(names, args, nargs, keywords, given) ||
        !parameters_absent(given[1]) || (given[2] && !PyBool_Check(given[2])))
        return false;
    a->keepdims = given[2] == Py_True;
    return parameters_absent(given[0]) || parameters_read_axis(given[0], ndim, &a->axis);
}

static PyArray_ArgFunc *function_of(PyArrayObject *array, bool is_max)
{
    PyArray_ArrFuncs *functions = PyDataType_GetArrFuncs(PyArray_DESCR(array));

    return is_max ? functions->argmax : functions->argmin;
}

/* All elements as one line, if they are one. */
static bool is_one_line(PyArrayObject *array)
{
    return PyArray_NDIM(array) == 1 || PyArray_IS_C_CONTIGUOUS(array);
}

static struct lines lines_of(PyArrayObject *array, int axis)
{
    int last = PyArray_NDIM(array) - 1;

    if (axis != NPY_RAVEL_AXIS)
        return lines_along(array, axis);
    if (last == 0 || !is_one_line(array))
        return lines_along(array, last);
    return (struct lines){.data = PyArray_BYTES(array),
                          .size = PyArray_ITEMSIZE(array),
                          .count = 1,
                          .length = PyArray_SIZE(array),
                          .step = PyArray_ITEMSIZE(array)};
}

static PyArrayObject *new_result(PyArrayObject *array, const struct arguments *a)
{
    npy_intp shape[LINES_DIMS];
    int ndim = 0;

    for (int i = 0; i < PyArray_NDIM(array); i++) {
        bool reduced = a->axis == i || a->axis == NPY_RAVEL_AXIS;

        if (!reduced || a->keepdims)
            shape[ndim++] = reduced ? 1 : PyArray_DIM(array, i);
    }
    return (PyArrayObject *)PyArray_SimpleNew(ndim, shape, NPY_INTP);
}

static bool search_all(const struct best_lines *lines, npy_intp *result)
{
    npy_intp *found = malloc((size_t)lines->lines.count * sizeof(npy_intp)), line;
    bool done = found && best_of_lines(lines, found);

    if (done) {
        line = best_line_of_all(lines, found);
        *result = line * lines->lines.length + found[line];
    }
    free(found);
    return done;
}

static bool search(const struct best_lines *lines, npy_intp *result, npy_intp results)
{
    if (results < lines->lines.count)
        return search_all(lines, result);
    if (lines->lines.count > FEW_LINES)
        return best_of_lines(lines, result);
    for (npy_intp i = 0; i < lines->lines.count; i++)
        if (!best_of_line(lines, i, result + i))
            return false;
    return true;
}

/* NumPy's search among bools ends with the first that can't be surpassed, and copies nothing. */
static bool ends_early(const struct best_lines *lines)
{
    return PyArray_TYPE(lines->array) == NPY_BOOL && lines->lines.step == lines->lines.size &&
           !limit_is_forced();
}

/* NULL without an exception: NumPy shall do it. */
static PyObject *search_array(PyArrayObject *array, const struct arguments *a,
                              PyArray_ArgFunc *function)
{
    struct best_lines lines = {lines_of(array, a->axis), .array = array, .fn = function};
    PyArrayObject *result;

    lines.last = lines.lines.length;
    if (ends_early(&lines) || !limit_reached(PyArray_SIZE(array), best_element_ns(&lines)))
        return NULL;
    result = new_result(array, a);
    if (!result)
        return NULL;
    if (!search(&lines, PyArray_DATA(result), PyArray_SIZE(result))) {
        Py_DECREF((PyObject *)result);
        return NULL;
    }
    return PyArray_Return(result);
}

static bool suits(PyArrayObject *array)
{
    return PyArray_CheckExact(array) && PyArray_NDIM(array) > 0 && PyArray_SIZE(array) > 0 &&
           request_is_number(PyArray_TYPE(array)) && PyArray_ISBEHAVED_RO(array);
}

static __attribute__((noinline)) PyObject *best(PyArrayObject *array, PyObject *const *args,
                                                Py_ssize_t nargs, PyObject *names,
                                                const struct method *method)
{
    PyArray_ArgFunc *function;
    struct arguments a;
    PyObject *result = NULL;

    if (suits(array) && read_arguments(args, nargs, names, PyArray_NDIM(array), &a)) {
        function = function_of(array, method == &argmax);
        result = function ? search_array(array, &a, function) : NULL;
    }
    return result || PyErr_Occurred() ? result
                                      : method->original((PyObject *)array, args, nargs, names);
}

static HOT PyObject *find_min(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *names)
{
    if (LIKELY(limit_is_far((PyArrayObject *)self)))
        return argmin.original(self, args, nargs, names);
    return best((PyArrayObject *)self, args, nargs, names, &argmin);
}

static HOT PyObject *find_max(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *names)
{
    if (LIKELY(limit_is_far((PyArrayObject *)self)))
        return argmax.original(self, args, nargs, names);
    return best((PyArrayObject *)self, args, nargs, names, &argmax);
}

int best_install(void)
{
    return method_replace(&argmin, &PyArray_Type, "argmin", find_min) +
           method_replace(&argmax, &PyArray_Type, "argmax", find_max);
}

void best_uninstall(void)
{
    method_restore(&argmin);
    method_restore(&argmax);
}
