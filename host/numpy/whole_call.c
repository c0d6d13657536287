/* SPDX-License-Identifier: BSD-3-Clause */
#include "whole_call.h"

#include <math.h>
#include <string.h>

#include <treadle/treadle.h>

#include "limit.h"
#include "operands.h"
#include "whole_report.h"
#include "whole_types.h"
#include "whole_walk.h"

/* ---- reading the arguments: false without an exception sends the call on to NumPy -------- */

static bool is_number(int type)
{
    return (type >= 0 && type <= NPY_CLONGDOUBLE) || type == NPY_HALF;
}

static bool is_array_of_numbers(PyObject *object)
{
    return PyArray_CheckExact(object) && is_number(PyArray_TYPE((PyArrayObject *)object));
}

/* From 2.0 on a Python number in a call with other operands has no type of its own. */
static PyTypeObject *weak_type(int nin, PyObject *object)
{
    if (nin == 1 || PyArray_GetNDArrayCVersion() < 0x02000000)
        return NULL;
    if (PyLong_CheckExact(object) || PyFloat_CheckExact(object) || PyComplex_CheckExact(object))
        return Py_TYPE(object);
    return NULL;
}

static bool is_python_number(PyObject *object)
{
    return PyLong_CheckExact(object) || PyFloat_CheckExact(object) ||
           PyComplex_CheckExact(object) || PyBool_Check(object);
}

static bool read_scalar(struct call *call, int i, PyObject *object)
{
    PyArrayObject *array;

    if (!is_python_number(object) && !PyArray_IsScalar(object, Number) &&
        !PyArray_IsScalar(object, Bool))
        return false;
    array = (PyArrayObject *)PyArray_FromAny(object, NULL, 0, 0, 0, NULL);
    if (!array) {
        forget_refusal();
        return false;
    }
    call->op[i] = array;
    call->weak[i] = weak_type(call->nin, object);
    return is_array_of_numbers((PyObject *)array) &&
           (is_python_number(object) || PyArray_DESCR(array)->typeobj == Py_TYPE(object));
}

static bool read_input(struct call *call, int i, PyObject *object)
{
    call->inputs[i] = object;
    if (!is_array_of_numbers(object))
        return read_scalar(call, i, object);
    call->op[i] = (PyArrayObject *)Py_NewRef(object);
    return true;
}

static bool read_output(struct call *call, int i, PyObject *object)
{
    if (object == Py_None)
        return true;
    if (call->op[i] || !is_array_of_numbers(object) ||
        !PyArray_ISWRITEABLE((PyArrayObject *)object))
        return false;
    call->op[i] = (PyArrayObject *)Py_NewRef(object);
    return true;
}

/* From 2.3 on: a new array, also where None would give a number. np.var() is written so. */
static bool asks_for_array(PyObject *out)
{
    return out == Py_Ellipsis && numpy_is_2_3();
}

static bool read_outputs(struct call *call, PyObject *out)
{
    if (asks_for_array(out))
        return true;
    if (!PyTuple_CheckExact(out))
        return call->nargs == call->nin + 1 && read_output(call, call->nin, out);
    if (PyTuple_GET_SIZE(out) != call->nargs - call->nin)
        return false;
    for (int i = call->nin; i < call->nargs; i++)
        if (!read_output(call, i, PyTuple_GET_ITEM(out, i - call->nin)))
            return false;
    return true;
}

static bool read_mask(struct call *call, PyObject *where)
{
    if (where == Py_True)
        return true;
    if (!PyArray_CheckExact(where) || PyArray_TYPE((PyArrayObject *)where) != NPY_BOOL)
        return false;
    call->op[call->nargs] = (PyArrayObject *)Py_NewRef(where);
    call->masked = true;
    return true;
}

static bool read_dtype(struct call *call, PyObject *dtype)
{
    if (dtype == Py_None)
        return true;
    if (!PyArray_DescrCheck(dtype) || !is_number(((PyArray_Descr *)dtype)->type_num))
        return false;
    call->dtype = (PyArray_Descr *)Py_NewRef(dtype);
    return true;
}

static bool is_named(PyObject *name, const char *as)
{
    return PyUnicode_CompareWithASCIIString(name, as) == 0;
}

/* The narrower rules refuse nearly all calls that are not plain; and of a Python number under
 * "equiv", resolve_dtypes() reads a null pointer (NumPy 2.2 to 2.4). */
static bool read_casting(struct call *call, PyObject *casting)
{
    call->casting = casting;
    return PyUnicode_CheckExact(casting) &&
           (is_named(casting, "same_kind") || is_named(casting, "unsafe") ||
            is_named(casting, "safe"));
}

/* Outputs given in both ways are an error, whatever they are. */
static bool read_keyword(struct call *call, bool has_outputs, PyObject *name, PyObject *value)
{
    if (is_named(name, "out"))
        return !has_outputs && read_outputs(call, value);
    if (is_named(name, "where"))
        return read_mask(call, value);
    if (is_named(name, "dtype"))
        return read_dtype(call, value);
    return is_named(name, "casting") && read_casting(call, value);
}

/* The third argument of these two is deprecated: NumPy warns. */
static bool takes_outputs_by_place(const PyUFuncObject *ufunc)
{
    return strcmp(ufunc->name, "maximum") != 0 && strcmp(ufunc->name, "minimum") != 0;
}

static bool read_arguments(struct call *call, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *names)
{
    if (nargs < call->nin || nargs > call->nargs)
        return false;
    if (nargs > call->nin && !takes_outputs_by_place(call->whole->ufunc))
        return false;
    for (int i = 0; i < call->nin; i++)
        if (!read_input(call, i, args[i]))
            return false;
    for (int i = call->nin; i < nargs; i++)
        if (!read_output(call, i, args[i]))
            return false;
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++)
        if (!read_keyword(call, nargs > call->nin, PyTuple_GET_ITEM(names, i), args[nargs + i]))
            return false;
    return true;
}

/* What is not written keeps its old bytes; of a new output nobody knows them, and NumPy warns. */
static bool has_outputs_for_mask(const struct call *call)
{
    for (int i = call->nin; i < call->nargs; i++)
        if (call->masked && !call->op[i])
            return false;
    return true;
}

/* ---- is it worth it? -------------------------------------------------------------------- */

/* The size after broadcasting, or 0 if the shapes don't fit, which NumPy will say. */
static npy_intp broadcast_size(const struct call *call)
{
    npy_intp shape[64], size = 1;
    int most = 0;

    for (int i = 0; i <= call->nargs; i++) {
        PyArrayObject *op = call->op[i];
        int ndim = op ? PyArray_NDIM(op) : 0;

        for (int k = 1; k <= ndim; k++) {
            npy_intp extent = PyArray_DIM(op, ndim - k);

            if (k > most)
                shape[most++] = extent;
            else if (shape[k - 1] == 1)
                shape[k - 1] = extent;
            else if (extent != 1 && extent != shape[k - 1])
                return 0;
        }
    }
    for (int k = 0; k < most; k++)
        if (__builtin_mul_overflow(size, shape[k], &size))
            return 0;
    return size;
}

/* The loop this call will probably end in: that of its slowest operand. */
static const struct slot *likely_slot(const struct call *call)
{
    const struct slot *slowest = NULL;

    for (int i = 0; i < call->nin; i++) {
        const struct slot *slot =
            call->weak[i] ? NULL : call->whole->uniform[PyArray_TYPE(call->op[i])];

        if (slot && (!slowest || slot->element_ns > slowest->element_ns))
            slowest = slot;
    }
    return slowest ? slowest : call->whole->uniform[NPY_DOUBLE];
}

static bool will_be_cast(const struct call *call, PyArrayObject *op)
{
    return op && PyArray_NDIM(op) > 0 &&
           (PyArray_TYPE(op) != PyArray_TYPE(call->op[0]) || !PyArray_ISBEHAVED_RO(op));
}

/* Before the types are known. */
static double likely_ns(const struct call *call, const struct slot *slot)
{
    npy_intp line = walk_line(call->op, call->nargs);
    int cast = call->masked;
    double uneven = 0.0;

    for (int i = 0; i < call->nargs; i++)
        if (will_be_cast(call, call->op[i]))
            cast++;
        else
            uneven += walk_uneven_ns(call->op[i], call->size, line);
    return walk_element_ns(slot, cast) + uneven;
}

static double worth_of(const struct slot *slot)
{
    uint32_t worth = __atomic_load_n(&slot->worth, __ATOMIC_RELAXED);

    return worth < SLOT_NEVER ? (double)worth : HUGE_VAL;
}

npy_intp whole_call_min(const struct slot *slot)
{
    double dearer = walk_element_ns(slot, slot->nargs) / slot->element_ns;
    double min = worth_of(slot) / dearer;

    return min < HUGE_VAL ? (npy_intp)min : NPY_MAX_INTP;
}

/* An iterator for each thread takes 2 us, and a thread begins later by that. */
static const double ITERATORS = 1.25;

/* It will run as a loop, also where the slot has an operation of Treadle's. */
static bool is_worth_it(const struct call *call)
{
    const struct slot *slot = likely_slot(call);
    double ns;

    if (!slot || call->size == 0)
        return false;
    ns = (double)call->size * likely_ns(call, slot);
    return limit_is_forced() ? ns / slot->element_ns >= worth_of(slot)
                             : ns >= ITERATORS * limit_loop_ns();
}

static bool is_like(PyArrayObject *op, PyArrayObject *first)
{
    return PyArray_DESCR(op) == PyArray_DESCR(first) && PyArray_NDIM(op) == PyArray_NDIM(first) &&
           PyArray_CompareLists(PyArray_DIMS(op), PyArray_DIMS(first), PyArray_NDIM(op)) &&
           PyArray_IS_C_CONTIGUOUS(op) && PyArray_ISBEHAVED_RO(op);
}

/* A Python number of that type takes the arrays'. */
static bool yields_to(const PyTypeObject *weak, int type)
{
    if (weak == &PyFloat_Type)
        return PyTypeNum_ISFLOAT(type) || PyTypeNum_ISCOMPLEX(type);
    return weak == &PyLong_Type && type != NPY_BOOL;
}

/* A scalar that takes the arrays' type. */
static bool is_scalar_like(const struct call *call, int i, PyArrayObject *first)
{
    if (i >= call->nin || PyArray_NDIM(call->op[i]) > 0)
        return false;
    if (call->weak[i] == &PyFloat_Type || call->weak[i] == &PyLong_Type)
        return yields_to(call->weak[i], PyArray_TYPE(first));
    return PyArray_DESCR(call->op[i]) == PyArray_DESCR(first);
}

/* Most large calls of most programs: NumPy gives them to the loop at once. */
static bool is_plain(const struct call *call)
{
    PyArrayObject *first = PyArray_NDIM(call->op[0]) ? call->op[0] : call->op[call->nin - 1];

    if (call->masked || call->dtype || call->casting || call->nargs != call->nin + 1 ||
        !call->whole->uniform[PyArray_TYPE(first)])
        return false;
    for (int i = 0; i < call->nargs; i++)
        if (call->op[i] && !is_like(call->op[i], first) && !is_scalar_like(call, i, first))
            return false;
    return true;
}

/* The same before anything is made of the arguments, which takes a tenth of the time of such a call
 * of 10,000 elements and a number. */
static bool is_plain_at_sight(const struct whole *whole, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *names)
{
    const PyUFuncObject *ufunc = whole->ufunc;
    PyArrayObject *first;

    if (names || nargs < 1 || nargs != ufunc->nin || ufunc->nout != 1)
        return false;
    first = (PyArrayObject *)args[PyArray_CheckExact(args[0]) ? 0 : nargs - 1];
    if (!is_array_of_numbers((PyObject *)first) || !whole->uniform[PyArray_TYPE(first)])
        return false;
    for (Py_ssize_t i = 0; i < nargs; i++)
        if (PyArray_CheckExact(args[i])
                ? !is_like((PyArrayObject *)args[i], first)
                : Py_TYPE(args[i]) != PyArray_DESCR(first)->typeobj &&
                      !yields_to(weak_type(ufunc->nin, args[i]), PyArray_TYPE(first)))
            return false;
    return true;
}

/* ---- what would show -------------------------------------------------------------------- */

/* Some loops clear the exceptions when they end, so that of the casts of results only those after
 * the last piece are reported. Which piece is the last depends on the threads. */
static bool casts_floats_back(const struct call *call)
{
    for (int i = call->nin; i < call->nargs; i++)
        if (types_differ(call, i) && !PyTypeNum_ISINTEGER(call->types[i]->type_num) &&
            !PyTypeNum_ISBOOL(call->types[i]->type_num))
            return true;
    return false;
}

/* Such a cast warns whenever an iterator is made, and a masked call needs several. */
static bool warns_at_start(const struct call *call)
{
    for (int i = 0; i < call->nargs; i++)
        if (call->masked && types_differ(call, i) &&
            (PyArray_ISCOMPLEX(call->op[i]) || PyTypeNum_ISCOMPLEX(call->types[i]->type_num)))
            return true;
    return false;
}

/* Of elements that are the same memory the last one stays, in NumPy's order. */
static bool has_distinct_outputs(const struct call *call)
{
    for (int i = call->nin; i < call->nargs; i++) {
        if (call->op[i] && !operand_array_is_distinct(call->op[i]))
            return false;
        for (int other = call->nin; call->op[i] && other < i; other++)
            if (call->op[other] && operand_arrays_overlap(call->op[i], call->op[other]))
                return false;
    }
    return true;
}

/* ---- the call --------------------------------------------------------------------------- */

/* Everything that can be decided before something happens. */
static bool suits(struct call *call, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    if (treadle_get_num_threads() < 2 || !read_arguments(call, args, nargs, names) ||
        !has_outputs_for_mask(call) || is_plain(call))
        return false;
    call->size = broadcast_size(call);
    return is_worth_it(call) && has_distinct_outputs(call) && types_resolve(call) &&
           !(casts_floats_back(call) && slot_clears_exceptions(call->slot, call->data)) &&
           !warns_at_start(call);
}

static PyObject *result_of(const struct call *call)
{
    int nout = call->nargs - call->nin;
    PyObject *results;

    if (nout == 1)
        return Py_NewRef((PyObject *)call->op[call->nin]);
    results = PyTuple_New(nout);
    for (int i = 0; results && i < nout; i++)
        PyTuple_SET_ITEM(results, i, Py_NewRef((PyObject *)call->op[call->nin + i]));
    return results;
}

/* False: NumPy has to do it. True: *result is what the caller gets, NULL with an exception. */
static bool carry_out(struct call *call, PyObject **result)
{
    npy_intp bufsize = report_bufsize();
    int status;

    *result = NULL;
    if (bufsize < 0)
        return true;
    if (types_are_trivial(call, bufsize))
        return false;
    status = types_convert(call, bufsize);
    if (status == 0 && walk_run(call, bufsize, NULL) == 0)
        *result = result_of(call);
    return status <= 0;
}

static void clear(struct call *call)
{
    for (int i = 0; i <= call->nargs; i++) {
        Py_XDECREF((PyObject *)call->op[i]);
        Py_XDECREF((PyObject *)call->types[i]);
    }
    Py_XDECREF((PyObject *)call->dtype);
}

static bool call_in_parts(const struct whole *whole, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *names, PyObject **result)
{
    struct call call = {.whole = whole, .nin = whole->ufunc->nin, .nargs = whole->ufunc->nargs};
    bool done = suits(&call, args, nargs, names) && carry_out(&call, result);

    clear(&call);
    return done;
}

PyObject *whole_call(const struct whole *whole, PyObject *const *args, size_t nargsf,
                     PyObject *names)
{
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    PyObject *result = NULL;

    if (!is_plain_at_sight(whole, args, nargs, names) &&
        (call_in_parts(whole, args, nargs, names, &result) || PyErr_Occurred()))
        return result;
    return whole->numpy((PyObject *)whole->ufunc, args, nargsf, names);
}
