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
    char turbo[4];       /* "on" or "off"; "" in most virtual machines */
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

/** What went on since a moment; negative if unknown. */
struct facts_disturbance {
    double others;  /* other processes: share of all cores */
    double stolen;  /* by the hypervisor: share of all cores */
    double swapped; /* bytes, in and out */
};

/** CPU seconds, and pages that were swapped, up to now. */
struct facts_moment {
    double wall, busy, own, stolen, swapped;
};

void facts_moment_now(struct facts_moment *moment);
struct facts_disturbance facts_since(const struct facts_moment *begin);

/**
 * Warn on stderr about what makes times doubtful: other processes, a hypervisor that takes cores
 * away, swapping, a clock that changes. Appends the sentences to `warnings` too.
 */
void facts_warn(const struct facts *facts, const struct facts_disturbance *disturbance,
                json_t *warnings);

/** Warn of something else. */
void facts_warn_of(const char *text, json_t *warnings);

#endif /* TREADLE_FACTS_H */
