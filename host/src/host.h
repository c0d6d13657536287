/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_HOST_H
#define TREADLE_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <treadle/plugin.h>

#include "budget.h"
#include "fork_step.h"

/** The services every plugin of this process gets. */
extern const struct treadle_host host_services;

/** A call as the host makes it; plugins see the first member. */
struct host_call {
    struct treadle_call call;
    struct grant *grant; /* NULL: the call was small, the caller's thread is all there is */
    uint32_t cap;        /* most threads, however many are free; 0: none */
    bool unseen;         /* its plugin does not see its regions, and asks when it is told to */
};

/** Get ready once: environment, cores, plugins, plan. What treadle_init() returns. */
int32_t host_ready(void);

/** So many threads, at most `cap` if it is not 0. */
static inline uint32_t capped(uint32_t threads, uint32_t cap)
{
    return cap > 0 && cap < threads ? cap : threads;
}

/** The plan of the calling thread, got ready if need be; NULL, with *status, if that fails. */
struct plan;
const struct plan *host_plan(int32_t *status);

/** The lock of getting ready, at a fork. */
void host_fork(enum fork_step step);

#endif
