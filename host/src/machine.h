/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_MACHINE_H
#define TREADLE_MACHINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fork_step.h"

/**
 * Share cores with the other processes of this user, or no longer. Not before it is called. `state`
 * has the calls in flight, as budget.c keeps them, and is always the same.
 */
void machine_use(bool yes, const _Atomic uint64_t *state);

/**
 * Of `own` cores, those that other processes leave to this one: all of them while nobody else is
 * active, never less than the fair share, at least 1. Reckoned anew once a millisecond, for the
 * whole process, by whichever call comes first and without waiting; else two relaxed loads.
 * `demand` is what the calls of this process would like together; 0 if it only asks.
 */
uint32_t machine_cores(uint32_t own, uint32_t demand, int64_t now);

/** What others left when it was last reckoned, UINT32_MAX if it is not. One relaxed load. */
uint32_t machine_cores_last(void);

/** Show others the calls in flight. After each change. */
void machine_show(void);

/** Note a call that ended and used so much time of cores, before they are given back. */
void machine_note(int64_t core_ns, int64_t begin, int64_t end);

/** Whether this process takes part, and "" or why not; up to `capacity` bytes. */
bool machine_shares(char *reason, uint32_t capacity);

/** table_read() of the table in use, and the name space that the caller's process id belongs to. */
struct slot;
uint32_t machine_read(struct slot *slots, uint32_t capacity, char *why);
uint64_t machine_process_space(void);

/**
 * Deal out `total` cores among `count` processes with these demands: nobody gets more than asked
 * for, those who ask for more than that share the rest equally, and of what does not divide the
 * first get one more. Returns what number `me` gets, at least 1.
 */
uint32_t machine_deal(double total, const double *demands, uint32_t count, uint32_t me);

/** The folder of the table, instead of /dev/shm: for tests. */
void machine_place(const char *folder);

/** The lock of this file, at a fork; the child takes a slot of its own when it needs one. */
void machine_fork(enum fork_step step);

#endif
