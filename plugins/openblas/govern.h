/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OPENBLAS_GOVERN_H
#define TREADLE_OPENBLAS_GOVERN_H

#include <pthread.h>
#include <stdint.h>
#include <treadle/plugin.h>

#include "library.h"

/** A library under government. While a call is active its count is `set`, else the user's own. */
struct governed {
    struct library library;
    int limit; /* the user's own count */
    int set;   /* the last one given to it */
};

struct active {
    struct treadle_call *call;
    uint32_t most; /* threads it may have used */
};

enum {
    GOVERNED_MAX = 2 /* one for each width of integers */
};

/**
 * Sets the process-wide thread count of adopted libraries from the calls that are active: to the
 * smallest share any of them has, at most the user's own count, which is restored with the last
 * one. The smallest, because OpenBLAS starts that many threads for every caller.
 */
struct governor {
    pthread_mutex_t lock;
    struct governed libraries[GOVERNED_MAX];
    uint32_t count;
    uint32_t calls;
    uint64_t seen[GOVERNED_MAX];       /* library_adopt's */
    struct active *active;             /* grows, never shrinks */
    const struct treadle_cores *cores; /* NULL: a host that only takes cores back */
    uint64_t capacity;
};

/** The library of that width, adopting it if it is loaded by now; NULL if not. [any] */
const struct library *governor_library(struct governor *governor, uint32_t int_bits);

/** See struct treadle_routines. [any] */
void governor_enter(struct governor *governor, struct treadle_call *call);
void governor_leave(struct governor *governor, struct treadle_call *call);

/** Other calls have taken or given back cores. [any] */
void governor_adapt(struct governor *governor);

/** In a forked child: the active calls belonged to threads that are gone. */
void governor_after_fork(struct governor *governor);

#endif
