/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TUNE_FIT_H
#define TREADLE_TUNE_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Seconds that calls of so much work took with so many threads. */
struct tune_sample {
    double work, seconds;
    int32_t threads;
};

/** What a profile says of one backend (docs/tuning.md), in nanoseconds. */
struct tune_cost {
    double call, start, each, unit, spread;
};

/**
 * The costs that fit the samples best. All sizes count alike: it is the relative error that is
 * least.
 * @return false if there are fewer than two amounts of work with one thread
 */
bool tune_fit(const struct tune_sample *samples, size_t count, struct tune_cost *cost);

#endif /* TREADLE_TUNE_FIT_H */
