/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TOP_H
#define TREADLE_TOP_H

#include <stddef.h>
#include <stdint.h>

#include <treadle/treadle.h>

#include "screen.h"

enum { TOP_PROCESSES = 1023, TOP_COMMAND = 256, TOP_HISTORY = 64 };

/** A process, and what it did since the last look. */
struct top_row {
    struct treadle_process process;
    double calls_per_second;
    double use; /* threads that worked, on average */
    char command[TOP_COMMAND];
};

/** One look at all of them, busiest first. */
struct top_look {
    double time, interval; /* s; 0: there was no look before */
    uint32_t cores;        /* of the machine */
    uint32_t count, active;
    double use, calls_per_second;
    struct top_row rows[TOP_PROCESSES];
    char trouble[256]; /* "", or why there is nothing to see */
};

/** Threads per core at the looks before, the latest last. */
struct top_history {
    double use[TOP_HISTORY];
    size_t count;
};

/** Draw what fits on the screen. */
void top_page(const struct top_look *look, const struct top_history *history,
              const struct screen *screen);

#endif /* TREADLE_TOP_H */
