/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TUNE_TIMES_H
#define TREADLE_TUNE_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "tune_fit.h"
#include "tune_profile.h"
#include "workload.h"

enum { TUNE_TIMES_MAX = 4096 };

/** What calls of one operation and type took, so many at a time. Names are kept, not copied. */
struct tune_times {
    const char *op, *dtype;
    uint32_t callers;
    struct tune_sample samples[TUNE_TIMES_MAX];
    const char *backends[TUNE_TIMES_MAX]; /* of the samples */
    size_t count;
};

/** One more, if there is room for it. */
void tune_times_add(struct tune_times *times, const char *backend, struct tune_sample sample);

/**
 * Put the costs that fit into the profile, for each backend that is loaded and was timed at two
 * sizes. The times of one thread, which teams are compared with, may be those that the profile has.
 * @return for how many backends there were costs
 */
size_t tune_times_put(const struct tune_times *times, struct tune_profile *profile);

/** The work of a planned call, by which the library decides: bytes, or flops. */
double tune_work(const struct workload *load);

#endif /* TREADLE_TUNE_TIMES_H */
