/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_KNOWN_TYPE_H
#define TREADLE_NUMPY_KNOWN_TYPE_H

#include "api.h"

/**
 * What a dtype= argument stands for, if nobody can tell that it was looked at: a dtype, a concrete
 * type of numbers, or a plain name. NULL (no Python exception) for what may warn or run Python
 * code, such as np.floating or an object with a .dtype, since NumPy looks at it once more.
 */
PyArray_Descr *known_type(PyObject *dtype);

#endif
