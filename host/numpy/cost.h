/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_COST_H
#define TREADLE_NUMPY_COST_H

/**
 * About how many nanoseconds one element of NumPy's loop takes on one core, so that the policy
 * can tell sin from add. Right within a factor of three is enough.
 *
 * @param name   of the ufunc
 * @param types  NumPy's type numbers of all operands
 * @param bytes  sum of the operands' item sizes
 */
double cost_element_ns(const char *name, const int *types, int bytes);

#endif
