/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ufunc.outer(a, b) is ufunc(a, b) with an axis of one element behind a's for each of b's. NumPy
 * does the same inside the method, where no call can be seen.
 */
#include "outer.h"

#include "../limit.h"
#include "../method.h"
#include "../slot.h"

/* Operands, outputs and keywords such as where= and dtype=. */
enum { ARGUMENTS_MAX = SLOT_ARGS_MAX + 12, AXES_MAX = 32 };

static struct method outer;

/* Whoever has an __array_ufunc__ is told of a call of outer(). */
static bool is_plain_keyword(PyObject *value)
{
    return value == Py_None || PyBool_Check(value) || PyUnicode_CheckExact(value) ||
           PyType_Check(value) || PyArray_DescrCheck(value) || PyArray_CheckExact(value);
}

static bool is_plain(PyUFuncObject *ufunc, PyObject *const *args, Py_ssize_t keywords)
{
    int axes = PyArray_NDIM((PyArrayObject *)args[0]) + PyArray_NDIM((PyArrayObject *)args[1]);

    if (ufunc->nin != 2 || ufunc->core_enabled || axes > AXES_MAX || 2 + keywords > ARGUMENTS_MAX)
        return false;
    for (Py_ssize_t i = 2; i < 2 + keywords; i++)
        if (!is_plain_keyword(args[i]))
            return false;
    return true;
}

static PyObject *with_axes_behind(PyArrayObject *array, int more)
{
    npy_intp shape[AXES_MAX];
    PyArray_Dims dims = {shape, PyArray_NDIM(array) + more};

    for (int i = 0; i < dims.len; i++)
        shape[i] = i < PyArray_NDIM(array) ? PyArray_DIM(array, i) : 1;
    return PyArray_Newshape(array, &dims, NPY_CORDER);
}

static __attribute__((noinline)) PyObject *outer_large(PyObject *ufunc, PyObject *const *args,
                                                       PyObject *names)
{
    Py_ssize_t keywords = names ? PyTuple_GET_SIZE(names) : 0;
    PyObject *all[ARGUMENTS_MAX], *result;

    if (!is_plain((PyUFuncObject *)ufunc, args, keywords))
        return outer.original(ufunc, args, 2, names);
    for (Py_ssize_t i = 1; i < 2 + keywords; i++)
        all[i] = args[i];
    all[0] = with_axes_behind((PyArrayObject *)args[0], PyArray_NDIM((PyArrayObject *)args[1]));
    if (!all[0])
        return NULL;
    result = PyObject_Vectorcall(ufunc, all, 2, names);
    Py_DECREF(all[0]);
    return result;
}

static HOT PyObject *outer_call(PyObject *ufunc, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *names)
{
    if (LIKELY(nargs != 2 || !PyArray_CheckExact(args[0]) || !PyArray_CheckExact(args[1]) ||
               PyArray_SIZE((PyArrayObject *)args[0]) * PyArray_SIZE((PyArrayObject *)args[1]) <
                   __atomic_load_n(&limit_least, __ATOMIC_RELAXED)))
        return outer.original(ufunc, args, nargs, names);
    return outer_large(ufunc, args, names);
}

int outer_install(void)
{
    return method_replace(&outer, &PyUFunc_Type, "outer", outer_call);
}

void outer_uninstall(void)
{
    method_restore(&outer);
}
