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

/* 2.x keeps the size in a context variable. What getbufsize() asks is a function in C, and so no
 * place where Python runs handlers of signals; getbufsize() itself is for a NumPy without it. */
static PyObject *get_settings, *getbufsize;

static PyObject *attribute_of(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *attribute = module ? PyObject_GetAttrString(module, name) : NULL;

    Py_XDECREF(module);
    return attribute;
}

int report_find(void)
{
    PyObject *settings;

    if (getbufsize || !numpy_is_2())
        return 0;
    settings = attribute_of("numpy._core.umath", "_get_extobj_dict");
    if (settings && PyCFunction_CheckExact(settings))
        get_settings = Py_NewRef(settings);
    Py_XDECREF(settings);
    forget_refusal(); /* a NumPy without it */
    if (!PyErr_Occurred())
        getbufsize = attribute_of("numpy", "getbufsize");
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

static npy_intp bufsize_of_1(void)
{
    get_pyvals_fn get = __extension__(get_pyvals_fn) PyUFunc_API[GET_PYVALS];
    int bufsize, mask;
    PyObject *errobj = NULL;

    if (get((char *)"bufsize", &bufsize, &mask, &errobj) < 0)
        return -1;
    Py_XDECREF(errobj);
    return bufsize;
}

static PyObject *setting(const char *name)
{
    PyObject *settings = PyObject_CallNoArgs(get_settings);
    PyObject *value = settings ? PyMapping_GetItemString(settings, name) : NULL;

    Py_XDECREF(settings);
    return value;
}

static npy_intp bufsize_of_2(void)
{
    PyObject *size = get_settings ? setting("bufsize") : PyObject_CallNoArgs(getbufsize);
    npy_intp value = size ? PyLong_AsSsize_t(size) : -1;

    Py_XDECREF(size);
    return value;
}

npy_intp report_bufsize(void)
{
    return numpy_is_2() ? bufsize_of_2() : bufsize_of_1();
}
