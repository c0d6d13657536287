/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WORLD_H
#define WORLD_H

#include <stdint.h>

#include "budget.h"

/**
 * Processes that share a machine which does not exist, each with the library's own budget.c and
 * machine.c, in one thread of one real process. Their clock is the simulation's.
 */
enum { PROCESSES_MAX = 8, THREADS_MAX = 1024 };

/** A new world of so many cores and processes; a new clock. */
void world_begin(uint32_t cores, uint32_t processes);

/** The time, from now on, in nanoseconds since the world began. */
void world_set_time(int64_t ns);

/** From here on the library works for this process, on this thread of it (numbered over all). */
void world_enter(uint32_t process, uint32_t thread);

#endif
