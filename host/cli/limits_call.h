/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_LIMITS_CALL_H
#define TREADLE_LIMITS_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"
#include "workload.h"

/* Which of the machine's limits hold for a call, and how high they are. */

enum { LIMITS_CALL_MOST = 3 };

/** The loops that do nothing but what the call cannot do without. Returns how many there are. */
size_t limits_call_kinds(const struct workload *load, enum limits_kind kinds[LIMITS_CALL_MOST]);

/** The operands of a contiguous call that has memory; they must outlive the loops. */
struct limits_memory limits_call_memory(const struct workload *load);

/**
 * The best rate that so many threads reach, in bytes or flops per second: the fastest batch of the
 * fastest loop.
 *
 * @param sets  of operands that are in use: those of several callers, or of cold caches
 * @return negative after a sentence
 */
double limits_call_rate(const struct workload *load, size_t sets, uint32_t threads);

#endif /* TREADLE_LIMITS_CALL_H */
