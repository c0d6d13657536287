/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_job.h"

struct box box_whole(const struct parts_call *call)
{
    struct box box = {{0}, {0}};

    for (int i = 0; i < PyArray_NDIM(call->array); i++)
        box.count[i] = PyArray_DIM(call->array, i);
    return box;
}

static PyArrayObject *view(PyArray_Descr *descr, int ndim, npy_intp *shape, npy_intp *strides,
                           char *data, int flags)
{
    Py_INCREF(descr);
    return (PyArrayObject *)PyArray_NewFromDescr(&PyArray_Type, descr, ndim, shape, strides, data,
                                                 flags, NULL);
}

static PyArrayObject *view_input(PyArrayObject *array, struct box *box)
{
    char *data = PyArray_BYTES(array);

    for (int i = 0; i < PyArray_NDIM(array); i++)
        data += box->first[i] * PyArray_STRIDE(array, i);
    return view(PyArray_DESCR(array), PyArray_NDIM(array), box->count, PyArray_STRIDES(array), data,
                0);
}

/* The part of `result` that belongs to the box, kept axes only; axes[i] is where axis i of the
 * array is in it, or -1. */
static PyArrayObject *view_result(const struct parts_call *call, PyArrayObject *result,
                                  const struct box *box, int *axes)
{
    npy_intp shape[PARTS_DIMS], strides[PARTS_DIMS];
    char *data = PyArray_BYTES(result);
    int ndim = 0;

    for (int i = 0; i < PyArray_NDIM(call->array); i++) {
        axes[i] = call->reduced[i] ? -1 : ndim;
        if (call->reduced[i])
            continue;
        shape[ndim] = box->count[i];
        strides[ndim] = PyArray_STRIDE(result, call->keepdims ? i : ndim);
        data += box->first[i] * strides[ndim];
        ndim++;
    }
    return view(call->descr, ndim, shape, strides, data, NPY_ARRAY_WRITEABLE);
}

static NpyIter *iterate_operands(const struct parts_call *call, PyArrayObject **operands, int *axes,
                                 npy_uint32 flags)
{
    PyArray_Descr *types[3] = {call->descr, call->descr, NULL};
    npy_uint32 op_flags[3] = {NPY_ITER_READWRITE | NPY_ITER_ALIGNED | NPY_ITER_NO_SUBTYPE,
                              NPY_ITER_READONLY | NPY_ITER_ALIGNED | NPY_ITER_NO_BROADCAST,
                              NPY_ITER_READONLY};
    int *op_axes[3] = {axes, NULL, NULL};

    if (operands[2])
        types[2] = PyArray_DESCR(operands[2]);
    /* Strides are not negated because NumPy does not if it allocates the result itself. */
    return NpyIter_AdvancedNew(operands[2] ? 3 : 2, operands,
                               flags | NPY_ITER_BUFFERED | NPY_ITER_EXTERNAL_LOOP |
                                   NPY_ITER_GROWINNER | NPY_ITER_REDUCE_OK |
                                   NPY_ITER_DELAY_BUFALLOC | NPY_ITER_DONT_NEGATE_STRIDES,
                               NPY_KEEPORDER, NPY_UNSAFE_CASTING, op_flags, types,
                               PyArray_NDIM(call->array), op_axes, NULL, call->buffersize);
}

NpyIter *box_iterate(const struct parts_call *call, struct box *box, PyArrayObject *result,
                     npy_uint32 flags)
{
    int axes[PARTS_DIMS];
    PyArrayObject *operands[3] = {view_result(call, result, box, axes),
                                  view_input(call->array, box),
                                  call->where ? view_input(call->where, box) : NULL};
    NpyIter *iter = NULL;

    if (operands[0] && operands[1] && (operands[2] || !call->where))
        iter = iterate_operands(call, operands, axes, flags);
    for (int i = 0; i < 3; i++)
        Py_XDECREF(operands[i]);
    if (iter && NpyIter_IterationNeedsAPI(iter)) {
        NpyIter_Deallocate(iter);
        return NULL;
    }
    return iter;
}

/* The array's kept axes, at the first elements of the others. */
static PyArrayObject *view_first(const struct parts_call *call)
{
    npy_intp shape[PARTS_DIMS], strides[PARTS_DIMS];
    int ndim = 0;

    for (int i = 0; i < PyArray_NDIM(call->array); i++)
        if (!call->reduced[i]) {
            shape[ndim] = PyArray_DIM(call->array, i);
            strides[ndim++] = PyArray_STRIDE(call->array, i);
        }
    return view(PyArray_DESCR(call->array), ndim, shape, strides, PyArray_BYTES(call->array), 0);
}

bool box_write_first(const struct parts_call *call)
{
    struct box box = box_whole(call);
    int axes[PARTS_DIMS];
    PyArrayObject *from = view_first(call), *to = view_result(call, call->result, &box, axes);
    bool done = from && to && PyArray_CopyInto(to, from) == 0;

    Py_XDECREF(from);
    Py_XDECREF(to);
    return done;
}
