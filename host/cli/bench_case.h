/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_BENCH_CASE_H
#define TREADLE_BENCH_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"
#include "options.h"
#include "workload.h"

enum { BENCH_CONTENDERS_MAX = 96, BENCH_ROUNDS_MAX = 401 };

/** Something that is timed: a backend with so many threads, or one of the machine's limits. */
struct bench_contender {
    const struct workload *load; /* a backend's; NULL for a limit */
    const char *backend;
    int32_t threads_asked;
    struct treadle_used used; /* of a limit only `threads` is filled in */
    struct limits_loop *loop; /* a limit's; NULL for a backend */
    enum limits_kind kind;
    double work; /* bytes or flops of one call */
    long calls;  /* in a timed batch */
    double seconds[BENCH_ROUNDS_MAX];
    double median; /* seconds of one call */
    double ratio;  /* serial's time over this one's, median of the rounds; NaN without serial */
};

/** One op of one type and size with all that run for it. Not to be moved. */
struct bench_case {
    struct workload load;
    struct limits_memory memory; /* the load's */
    struct bench_contender contenders[BENCH_CONTENDERS_MAX];
    size_t count;
    size_t rounds;
};

/**
 * Gather the backends that have the op, each with every number of threads it makes a difference
 * for, and the limits that hold for it. The case has been planned.
 * @return false, with the reason printed, if nothing can be measured
 */
bool bench_case_gather(struct bench_case *bench, const struct options_counts *threads);

/**
 * Time all in turn, round after round, for so many seconds but at least three rounds.
 * @return false, with the reason printed, if a call failed
 */
bool bench_case_measure(struct bench_case *bench, double seconds);

/** Units of work per second. */
double bench_rate(const struct bench_contender *contender);

/** The best limit with as many threads (the best of all if none has as many). */
const struct bench_contender *bench_limit(const struct bench_case *bench, uint32_t threads);

/** The rate as a share of the limit's, median of the rounds. */
double bench_share(const struct bench_case *bench, const struct bench_contender *contender,
                   const struct bench_contender *limit);

void bench_case_finish(struct bench_case *bench);

#endif /* TREADLE_BENCH_CASE_H */
