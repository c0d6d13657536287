/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_REFERENCE_H
#define TREADLE_CHECK_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>

/*
 * What the operations of <treadle/ops.h> give, by the plainest code there is.
 */

/** Room for one item of any type. */
enum { CHECK_ITEM_MAX = 16 };

/** out = op(x, y) for one item; y is ignored by ops with one input. False: no reference. */
bool check_reference(const char *op, struct treadle_dtype dtype, const void *x, const void *y,
                     void *out);

/**
 * May a backend give `got` where the reference gives `want`? The bits must be the same, but any NaN
 * may stand for a NaN, and maximum and minimum of two zeros may have either sign. Complex
 * numbers may differ by a few roundings.
 */
bool check_reference_agrees(const char *op, struct treadle_dtype dtype, const void *got,
                            const void *want);

/** The sum of n floats, `stride` bytes apart, in NumPy's order and precision. */
double check_numpy_sum(struct treadle_dtype dtype, const char *items, int64_t n, int64_t stride);

#endif /* TREADLE_CHECK_REFERENCE_H */
