/* SPDX-License-Identifier: BSD-3-Clause */
#include "lines.h"

struct lines lines_along(PyArrayObject *array, int axis)
{
    struct lines lines = {.data = PyArray_BYTES(array),
                          .size = PyArray_ITEMSIZE(array),
                          .length = PyArray_DIM(array, axis),
                          .step = PyArray_STRIDE(array, axis)};

    lines.count = PyArray_SIZE(array) / lines.length;
    for (int i = 0; i < PyArray_NDIM(array); i++)
        if (i != axis) {
            lines.shape[lines.ndim] = PyArray_DIM(array, i);
            lines.strides[lines.ndim++] = PyArray_STRIDE(array, i);
        }
    return lines;
}

char *lines_at(const struct lines *lines, npy_intp i)
{
    char *place = lines->data;

    for (int axis = lines->ndim - 1; axis >= 0; axis--) {
        place += i % lines->shape[axis] * lines->strides[axis];
        i /= lines->shape[axis];
    }
    return place;
}
