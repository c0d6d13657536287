/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_EXAMPLE_H
#define TREADLE_CHECK_EXAMPLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "check_array.h"
#include "check_plugin.h"

/**
 * One ordinary call of any operation, for the tests that look at something else than its result:
 * row by row, with values that suit it. It points into itself and must not be moved.
 */
struct check_example {
    const struct check_op *op;
    struct check_array arrays[CHECK_TYPES_MAX];
    uint32_t nargs, nin;
    struct treadle_reduction reduction;
    struct treadle_linalg linalg;
    struct treadle_loop loop;
    const void *attrs;
    atomic_int inside, most_inside; /* threads in the loop's function */
};

/** `n` elements, or matrices of about as many. False: not known how to call this one. */
bool check_example_init(struct check_example *e, const struct check_op *op, int64_t n);

void check_example_finish(struct check_example *e);

/** Make the call; any status is fine. */
int32_t check_example_run(struct check_example *e, uint32_t threads, uint32_t *used);

/** Have two calls of the same example given the same outputs, bit for bit? */
bool check_example_same(const struct check_example *a, const struct check_example *b);

/** The same but for rounding errors: what may differ between numbers of threads. */
bool check_example_close(const struct check_example *a, const struct check_example *b);

/**
 * Run `try` on an example of `n` elements of each operation that the plugin serves, as long as the
 * test has not failed; skips the test if there is none.
 */
void check_each_example(int64_t n, void (*try)(struct check_example *e));

/** The same for one set of types of each operation: they share what is looked at. */
void check_each_name(int64_t n, void (*try)(struct check_example *e));

#endif /* TREADLE_CHECK_EXAMPLE_H */
