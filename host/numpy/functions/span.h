/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_SPAN_H
#define TREADLE_NUMPY_SPAN_H

#include <stdbool.h>
#include <stdint.h>

/** Does numbers begin to end - 1 of a work, on some thread, without the GIL. */
typedef void (*span_fn)(void *ctx, int64_t begin, int64_t end);

/**
 * Do numbers 0 to n - 1 of a work, on as many threads as pay; parted at multiples of `grain`.
 * The GIL is given up meanwhile. [with the GIL]
 *
 * @param ns  estimated nanoseconds for each
 * @return false: the library did not do it, and maybe part of it was done
 */
bool span_run(span_fn fn, void *ctx, int64_t n, int64_t grain, double ns);

#endif
