/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TUNE_CASE_H
#define TREADLE_TUNE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crew.h"
#include "options.h"
#include "workload.h"

enum { TUNE_SIDES_MAX = 64, TUNE_ROUNDS_MAX = 200 };

/** A backend with a fixed number of threads for each caller, whatever the others do; or "auto". */
struct tune_side {
    const char *backend;
    int32_t threads; /* 0: auto chooses */
    long batch;      /* calls from one look at the clock to the next */
    double once;     /* seconds of a call, roughly */
    double seconds[TUNE_ROUNDS_MAX];
    double median;
    double quartile; /* a quarter is faster: neighbours only ever make a sample longer */
};

/** One operation of one type and size, made by so many callers at once, on every side. */
struct tune_case {
    const char *op;
    struct treadle_dtype dtype;
    struct options_shape shape;
    uint32_t callers;
    double work; /* bytes, or flops of products and linear algebra */
    double size; /* workload_size() */
    struct tune_side sides[TUNE_SIDES_MAX];
    size_t count, rounds;
    uint64_t seed; /* of the orders */
};

/**
 * Time all sides in turn, in random order, for so many rounds. Each caller has operands of its own
 * and calls without pause; counted is what they get done in a window of time.
 *
 * @param crew  of as many members as there are callers
 * @param all   "auto", and more threads than a caller's share, too
 * @return false, with the reason printed, if it can't be measured; an interrupted case has no
 *         rounds
 */
bool tune_case_measure(struct tune_case *tune, struct crew *crew, size_t rounds, bool all);

#endif /* TREADLE_TUNE_CASE_H */
