/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_OPERANDS_H
#define TREADLE_NUMPY_OPERANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"

/** How the operands of one inner-loop call lie to each other. */
enum operands_form {
    /** Each output is the very memory of an operand or touches none: elements are independent. */
    OPERANDS_APART,
    /** As APART, and an output is an input: what was written can't be computed again. */
    OPERANDS_IN_PLACE,
    /** One output element, which is also the first input: a reduction of the second input. */
    OPERANDS_REDUCE,
    /** Elements may depend on each other's results, as in cumsum: only the original order is right.
     */
    OPERANDS_TANGLED
};

/**
 * Whether this NumPy takes operands that only touch for ones that overlap. Many loops of NumPy 1
 * (exp, power, arctan2 ...) then compute by the C library, whose bits are others than those of
 * their vectors; so such a call must reach its loop in one piece. From 2.0 on they have the same
 * bits. [any thread]
 */
bool operands_touch(int nin, int nargs, int64_t n, char *const *args, const int64_t *steps);

/**
 * Classify a call of n >= 1 elements; TANGLED also if operands_touch(). Sizes are exact: arrays may
 * lie 16 bytes apart on the heap, and a generous rule would send those back to one thread.
 */
enum operands_form operands_form(int nin, int nargs, const uint8_t *itemsize, int64_t n,
                                 char *const *args, const int64_t *steps);

/**
 * Whether no two elements of an operand share memory, so that the order in which they are written
 * does not show. False as well for axes that step through each other and never meet.
 */
bool operand_is_distinct(int ndim, const npy_intp *shape, const npy_intp *strides,
                         npy_intp itemsize);

/** The same for an array. */
bool operand_array_is_distinct(PyArrayObject *array);

/** Whether there are bytes between the first and the last element of both arrays. */
bool operand_arrays_overlap(PyArrayObject *a, PyArrayObject *b);

#endif
