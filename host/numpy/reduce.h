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

#endif
