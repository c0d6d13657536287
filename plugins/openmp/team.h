/* SPDX-License-Identifier: BSD-3-Clause */
/* Work in parts on a team of threads. */
#ifndef TREADLE_TEAM_H
#define TREADLE_TEAM_H

#include <stddef.h>

#include <treadle/plugin.h>

typedef void (*part_fn)(void *ctx, size_t part);

/**
 * Get ready to make teams in this process: of the host's threads, by its service treadle.team/1. In
 * a host that has none, of LLVM's libomp; NULL, or why that must not be started.
 */
const char *team_start(const struct treadle_host *host);

/**
 * In a forked child: without the host's threads there are no teams from now on. libomp does start
 * anew there, but now and then waits for ever for a thread that stayed behind (libomp 14: 1 of some
 * 200 pools of processes).
 */
void team_after_fork(void);

/** How many threads a call may use here: with libomp, 1 inside a parallel region of the caller's.
 */
size_t team_limit(const struct treadle_call *call);

/**
 * Run fn for each part in [0, parts), the caller included, and return when all are done. Parts are
 * handed out in order to whoever is free. Other threads compute in the caller's floating-point
 * environment; what they raise is raised on the caller. Adds to call->threads_used.
 */
void team_run(struct treadle_call *call, size_t parts, part_fn fn, void *ctx);

#endif /* TREADLE_TEAM_H */
