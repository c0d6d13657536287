/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_WATCH_H
#define TREADLE_WATCH_H

#include "fork_step.h"

/**
 * A routine in flight wants more cores and nobody sees its regions: in a few milliseconds a thread
 * of the library calls routines_adapt(). One flag if that is to come anyway. [any]
 */
void watch_for_cores(void);

/** The lock of this file, at a fork; a child begins without the thread. */
void watch_fork(enum fork_step step);

#endif
