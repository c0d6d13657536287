/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_PARTS_H
#define TREADLE_NUMPY_REDUCE_PARTS_H

#include "slot.h"

/** NumPy's iterators take no more axes in all versions. */
enum { PARTS_DIMS = 32 };

/** What may be cut without a change of bits, beside the outputs that are independent anyway. */
enum parts_order {
    PARTS_ORDERED,  /**< nothing: each output has one accumulator that sees all elements in order */
    PARTS_PAIRWISE, /**< where NumPy adds the sum of a piece of its buffer to the output */
    PARTS_ANY       /**< anything: the operation is associative and commutative */
};

/** What the accumulator of a part starts from with PARTS_ANY. */
enum parts_start {
    PARTS_FROM_RESULT, /**< what the result starts from: x op x is x */
    PARTS_FROM_ZERO,
    PARTS_FROM_ONE
};

/** One reduction; everything is borrowed. */
struct parts_call {
    const struct slot *slot; /* for (type, type) -> type */
    void *data;              /* what NumPy hands to the slot's loop */
    PyArray_Descr *descr;    /* that type */
    PyArrayObject *array;
    PyArrayObject *where;    /* NULL, or bools of the array's shape */
    PyArrayObject *result;   /* of that type, holds the values to start from */
    const npy_bool *reduced; /* by axis of the array */
    bool keepdims;           /* the result has the reduced axes too */
    bool stops_early;        /* a value that can't change any more ends the loop */
    bool skips_first;        /* the result starts from the first elements, which are done then */
    bool skips_nans;         /* fmax, fmin: where signaling NaNs are, they tell the order */
    bool finds_least;        /* minimum, fmin: zeros are common then */
    enum parts_order order;
    enum parts_start start;
    npy_intp buffersize; /* NumPy's, in elements */
    double ns;           /* estimated time of the whole call on one core */
    bool forced;         /* cut however small the parts become */
};

/**
 * Reduce in parallel, with the bits NumPy's own reduction has. Floating-point exceptions are raised
 * on the caller. [with the GIL, which is given up meanwhile; may fail with a Python exception]
 *
 * @return true: the result is complete; false: it is undefined, and the call is NumPy's to compute
 */
bool parts_reduce(const struct parts_call *call);

#endif
