/* SPDX-License-Identifier: BSD-3-Clause */
#include "explain.h"

#include "control.h"
#include "gufunc_hook.h"
#include "hook.h"
#include "large.h"

PyObject *explain_result(int32_t status, const struct treadle_decision *d)
{
    if (status != TREADLE_OK)
        return control_raise(status);
    return Py_BuildValue("{s:s, s:s, s:I, s:I, s:I, s:I, s:d, s:d, s:s}", "backend", d->backend,
                         "variant", d->variant, "wanted", d->wanted, "granted", d->granted,
                         "callers", d->callers, "cores", d->cores, "elements", d->elements, "limit",
                         d->limit, "reason", d->reason);
}

static bool parse_types(PyObject *tuple, int nargs, int *types)
{
    if (PyTuple_GET_SIZE(tuple) != nargs || nargs > SLOT_ARGS_MAX) {
        PyErr_Format(PyExc_ValueError, "%zd types for %d operands", PyTuple_GET_SIZE(tuple), nargs);
        return false;
    }
    for (int i = 0; i < nargs; i++)
        types[i] = (int)PyLong_AsLong(PyTuple_GET_ITEM(tuple, i));
    return !PyErr_Occurred();
}

/* (ufunc, type numbers, elements, reduces, callers): None if the loop has no trampoline, or none
 * that reduces. */
static PyObject *explain_loop(PyObject *module, PyObject *args)
{
    PyObject *ufunc, *tuple;
    long long elements;
    int reduces, types[SLOT_ARGS_MAX];
    unsigned callers;
    struct treadle_decision decision;
    const struct slot *slot;
    int32_t status;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!LpI", &PyUFunc_Type, &ufunc, &PyTuple_Type, &tuple, &elements,
                          &reduces, &callers) ||
        !parse_types(tuple, ((PyUFuncObject *)ufunc)->nargs, types))
        return NULL;
    slot = hook_find((PyUFuncObject *)ufunc, types);
    if (!slot || (reduces && !slot->reduce))
        Py_RETURN_NONE;
    status = large_explain(slot, elements, reduces, callers, &decision);
    if (status == TREADLE_OK && (reduces ? !slot->sums : !slot->op))
        decision.variant = "NumPy's own loop";
    return explain_result(status, &decision);
}

static bool parse_core(PyObject *tuple, npy_intp *core)
{
    for (int i = 0; i < GUFUNC_DIMS_MAX; i++)
        core[i] = i < PyTuple_GET_SIZE(tuple) ? PyLong_AsSsize_t(PyTuple_GET_ITEM(tuple, i)) : 1;
    return !PyErr_Occurred();
}

/* (generalised ufunc, type numbers, core dimensions, matrices, callers): None if the stack is not
 * for Treadle to cut. */
static PyObject *explain_stack(PyObject *module, PyObject *args)
{
    PyObject *ufunc, *tuple, *dims;
    Py_ssize_t matrices;
    int types[SLOT_ARGS_MAX];
    npy_intp core[GUFUNC_DIMS_MAX];
    unsigned callers;
    struct treadle_decision decision;
    const struct gufunc_slot *slot;
    int32_t status;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!O!nI", &PyUFunc_Type, &ufunc, &PyTuple_Type, &tuple,
                          &PyTuple_Type, &dims, &matrices, &callers) ||
        !parse_types(tuple, ((PyUFuncObject *)ufunc)->nargs, types) || !parse_core(dims, core))
        return NULL;
    slot = gufunc_find((PyUFuncObject *)ufunc, types);
    if (!slot)
        Py_RETURN_NONE;
    status = gufunc_explain(slot, matrices, core, callers, &decision);
    if (status == TREADLE_E_DECLINED)
        Py_RETURN_NONE;
    if (status == TREADLE_OK)
        decision.variant = "NumPy's own loop";
    return explain_result(status, &decision);
}

/* (name, bits of the BLAS's integers, flops, shorter side of a product or infinity, callers) */
static PyObject *explain_routine(PyObject *module, PyObject *args)
{
    const char *name;
    unsigned int_bits, callers;
    double flops, side;
    struct treadle_decision decision;
    int32_t status;

    (void)module;
    if (!PyArg_ParseTuple(args, "sIddI", &name, &int_bits, &flops, &side, &callers))
        return NULL;
    status = treadle_explain_product(name, int_bits, flops, side, callers, &decision);
    return explain_result(status, &decision);
}

static PyObject *recent_call(const struct treadle_recent_call *call)
{
    return Py_BuildValue("{s:s, s:s, s:s, s:d, s:I, s:I, s:I, s:I, s:I, s:i, s:L, s:d, s:s}", "op",
                         call->op, "backend", call->backend, "variant", call->variant, "elements",
                         call->elements, "wanted", call->wanted, "granted", call->granted,
                         "threads", call->threads, "callers", call->callers, "cores", call->cores,
                         "thread", call->thread, "begin_ns", (long long)call->begin_ns, "seconds",
                         (double)(call->end_ns - call->begin_ns) * 1e-9, "reason", call->reason);
}

static PyObject *recent_calls(PyObject *module, PyObject *unused)
{
    struct treadle_recent_call calls[TREADLE_RECENT_CALLS];
    uint32_t count = treadle_recent_calls(calls, TREADLE_RECENT_CALLS);
    PyObject *list = PyList_New((Py_ssize_t)count);

    (void)module, (void)unused;
    for (uint32_t i = 0; list && i < count; i++) {
        PyObject *call = recent_call(&calls[i]);
        if (!call)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, call);
    }
    return list;
}

PyMethodDef explain_methods[] = {
    {"recent_calls", recent_calls, METH_NOARGS, NULL},
    {"explain_loop", explain_loop, METH_VARARGS, NULL},
    {"explain_stack", explain_stack, METH_VARARGS, NULL},
    {"explain_routine", explain_routine, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
