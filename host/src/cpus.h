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
 * Cores that a call of this thread may use now, at least 1: the least of the thread's affinity, the
 * cgroup quota of all ancestors rounded down, and the limits. Read anew every two seconds, by
 * whichever call comes first, the affinity by each thread for itself; else a few relaxed loads.
 */
int32_t cpus_available(void);

/** The same for a caller that knows the time, in nanoseconds of trace_clock(). */
int32_t cpus_available_at(int64_t now);

/** The cores of the process, by its first thread, as last read; 0 before. One relaxed load. */
int32_t cpus_last(void);

/** Set the limits and read anew. */
void cpus_limit(const struct cpus_limits *limits);

/** Set the count by hand (treadle_set_num_threads); 0 goes back. Only OMP_THREAD_LIMIT stays above.
 */
void cpus_override(int32_t threads);

/** Cores that a cgroup allows (0: no limit), and a number that stands for the group. */
struct quota {
    double cores;
    uint64_t group;
};

/**
 * The quota of the process whose /proc/self and cgroup file system lie below `root`, "" for the
 * real one: v2 and v1, the least over the group and all its ancestors.
 */
struct quota cpus_quota(const char *root);

/** The same as last read, rounded down but at least 1; 0: no limit. */
int32_t cpus_quota_cores(uint64_t *group);

enum { CPUS_WORDS = 16 };

/**
 * The cores on which the process may run, by its first thread: a bit each, those from 1024 on
 * folded onto the first. Returns how many there are, 0 if the kernel does not say.
 */
uint32_t cpus_mask(uint64_t mask[CPUS_WORDS]);

#endif
