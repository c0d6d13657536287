/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_LINES_H
#define TREADLE_NUMPY_LINES_H

#include "../api.h"

enum { LINES_DIMS = 64 };

/** The lines of an array along one of its axes, in C order of the other ones. */
struct lines {
    char *data;
    npy_intp size;         /* of an element */
    npy_intp count;        /* of lines */
    npy_intp length, step; /* of each line */
    int ndim;              /* axes of the array of lines */
    npy_intp shape[LINES_DIMS], strides[LINES_DIMS];
};

/** The lines of an array that is not empty and has axes. */
struct lines lines_along(PyArrayObject *array, int axis);

/** Where line i begins. */
char *lines_at(const struct lines *lines, npy_intp i);

#endif
