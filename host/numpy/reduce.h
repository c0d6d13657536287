/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_H
#define TREADLE_NUMPY_REDUCE_H

#include "slot.h"

/**
 * How the reduce form of a loop can run in parallel with NumPy's bits, or NULL if it can't.
 * @param name   of the ufunc
 * @param types  NumPy's type numbers of all three operands
 */
slot_reduce_fn reduce_of(const char *name, const int *types);

/** Whether one of n values, aligned and of that NumPy type, is a NaN or has a NaN in a part. */
bool reduce_has_nan(int type, const char *values, npy_intp n);

/**
 * Write -0.0, or both parts of a complex -0.0: x + -0.0 is x, also for x = -0.0, so that an
 * accumulator that starts from it ends as exactly the sum that was added to it.
 * @param type  a float of NumPy's but half
 */
void reduce_minus_zero(int type, char *value);

/** Whether that is so: not where the program has sums rounded down, for then 0.0 + -0.0 is -0.0. */
bool reduce_has_neutral(void);

#endif
