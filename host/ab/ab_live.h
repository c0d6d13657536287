/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_LIVE_H
#define TREADLE_AB_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ab_statistics.h"

/* What TREADLE_AB has found in a program, as text and as JSON: no clock, no backend. */

/** Seconds of a call on each side, for a call of the row's size. */
struct ab_live_pair {
    double a, b;
    bool a_first;
};

/** Who carried out the calls of a side, and the most threads that worked. */
struct ab_live_side {
    const char *backend;
    uint32_t threads;
};

/** One kind of call. */
struct ab_live_row {
    const char *op;
    char dtype[8], shape[64]; /* "f64"; "1000" or "512..1023" */
    double size;              /* elements, or flops, that the seconds are for */
    double work;              /* bytes or flops of such a call, as a profile counts; 0: none */
    uint32_t callers, checks; /* at once, at most; results that were compared and agreed */
    bool bits;                /* they have to be the same ones */
    struct ab_live_side a, b;
    struct ab_live_pair *pairs;
    size_t count;
    double *again; /* log ratios of A against itself */
    size_t again_count;
    struct ab_interval interval;
    double floor; /* how far from 1 the median of `again` is */
    enum ab_verdict verdict;
};

/** A program's run. */
struct ab_live {
    const char *a, *b;         /* as given */
    const char *cpu, *version; /* of the machine and the library */
    double share, level, same;
    int32_t cores;
    const struct ab_live_row *const *rows; /* each with at least one pair */
    size_t count;
    const char *const *warnings; /* sentences */
    size_t warned;
};

/** A table for people. */
void ab_live_print(FILE *file, const struct ab_live *live);

/**
 * The document of `treadle ab --json`, as far as it fits, or its page if `path` ends in ".html", in
 * the place of the file at `path`: whole or not at all. Returns false, with errno, if it can't be
 * written.
 */
bool ab_live_save(const char *path, const struct ab_live *live);

#endif /* TREADLE_AB_LIVE_H */
