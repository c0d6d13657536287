/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_LARGE_H
#define TREADLE_NUMPY_LARGE_H

#include <treadle/treadle.h>

#include "slot.h"

/**
 * Carry out a large inner-loop call through the library where that gives NumPy's bits, else by
 * NumPy's own loop. Called with or without the GIL, on any thread; it always finishes the call.
 */
void large_run(struct slot *slot, char **args, const npy_intp *dims, const npy_intp *steps,
               void *data);

/**
 * Run slot->op, which is not NULL, on contiguous operands or repeated scalars that lie apart.
 * @return a treadle_status
 */
int32_t large_run_op(const struct slot *slot, char *const *args, int64_t n, const npy_intp *steps);

/**
 * *sum = the n contiguous elements at x, as op "sum" adds them: from 0 on, so that a sum of -0.0
 * alone is 0.0.
 * @return a treadle_status
 */
int32_t large_run_sum(const struct slot *slot, char *x, int64_t n, char *sum);

/** An operand of op "loop": its element type does not matter there, its size does. */
struct treadle_array large_operand(void *data, const int64_t *n, const int64_t *step,
                                   uint32_t itemsize);

/**
 * What the policy would do with a call of n elements that lie together.
 * @return a treadle_status
 */
int32_t large_explain(const struct slot *slot, int64_t n, bool reduces, uint32_t callers,
                      struct treadle_decision *decision);

/**
 * The policy's limit: calls of fewer elements stay on the caller's thread. The largest number there
 * is if the library can't run the loop at all.
 */
npy_intp large_limit(const struct slot *slot);

#endif
