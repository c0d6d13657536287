/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_LIVE_CELLS_H
#define TREADLE_LIVE_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "ab_trials.h"
#include "op.h"

/*
 * The kinds of calls that TREADLE_AB tells apart: operation, type, class of sizes (those from 2^k
 * up to 2^(k+1)) and of callers (2^k + 1 to 2^(k+1)). All under the lock of live.c.
 */

enum { CELLS_MOST = 256 };

/** Calls of one kind. */
struct cell {
    struct ab_trials trials;
    uint32_t dtype;
    int32_t size_class;
    double least, most; /* sizes seen */
    bool flops;         /* sizes are flops, not elements */
    bool wrong;         /* the results differ */
};

/** What a call is. */
struct kind {
    const char *op;
    const struct op *known; /* NULL: a routine */
    double unit;            /* of work, in an element; 0: no profile has its costs */
    uint32_t dtype, callers;
};

/** The cell of a call of this size, with a new one for a new kind; NULL if there are too many. */
struct cell *cells_find(const struct kind *kind, double size);

/**
 * Those that have been compared and agree, judged and named.
 * @param rows  room for CELLS_MOST; they hold until cells_forget()
 * @return how many there are
 */
size_t cells_rows(const struct ab_live_row **rows);

void cells_forget(void);

#endif
