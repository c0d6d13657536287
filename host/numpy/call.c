/* SPDX-License-Identifier: BSD-3-Clause */
#include "call.h"

#include <stdbool.h>
#include <treadle/treadle.h>

#include "control.h"
#include "explain.h"

enum { OPERANDS_MAX = 16 };

/* The arguments of one call; `arrays` borrows from the tuple that Python keeps alive. */
struct call {
    const char *op;
    struct treadle_array arrays[OPERANDS_MAX];
    uint32_t nargs, nin;
    union {
        uint32_t struct_size;
        struct treadle_reduction reduction;
        struct treadle_linalg linalg;
    } attrs;
    bool has_attrs;
    unsigned callers;
};

static bool dtype_of(PyArrayObject *array, struct treadle_dtype *dtype)
{
    static const uint8_t codes[] = {['b'] = TREADLE_BOOL,
                                    ['i'] = TREADLE_INT,
                                    ['u'] = TREADLE_UINT,
                                    ['f'] = TREADLE_FLOAT,
                                    ['c'] = TREADLE_COMPLEX};
    int type = PyArray_TYPE(array);
    char kind = PyTypeNum_ISBOOL(type)       ? 'b'
                : PyTypeNum_ISSIGNED(type)   ? 'i'
                : PyTypeNum_ISUNSIGNED(type) ? 'u'
                : PyTypeNum_ISFLOAT(type)    ? 'f'
                : PyTypeNum_ISCOMPLEX(type)  ? 'c'
                                             : '\0';

    if (!kind || type == NPY_LONGDOUBLE || type == NPY_CLONGDOUBLE || PyArray_ISBYTESWAPPED(array))
        return false;
    *dtype = (struct treadle_dtype){codes[(int)kind], (uint8_t)(8 * PyArray_ITEMSIZE(array)), 1};
    return true;
}

static bool describe(struct treadle_array *array, PyObject *object, Py_ssize_t i)
{
    PyArrayObject *numpy = (PyArrayObject *)object;

    if (!PyArray_Check(object)) {
        PyErr_Format(PyExc_TypeError, "argument %zd is a %s, not an array", i + 1,
                     Py_TYPE(object)->tp_name);
        return false;
    }
    *array = (struct treadle_array){.data = PyArray_DATA(numpy),
                                    .shape = (const int64_t *)PyArray_DIMS(numpy),
                                    .strides = (const int64_t *)PyArray_STRIDES(numpy),
                                    .ndim = PyArray_NDIM(numpy),
                                    .flags = PyArray_ISWRITEABLE(numpy) ? 0 : TREADLE_READONLY,
                                    .itemsize = (uint32_t)PyArray_ITEMSIZE(numpy)};
    if (!dtype_of(numpy, &array->dtype)) {
        PyErr_Format(PyExc_TypeError,
                     "argument %zd has dtype %S; allowed are bool, int, uint, float and complex up "
                     "to 128 bits in native byte order",
                     i + 1, (PyObject *)PyArray_DESCR(numpy));
        return false;
    }
    return true;
}

/* (op, operands, nin, axes bits or None, linalg flags, callers=0) */
static bool parse(PyObject *args, struct call *call)
{
    PyObject *operands, *axes;
    unsigned flags;

    *call = (struct call){.callers = 0};
    if (!PyArg_ParseTuple(args, "sO!IOI|I", &call->op, &PyTuple_Type, &operands, &call->nin, &axes,
                          &flags, &call->callers))
        return false;
    if (PyTuple_GET_SIZE(operands) > OPERANDS_MAX) {
        PyErr_Format(PyExc_ValueError, "%zd arrays; at most %d are allowed",
                     PyTuple_GET_SIZE(operands), OPERANDS_MAX);
        return false;
    }
    call->nargs = (uint32_t)PyTuple_GET_SIZE(operands);
    for (Py_ssize_t i = 0; i < (Py_ssize_t)call->nargs; i++)
        if (!describe(&call->arrays[i], PyTuple_GET_ITEM(operands, i), i))
            return false;
    call->has_attrs = axes != Py_None || flags;
    if (axes != Py_None)
        call->attrs.reduction = (struct treadle_reduction){sizeof(struct treadle_reduction), 0,
                                                           PyLong_AsUnsignedLongLongMask(axes)};
    else
        call->attrs.linalg = (struct treadle_linalg){sizeof(struct treadle_linalg), flags};
    return !PyErr_Occurred();
}

static PyObject *run(PyObject *module, PyObject *args)
{
    struct call call;
    struct treadle_used used = {0};
    int32_t status;

    (void)module;
    if (!parse(args, &call))
        return NULL;
    Py_BEGIN_ALLOW_THREADS status = treadle_run(call.op, call.arrays, call.nargs, call.nin,
                                                call.has_attrs ? &call.attrs : NULL, &used);
    Py_END_ALLOW_THREADS if (status != TREADLE_OK) return control_raise(status);
    return Py_BuildValue("{s:s, s:s, s:I, s:I}", "backend", used.backend, "variant", used.variant,
                         "threads", used.threads, "fallbacks", used.fallbacks);
}

static PyObject *explain(PyObject *module, PyObject *args)
{
    struct call call;
    struct treadle_decision d;
    int32_t status;

    (void)module;
    if (!parse(args, &call))
        return NULL;
    status = treadle_explain(call.op, call.arrays, call.nargs, call.nin,
                             call.has_attrs ? &call.attrs : NULL, call.callers, &d);
    return explain_result(status, &d);
}

PyMethodDef call_methods[] = {
    {"run", run, METH_VARARGS, NULL},
    {"explain", explain, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
