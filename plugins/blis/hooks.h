/* SPDX-License-Identifier: BSD-3-Clause */
/* What BLIS is made to do otherwise; see hooks.c. */
#ifndef TREADLE_BLIS_HOOKS_H
#define TREADLE_BLIS_HOOKS_H

#include <stdbool.h>

#include <blis.h>

/** Start BLIS with the kernels for this machine. False if it is not the BLIS the hooks fit. */
bool hooks_start(void);

/** In a forked child: BLIS may have lost a lock to a thread that is gone. */
void hooks_after_fork(void);

/** The kernels chosen, e.g. "skx". */
const char *hooks_arch(void);

/** A context (cntx_t) better suited to a small product than the machine's own, or NULL. */
void *hooks_small_context(num_t dt, double multiplications);

/** Multiplications that are worth a thread. With less, waking it costs what it saves (n = 128: one
 *  thread 74 GFLOP/s, two 77; n = 160: 76 and 88). */
#define HOOKS_WORK_PER_THREAD 2e6

/** The one version of BLIS whose insides the hooks know. */
#define HOOKS_BLIS_VERSION "0.9.0"

#endif /* TREADLE_BLIS_HOOKS_H */
