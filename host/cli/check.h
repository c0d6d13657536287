/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_H
#define TREADLE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the tests of `treadle check` say. Each test runs in a process of its own, in which the
 * plugin may crash, hang or exit; what was said until then is in memory shared with the parent.
 */

/** A plain function that returns when all was tried. */
struct check_test {
    const char *name; /* "values.elementwise" */
    const char *what; /* what a plugin that passes keeps; a sentence without full stop */
    void (*run)(void);
};

/** All tests, in the order in which they run; the last one has a NULL name. */
extern const struct check_test check_tests[];

enum check_status { CHECK_PASSED, CHECK_FAILED, CHECK_SKIPPED };

enum { CHECK_DOING = 256, CHECK_TEXT = 2048 };

/** How one test ended. */
struct check_outcome {
    enum check_status status;
    double seconds;
    bool finished;           /* the test returned by itself */
    char doing[CHECK_DOING]; /* what was tried last */
    char text[CHECK_TEXT];   /* one line per failure, or why it was skipped */
    char notes[CHECK_TEXT];  /* what a passing test has to add, one line each */
};

/** What is about to be tried: shown if the plugin does not come back from it. */
void check_doing(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The plugin is wrong; one line without the final newline. The test goes on. */
void check_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** "what was being done: formatted text" as a failure. */
void check_fail_here(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** This plugin or machine has nothing to try. To be followed by a return. */
void check_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Worth knowing though it is no failure. */
void check_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Has this test failed so far? */
bool check_has_failed(void);

/** The file under test. */
const char *check_path(void);

/**
 * Run a test in a process of its own, for at most `seconds`. A crash, an exit and a hang are
 * failures that say what was tried.
 * @return false if no process could be started; the reason has been printed
 */
bool check_isolate(const struct check_test *test, const char *path, double seconds,
                   struct check_outcome *outcome);

#endif /* TREADLE_CHECK_H */
