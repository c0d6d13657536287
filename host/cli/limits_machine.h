/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_LIMITS_MACHINE_H
#define TREADLE_LIMITS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"
#include "options.h"

/* What the machine can do at best, whatever the call: each loop in each cache. */

/** One loop over arrays that fit into one cache; the arithmetic is in "registers". */
struct limits_row {
    const char *level; /* "L1", "L2", "L3", "memory" or "registers" */
    double bytes;      /* of the arrays, together */
    enum limits_kind kind;
    uint32_t threads;
    double rate; /* bytes or flops per second */
};

enum { LIMITS_ROWS_MOST = 512 };

struct limits_table {
    struct limits_row rows[LIMITS_ROWS_MOST];
    size_t count;
};

/** Fill it in for these numbers of threads. Returns false after a sentence; stops at Ctrl-C. */
bool limits_machine(struct limits_table *table, const struct options_counts *threads);

#endif /* TREADLE_LIMITS_MACHINE_H */
