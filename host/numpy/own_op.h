/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_OWN_OP_H
#define TREADLE_NUMPY_OWN_OP_H

#include "slot.h"

/**
 * Set slot->op and slot->swapped to the operation of Treadle's that has the bits of slot->loop on
 * contiguous arrays, if there is one; and slot->sums. `data` is what NumPy hands to the loop.
 *
 * @param ufunc  its name
 * @param types  NumPy's type numbers of all operands
 */
void own_op_choose(struct slot *slot, const char *ufunc, const int *types, void *data);

#endif
