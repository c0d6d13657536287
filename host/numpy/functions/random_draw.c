/* SPDX-License-Identifier: BSD-3-Clause */
/* What treadle/_random.py can't do itself: draw in several threads, and jump. */
#include "random_stream.h"

#include <string.h>

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

/* What is done once is not there to be done again. */
static void draw(void *ctx, int64_t begin, int64_t end)
{
    struct part *parts = ctx;

    for (int64_t k = begin; k < end; k++) {
        for (npy_intp i = 0; i < parts[k].n; i++)
            parts[k].out[i] = parts[k].bits->next_double(parts[k].bits->state);
        parts[k].n = 0;
    }
}

static void draw_all(struct part *parts, int64_t count, double ns)
{
    if (!span_run(draw, parts, count, 1, ns))
        draw(parts, 0, count);
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

/* Of states: dictionaries, arrays and what Python compares. 1, 0, or -1 with an exception. */
static int are_same(PyObject *a, PyObject *b)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int same = 1;

    if (PyArray_CheckExact(a) && PyArray_CheckExact(b)) {
        npy_intp size = PyArray_NBYTES((PyArrayObject *)a);

        return size == PyArray_NBYTES((PyArrayObject *)b) &&
               memcmp(PyArray_BYTES((PyArrayObject *)a), PyArray_BYTES((PyArrayObject *)b),
                      (size_t)size) == 0;
    }
    if (!PyDict_CheckExact(a) || !PyDict_CheckExact(b))
        return PyObject_RichCompareBool(a, b, Py_EQ);
    while (same > 0 && PyDict_Next(a, &at, &key, &value)) {
        PyObject *other = PyDict_GetItemWithError(b, key);

        same = other ? are_same(value, other) : PyErr_Occurred() ? -1 : 0;
    }
    return same;
}

static int move_on_locked(PyObject *bit_generator, PyObject *first, PyObject *last)
{
    PyObject *now = PyObject_GetAttrString(bit_generator, "state");
    int same = now ? are_same(now, first) : -1;

    Py_XDECREF(now);
    if (same > 0 && PyObject_SetAttrString(bit_generator, "state", last) < 0)
        return -1;
    return same;
}

/* Go on from `last` if nobody has drawn since `first`. 1, 0, or -1 with an exception. No handler of
 * signals runs while the lock is held, so one may wait for it, as in plain NumPy. */
static int move_on(PyObject *bit_generator, PyObject *first, PyObject *last)
{
    PyObject *lock = PyObject_GetAttrString(bit_generator, "lock");
    PyObject *held = lock ? PyObject_CallMethod(lock, "acquire", NULL) : NULL;
    PyObject *type, *value, *traceback;
    int moved = -1;

    if (held) {
        moved = move_on_locked(bit_generator, first, last);
        PyErr_Fetch(&type, &value, &traceback);
        Py_XDECREF(PyObject_CallMethod(lock, "release", NULL));
        PyErr_Restore(type, value, traceback);
    }
    Py_XDECREF(held);
    Py_XDECREF(lock);
    return moved;
}

static PyObject *draw_parts(PyObject *module, PyObject *args)
{
    PyArrayObject *out;
    PyObject *list, *bit_generator, *first, *last;
    struct part *parts;
    Py_ssize_t count;
    int moved = -1;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!OOO", &PyArray_Type, &out, &PyList_Type, &list, &bit_generator,
                          &first, &last))
        return NULL;
    count = PyList_GET_SIZE(list);
    parts = PyMem_New(struct part, (size_t)count);
    if (!parts)
        return PyErr_NoMemory();
    if (read_parts(parts, list, PyArray_DATA(out)))
        moved = move_on(bit_generator, first, last);
    if (moved > 0)
        draw_all(parts, count, DRAW_NS * (double)(PyArray_SIZE(out) / count));
    PyMem_Free(parts);
    return moved < 0 ? NULL : PyBool_FromLong(moved);
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
    uint32_t *room;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!y*", &PyArray_Type, &key, &polynomial))
        return NULL;
    room = PyMem_New(uint32_t, MT19937_ROOM);
    jumped = room ? (PyArrayObject *)PyArray_SimpleNew(1, &words, NPY_UINT32)
                  : (PyArrayObject *)PyErr_NoMemory();
    if (jumped)
        mt19937_jump(PyArray_DATA(jumped), PyArray_DATA(key), polynomial.buf, room);
    PyMem_Free(room);
    PyBuffer_Release(&polynomial);
    return (PyObject *)jumped;
}

PyMethodDef stream_methods[] = {
    {"draw_parts", draw_parts, METH_VARARGS, NULL},
    {"mt19937_polynomial", polynomial_of, METH_O, NULL},
    {"mt19937_jumped", jumped_key, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
