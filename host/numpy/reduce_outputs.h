/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_OUTPUTS_H
#define TREADLE_NUMPY_REDUCE_OUTPUTS_H

#include "reduce_job.h"

/**
 * Let the part write its outputs to memory of its own, where they are few: else two threads would
 * take the cache line at the border away from each other, some loops at each element. No effect if
 * it can't be done.
 * @param box  what the part reduces
 * @return the array to iterate over in place of call->result
 */
PyArrayObject *outputs_of_its_own(const struct parts_call *call, const struct box *box,
                                  struct part *part);

/** Put them where they belong. */
void outputs_copy_back(const struct part *part);

#endif
