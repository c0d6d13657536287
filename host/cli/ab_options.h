/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_OPTIONS_H
#define TREADLE_AB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "ab_limit.h"
#include "options.h"
#include "workload.h"

/** Larger ones would be rounded in JSON. */
#define AB_SEED_MAX 0x1p53

enum ab_format { AB_TABLE, AB_JSON, AB_MARKDOWN, AB_CSV };

/** What `treadle ab` was asked for. */
struct ab_request {
    const char *given_a, *given_b; /* on the command line */
    const char *a, *b;             /* as TREADLE_BACKEND would be */
    const char *op, *sizes_text, *axes, *save, *html, *replay;
    struct treadle_dtype dtype; /* the one whose turn it is */
    struct options_dtypes dtypes;
    struct options_shapes sizes;
    int64_t callers, threads, pairs, seed;
    double seconds, limit, same, level; /* same and level in per cent */
    enum workload_layout layout;
    bool in_place, cold, fresh, write_profile, anyway;
    struct ab_limit fail_if;
    enum ab_format format;
};

extern const char ab_usage[], ab_text[];

/** Returns CLI_OK, what to exit with, or -1 after --help. */
int ab_options_parse(int argc, char **argv, struct ab_request *request);

/** All that can be wrong is found before the first size is measured. Returns an enum cli_exit. */
int ab_options_check(struct ab_request *request);

/** The call of one size, laid out; false after a sentence. */
bool ab_options_plan(const struct ab_request *request, const struct options_shape *size,
                     struct workload *load);

#endif /* TREADLE_AB_OPTIONS_H */
