/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_PROFILE_H
#define TREADLE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <treadle/array.h>

#include "fork_step.h"
#include "steps.h"

struct env;

/*
 * The costs that `treadle tune` has measured on this machine, from a file. Nothing is believed of
 * a file that others could have written, that was made on another machine or with another version,
 * or that is not exactly what docs/tuning.md says: it is refused with a sentence, and the built-in
 * costs hold.
 */

/**
 * Read the file that the environment names, or forget the costs. [one thread at a time]
 * @return whether there are costs, or were
 */
bool profile_read(const struct env *env);

/**
 * The costs of an operation on a backend, for all levels of callers. A type that was not measured
 * has the costs of another one.
 *
 * @param version  of the backend, as it says itself: costs of another one do not count
 * @return false if there are none
 */
bool profile_costs(const char *op, struct treadle_dtype dtype, const char *backend,
                   const char *version, struct cost costs[STEP_LEVELS]);

/** The model of this machine's processor: "AMD EPYC 9R14"; any text if it can't be read. */
void profile_cpu(char *model, size_t capacity);

/** The lock of this file, at a fork. */
void profile_fork(enum fork_step step);

#endif
