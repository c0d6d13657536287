/* SPDX-License-Identifier: BSD-3-Clause */
#include "operands.h"

#include <stdlib.h>

/* The bytes an operand touches: [first, end). */
struct extent {
    uintptr_t first, end;
};

static struct extent extent_of(const char *data, int64_t n, int64_t step, uint8_t itemsize)
{
    uintptr_t start = (uintptr_t)data;
    uintptr_t last = start + (uintptr_t)((n - 1) * step);

    return step < 0 ? (struct extent){last, start + itemsize}
                    : (struct extent){start, last + itemsize};
}

static bool disjoint(struct extent a, struct extent b)
{
    return a.end <= b.first || b.end <= a.first;
}

/* Element by element the same memory, and no element reaches into the next one. */
static bool same_elements(int a, int b, const uint8_t *itemsize, char *const *args,
                          const int64_t *steps)
{
    return args[a] == args[b] && steps[a] == steps[b] && llabs(steps[a]) >= itemsize[a] &&
           llabs(steps[a]) >= itemsize[b];
}

/* An operand as nomemoverlap() of NumPy 1 sees it: one step too long, and its end belongs to it. */
static struct extent span_of(const char *data, int64_t n, int64_t step)
{
    uintptr_t start = (uintptr_t)data, end = start + (uintptr_t)(n * step);

    return step < 0 ? (struct extent){end, start} : (struct extent){start, end};
}

static bool touch(struct extent a, struct extent b)
{
    return a.first <= b.end && b.first <= a.end && (a.first != b.first || a.end != b.end);
}

bool operands_touch(int nin, int nargs, int64_t n, char *const *args, const int64_t *steps)
{
    if (numpy_is_2())
        return false;
    for (int out = nin; out < nargs; out++)
        for (int i = 0; i < nin; i++)
            if (touch(span_of(args[i], n, steps[i]), span_of(args[out], n, steps[out])))
                return true;
    return false;
}

enum operands_form operands_form(int nin, int nargs, const uint8_t *itemsize, int64_t n,
                                 char *const *args, const int64_t *steps)
{
    enum operands_form form = OPERANDS_APART;

    if (nin == 2 && nargs == 3 && args[0] == args[2] && steps[0] == 0 && steps[2] == 0)
        return OPERANDS_REDUCE;
    if (operands_touch(nin, nargs, n, args, steps))
        return OPERANDS_TANGLED;
    for (int out = nin; out < nargs; out++) {
        struct extent written = extent_of(args[out], n, steps[out], itemsize[out]);

        if (llabs(steps[out]) < itemsize[out])
            return OPERANDS_TANGLED;
        for (int i = 0; i < nargs; i++) {
            if (i == out || disjoint(written, extent_of(args[i], n, steps[i], itemsize[i])))
                continue;
            if (i >= nin || !same_elements(i, out, itemsize, args, steps))
                return OPERANDS_TANGLED;
            form = OPERANDS_IN_PLACE;
        }
    }
    return form;
}

/* Of the axes that are still to be looked at, which are longer than one element. */
static int finest_axis(int ndim, const npy_intp *strides, uint64_t left)
{
    int finest = -1;

    for (int i = 0; i < ndim; i++)
        if ((left >> i & 1) && (finest < 0 || llabs(strides[i]) < llabs(strides[finest])))
            finest = i;
    return finest;
}

/* Each axis steps over all that lies within the finer ones. NumPy has 64 axes at most. */
bool operand_is_distinct(int ndim, const npy_intp *shape, const npy_intp *strides,
                         npy_intp itemsize)
{
    npy_intp reach = itemsize;
    uint64_t left = 0;

    for (int i = 0; i < ndim; i++)
        left |= (uint64_t)(shape[i] > 1) << i;
    while (left) {
        int finest = finest_axis(ndim, strides, left);

        if (llabs(strides[finest]) < reach)
            return false;
        reach += (shape[finest] - 1) * llabs(strides[finest]);
        left &= ~((uint64_t)1 << finest);
    }
    return true;
}

bool operand_array_is_distinct(PyArrayObject *array)
{
    return operand_is_distinct(PyArray_NDIM(array), PyArray_DIMS(array), PyArray_STRIDES(array),
                               PyArray_ITEMSIZE(array));
}

static struct extent extent_of_array(PyArrayObject *array)
{
    uintptr_t first = (uintptr_t)PyArray_BYTES(array);
    struct extent extent = {first, first + (uintptr_t)PyArray_ITEMSIZE(array)};

    for (int i = 0; i < PyArray_NDIM(array); i++) {
        npy_intp reach = (PyArray_DIM(array, i) - 1) * PyArray_STRIDE(array, i);

        *(reach < 0 ? &extent.first : &extent.end) += (uintptr_t)reach;
    }
    return extent;
}

bool operand_arrays_overlap(PyArrayObject *a, PyArrayObject *b)
{
    return !disjoint(extent_of_array(a), extent_of_array(b));
}
