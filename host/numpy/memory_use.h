/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_MEMORY_USE_H
#define TREADLE_MEMORY_USE_H

#include <stdint.h>

/**
 * Bytes that this process has in memory, without pages of files and shared ones, which the system
 * may take back or others would have anyway. -1 if the system does not say. [any thread]
 */
int64_t memory_resident(void);

/** The most that it ever had, about; -1 if the system does not say. [any thread] */
int64_t memory_highest(void);

#endif
