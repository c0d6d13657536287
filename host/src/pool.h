/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_POOL_H
#define TREADLE_POOL_H

#include <stdint.h>
#include <treadle/plugin.h>

#include "fork_step.h"

/**
 * The library's own threads: the service `treadle.team/1`, and `parallel`.
 *
 * A thread is made when a team first needs it and then waits for the next one: it spins for a
 * moment while there is a core to spare, then sleeps. A team wakes exactly its members.
 */

/**
 * Run fn(ctx, member, team) on `threads` threads, the caller being member 0, and return when all
 * have returned. They run at the same time, so that members may wait for each other. If so many
 * threads can't be had, fn runs once, as the only member of a team of one.
 *
 * The other members compute in the caller's floating-point environment; what they raise is raised
 * on the caller.
 *
 * @return the size of the team
 */
uint32_t pool_run(uint32_t threads, treadle_member_fn fn, void *ctx);

/** The lock of the pool at a fork; a child begins with no threads. */
void pool_fork(enum fork_step step);

#endif
