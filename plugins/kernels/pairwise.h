/* SPDX-License-Identifier: BSD-3-Clause */
/* NumPy's pairwise tree: where a sum may be cut without changing a bit of it. */
#ifndef TREADLE_PAIRWISE_H
#define TREADLE_PAIRWISE_H

#include <stddef.h>

/** Most elements of a leaf, which is added up in NumPy's eight accumulators. */
enum { TREADLE_PAIRWISE_LEAF = 128 };

/** Of n > TREADLE_PAIRWISE_LEAF elements, how many belong to the left child. */
static inline size_t treadle_pairwise_split(size_t n)
{
    return n / 2 - n / 2 % 8;
}

#endif /* TREADLE_PAIRWISE_H */
