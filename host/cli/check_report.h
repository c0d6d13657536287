/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_REPORT_H
#define TREADLE_CHECK_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "check.h"

/** The tests that ran, in order, and how they ended. */
struct check_results {
    const char *path;
    size_t count;
    const struct check_test **tests;
    struct check_outcome *outcomes;
};

size_t check_results_count(const struct check_results *results, enum check_status status);

/** One test as a line of the report, and what it said below. */
void check_report_line(const struct check_test *test, const struct check_outcome *outcome);

/** The last line of the report. */
void check_report_end(const struct check_results *results);

/** All of it as JSON on stdout. Returns an enum cli_exit. */
int check_report_json(const struct check_results *results);

/** All of it as JUnit XML. Prints a sentence and returns false if the file cannot be written. */
bool check_report_junit(const struct check_results *results, const char *file);

#endif /* TREADLE_CHECK_REPORT_H */
