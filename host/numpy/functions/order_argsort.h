/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_ORDER_ARGSORT_H
#define TREADLE_NUMPY_ORDER_ARGSORT_H

#include "../api.h"

/**
 * The indices that sort an array along one of its axes. It is in one piece, and has elements.
 * @return a new array; NULL without an exception if NumPy has to do it
 */
PyObject *order_argsort(PyArrayObject *array, int axis, NPY_SORTKIND kind);

#endif
