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

static inline bool numpy_is_2_3(void)
{
    enum { API_OF_2_3 = 0x14 };

    return PyArray_GetNDArrayCFeatureVersion() >= API_OF_2_3;
}

/* NumPy's C code refused something: NumPy shall do the call, and say so. Any other exception may
 * come from Python code that ran meanwhile, such as a handler of signals, which will not raise it
 * once more: it is the caller's. [GIL held] */
static inline void forget_refusal(void)
{
    PyObject *refusals[] = {PyExc_TypeError,     PyExc_ValueError,          PyExc_MemoryError,
                            PyExc_OverflowError, PyExc_NotImplementedError, PyExc_AttributeError};

    for (size_t i = 0; PyErr_Occurred() && i < sizeof(refusals) / sizeof(*refusals); i++)
        if (PyErr_ExceptionMatches(refusals[i]))
            PyErr_Clear();
}

/* For the few lines that every small call comes by: laid out as one straight piece, side by side,
 * since a jump that is taken costs as much as what it jumps over, and each page costs something. */
#define LIKELY(condition) __builtin_expect(condition, 1)
#define HOT __attribute__((hot))

#endif
