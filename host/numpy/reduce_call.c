/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ufunc.reduce as a whole.
 *
 * What a call means - which types, which shape, whether there is an error - stays NumPy's to say:
 * it is asked to reduce a view of the array that is empty along the reduced axes. That gives the
 * result with its start values. The rest is added in parts (reduce_parts.c).
 * Any doubt on the way, and NumPy gets the call as it came.
 */
#include "reduce_call.h"

#include <fenv.h>
#include <math.h>
#include <string.h>
#include <treadle/treadle.h>

#include "limit.h"
#include "method.h"
#include "operands.h"
#include "reduce_operation.h"
#include "whole_report.h"

static struct method method;
static PyObject *no_value, *zero;

/* ---- the start --------------------------------------------------------------------------------
 */

/* The mask as seen from the array; NumPy lets it repeat along the array's axes. */
static PyArrayObject *spread(PyArrayObject *where, PyArrayObject *array)
{
    npy_intp strides[PARTS_DIMS];
    int ndim = PyArray_NDIM(array), missing = ndim - PyArray_NDIM(where);
    PyArray_Descr *descr = PyArray_DESCR(where);

    for (int i = 0; i < ndim; i++) {
        npy_intp extent = i < missing ? 1 : PyArray_DIM(where, i - missing);

        if (extent != 1 && extent != PyArray_DIM(array, i))
            return NULL;
        strides[i] = extent == 1 ? 0 : PyArray_STRIDE(where, i - missing);
    }
    Py_INCREF(descr);
    return (PyArrayObject *)PyArray_NewFromDescr(&PyArray_Type, descr, ndim, PyArray_DIMS(array),
                                                 strides, PyArray_BYTES(where), 0, NULL);
}

/* A view without elements along the reduced axes. Those that are one element long stay so, for
 * NumPy does not count them when it lays the result out. */
static PyObject *empty(PyArrayObject *array, const npy_bool *reduced)
{
    npy_intp shape[PARTS_DIMS];
    PyArray_Descr *descr = PyArray_DESCR(array);

    for (int i = 0; i < PyArray_NDIM(array); i++)
        shape[i] = reduced[i] && PyArray_DIM(array, i) > 1 ? 0 : PyArray_DIM(array, i);
    Py_INCREF(descr);
    return PyArray_NewFromDescr(&PyArray_Type, descr, PyArray_NDIM(array), shape,
                                PyArray_STRIDES(array), PyArray_BYTES(array), 0, NULL);
}

/* Nothing to start from but the elements themselves. */
static bool skips_first(const struct operation *operation, const struct request *r)
{
    return !operation->has_identity && !r->given[REQUEST_INITIAL];
}

/* The result with its start values, always an array, or NULL. Where the first elements are the
 * start, NumPy is told a number, which nobody will see. What NumPy refuses, it will refuse again;
 * other exceptions stay. */
static PyArrayObject *start_result(const struct operation *operation, const struct request *r,
                                   PyArrayObject *where)
{
    PyObject *array = empty(r->array, r->reduced);
    PyObject *mask = where ? empty(where, r->reduced) : NULL;
    PyObject *result = NULL, *scalar;

    if (array && (mask || !where))
        result = request_call(r, method.original, (PyObject *)operation->ufunc, array, mask,
                              skips_first(operation, r) ? zero : NULL);
    Py_XDECREF(array);
    Py_XDECREF(mask);
    if (!result)
        forget_refusal();
    if (result && PyArray_CheckScalar(result) && !PyArray_Check(result)) {
        scalar = result;
        result = PyArray_FromScalar(scalar, NULL);
        Py_DECREF(scalar);
    }
    if (result && !PyArray_CheckExact(result))
        Py_CLEAR(result);
    return (PyArrayObject *)result;
}

/* ---- the call ----------------------------------------------------------------------------------
 */

/* Whether it would show when the caller's output is written: it is part of an input, or some of its
 * elements are the same memory. */
static bool shows_order(const struct request *r)
{
    PyArrayObject *out = (PyArrayObject *)r->given[REQUEST_OUT];
    PyArrayObject *where = (PyArrayObject *)r->given[REQUEST_WHERE];

    return out && (!operand_array_is_distinct(out) || operand_arrays_overlap(out, r->array) ||
                   (where && operand_arrays_overlap(out, where)));
}

/* Fits every type of number. */
static bool is_modest(PyObject *initial)
{
    double value = PyFloat_CheckExact(initial) || PyLong_CheckExact(initial)
                       ? PyFloat_AsDouble(initial)
                       : HUGE_VAL;

    PyErr_Clear(); /* an integer beyond any float */
    return value >= 0.0 && value <= 100.0;
}

/* Conversions that NumPy may warn of: it would do so for the start, and once more. */
static bool may_warn(const struct request *r, int type)
{
    PyArrayObject *out = (PyArrayObject *)r->given[REQUEST_OUT];
    PyObject *initial = r->given[REQUEST_INITIAL];

    if (initial && !is_modest(initial))
        return true;
    return (type != NPY_BOOL && !PyArray_CanCastSafely(PyArray_TYPE(r->array), type)) ||
           (out && PyArray_TYPE(out) != type);
}

/* What is known before NumPy is asked; false if the call is better left to it. */
static bool prepare(const struct operation *operation, const struct request *r,
                    struct parts_call *call)
{
    int type = operation_type(operation, r);

    call->slot = operation_slot(operation, type, &call->data);
    call->skips_first = skips_first(operation, r);
    if (!call->slot || may_warn(r, type) || (call->skips_first && r->given[REQUEST_WHERE]))
        return false;
    call->skips_nans = operation_skips_nans(operation);
    call->finds_least = operation_finds_least(operation);
    call->order = operation_order(operation, type);
    call->start = operation->start;
    call->stops_early = operation->stops_early;
    call->forced = limit_is_forced();
    call->ns = (double)PyArray_SIZE(r->array) * operation_element_ns(operation, r, call->slot);
    return (call->forced || limit_reached(1, call->ns)) && treadle_get_num_threads() > 1 &&
           !shows_order(r);
}

/* What NumPy made of the call; false with an exception if Python code raised it. */
static bool fits(struct parts_call *call)
{
    if (!PyArray_ISBEHAVED(call->result) || PyArray_TYPE(call->result) != call->slot->type ||
        PyArray_SIZE(call->result) == 0)
        return false;
    call->descr = PyArray_DESCR(call->result);
    call->buffersize = report_bufsize();
    return call->buffersize > 0;
}

/* Exceptions that NumPy looks at: operations on bools and integers raise none. */
static int flags_of_interest(const struct parts_call *call)
{
    bool can_raise = !PyArray_ISBOOL(call->result) &&
                     (!PyArray_ISINTEGER(call->result) || !PyArray_ISINTEGER(call->array));

    return can_raise ? fetestexcept(FE_UNDERFLOW | FE_OVERFLOW | FE_INVALID) : 0;
}

/* A signaling NaN becomes a bool with an exception, but NumPy may not come to it. */
static bool signals_as_bool(const struct parts_call *call)
{
    return PyArray_ISBOOL(call->result) && !PyArray_ISINTEGER(call->array) &&
           !PyArray_ISBOOL(call->array) && fetestexcept(FE_INVALID);
}

/* Likewise. */
static bool add_parts(struct parts_call *call)
{
    bool done = parts_reduce(call) && !PyErr_Occurred() && !signals_as_bool(call);

    forget_refusal();
    return done;
}

/* Returns the result; or NULL, and if there is no exception then NumPy must do the call. */
static PyObject *reduce_parallel(const struct operation *operation, const struct request *r,
                                 struct parts_call *call)
{
    PyArrayObject *where = (PyArrayObject *)r->given[REQUEST_WHERE];
    bool done;
    int flags;

    call->where = where ? spread(where, r->array) : NULL;
    call->result = call->where || !where ? start_result(operation, r, call->where) : NULL;
    feclearexcept(FE_ALL_EXCEPT);
    done = call->result && fits(call) && add_parts(call);
    flags = done ? flags_of_interest(call) : 0;
    Py_XDECREF(call->where);
    if (!done)
        Py_CLEAR(call->result);
    if (call->result && flags && report_raised("reduce", flags) < 0)
        Py_CLEAR(call->result);
    if (!call->result || r->given[REQUEST_OUT])
        return (PyObject *)call->result;
    return PyArray_Return(call->result);
}

static PyObject *reduce_large(PyObject *ufunc, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    const struct operation *operation = operation_of(ufunc);
    struct request r;
    PyObject *result = NULL;

    if (operation && request_read(&r, args, nargs, keywords, no_value)) {
        struct parts_call call = {.array = r.array, .reduced = r.reduced, .keepdims = r.keepdims};

        if (prepare(operation, &r, &call))
            result = reduce_parallel(operation, &r, &call);
    }
    return result || PyErr_Occurred() ? result : method.original(ufunc, args, nargs, keywords);
}

/* Hardly any reduction takes more than 6 ns an element. */
static bool is_small(PyArrayObject *array)
{
    npy_intp n = 1;

    for (int i = 0; i < PyArray_NDIM(array); i++)
        n *= PyArray_DIM(array, i);
    return n == 0 || !limit_reached(n, 6.0);
}

static PyObject *reduce(PyObject *ufunc, PyObject *const *args, Py_ssize_t nargs,
                        PyObject *keywords)
{
    if (nargs < 1 || !PyArray_CheckExact(args[0]) || is_small((PyArrayObject *)args[0]))
        return method.original(ufunc, args, nargs, keywords);
    return reduce_large(ufunc, args, nargs, keywords);
}

/* ---- in and out --------------------------------------------------------------------------------
 */

static bool find(PyObject *numpy)
{
    if (!no_value)
        no_value = PyObject_GetAttrString(numpy, "_NoValue");
    if (!zero)
        zero = PyLong_FromLong(0);
    return no_value && zero && report_find() == 0 && operations_find(numpy);
}

bool reduce_call_install(void)
{
    PyObject *numpy = PyImport_ImportModule("numpy");
    bool found = numpy && find(numpy);

    Py_XDECREF(numpy);
    if (!found)
        return false;
    limit_update();
    return method_replace(&method, &PyUFunc_Type, "reduce", reduce);
}

void reduce_call_uninstall(void)
{
    method_restore(&method);
}
