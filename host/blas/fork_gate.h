/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_FORK_GATE_H
#define TREADLE_FORK_GATE_H

/**
 * Keeps fork() and OpenBLAS apart. OpenBLAS joins its threads before a fork, even under a running
 * call, which then never returns; so a fork waits until nobody is between enter and leave, and
 * who comes meanwhile waits for the fork. vfork and posix_spawn (subprocess) are not concerned.
 *
 * Between enter and leave a thread may run the guarded library only: whatever else it waited
 * for might be held by another fork handler.
 */
void treadle_gate_enter(void);
void treadle_gate_leave(void);

/**
 * Register the fork handlers, once. To be called when OpenBLAS has been loaded: handlers registered
 * later run earlier.
 */
void treadle_gate_install(void);

#endif
