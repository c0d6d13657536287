/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a reduction is cut into folds so that it has NumPy's bits, and where threads may divide it.
 *
 * NumPy adds up a result in pieces: those that its buffered iterator hands to the inner loop.
 * Within a piece floats are added pairwise, the pieces one after the other. A plan holds these
 * pieces:
 *
 *   rows     the innermost axis is reduced: outputs x pieces, each piece is one fold
 *   columns  it is kept: whole lines of x are combined into lines of results, in order
 */
#ifndef TREADLE_REDUCTION_H
#define TREADLE_REDUCTION_H

#include "kernels.h"

/** Items a piece has at most if it must be gathered: NumPy's buffer size. */
enum { TREADLE_REDUCTION_BUFFER = 8192 };

/** Results of a line of columns, the last one excepted; they stay in the first-level cache. */
enum { TREADLE_REDUCTION_LINE = 512 };

struct treadle_reduction_axis {
    size_t extent;
    ptrdiff_t x, out; /* strides; out is 0 if the axis is reduced */
    int reduced;
};

struct treadle_reduction_plan {
    const struct treadle_fold *fold;
    const char *x;
    char *out;
    size_t count;   /* elements in each result */
    size_t outputs; /* rows: results; columns: lines of results */
    size_t pieces;  /* of one result */
    size_t piece;   /* elements in a piece; columns: in a line, but the last may be longer */
    size_t lines;   /* columns: in the innermost axis */
    size_t block;   /* elements in the axes below `naxes_block`, which pieces cut */
    int columns;
    int gathers; /* pieces must be made contiguous, or converted, before they are folded */
    int naxes;
    int naxes_block;
    struct treadle_reduction_axis axes[TREADLE_NDIM_MAX]; /* innermost first */
};

/**
 * TREADLE_OK, or TREADLE_E_INVALID if there is no result for no elements. `threads` only says how
 * many lines of columns are wanted at least; the bits do not depend on it.
 */
int32_t treadle_reduction_plan(struct treadle_reduction_plan *plan, const struct treadle_fold *fold,
                               const struct treadle_array *x, const struct treadle_array *out,
                               uint64_t axes, size_t threads);

/** Compute outputs [first, end) from beginning to end. */
void treadle_reduction_run(const struct treadle_reduction_plan *plan, size_t first, size_t end);

/** Rows: *acc = *acc op piece `k` of one output. The first `skip` elements are left out. */
void treadle_reduction_fold_piece(const struct treadle_reduction_plan *plan, size_t output,
                                  size_t k, size_t skip, void *acc);

/** Rows: the address of output `i` and of its first element of x. */
char *treadle_reduction_output(const struct treadle_reduction_plan *plan, size_t i, const char **x);

/** Put a finished accumulator into an output: divides for a mean. */
void treadle_reduction_finish(const struct treadle_reduction_plan *plan, void *acc, char *out);

#endif /* TREADLE_REDUCTION_H */
