/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_BENCH_REPORT_H
#define TREADLE_BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "bench_case.h"
#include "facts.h"
#include "limits_machine.h"
#include "output.h"

/* What `treadle bench` has found, as a table, as JSON and as a page. */

struct bench_report {
    struct output_table table;
    json_t *results, *limits, *machine; /* arrays; `machine` is empty if it was not asked for */
};

void bench_report_init(struct bench_report *report);

/** The rows of a case that was measured. */
void bench_report_add(struct bench_report *report, const struct bench_case *bench);

void bench_report_machine(struct bench_report *report, const struct limits_table *table);

/**
 * Print it, write the page if `html` is not NULL, warn about what disturbed it since `begin`, and
 * free it. Returns an enum cli_exit.
 */
int bench_report_finish(struct bench_report *report, bool json, const char *html,
                        const struct facts_moment *begin);

#endif /* TREADLE_BENCH_REPORT_H */
