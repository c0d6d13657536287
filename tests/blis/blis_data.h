/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays of any of the four types, seen as complex doubles. */
#ifndef TREADLE_TEST_BLIS_DATA_H
#define TREADLE_TEST_BLIS_DATA_H

#include <complex.h>

#include "blis_host.h"

/** Element at the given indices (as many as dimensions). */
double complex data_get(const struct blis_array *x, const int64_t *index);
void data_set(const struct blis_array *x, const int64_t *index, double complex value);

/** A new C-contiguous array, filled with pseudo-random numbers in (-1, 1) from `seed`. Freed by
 * exit. */
void data_make(struct blis_array *x, enum blis_type type, int32_t ndim, const int64_t *shape,
               unsigned seed);

/** Matrix element of the last two dimensions, at place `stack` of the first if there are three. */
double complex data_at(const struct blis_array *x, int64_t stack, int64_t row, int64_t column);

/** The same array, its axis reversed. */
void data_reverse(struct blis_array *x, int32_t axis);

/** The same array, its last two axes exchanged. */
void data_transpose(struct blis_array *x);

/** Largest |x y - z| over one matrix each, by plain loops; z may be NULL for the identity. */
double data_product_error(const struct blis_array *x, const struct blis_array *y,
                          const struct blis_array *z, int64_t stack);

/** Largest |x^H x - 1| (columns orthonormal). */
double data_unitary_error(const struct blis_array *x, int64_t stack);

/** What a result of size n may differ by. */
double data_tolerance(enum blis_type type, int64_t n);

/** x = x x^H + n: Hermitian and positive definite. x is square. */
void data_make_definite(struct blis_array *x);

#endif /* TREADLE_TEST_BLIS_DATA_H */
