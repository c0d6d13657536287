/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_RUN_H
#define TREADLE_AB_RUN_H

#include <stdbool.h>
#include <stdint.h>

/** A program, the environment that it runs in, and what it did last. */
struct ab_run {
    char *const *arguments;
    char **environment;
    double seconds, cpu_seconds;
    uint64_t output; /* a hash of what it wrote to stdout */
};

/**
 * This process's environment with the assignments of `changes`, "NAME=VALUE NAME=VALUE", between
 * spaces. To be freed with ab_run_free_environment(); NULL after a sentence that starts with
 * `what`.
 */
char **ab_run_environment(const char *what, const char *changes);
void ab_run_free_environment(char **environment);

/**
 * Run it to its end, with stdin and stdout away from the terminal.
 * @return false if it could not be started, failed or was interrupted; the reason, and what it
 *         wrote to stderr, have been printed
 */
bool ab_run(struct ab_run *run, char side);

#endif /* TREADLE_AB_RUN_H */
