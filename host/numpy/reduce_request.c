/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_request.h"

#include <string.h>

static int parameter_named(PyObject *keyword)
{
    static const char *const names[] = {"array",    "axis",    "dtype", "out",
                                        "keepdims", "initial", "where"};

    for (int i = 0; i < REQUEST_PARAMETERS; i++)
        if (PyUnicode_CompareWithASCIIString(keyword, names[i]) == 0)
            return i;
    return -1;
}

static bool give(struct request *r, int parameter, Py_ssize_t place)
{
    if (parameter < 0 || r->given[parameter])
        return false;
    r->given[parameter] = r->args[place];
    r->place[parameter] = place;
    return true;
}

static bool collect(struct request *r)
{
    if (r->nargs > REQUEST_PARAMETERS)
        return false;
    for (Py_ssize_t i = 0; i < r->nargs; i++)
        give(r, (int)i, i);
    for (Py_ssize_t i = 0; i < r->nkeywords; i++)
        if (!give(r, parameter_named(PyTuple_GET_ITEM(r->keywords, i)), r->nargs + i))
            return false;
    return true;
}

static void forget_default(struct request *r, int parameter, const PyObject *value)
{
    if (r->given[parameter] == value)
        r->given[parameter] = NULL;
}

bool request_is_number(int type)
{
    return (type >= NPY_BOOL && type <= NPY_CLONGDOUBLE) || type == NPY_HALF;
}

static bool add_axis(struct request *r, PyObject *object)
{
    int ndim = PyArray_NDIM(r->array);
    Py_ssize_t axis;

    if (!PyLong_Check(object) || PyBool_Check(object))
        return false;
    axis = PyLong_AsSsize_t(object);
    if (axis == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    axis += axis < 0 ? ndim : 0;
    if (axis < 0 || axis >= ndim || r->reduced[axis])
        return false;
    r->reduced[axis] = 1;
    return true;
}

static bool read_axes(struct request *r)
{
    PyObject *axis = r->given[REQUEST_AXIS];

    if (axis == Py_None) {
        memset(r->reduced, 1, sizeof(r->reduced));
        return true;
    }
    if (!axis) {
        r->reduced[0] = 1;
        return true;
    }
    if (!PyTuple_Check(axis))
        return add_axis(r, axis);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(axis); i++)
        if (!add_axis(r, PyTuple_GET_ITEM(axis, i)))
            return false;
    return PyTuple_GET_SIZE(axis) > 0;
}

/* The type of a given `out` counts in the choice of the loop: only where it changes nothing. */
static bool suits_out(const struct request *r)
{
    PyArrayObject *out = (PyArrayObject *)r->given[REQUEST_OUT];

    if (!out)
        return true;
    if (!PyArray_CheckExact(out) || !PyArray_ISBEHAVED(out))
        return false;
    for (int i = 0; i < PyArray_NDIM(r->array); i++)
        if (PyArray_STRIDE(r->array, i) < 0) /* turned round in some versions */
            return false;
    return r->given[REQUEST_DTYPE] || PyArray_TYPE(out) == PyArray_TYPE(r->array);
}

static bool suits_where(const struct request *r)
{
    PyArrayObject *where = (PyArrayObject *)r->given[REQUEST_WHERE];

    return !where || (PyArray_CheckExact(where) && PyArray_TYPE(where) == NPY_BOOL &&
                      PyArray_NDIM(where) <= PyArray_NDIM(r->array));
}

static bool reduces_anything(const struct request *r)
{
    for (int i = 0; i < PyArray_NDIM(r->array); i++)
        if (r->reduced[i] && PyArray_DIM(r->array, i) > 1)
            return true;
    return false;
}

static bool understand(struct request *r, const PyObject *no_value)
{
    PyObject *keepdims;

    if (!collect(r) || PyArray_NDIM(r->array) == 0 || PyArray_NDIM(r->array) > PARTS_DIMS ||
        !request_is_number(PyArray_TYPE(r->array)) || !read_axes(r) || !reduces_anything(r))
        return false;
    keepdims = r->given[REQUEST_KEEPDIMS];
    if (keepdims && keepdims != Py_True && keepdims != Py_False)
        return false;
    r->keepdims = keepdims == Py_True;
    forget_default(r, REQUEST_DTYPE, Py_None);
    forget_default(r, REQUEST_OUT, Py_None);
    forget_default(r, REQUEST_INITIAL, no_value);
    forget_default(r, REQUEST_WHERE, Py_True);
    return r->given[REQUEST_INITIAL] != Py_None && suits_out(r) && suits_where(r);
}

bool request_read(struct request *request, PyObject *const *args, Py_ssize_t nargs,
                  PyObject *keywords, PyObject *no_value)
{
    *request = (struct request){.args = args,
                                .nargs = nargs,
                                .nkeywords = keywords ? PyTuple_GET_SIZE(keywords) : 0,
                                .keywords = keywords,
                                .array = (PyArrayObject *)args[0]};
    return understand(request, no_value);
}

/* A call that has an initial value, if only "none", has a place for one. */
static PyObject *keywords_with_initial(const struct request *r)
{
    PyObject *keywords = PyTuple_New(r->nkeywords + 1);
    PyObject *name = PyUnicode_InternFromString("initial");

    for (Py_ssize_t i = 0; keywords && i < r->nkeywords; i++)
        PyTuple_SET_ITEM(keywords, i, Py_NewRef(PyTuple_GET_ITEM(r->keywords, i)));
    if (keywords && name)
        PyTuple_SET_ITEM(keywords, r->nkeywords, Py_NewRef(name));
    else
        Py_CLEAR(keywords);
    Py_XDECREF(name);
    return keywords;
}

PyObject *request_call(const struct request *request, method_fn reduce, PyObject *ufunc,
                       PyObject *array, PyObject *where, PyObject *initial)
{
    PyObject *args[2 * REQUEST_PARAMETERS], *keywords = Py_XNewRef(request->keywords), *result;
    Py_ssize_t count = request->nargs + request->nkeywords;

    memcpy(args, request->args, (size_t)count * sizeof(*args));
    args[request->place[REQUEST_ARRAY]] = array;
    if (where)
        args[request->place[REQUEST_WHERE]] = where;
    if (initial && request->place[REQUEST_INITIAL])
        args[request->place[REQUEST_INITIAL]] = initial;
    else if (initial) {
        args[count] = initial;
        Py_XSETREF(keywords, keywords_with_initial(request));
        if (!keywords)
            return NULL;
    }
    result = reduce(ufunc, args, request->nargs, keywords);
    Py_XDECREF(keywords);
    return result;
}
