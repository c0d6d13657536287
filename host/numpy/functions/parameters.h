/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_PARAMETERS_H
#define TREADLE_NUMPY_PARAMETERS_H

#include <stdbool.h>

#include "../api.h"

enum { PARAMETERS_MAX = 5 };

/**
 * Sort the arguments of a METH_FASTCALL | METH_KEYWORDS call by parameter.
 *
 * @param names  ends with NULL; at most PARAMETERS_MAX
 * @param given  set to the arguments, NULL for those that were not given; borrowed
 * @return false if there are too many, one is unknown, or given twice: NumPy says so
 */
bool parameters_read(const char *const *names, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords, PyObject *given[PARAMETERS_MAX]);

/** Whether an argument was not given, or is None. */
bool parameters_absent(PyObject *given);

/** Whether a string is that word. */
bool parameters_is_word(PyObject *object, const char *word);

/** Read an axis; false if it is no int, or not one of ndim axes. */
bool parameters_read_axis(PyObject *object, int ndim, int *axis);

#endif
