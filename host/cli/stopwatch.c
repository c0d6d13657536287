/* SPDX-License-Identifier: BSD-3-Clause */
#include "stopwatch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

double stopwatch_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double stopwatch_waited(struct stopwatch_wait *wait, double longest)
{
    double now = stopwatch_now(), step = now - wait->last;

    if (wait->last > 0)
        wait->waited += step < longest ? step : longest;
    wait->last = now;
    return wait->waited;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double stopwatch_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

long stopwatch_calibrate(stopwatch_run_fn run, void *ctx, double seconds)
{
    const long most = 1L << 40;
    /* What takes this long is no disturbance, and too long to be timed twice. */
    const double certain = 50 * seconds;
    long calls = 1;
    bool confirmed = false;

    for (;;) {
        double elapsed = run(ctx, calls);
        if (elapsed < 0)
            return 0;
        if (elapsed >= certain || calls >= most || (elapsed >= seconds && confirmed))
            return calls;
        confirmed = elapsed >= seconds;
        if (confirmed)
            continue;
        /* Below a tenth the estimate is too rough to jump to the goal at once. */
        double growth = elapsed > 0.1 * seconds ? 1.2 * seconds / elapsed : 10;
        calls = (long)((double)calls * growth) + 1;
    }
}
