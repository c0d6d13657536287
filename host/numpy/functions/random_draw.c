/* SPDX-License-Identifier: BSD-3-Clause */
/* What treadle/_random.py can't do itself: draw in several threads, and jump. */
#include "random_stream.h"

#include <numpy/random/bitgen.h>

#include "mt19937_jump.h"
#include "span.h"

/* The cheapest of NumPy's generators. */
static const double DRAW_NS = 2.0;

struct part {
    bitgen_t *bits;
    double *out;
    npy_intp n;
};

static void draw(void *ctx, int64_t begin, int64_t end)
{
    const struct part *parts = ctx;

    for (int64_t k = begin; k < end; k++)
        for (npy_intp i = 0; i < parts[k].n; i++)
            parts[k].out[i] = parts[k].bits->next_double(parts[k].bits->state);
}

static bool read_part(struct part *part, PyObject *capsule, PyObject *end)
{
    part->bits = PyCapsule_GetPointer(capsule, "BitGenerator");
    part->n = PyLong_AsSsize_t(end);
    return part->bits && !PyErr_Occurred();
}

/* Of a list of (capsule, end): fill `out` up to `end` from each. */
static bool read_parts(struct part *parts, PyObject *list, double *out)
{
    npy_intp begin = 0;

    for (Py_ssize_t k = 0; k < PyList_GET_SIZE(list); k++) {
        PyObject *item = PyList_GET_ITEM(list, k);

        if (!read_part(&parts[k], PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1)))
            return false;
        parts[k].out = out + begin;
        parts[k].n -= begin;
        begin += parts[k].n;
    }
    return true;
}

static PyObject *draw_parts(PyObject *module, PyObject *args)
{
    PyArrayObject *out;
    PyObject *list, *done = NULL;
    struct part *parts;
    Py_ssize_t count;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!", &PyArray_Type, &out, &PyList_Type, &list))
        return NULL;
    count = PyList_GET_SIZE(list);
    parts = PyMem_New(struct part, (size_t)count);
    if (!parts)
        return PyErr_NoMemory();
    if (read_parts(parts, list, PyArray_DATA(out)))
        done = PyBool_FromLong(
            span_run(draw, parts, count, 1, DRAW_NS * (double)(PyArray_SIZE(out) / count)));
    PyMem_Free(parts);
    return done;
}

static PyObject *polynomial_of(PyObject *module, PyObject *words)
{
    unsigned long long count = PyLong_AsUnsignedLongLong(words);
    struct mt19937_polynomial polynomial;

    (void)module;
    if (PyErr_Occurred())
        return NULL;
    mt19937_polynomial(&polynomial, count);
    return PyBytes_FromStringAndSize((const char *)&polynomial, sizeof(polynomial));
}

static PyObject *jumped_key(PyObject *module, PyObject *args)
{
    PyArrayObject *key, *jumped;
    Py_buffer polynomial;
    npy_intp words = MT19937_WORDS;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!y*", &PyArray_Type, &key, &polynomial))
        return NULL;
    jumped = (PyArrayObject *)PyArray_SimpleNew(1, &words, NPY_UINT32);
    if (jumped)
        mt19937_jump(PyArray_DATA(jumped), PyArray_DATA(key), polynomial.buf);
    PyBuffer_Release(&polynomial);
    return (PyObject *)jumped;
}

PyMethodDef stream_methods[] = {
    {"draw_parts", draw_parts, METH_VARARGS, NULL},
    {"mt19937_polynomial", polynomial_of, METH_O, NULL},
    {"mt19937_jumped", jumped_key, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
