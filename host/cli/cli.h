/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CLI_H
#define TREADLE_CLI_H

#include <stdbool.h>

/** What the command exits with; every --help lists them. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_DIFFER = 3, /* two backends gave different results */
    CLI_LIMIT = 4,  /* what --fail-if does not allow */
    CLI_INTERRUPTED = 130
};

/** A subcommand. argv[0] is its name. Returns an enum cli_exit. */
typedef int (*cli_command_fn)(int argc, char **argv);

int cli_list(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_ab(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_tune(int argc, char **argv);

/** Print "treadle: <sentence>" on stderr and return `code`. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The same for what the library has just refused. */
int cli_fail_library(void);

/** Print a subcommand's help: usage, text, and the exit codes. Returns CLI_OK. */
int cli_help(const char *usage, const char *text);

/**
 * Load the plugins and read the environment, once.
 * @return false if a TREADLE_ variable is wrong; the reason has been printed
 */
bool cli_init_library(void);

/** Measure as if this process were alone, unless TREADLE_BUDGET says how to share. */
void cli_ignore_others(void);

/** From now on Ctrl-C only sets a flag; a second one ends the process. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);

/** One line on stderr, from 2 s after the first call on; on a terminal it replaces the last. */
void cli_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Remove the line, if one is shown, before results are printed. */
void cli_progress_end(void);

#endif /* TREADLE_CLI_H */
