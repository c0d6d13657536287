/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_BEST_LINES_H
#define TREADLE_NUMPY_BEST_LINES_H

#include <stdbool.h>

#include "lines.h"

/** Lines of elements, in each of which one is looked for. */
struct best_lines {
    struct lines lines;   /* at least one */
    npy_intp last;        /* elements of the last line; the others have lines.length */
    PyArrayObject *array; /* of their type */
    PyArray_ArgFunc *fn;  /* NumPy's own for that type, on a line without gaps */
};

/**
 * Find each line's index, the lines shared among threads.
 * @return false: not done
 */
bool best_of_lines(const struct best_lines *lines, npy_intp *result);

/** Find the index in line i, which is cut into parts among threads. */
bool best_of_line(const struct best_lines *lines, npy_intp i, npy_intp *result);

/** The first line that has the best of all, of those that best_of_lines() has found. */
npy_intp best_line_of_all(const struct best_lines *lines, const npy_intp *result);

/** Estimated nanoseconds for an element. */
double best_element_ns(const struct best_lines *lines);

#endif
