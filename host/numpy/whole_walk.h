/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_WHOLE_WALK_H
#define TREADLE_NUMPY_WHOLE_WALK_H

#include "whole_call.h"

/**
 * Learn how this NumPy cuts operands into pieces. The bits of some loops (which of two zeros is the
 * maximum) depend on where a piece ends, so threads may only part where NumPy's own walk does.
 * [GIL held]
 * @return 0, or -1 with an exception if it walks in a way not known here
 */
int walk_learn(void);

/**
 * Run the loop over all operands by NumPy's own iterator, in several threads. Fills in the outputs
 * that NumPy makes. [GIL held]
 *
 * @param call    with its types resolved and its small operands converted
 * @param raised  set to the floating-point exceptions that NumPy would report; NULL: report them
 * @return 0, or -1 with an exception
 */
int walk_run(struct call *call, npy_intp bufsize, int *raised);

/** About how many nanoseconds one element takes if `copied` operands are cast. That is the most. */
double walk_element_ns(const struct slot *slot, int copied);

/** The longest line of these operands, of which some may be NULL. */
npy_intp walk_line(PyArrayObject *const *op, int count);

/** What an element of an operand that is not cast takes because of how it lies in a call of `size`
 *  elements in lines of `line`. */
double walk_uneven_ns(PyArrayObject *op, npy_intp size, npy_intp line);

#endif
