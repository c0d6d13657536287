/* SPDX-License-Identifier: BSD-3-Clause */
#include "look.h"

#include <stdbool.h>
#include <treadle/treadle.h>

static PyObject *version(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyUnicode_FromString(treadle_version());
}

/* Append a new reference to a list; false with an error set. */
static bool append(PyObject *list, PyObject *item)
{
    bool ok = item && PyList_Append(list, item) == 0;

    Py_XDECREF(item);
    return ok;
}

/* The names of the operations of backend i, each once, in the backend's order. */
static PyObject *op_names(uint32_t i)
{
    PyObject *names = PyDict_New();
    PyObject *list = NULL;
    struct treadle_query query = {.struct_size = sizeof(query)};

    for (uint32_t k = 0; names && treadle_backend_op(i, k, &query) == TREADLE_OK; k++)
        if (PyDict_SetItemString(names, query.op, Py_None) < 0)
            Py_CLEAR(names);
    if (names)
        list = PyDict_Keys(names);
    Py_XDECREF(names);
    return list;
}

static PyObject *backends(PyObject *module, PyObject *none)
{
    PyObject *list = PyList_New(0);
    struct treadle_backend_info info;

    (void)module, (void)none;
    for (uint32_t i = 0; list && treadle_backend_info(i, &info) == TREADLE_OK; i++)
        if (!append(list, Py_BuildValue("{s:s, s:s, s:s, s:s, s:N, s:s, s:N}", "name", info.name,
                                        "path", info.path, "version", info.version, "vendor",
                                        info.vendor, "usable", PyBool_FromLong(!info.reason[0]),
                                        "reason", info.reason, "ops", op_names(i))))
            Py_CLEAR(list);
    return list;
}

static PyObject *statistics(PyObject *module, PyObject *none)
{
    PyObject *list = PyList_New(0);
    struct treadle_statistic row;

    (void)module, (void)none;
    for (uint32_t i = 0; list && treadle_statistic(i, &row) == TREADLE_OK; i++)
        if (!append(list,
                    Py_BuildValue("{s:s, s:s, s:K, s:d, s:I, s:K}", "op", row.op, "backend",
                                  row.backend, "calls", (unsigned long long)row.calls, "seconds",
                                  (double)row.nanoseconds * 1e-9, "threads", row.threads_most,
                                  "fallbacks", (unsigned long long)row.fallbacks)))
            Py_CLEAR(list);
    return list;
}

static PyObject *reset_statistics(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    treadle_reset_statistics();
    Py_RETURN_NONE;
}

PyMethodDef look_methods[] = {
    {"version", version, METH_NOARGS, NULL},
    {"backends", backends, METH_NOARGS, NULL},
    {"statistics", statistics, METH_NOARGS, NULL},
    {"reset_statistics", reset_statistics, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
