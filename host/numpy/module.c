/* SPDX-License-Identifier: BSD-3-Clause */
#define TREADLE_IMPORTS_NUMPY
#include "api.h"

#include "route.h"
#include "call.h"
#include "control.h"
#include "explain.h"
#include "functions/functions.h"
#include "functions/random_stream.h"
#include "gufunc.h"
#include "gufunc_hook.h"
#include "hook.h"
#include "look.h"
#include "memory.h"
#include "memory_kept.h"
#include "memory_limit.h"
#include "reduce_call.h"
#include "whole.h"

/* The Python side holds a lock while it installs or uninstalls. */

static PyObject *hook(PyObject *module, PyObject *ufunc)
{
    (void)module;
    if (!PyObject_TypeCheck(ufunc, &PyUFunc_Type))
        return PyErr_Format(PyExc_TypeError, "%s is not a ufunc", Py_TYPE(ufunc)->tp_name);
    return PyLong_FromLong(hook_ufunc((PyUFuncObject *)ufunc) +
                           gufunc_hook((PyUFuncObject *)ufunc));
}

static PyObject *hook_calls(PyObject *module, PyObject *ufunc)
{
    int hooked;

    (void)module;
    if (!PyObject_TypeCheck(ufunc, &PyUFunc_Type))
        return PyErr_Format(PyExc_TypeError, "%s is not a ufunc", Py_TYPE(ufunc)->tp_name);
    hooked = whole_hook((PyUFuncObject *)ufunc);
    return hooked < 0 ? NULL : PyLong_FromLong(hooked);
}

static PyObject *unhook(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    whole_unhook_all();
    unhook_all();
    gufunc_unhook_all();
    Py_RETURN_NONE;
}

static PyObject *update_limits(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    hook_update_limits();
    Py_RETURN_NONE;
}

static PyObject *hook_reductions(PyObject *module, PyObject *none)
{
    bool done = reduce_call_install();

    (void)module, (void)none;
    return PyErr_Occurred() ? NULL : PyBool_FromLong(done);
}

static PyObject *unhook_reductions(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    reduce_call_uninstall();
    Py_RETURN_NONE;
}

static PyObject *hook_functions(PyObject *module, PyObject *none)
{
    int count = functions_install();

    (void)module, (void)none;
    return count < 0 ? NULL : PyLong_FromLong(count);
}

static PyObject *hook_random(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyLong_FromLong(stream_install());
}

static PyObject *unhook_functions(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    functions_uninstall();
    Py_RETURN_NONE;
}

static PyObject *route_blas(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyLong_FromLong(treadle_blas_route());
}

static PyObject *unroute_blas(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyLong_FromLong(treadle_blas_unroute());
}

static PyObject *is_memory_guarded(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyBool_FromLong(memory_is_guarded());
}

static PyObject *install_memory(PyObject *module, PyObject *huge_pages)
{
    int wanted = PyObject_IsTrue(huge_pages);

    (void)module;
    return wanted < 0 ? NULL : PyBool_FromLong(memory_install(wanted) == 0);
}

static PyObject *uninstall_memory(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    memory_uninstall();
    Py_RETURN_NONE;
}

static PyObject *trim_memory(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    memory_kept_trim();
    Py_RETURN_NONE;
}

static PyObject *held_memory(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyLong_FromSize_t(memory_kept_held());
}

static PyObject *limit_of_memory(PyObject *module, PyObject *root)
{
    const char *text = PyUnicode_AsUTF8(root);

    (void)module;
    return text ? PyLong_FromSize_t(memory_limit(text)) : NULL;
}

static PyMethodDef methods[] = {
    {"hook", hook, METH_O, NULL},
    {"hook_calls", hook_calls, METH_O, NULL},
    {"unhook", unhook, METH_NOARGS, NULL},
    {"update_limits", update_limits, METH_NOARGS, NULL},
    {"hook_reductions", hook_reductions, METH_NOARGS, NULL},
    {"unhook_reductions", unhook_reductions, METH_NOARGS, NULL},
    {"hook_functions", hook_functions, METH_NOARGS, NULL},
    {"hook_random", hook_random, METH_NOARGS, NULL},
    {"unhook_functions", unhook_functions, METH_NOARGS, NULL},
    {"route_blas", route_blas, METH_NOARGS, NULL},
    {"unroute_blas", unroute_blas, METH_NOARGS, NULL},
    {"is_memory_guarded", is_memory_guarded, METH_NOARGS, NULL},
    {"install_memory", install_memory, METH_O, NULL},
    {"uninstall_memory", uninstall_memory, METH_NOARGS, NULL},
    {"trim_memory", trim_memory, METH_NOARGS, NULL},
    {"held_memory", held_memory, METH_NOARGS, NULL},
    {"memory_limit", limit_of_memory, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* Loops, handlers and slots belong to the process: a second interpreter would pull them away from
 * the first. Python 3.12 refuses by itself. */
static int exec(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "treadle works in the main interpreter only");
        return -1;
    }
    import_array1(-1);
    import_umath1(-1);
    if (PyModule_AddFunctions(module, methods) < 0 ||
        PyModule_AddFunctions(module, control_methods) < 0 ||
        PyModule_AddFunctions(module, explain_methods) < 0 ||
        PyModule_AddFunctions(module, look_methods) < 0 ||
        PyModule_AddFunctions(module, stream_methods) < 0)
        return -1;
    return PyModule_AddFunctions(module, call_methods);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, __extension__(void *) exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "treadle._treadle",
                                        .m_slots = slots};

PyMODINIT_FUNC PyInit__treadle(void);

PyMODINIT_FUNC PyInit__treadle(void); /* Python before 3.12 does not declare it */
PyMODINIT_FUNC PyInit__treadle(void)
{
    return PyModuleDef_Init(&definition);
}
