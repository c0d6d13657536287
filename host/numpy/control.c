/* SPDX-License-Identifier: BSD-3-Clause */
#include "control.h"

#include <string.h>
#include <treadle/treadle.h>

#include "hook.h"

static PyObject *linalg_error(void)
{
    PyObject *linalg = PyImport_ImportModule("numpy.linalg");
    PyObject *type = linalg ? PyObject_GetAttrString(linalg, "LinAlgError") : NULL;

    Py_XDECREF(linalg);
    return type;
}

/* The text is cut where there is no more room, maybe inside of a character. */
static void raise_text(PyObject *type, const char *text)
{
    PyObject *decoded = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");

    if (decoded)
        PyErr_SetObject(type, decoded);
    Py_XDECREF(decoded);
}

PyObject *control_raise(int32_t status)
{
    const char *text = treadle_last_error();
    PyObject *type;

    switch (status) {
    case TREADLE_E_INVALID:
        raise_text(PyExc_ValueError, text);
        break;
    case TREADLE_E_UNSUPPORTED:
        raise_text(PyExc_TypeError, text);
        break;
    case TREADLE_E_NOMEM:
        raise_text(PyExc_MemoryError, text);
        break;
    case TREADLE_E_NUMERIC:
        type = linalg_error();
        if (type)
            raise_text(type, text);
        Py_XDECREF(type);
        break;
    default:
        raise_text(PyExc_RuntimeError, text);
    }
    return NULL;
}

/* Every setting may move the size from which on a call is large. */
static PyObject *settled(int32_t status)
{
    if (status != TREADLE_OK)
        return control_raise(status);
    hook_update_limits();
    Py_RETURN_NONE;
}

/* A str, or None for NULL; false with an error set. */
static bool text_or_null(PyObject *object, const char **text)
{
    Py_ssize_t length = 0;

    *text = NULL;
    if (object == Py_None)
        return true;
    *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (*text && strlen(*text) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%R has a null character", object);
        return false;
    }
    return *text != NULL;
}

static PyObject *init(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return settled(treadle_init());
}

static PyObject *reload_env(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return settled(treadle_reload_env());
}

/* For treadle.dask. */
static PyObject *save_ab(PyObject *module, PyObject *object)
{
    const char *path = PyUnicode_AsUTF8(object);
    int32_t status = path ? treadle_ab_save(path) : TREADLE_OK;

    (void)module;
    if (status != TREADLE_OK)
        return control_raise(status);
    return path ? Py_NewRef(Py_None) : NULL;
}

static PyObject *set_backend(PyObject *module, PyObject *object)
{
    const char *spec;

    (void)module;
    if (!text_or_null(object, &spec))
        return NULL;
    return settled(treadle_set_backend(spec));
}

static PyObject *set_thread_backend(PyObject *module, PyObject *object)
{
    const char *spec;
    int32_t status;

    (void)module;
    if (!text_or_null(object, &spec))
        return NULL;
    status = treadle_set_thread_backend(spec);
    if (status != TREADLE_OK)
        return control_raise(status);
    Py_RETURN_NONE;
}

static PyObject *get_backend(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyUnicode_FromString(treadle_get_backend());
}

static PyObject *set_num_threads(PyObject *module, PyObject *object)
{
    long threads = PyLong_AsLong(object);

    (void)module;
    if (threads == -1 && PyErr_Occurred())
        return NULL;
    if (threads < 0 || threads > INT32_MAX)
        return PyErr_Format(PyExc_ValueError,
                            "the number of threads is %ld; it must be at least "
                            "1, or 0 for the machine's",
                            threads);
    return settled(treadle_set_num_threads((int32_t)threads));
}

static PyObject *get_num_threads(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyLong_FromLong(treadle_get_num_threads());
}

static PyObject *set_budget(PyObject *module, PyObject *object)
{
    const char *mode;

    (void)module;
    if (!text_or_null(object, &mode))
        return NULL;
    return settled(treadle_set_budget(mode));
}

static PyObject *get_budget(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyUnicode_FromString(treadle_get_budget());
}

static PyObject *set_min(PyObject *module, PyObject *object)
{
    long long elements = PyLong_AsLongLong(object);

    (void)module;
    if (elements == -1 && PyErr_Occurred())
        return NULL;
    return settled(treadle_set_min(elements));
}

PyMethodDef control_methods[] = {
    {"init", init, METH_NOARGS, NULL},
    {"reload_env", reload_env, METH_NOARGS, NULL},
    {"save_ab", save_ab, METH_O, NULL},
    {"set_backend", set_backend, METH_O, NULL},
    {"set_thread_backend", set_thread_backend, METH_O, NULL},
    {"get_backend", get_backend, METH_NOARGS, NULL},
    {"set_num_threads", set_num_threads, METH_O, NULL},
    {"get_num_threads", get_num_threads, METH_NOARGS, NULL},
    {"set_budget", set_budget, METH_O, NULL},
    {"get_budget", get_budget, METH_NOARGS, NULL},
    {"set_min", set_min, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
