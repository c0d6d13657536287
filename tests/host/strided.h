/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STRIDED_H
#define STRIDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <treadle/treadle.h>

/** An array with its own shape and strides, for tests; `a` points into the struct: do not copy. */
struct strided {
    struct treadle_array a;
    int64_t shape[TREADLE_NDIM_MAX];
    int64_t strides[TREADLE_NDIM_MAX];
};

/** dtype as a flat call has it, enum treadle_type. */
void strided_init(struct strided *s, void *data, uint32_t type, int32_t ndim, const int64_t *shape);

/** C-contiguous float64. */
void strided_f64(struct strided *s, double *data, int32_t ndim, const int64_t *shape);

/** One dimension of n float64, `step` elements apart. */
void strided_vector(struct strided *s, double *data, int64_t n, int64_t step);

/**
 * A random view of float64 in memory[0..room): axes in any order, with gaps, some backwards, no
 * element twice. False if it does not fit.
 */
bool strided_random(struct strided *s, double *memory, size_t room, int32_t ndim,
                    const int64_t *shape);

/** Advance the index in C order; false after the last one. An array of no dimension has one. */
bool next_index(int64_t *index, int32_t ndim, const int64_t *shape);

/** Are there any indices at all? */
bool has_elements(int32_t ndim, const int64_t *shape);

/** The element, the index broadcast from the right to the array's own dimensions. */
double *element(const struct treadle_array *a, const int64_t *index, int32_t ndim);

/** Random numbers; the seed is TREADLE_SEED or the clock, and printed by seed_once(). */
void seed_once(void);
uint32_t random_below(uint32_t limit);
double random_value(void); /* a small whole number: sums and products of it are exact */

enum { SENTINEL = 12345 };
void fill(double *memory, size_t n, double value);
void fill_random(double *memory, size_t n);

/** Assert that the call was refused, with all of these words ("|" between them) in the sentence. */
void expect_invalid(int32_t status, const char *words);
void expect_status(int32_t status, int32_t expected, const char *words);

#endif
