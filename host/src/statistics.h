/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_STATISTICS_H
#define TREADLE_STATISTICS_H

#include <stdint.h>

/** Count one call. The strings are compared by content and not kept; returns `op` for ever. */
const char *statistics_add(const char *op, const char *backend, int64_t nanoseconds,
                           uint32_t threads, uint32_t fallbacks);

#endif
