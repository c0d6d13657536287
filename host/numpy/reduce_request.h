/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_REQUEST_H
#define TREADLE_NUMPY_REDUCE_REQUEST_H

#include "method.h"
#include "reduce_parts.h"

/** The parameters of ufunc.reduce, in their order. */
enum request_parameter {
    REQUEST_ARRAY,
    REQUEST_AXIS,
    REQUEST_DTYPE,
    REQUEST_OUT,
    REQUEST_KEEPDIMS,
    REQUEST_INITIAL,
    REQUEST_WHERE,
    REQUEST_PARAMETERS
};

/** What one call of ufunc.reduce says; everything is borrowed from the caller. */
struct request {
    PyObject *const *args;
    Py_ssize_t nargs, nkeywords;
    PyObject *keywords;
    PyObject *given[REQUEST_PARAMETERS];  /* NULL: left out, or its default */
    Py_ssize_t place[REQUEST_PARAMETERS]; /* in `args` */
    PyArrayObject *array;
    npy_bool reduced[PARTS_DIMS]; /* by axis */
    bool keepdims;
};

/**
 * Read the arguments behind args[0], which is an ndarray of numbers and no subclass.
 * @param no_value  NumPy's mark for "no initial value given"
 * @return false if anything is unusual, or wrong: then the call is NumPy's
 */
bool request_read(struct request *request, PyObject *const *args, Py_ssize_t nargs,
                  PyObject *keywords, PyObject *no_value);

/** The same call with another array, mask and initial value (NULL: as they were). */
PyObject *request_call(const struct request *request, method_fn reduce, PyObject *ufunc,
                       PyObject *array, PyObject *where, PyObject *initial);

/** Whether a NumPy type number is one of the built-in numbers'. */
bool request_is_number(int type);

#endif
