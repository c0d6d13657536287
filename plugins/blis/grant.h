/* SPDX-License-Identifier: BSD-3-Clause */
/* How many threads the code on this OS thread may use now: the calls it is inside of, innermost
 * last. */
#ifndef TREADLE_BLIS_GRANT_H
#define TREADLE_BLIS_GRANT_H

#include <stdint.h>

#include <treadle/plugin.h>

/** This thread works for `call` until the matching grant_leave(). Nests. */
void grant_enter(struct treadle_call *call);
void grant_leave(struct treadle_call *call);

/** call->threads_max of the innermost call; 1 outside of calls and in the members of a team. */
uint32_t grant_most(void);

/**
 * Threads the next region may use, if more than `useful` are no gain: asks the host again, because
 * long calls should give cores back while others want them.
 */
uint32_t grant_now(double useful);

/**
 * Run fn(ctx, member, team) on `threads` threads, the caller being member 0, and note how many
 * there were. All members are alive at the same time, so that fn may wait for others; if the
 * runtime has fewer threads than that, fn runs once as the only member of a team of one.
 * Floating-point flags raised by the members reach the caller, who lends them its rounding mode.
 */
void grant_team(uint32_t threads, void (*fn)(void *ctx, uint32_t member, uint32_t team), void *ctx);

#endif /* TREADLE_BLIS_GRANT_H */
