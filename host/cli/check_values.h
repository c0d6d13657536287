/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_VALUES_H
#define TREADLE_CHECK_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "check_array.h"
#include "check_plugin.h"

/*
 * What the tests of results share. A plugin may decline any case, if it writes nothing; one that
 * declines all cases of an operation that it lists is wrong.
 */

/** How the cases of one operation went. */
struct check_tally {
    int served, declined;
};

/** Threads that the cases are tried with: the caller alone, and a few. */
extern const uint32_t check_threads[2];

/**
 * Make a call and see that it is whole: status, threads, sentinels of the outputs, and nothing
 * written if it was declined. The outputs are reset first, unless they are inputs.
 * @return true if it was served, and there is a result to look at
 */
bool check_case(const struct check_op *op, struct check_array **arrays, uint32_t nargs,
                const void *attrs, uint32_t threads, struct check_tally *tally);

/** Fails the test if nothing was served. */
void check_tally_end(const struct check_op *op, const struct check_tally *tally);

/** "3x4x5" in one of a few static buffers; "scalar" without axes. */
const char *check_shape_text(const struct check_array *a);

/** Run `try` for each operation in `names` until it fails; skips the test if there is none. */
void check_each(const char *names, void (*try)(const struct check_op *op));

#endif /* TREADLE_CHECK_VALUES_H */
