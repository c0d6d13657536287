/* SPDX-License-Identifier: BSD-3-Clause */
/* What BLIS is made to do otherwise; see hooks.c. */
#ifndef TREADLE_BLIS_HOOKS_H
#define TREADLE_BLIS_HOOKS_H

#include <stdbool.h>

/** Start BLIS with the kernels for this machine. False if it is not the BLIS the hooks fit. */
bool hooks_start(void);

/** In a forked child: BLIS may have lost a lock to a thread that is gone. */
void hooks_after_fork(void);

/** The kernels chosen, e.g. "skx". */
const char *hooks_arch(void);

/** A context (cntx_t) better suited to a small product than the machine's own, or NULL. */
void *hooks_small_context(double multiplications);

/** Multiplications that are worth a thread. Less cost more for waking it than it saved (n = 64: one
 *  thread 34 GFLOP/s, two 19). */
#define HOOKS_WORK_PER_THREAD 1e6

/** The one version of BLIS whose insides the hooks know. */
#define HOOKS_BLIS_VERSION "0.9.0"

#endif /* TREADLE_BLIS_HOOKS_H */
