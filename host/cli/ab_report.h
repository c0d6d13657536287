/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_REPORT_H
#define TREADLE_AB_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ab_options.h"
#include "ab_pairs.h"
#include "facts.h"
#include "verify.h"

/** What a backend takes with one thread; 0 seconds: that is what it was measured with anyway. */
struct ab_alone {
    const char *backend;
    double seconds;
};

/** One size of one type, after it was measured. */
struct ab_result {
    struct ab_pairs pairs;
    struct verify_result verified;
    struct treadle_dtype dtype;
    char shape[64];
    double size, bytes, flops; /* of one call */
    double limit_a, limit_b; /* of the machine, for all callers together, per second; 0: unknown */
    double work;             /* of one call, as a profile counts it */
    struct ab_alone alone[2];
};

/**
 * Print the sizes that were measured, as a table with notes or as JSON, and warn about what
 * disturbed them since `begin`.
 * @return an enum cli_exit
 */
int ab_report(const struct ab_request *request, const struct ab_result *results, size_t count,
              const struct facts_moment *begin);

#endif /* TREADLE_AB_REPORT_H */
