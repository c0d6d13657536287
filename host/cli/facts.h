/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_FACTS_H
#define TREADLE_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** What is known about the machine; "" or a negative number where it cannot be found out. */
struct facts {
    char cpu[128];
    char level[16]; /* "x86-64-v4" */
    char governor[32];
    char huge_pages[16]; /* "always", "madvise" or "never" */
    bool virtual_machine;
    int32_t cores;      /* online */
    int32_t affinity;   /* of them, those this process may run on */
    int32_t threads;    /* that Treadle uses at most */
    double load;        /* runnable threads, last minute */
    double memory_free; /* bytes */
};

void facts_read(struct facts *facts);

json_t *facts_json(const struct facts *facts);

/** What ran on the machine since a moment, as shares of all its cores; negative if unknown. */
struct facts_disturbance {
    double others; /* by other processes */
    double stolen; /* by the hypervisor */
};

/** CPU seconds up to now. */
struct facts_moment {
    double wall, busy, own, stolen;
};

void facts_moment_now(struct facts_moment *moment);
struct facts_disturbance facts_since(const struct facts_moment *begin);

/**
 * Warn on stderr about what makes times doubtful: other processes, a hypervisor that takes cores
 * away, a frequency governor that slows down. Appends the sentences to `warnings` too.
 */
void facts_warn(const struct facts *facts, const struct facts_disturbance *disturbance,
                json_t *warnings);

#endif /* TREADLE_FACTS_H */
