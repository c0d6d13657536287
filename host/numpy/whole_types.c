/* SPDX-License-Identifier: BSD-3-Clause */
#include "whole_types.h"

#include <float.h>
#include <math.h>

static const double half_max = 65504.0;
static PyObject *promotion_state; /* the function of 1.x that tells it; in C */

static bool is_numpy_1(void)
{
    return PyArray_GetNDArrayCVersion() < 0x02000000;
}

/* ---- the types of the loop -------------------------------------------------------------- */

static PyObject *type_of(const struct call *call, int i)
{
    if (!call->op[i])
        return Py_None;
    if (call->weak[i])
        return (PyObject *)call->weak[i];
    return (PyObject *)PyArray_DESCR(call->op[i]);
}

static PyObject *operand_types(const struct call *call)
{
    PyObject *types = PyTuple_New(call->nargs);

    for (int i = 0; types && i < call->nargs; i++)
        PyTuple_SET_ITEM(types, i, Py_NewRef(type_of(call, i)));
    return types;
}

/* dtype= fixes the outputs, as signature=(None, None, dtype). */
static PyObject *signature(const struct call *call)
{
    PyObject *types = PyTuple_New(call->nargs);

    for (int i = 0; types && i < call->nargs; i++)
        PyTuple_SET_ITEM(types, i, Py_NewRef(i < call->nin ? Py_None : (PyObject *)call->dtype));
    return types;
}

static PyObject *keywords(const struct call *call)
{
    PyObject *names = PyDict_New(), *types = call->dtype ? signature(call) : NULL;

    if (names && types && PyDict_SetItemString(names, "signature", types) < 0)
        Py_CLEAR(names);
    if (names && call->casting && PyDict_SetItemString(names, "casting", call->casting) < 0)
        Py_CLEAR(names);
    Py_XDECREF(types);
    return names;
}

static bool take_types(struct call *call, PyObject *types)
{
    if (!PyTuple_CheckExact(types) || PyTuple_GET_SIZE(types) != call->nargs)
        return false;
    for (int i = 0; i < call->nargs; i++) {
        PyObject *type = PyTuple_GET_ITEM(types, i);

        if (!PyArray_DescrCheck(type))
            return false;
        call->types[i] = (PyArray_Descr *)Py_NewRef(type);
    }
    return true;
}

static bool ask_numpy(struct call *call)
{
    PyObject *ufunc = (PyObject *)call->whole->ufunc, *answer = NULL;
    PyObject *method = PyObject_GetAttrString(ufunc, "resolve_dtypes");
    PyObject *types = operand_types(call);
    PyObject *args = types ? PyTuple_Pack(1, types) : NULL;
    PyObject *names = call->dtype || call->casting ? keywords(call) : NULL;
    bool found = false;

    if (method && args && !PyErr_Occurred())
        answer = PyObject_Call(method, args, names);
    if (answer)
        found = take_types(call, answer);
    forget_refusal();
    Py_XDECREF(answer);
    Py_XDECREF(names);
    Py_XDECREF(args);
    Py_XDECREF(types);
    Py_XDECREF(method);
    return found;
}

/* NumPy 1.x goes by the values of scalars among arrays: its old resolver does, resolve_dtypes()
 * does not. */
static bool goes_by_value(const struct call *call)
{
    bool any_scalar = false, any_array = false;

    for (int i = 0; i < call->nin; i++)
        *(PyArray_NDIM(call->op[i]) == 0 ? &any_scalar : &any_array) = true;
    return any_scalar && any_array && is_numpy_1();
}

int types_find(void)
{
    PyObject *numpy;

    if (promotion_state || !is_numpy_1())
        return 0;
    numpy = PyImport_ImportModule("numpy");
    promotion_state = numpy ? PyObject_GetAttrString(numpy, "_get_promotion_state") : NULL;
    Py_XDECREF(numpy);
    return promotion_state ? 0 : -1;
}

/* 1.26 can be told to promote as 2.0 does. */
static bool promotes_as_1(void)
{
    PyObject *state = PyObject_CallNoArgs(promotion_state);
    bool legacy =
        state && PyUnicode_Check(state) && PyUnicode_CompareWithASCIIString(state, "legacy") == 0;

    Py_XDECREF(state);
    return legacy;
}

static bool casting_of(const struct call *call, NPY_CASTING *casting)
{
    *casting = NPY_SAME_KIND_CASTING;
    return !call->casting || PyArray_CastingConverter(call->casting, casting) == NPY_SUCCEED;
}

static bool ask_numpy_1(struct call *call)
{
    PyUFuncObject *ufunc = call->whole->ufunc;
    NPY_CASTING casting;
    bool found;

    if (call->dtype || !promotes_as_1())
        return false;
    found = casting_of(call, &casting) &&
            ufunc->type_resolver(ufunc, NPY_UNSAFE_CASTING, call->op, NULL, call->types) == 0 &&
            PyUFunc_ValidateCasting(ufunc, casting, call->op, call->types) == 0;
    forget_refusal();
    return found;
}

/* ---- the loop --------------------------------------------------------------------------- */

static bool is_plain_number(const PyArray_Descr *type)
{
    return PyArray_ISNBO(type->byteorder) && type->type_num >= 0 &&
           (type->type_num <= NPY_CLONGDOUBLE || type->type_num == NPY_HALF);
}

static bool has_types(const struct call *call, const char *types)
{
    for (int i = 0; i < call->nargs; i++)
        if (call->types[i]->type_num != types[i])
            return false;
    return true;
}

/* The first of these types, as NumPy looks for it; not ours if somebody has replaced it since. */
static bool find_loop(struct call *call)
{
    const PyUFuncObject *ufunc = call->whole->ufunc;

    for (int i = 0; i < ufunc->ntypes; i++) {
        const struct slot *slot = call->whole->slots[i];

        if (!has_types(call, ufunc->types + i * ufunc->nargs))
            continue;
        if (!slot || ufunc->functions[i] != slot_trampoline(slot))
            return false;
        call->slot = slot;
        call->data = ufunc->data ? ufunc->data[i] : NULL;
        return true;
    }
    return false;
}

bool types_resolve(struct call *call)
{
    if (!(goes_by_value(call) ? ask_numpy_1(call) : ask_numpy(call)))
        return false;
    for (int i = 0; i < call->nargs; i++)
        if (!is_plain_number(call->types[i]))
            return false;
    return find_loop(call);
}

/* ---- what NumPy does before it begins --------------------------------------------------- */

bool types_differ(const struct call *call, int i)
{
    PyArrayObject *op = call->op[i];

    return op && (!PyArray_ISALIGNED(op) || !PyArray_EquivTypes(PyArray_DESCR(op), call->types[i]));
}

/* Copied to the loop's type, in the hope of a trivial call: check_for_trivial_loop(). */
static bool is_small_input(const struct call *call, int i, npy_intp bufsize)
{
    int ndim = PyArray_NDIM(call->op[i]);

    return i < call->nin && (ndim == 0 || (ndim == 1 && PyArray_DIM(call->op[i], 0) <= bufsize));
}

static int order_of(const PyArrayObject *op)
{
    return PyArray_FLAGS(op) & (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS);
}

static bool same_shape(PyArrayObject *a, PyArrayObject *b)
{
    return PyArray_NDIM(a) == PyArray_NDIM(b) &&
           PyArray_CompareLists(PyArray_DIMS(a), PyArray_DIMS(b), PyArray_NDIM(a));
}

/* The conditions of try_trivial_single_output_loop(), but overlap. */
bool types_are_trivial(const struct call *call, npy_intp bufsize)
{
    PyArrayObject *first = NULL;
    int order = 0;

    if (call->masked || call->nargs != call->nin + 1)
        return false;
    for (int i = 0; i < call->nargs; i++) {
        PyArrayObject *op = call->op[i];

        if (!op)
            continue;
        if (types_differ(call, i) && !call->weak[i] && !is_small_input(call, i, bufsize))
            return false;
        if (PyArray_NDIM(op) == 0 && i < call->nin)
            continue;
        if (first && !same_shape(first, op))
            return false;
        first = op;
        if (PyArray_NDIM(op) == 1)
            continue;
        if (!order_of(op) || (order && order != order_of(op)))
            return false;
        order = order_of(op);
    }
    return true;
}

/* Whether a Python number can become one of the loop's type. If it can't, NumPy's versions differ.
 */
static bool becomes(const PyTypeObject *weak, int type)
{
    if (weak == &PyComplex_Type)
        return PyTypeNum_ISCOMPLEX(type);
    if (weak == &PyFloat_Type)
        return PyTypeNum_ISFLOAT(type) || PyTypeNum_ISCOMPLEX(type);
    return weak == &PyLong_Type && type != NPY_BOOL;
}

/* NumPy warns of an overflow when it makes the number; that must not happen twice. */
static bool overflows(PyObject *number, int type)
{
    bool is_half = type == NPY_HALF, is_single = type == NPY_FLOAT || type == NPY_CFLOAT;
    double most = is_half ? half_max : (double)FLT_MAX;
    Py_complex value;

    if ((!is_half && !is_single) || PyLong_CheckExact(number))
        return false;
    value = PyComplex_AsCComplex(number);
    return fabs(value.real) > most || fabs(value.imag) > most;
}

static PyArrayObject *number_of_type(PyObject *number, PyArray_Descr *type)
{
    PyArrayObject *array;

    Py_INCREF((PyObject *)type);
    array =
        (PyArrayObject *)PyArray_NewFromDescr(&PyArray_Type, type, 0, NULL, NULL, NULL, 0, NULL);
    if (array && PyArray_SETITEM(array, PyArray_BYTES(array), number) < 0)
        Py_CLEAR(array);
    return array;
}

static bool convert_numbers(struct call *call)
{
    for (int i = 0; i < call->nin; i++) {
        PyArrayObject *array;

        if (!call->weak[i])
            continue;
        if (!becomes(call->weak[i], call->types[i]->type_num) ||
            overflows(call->inputs[i], call->types[i]->type_num))
            return false;
        array = number_of_type(call->inputs[i], call->types[i]);
        if (!array) {
            PyErr_Clear();
            return false;
        }
        Py_SETREF(call->op[i], array);
    }
    return true;
}

/* As check_for_trivial_loop(), which gives up at the first operand that stays as it is. */
static int convert_small_operands(struct call *call, npy_intp bufsize)
{
    for (int i = 0; i < call->nargs; i++) {
        PyObject *array;

        if (!types_differ(call, i))
            continue;
        if (!is_small_input(call, i, bufsize))
            return 0;
        Py_INCREF((PyObject *)call->types[i]);
        array = PyArray_CastToType(call->op[i], call->types[i], 0);
        if (!array)
            return -1;
        Py_SETREF(call->op[i], (PyArrayObject *)array);
    }
    return 0;
}

int types_convert(struct call *call, npy_intp bufsize)
{
    if (!convert_numbers(call))
        return 1;
    return call->masked ? 0 : convert_small_operands(call, bufsize);
}
