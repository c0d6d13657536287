/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_MEMORY_LIMIT_H
#define TREADLE_MEMORY_LIMIT_H

#include <stddef.h>

/**
 * Bytes that this process may use: the least of the machine's memory, the limits of all ancestor
 * cgroups of both kinds (memory.max and memory.high; memory.limit_in_bytes), and RLIMIT_AS and
 * RLIMIT_DATA. `root` stands before /proc and /sys: "" but for tests. [any thread]
 */
size_t memory_limit(const char *root);

#endif
