/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_ROW_SUMS_H
#define TREADLE_NUMPY_REDUCE_ROW_SUMS_H

#include "reduce_job.h"

/**
 * Whether the call is a sum of float32 or float64 numbers that may be added row by row.
 *
 * NumPy adds one row to the sums at a time, and so reads and writes all sums for each. Several rows
 * at once, each number in its turn, give the same bits with a fourth of that.
 */
bool row_sums_suit(const struct parts_call *call);

/** A part's run() for such calls. Rows that can't be held on to, and sums of which one is a NaN,
 * are done by NumPy's loop: which of two NaNs comes out is up to it. */
void row_sums_run(const struct job *job, struct part *part);

#endif
