/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_PAIRS_H
#define TREADLE_AB_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ab_statistics.h"
#include "crew.h"
#include "workload.h"

/** One of the two things that are compared, and what was seen of it. */
struct ab_side {
    const char *spec; /* "serial", "openmp:2", ... */
    long calls;       /* in a timed batch */
    const char *backend;
    const char *variant;
    uint32_t threads; /* the most that worked at once */
    uint32_t granted; /* the most that a call got; a small one has its caller's without asking */
};

/** One measured pair, and A once more next to it: seconds per call. */
struct ab_pair {
    double a, b, a_again;
    bool a_first; /* of the pair */
};

struct ab_pairs;

/** Seconds of one call, or of a program; false if it failed, and the reason has been printed. */
typedef bool (*ab_measure_fn)(struct ab_pairs *pairs, struct ab_side *side, double *seconds);

/** Two sides, the callers that run them, and the pairs measured so far. */
struct ab_pairs {
    struct ab_side a, b;
    const char *what;      /* for the progress */
    ab_measure_fn measure; /* NULL: batches of calls */
    struct crew *crew;
    struct workload *loads; /* `replicas` per caller, used in turn */
    uint32_t callers, replicas;
    bool fresh;     /* each call allocates its outputs */
    uint32_t *turn; /* per caller: the replica that is next */
    uint64_t *seed;
    double level, same;
    size_t comparisons, most; /* sizes compared together; pairs at most */
    size_t later;             /* of the sizes, those that come after this one */
    double seconds;           /* stop at the first look after so long */

    struct ab_pair *pairs;
    size_t count;
    struct ab_interval interval;
    enum ab_verdict verdict;
    double floor; /* how far from 1 the median of A against A again was */
};

/**
 * Measure pairs until it is decided, or time or pairs are used up, or Ctrl-C. `pairs` has room for
 * `most`; what was measured stays valid in any case.
 * @return false if a call failed; the reason has been printed
 */
bool ab_pairs_measure(struct ab_pairs *pairs);

/**
 * Seconds of a call under another spec, by all callers at once: the lower quartile of some batches.
 * Negative after a sentence.
 */
double ab_pairs_time(struct ab_pairs *pairs, const char *spec);

#endif /* TREADLE_AB_PAIRS_H */
