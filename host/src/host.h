/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_HOST_H
#define TREADLE_HOST_H

#include <stdint.h>
#include <treadle/plugin.h>

#include "fork_step.h"

/** The services every plugin of this process gets. */
extern const struct treadle_host host_services;

/** Get ready once: environment, cores, plugins, plan. What treadle_init() returns. */
int32_t host_ready(void);

/** The lock of getting ready, at a fork. */
void host_fork(enum fork_step step);

#endif
