/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CPUS_H
#define TREADLE_CPUS_H

#include <stdint.h>

/** Limits that users and other programs set, in threads; 0 where there is none. */
struct cpus_limits {
    int32_t num_threads;
    int32_t omp_num_threads;
    int32_t omp_thread_limit;
};

/**
 * Cores this process may use now, at least 1: the least of the calling thread's affinity, the
 * cgroup quota of all ancestors rounded down, and the limits. Read anew every two seconds, by
 * whichever call comes first; else one relaxed load.
 */
int32_t cpus_available(void);

/** The count as last read, 0 before the first time. One relaxed load. */
int32_t cpus_last(void);

/** Set the limits and read anew. */
void cpus_limit(const struct cpus_limits *limits);

/** Set the count by hand (treadle_set_num_threads); 0 goes back. Only OMP_THREAD_LIMIT stays above.
 */
void cpus_override(int32_t threads);

/**
 * The cgroup quota in cores (0 if none) of the process whose /proc/self and cgroup file system lie
 * below `root`, "" for the real one: v2 and v1, the least over the group and all its ancestors.
 */
double cpus_quota(const char *root);

#endif
