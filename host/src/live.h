/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_LIVE_H
#define TREADLE_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ab_trials.h"
#include "arrays.h"
#include "beside.h"
#include "fork_step.h"
#include "policy.h"

/*
 * TREADLE_AB: a random share of the program's own large calls runs on another backend, and at the
 * end the program says which of the two is faster. Calls of one operation, type, size class and
 * number of callers are of one kind; how each kind is compared says host/ab/ab_trials.h.
 */

/** A call's part in the comparison, from live_entry() or live_plan() to live_end(). */
struct live_call {
    struct cell *cell;     /* NULL: it has none */
    struct beside *beside; /* not NULL: B is to run first, on copies of the outputs */
    const struct plan *plan_b;
    double size;
    uint32_t run; /* of live_start() */
    struct ab_turn turn;
};

extern atomic_bool live_started;

/** One relaxed load. */
static inline bool live_on(void)
{
    return atomic_load_explicit(&live_started, memory_order_relaxed);
}

/**
 * Follow TREADLE_AB and TREADLE_AB_SAVE, "" if unset; what was measured under others is reported
 * first, and at exit. TREADLE_E_INVALID, with a sentence, if they are wrong. [one thread at a time]
 */
int32_t live_start(const char *spec, const char *save);

/** A, which stands in the place of TREADLE_BACKEND, or NULL. [one thread at a time] */
const char *live_a(void);

/** The entry of a large call, or B's in its place. */
const struct entry *live_entry(struct live_call *call, const struct entry *entry,
                               const struct treadle_array *args, double elements);

/** The same for a routine. */
const struct plan *live_plan(struct live_call *call, const struct plan *plan, const char *name,
                             double flops);

/**
 * The call has ended with this status after so long.
 * @param fallbacks  backends that had declined it
 */
void live_end(struct live_call *call, int32_t status, int64_t nanoseconds, const char *backend,
              uint32_t threads, uint32_t fallbacks);

/** The lock of this file, at a fork. A child compares nothing. */
void live_fork(enum fork_step step);

#endif
