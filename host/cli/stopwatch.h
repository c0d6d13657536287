/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_STOPWATCH_H
#define TREADLE_STOPWATCH_H

#include <stddef.h>

/** Seconds on a clock that never jumps. */
double stopwatch_now(void);

/**
 * Seconds that have been waited, without those in which the waiting process itself did not run: it
 * was stopped, or the machine asleep or busy. Begins as zeros.
 *
 * @param longest  of what counts between two looks; more than a nap between them
 */
struct stopwatch_wait {
    double waited, last;
};

double stopwatch_waited(struct stopwatch_wait *wait, double longest);

/** Middle of n >= 1 values; sorts them. */
double stopwatch_median(double *values, size_t n);

/** Runs `calls` calls and returns the seconds they took, or a negative number on failure. */
typedef double (*stopwatch_run_fn)(void *ctx, long calls);

/**
 * How many calls take at least `seconds`, twice in a row: the first batch may be slow because all
 * is cold or a neighbour took the core. Warms up.
 * @return at least 1; 0 if run failed
 */
long stopwatch_calibrate(stopwatch_run_fn run, void *ctx, double seconds);

#endif /* TREADLE_STOPWATCH_H */
