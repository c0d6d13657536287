/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_ORDER_SORT_H
#define TREADLE_NUMPY_ORDER_SORT_H

#include <stdbool.h>

#include "../api.h"

/**
 * Sort an array in place, along one of its axes. It is in one piece, and has elements.
 * @return false: not done, or only partly; the elements are all there
 */
bool order_sort(PyArrayObject *array, int axis, NPY_SORTKIND kind);

#endif
