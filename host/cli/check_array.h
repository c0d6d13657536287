/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_ARRAY_H
#define TREADLE_CHECK_ARRAY_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>

enum { CHECK_AXES_MAX = 4 };

/** An operand with memory of its own, in which every byte that is not of an item is a sentinel. */
struct check_array {
    struct treadle_array array; /* points into this struct: it must not be moved */
    int64_t shape[CHECK_AXES_MAX], strides[CHECK_AXES_MAX];
    char *memory;
    size_t bytes;
    char *pages; /* what was mapped: the memory, and inaccessible pages around it */
    size_t mapped;
};

/** Where an array lies in its memory. */
enum check_place {
    CHECK_ALIGNED,
    CHECK_MISALIGNED, /* by one byte */
    CHECK_AT_THE_END  /* the last item ends where the next page cannot be read or written */
};

/**
 * Lay out an array; the last axis has a stride of `step` items (1, 2, 0, -1, ...), the others
 * follow from it. Ends the test's process if there is no memory.
 */
void check_array_init(struct check_array *a, struct treadle_dtype dtype, int32_t ndim,
                      const int64_t *shape, int64_t step, enum check_place place);

/** Fortran order instead: the first axis has a stride of one item. */
void check_array_init_columns(struct check_array *a, struct treadle_dtype dtype, int32_t ndim,
                              const int64_t *shape);

void check_array_finish(struct check_array *a);

int64_t check_array_count(const struct check_array *a);

/** Item i in C order. */
void *check_array_item(const struct check_array *a, int64_t i);

/** What the items are filled with. */
enum check_values {
    CHECK_PLAIN,   /* floats of about 1, integers of all sizes */
    CHECK_SPECIAL, /* NaN, infinities, -0, the smallest and the largest among them */
    CHECK_SMALL,   /* whole numbers so small that sums and products of a few are exact */
    CHECK_ONES
};

void check_array_fill(struct check_array *a, enum check_values values, uint64_t seed);

/** All bytes as before any call, items too. */
void check_array_reset(struct check_array *a);

/** Has no item changed since check_array_reset()? */
bool check_array_is_untouched(const struct check_array *a);

/** Fails the test if a byte that is not of an item was written. */
bool check_array_sentinels(const struct check_array *a);

/** An item of any type as a number, and back. Integers of 64 bits keep their value. */
long double complex check_get(struct treadle_dtype dtype, const void *item);
void check_set(struct treadle_dtype dtype, void *item, long double complex value);

/** Readable: all digits of a float. In one of a few static buffers. */
const char *check_item_text(struct treadle_dtype dtype, const void *item);

/** Can check_get() read it? */
bool check_is_number(struct treadle_dtype dtype);

/** Distance from 1 to the next number of the type; 0 for integers. */
long double check_epsilon(struct treadle_dtype dtype);

#endif /* TREADLE_CHECK_ARRAY_H */
