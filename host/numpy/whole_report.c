/* SPDX-License-Identifier: BSD-3-Clause */
#include "whole_report.h"

#include <fenv.h>
#include <stdbool.h>

/*
 * Functions of NumPy's C API that its headers show to one major version only: the tables are
 * append-only, and these places are those of ufunc_api_order in numpy_api.py.
 */
enum { GET_PYVALS = 25, HANDLE_FPERR = 29, GIVE_ERRORS = 46 };

typedef int (*get_pyvals_fn)(char *name, int *bufsize, int *mask, PyObject **errobj);
typedef int (*handle_fperr_fn)(int mask, PyObject *errobj, int raised, int *first);
typedef int (*give_errors_fn)(const char *name, int raised);

static PyObject *getbufsize; /* the Python function of 2.x, which keeps it in a context variable */

int report_find(void)
{
    PyObject *numpy;

    if (getbufsize)
        return 0;
    numpy = PyImport_ImportModule("numpy");
    getbufsize = numpy ? PyObject_GetAttrString(numpy, "getbufsize") : NULL;
    Py_XDECREF(numpy);
    return getbufsize ? 0 : -1;
}

static int flags_of_numpy(int raised)
{
    return (raised & FE_DIVBYZERO ? NPY_FPE_DIVIDEBYZERO : 0) |
           (raised & FE_OVERFLOW ? NPY_FPE_OVERFLOW : 0) |
           (raised & FE_UNDERFLOW ? NPY_FPE_UNDERFLOW : 0) |
           (raised & FE_INVALID ? NPY_FPE_INVALID : 0);
}

static int report_as_1(const char *ufunc, int flags)
{
    get_pyvals_fn get = __extension__(get_pyvals_fn) PyUFunc_API[GET_PYVALS];
    handle_fperr_fn handle = __extension__(handle_fperr_fn) PyUFunc_API[HANDLE_FPERR];
    int bufsize, mask, first = 1, result;
    PyObject *errobj = NULL;

    if (get((char *)ufunc, &bufsize, &mask, &errobj) < 0)
        return -1;
    result = mask ? handle(mask, errobj, flags, &first) : 0;
    Py_XDECREF(errobj);
    return result;
}

static int report_as_2(const char *ufunc, int flags)
{
    give_errors_fn give = __extension__(give_errors_fn) PyUFunc_API[GIVE_ERRORS];

    return give(ufunc, flags);
}

int report_raised(const char *ufunc, int raised)
{
    int flags = flags_of_numpy(raised);

    if (!flags)
        return 0;
    return numpy_is_2() ? report_as_2(ufunc, flags) : report_as_1(ufunc, flags);
}

npy_intp report_bufsize(void)
{
    PyObject *size = PyObject_CallNoArgs(getbufsize);
    npy_intp value = size ? PyLong_AsSsize_t(size) : -1;

    Py_XDECREF(size);
    return value;
}
