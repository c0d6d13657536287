/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CREW_H
#define TREADLE_CREW_H

#include <stdbool.h>
#include <stdint.h>

/** What a member does; member 0 is the thread that calls crew_run(). */
typedef void (*crew_fn)(void *ctx, uint32_t member);

/**
 * Threads that do something at the same time, again and again: the callers of `treadle ab
 * --callers`, and the loops that find the machine's limits. They live as long as the crew, because
 * a runtime may keep a pool per calling thread. Used by one thread.
 */
struct crew;

/** Start `members` - 1 threads; NULL, with the reason printed, if they cannot be had. */
struct crew *crew_create(uint32_t members);

/**
 * First `prepare` (may be NULL), then, once all are done with it, `work`, on every member.
 * @return seconds from the first start of `work` to the last end
 */
double crew_run(struct crew *crew, crew_fn prepare, crew_fn work, void *ctx);

void crew_destroy(struct crew *crew);

#endif /* TREADLE_CREW_H */
