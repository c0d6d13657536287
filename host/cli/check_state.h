/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_STATE_H
#define TREADLE_CHECK_STATE_H

#include <signal.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

enum { CHECK_SIGNALS = 65, CHECK_SETTERS = 3 };

/** What all code of a process shares, and a plugin has to leave alone. */
struct check_state {
    struct sigaction handlers[CHECK_SIGNALS];
    sigset_t mask;
    cpu_set_t affinity;
    int rounding;
    uint32_t modes; /* masks of exceptions, flushing of denormal numbers */
    unsigned umask;
    char locale[256], folder[512];
    uint64_t environment;               /* a hash */
    int library_threads[CHECK_SETTERS]; /* most threads of OpenMP and BLAS; 0 if not there */
};

void check_state_read(struct check_state *state);

/** Fails the test for everything that is not as it was, "changed by `what`". */
void check_state_compare(const struct check_state *before, const struct check_state *after,
                         const char *what);

/** Open files and threads of this process. */
int check_state_descriptors(void);
int check_state_threads(void);

#endif /* TREADLE_CHECK_STATE_H */
