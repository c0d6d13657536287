/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_STOPWATCH_H
#define TREADLE_STOPWATCH_H

#include <stddef.h>

/** Seconds on a clock that never jumps. */
double stopwatch_now(void);

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
