/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_API_H
#define TREADLE_NUMPY_API_H

/* Python's and NumPy's C API, shared by all files of the extension; module.c imports it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL treadle_array_api
#define PY_UFUNC_UNIQUE_SYMBOL treadle_ufunc_api
#ifndef TREADLE_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

/* In the headers since NumPy 2. */
#ifndef NPY_2_0_API_VERSION
#define PyDataType_ELSIZE(descr) ((descr)->elsize)
#define PyDataType_GetArrFuncs(descr) ((descr)->f)
#define NPY_RAVEL_AXIS NPY_MAXDIMS
#endif

/* Which NumPy runs, whatever headers this was built with. [any thread] */
static inline bool numpy_is_2(void)
{
    enum { API_OF_2_0 = 0x12 };

    return PyArray_GetNDArrayCFeatureVersion() >= API_OF_2_0;
}

/* For the few lines that every small call comes by: laid out as one straight piece, side by side,
 * since a jump that is taken costs as much as what it jumps over, and each page costs something. */
#define LIKELY(condition) __builtin_expect(condition, 1)
#define HOT __attribute__((hot))

#endif
