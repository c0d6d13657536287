/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_WATCH_H
#define TREADLE_NUMPY_WATCH_H

#include "slot.h"

/*
 * What tells in which order minimum and the like have met their numbers:
 *
 * - A NaN that comes out: NaNs have payloads.
 * - A zero that comes out, as zeros have signs: unless no number had a minus sign while that was
 *   the result.
 * - A signaling NaN among the numbers of fmax and fmin: of it and a number they make a NaN, which
 *   the next number replaces, and nothing in the result tells.
 */
struct watch {
    bool for_signaling, for_minus; /* what to look for */
    bool signaled, minus;          /* what was seen */
};

/** What to look for in a reduction of numbers of that type; in integers for nothing. */
struct watch watch_for(int type, bool skips_nans);

/** Whether nothing is to be looked for any more. */
static inline bool watch_is_over(const struct watch *watch)
{
    return !watch->for_signaling && (!watch->for_minus || watch->minus);
}

/** Look at n numbers of the loop's type. */
void watch_look(struct watch *watch, const struct slot *slot, const char *x, npy_intp n,
                npy_intp step);

/** Run the loop over n numbers, and look at them; once `signaled` the outputs are undefined. */
void watch_loop(struct watch *watch, const struct slot *slot, char *const *args, npy_intp n,
                const npy_intp *steps, void *data);

/** Add what another one has looked for and seen. */
void watch_join(struct watch *watch, const struct watch *other);

/** Whether one of n results might have been another one in another order. False for all types but
 *  half, float and double, unless it is a NaN. */
bool watch_tells_order(const struct watch *watch, int type, const char *values, npy_intp n);

#endif
