/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_GATE_H
#define TREADLE_GATE_H

#include "fork_step.h"

/**
 * Keeps fork() apart from calls that are inside a library with threads: a fork waits until nobody
 * is between enter and leave, and who comes meanwhile waits for the fork. Without it OpenBLAS
 * joins its threads under a running call, which then never returns, and a child of libomp's waits
 * for a lock whose next owner does not exist there. vfork and posix_spawn are not concerned.
 *
 * Calls nest; a thread that forks inside a call does not wait for itself. A fork that has waited
 * a minute goes on: a call may be waiting for something the forking thread holds.
 */
void gate_enter(void);
void gate_leave(void);

/**
 * The calling thread works on a part of a call whose thread is inside, until gate_part(). It must
 * not wait for a fork that waits for that call.
 */
void gate_join(void);
void gate_part(void);

/** Close before a fork, open after it in the parent, start anew in the child. */
void gate_fork(enum fork_step step);

#endif
