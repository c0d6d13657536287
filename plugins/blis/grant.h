/* SPDX-License-Identifier: BSD-3-Clause */
/* How many threads the code on this OS thread may use now: the calls it is inside of, innermost
 * last. */
#ifndef TREADLE_BLIS_GRANT_H
#define TREADLE_BLIS_GRANT_H

#include <stdint.h>

#include <treadle/plugin.h>

/** The host whose threads the teams are made of; without its service `treadle.team/1` there are
 * none.
 */
void grant_start(const struct treadle_host *host);

/** This thread works for `call` until the matching grant_leave(). Nests. */
void grant_enter(struct treadle_call *call);
void grant_leave(struct treadle_call *call);

/**
 * Threads the next region may use, if more than `useful` are no gain: asks the host again, because
 * long calls should give cores back while others want them, and take those that become free. 1
 * outside of calls and in the members of a team.
 */
uint32_t grant_now(double useful);

/**
 * Run fn(ctx, member, team) on `threads` threads, as many as grant_now() said at most, and note how
 * many there were: all or one, see struct treadle_team.
 */
void grant_team(uint32_t threads, treadle_member_fn fn, void *ctx);

#endif /* TREADLE_BLIS_GRANT_H */
