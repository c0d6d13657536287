/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_REPORT_H
#define TREADLE_AB_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ab_pairs.h"
#include "facts.h"
#include "options.h"
#include "verify.h"

/** What `treadle ab` was asked for. */
struct ab_request {
    const char *a, *b, *op, *sizes_text, *axes;
    struct treadle_dtype dtype;
    struct options_shapes sizes;
    int64_t callers, threads, pairs, seed;
    double seconds, same, level; /* same and level in per cent */
    bool json;
};

/** One size, after it was measured. */
struct ab_result {
    struct ab_pairs pairs;
    struct verify_result verified;
    char shape[64];
    double size;
};

/**
 * Print the sizes that were measured, as a table with notes or as JSON, and warn about what
 * disturbed them since `begin`.
 * @return an enum cli_exit
 */
int ab_report(const struct ab_request *request, const struct ab_result *results, size_t count,
              const struct facts_moment *begin);

#endif /* TREADLE_AB_REPORT_H */
