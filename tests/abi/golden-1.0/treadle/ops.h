/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OPS_H
#define TREADLE_OPS_H

#include <stdint.h>

#include "array.h"

/**
 * The operations a host asks plugins for, and how it hands over their arguments.
 *
 * An op is a string. The names below are those of the Python array API or of LAPACK's tasks; others
 * are free to anybody as "org.you.op". In every call the inputs come first, then the outputs.
 *
 * Element-wise: add subtract multiply divide maximum minimum | negative abs sqrt square copy.
 *     All operands have the shape of the output (a broadcast input has stride 0), axes are ordered
 *     so that the last one varies fastest in memory, and neighbours are merged: a contiguous array
 *     of any rank arrives with ndim 1. An output is the very memory of an input (same data and
 *     strides) or touches none. Floats follow IEEE 754; maximum and minimum propagate NaN.
 *
 * Reductions: sum prod min max mean, with struct treadle_reduction.
 *     x and out have the same ndim, out has extent 1 and stride 0 on the reduced axes. Axes are
 *     ordered and merged as above. sum and mean add in NumPy's order (pairwise, see
 *     plugins/kernels), so that the bits are those of numpy.sum.
 *
 * Products: dot (x[n], y[n] -> out[]), matmul (x[..., m, k], y[..., k, n] -> out[..., m, n]).
 *     The leading axes have been broadcast: equal ndim and extents, stride 0 where repeated.
 *
 * Linear algebra, over stacks too: out shapes as numpy.linalg's.
 *     svd (a -> s, or u, s, vh)  qr (a -> q, r)  eigh (a -> w, v)  solve (a, b -> x)
 *     cholesky (a -> l)  inv (a -> out), with struct treadle_linalg.
 *
 * loop: the caller's own strided loop over all operands, with struct treadle_loop.
 */

/** Attributes of the reductions. */
struct treadle_reduction {
    uint32_t struct_size;
    uint32_t flags; /* zero */
    uint64_t axes;  /* bit i set: axis i of x is reduced */
};

enum treadle_linalg_flags {
    /** svd, qr: square factors instead of the economic ones. */
    TREADLE_FULL_MATRICES = 1,
    /** eigh: the upper triangle of the input is read instead of the lower one. */
    TREADLE_UPPER = 2
};

/** Attributes of the linear algebra ops; NULL means all flags clear. */
struct treadle_linalg {
    uint32_t struct_size;
    uint32_t flags; /* enum treadle_linalg_flags */
};

/**
 * A strided inner loop over n elements: operand i's element j is at ptrs[i] + j * strides[i].
 * It may modify the array `ptrs` but not what lies behind `strides`. It is called on several
 * threads at once, for disjoint ranges.
 */
typedef void (*treadle_loop_fn)(void *ctx, int64_t n, char **ptrs, const int64_t *strides);

/**
 * Attributes of `loop`. All operands are one-dimensional with the same extent n; their dtypes do
 * not matter, their itemsize does. The elements may be cut into ranges anywhere that is a multiple
 * of `grain`. Floating-point exceptions that fn raises on any thread are raised on the caller's
 * thread when the call returns, and fn runs with the caller's rounding mode.
 */
struct treadle_loop {
    uint32_t struct_size;
    uint32_t flags; /* zero */
    treadle_loop_fn fn;
    void *ctx;
    int64_t grain;     /* elements, >= 1 */
    double element_ns; /* estimated cost of one element; 0 if unknown */
};

#endif /* TREADLE_OPS_H */
