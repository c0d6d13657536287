/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_DOCUMENT_H
#define TREADLE_AB_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>

#include "ab_options.h"
#include "ab_report.h"
#include "facts.h"

/** Grows only by members; a reader refuses what it does not know. */
enum { AB_SCHEMA = 1 };

/**
 * Everything about a run: results with all pairs, noise floor, environment, warnings. What is
 * saved, compared and drawn is this document.
 */
json_t *ab_document(const struct ab_request *request, const struct ab_result *results, size_t count,
                    const struct facts *facts, json_t *warnings);

/** The measured pairs: seconds {a, b, a_again, a_first}. */
json_t *ab_document_samples(const struct ab_pairs *pairs);

/** Median seconds of a call of A or B. */
double ab_document_seconds(const struct ab_pairs *pairs, bool of_a);

/** The largest distance from 1 of A against itself. */
double ab_document_floor(const struct ab_result *results, size_t count);

/** What a caller of a side moves or computes in a second, and what part of the limit all have. */
struct ab_rate {
    double rate, limit, share; /* limit and share are NaN if they were not measured */
    const char *unit;          /* "GB/s" or "GFLOP/s" */
};

struct ab_rate ab_document_rate(const struct ab_result *result, bool of_a);

#endif /* TREADLE_AB_DOCUMENT_H */
