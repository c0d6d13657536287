/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_CLOCK_H
#define TREADLE_NUMPY_CLOCK_H

#include <time.h>

/** Nanoseconds since some moment; they never go back. */
static inline double clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

#endif
