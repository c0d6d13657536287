/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_OPERANDS_H
#define TREADLE_NUMPY_OPERANDS_H

#include <stdint.h>

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
 * Classify a call of n >= 1 elements. Sizes are exact: arrays may lie 16 bytes apart on the heap,
 * and a generous rule would send those back to one thread.
 */
enum operands_form operands_form(int nin, int nargs, const uint8_t *itemsize, int64_t n,
                                 char *const *args, const int64_t *steps);

#endif
