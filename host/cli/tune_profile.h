/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TUNE_PROFILE_H
#define TREADLE_TUNE_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "tune_fit.h"

/** The profile that is being written: its lines, without those at the beginning and the end. */
struct tune_profile {
    const char *what; /* begins what is said of it: "tune" */
    char path[1024], machine[256];
    char **costs; /* "cost add f64 openmp 1 ..." */
    size_t count;
};

/**
 * Find out where the profile belongs, and what is there that still holds.
 * @return false, with the reason printed, if it is to be written and there is no place for it
 */
bool tune_profile_open(struct tune_profile *profile, const char *what, bool write);

/** Whether the costs of a call on a backend are there. */
bool tune_profile_has(const struct tune_profile *profile, const char *op, const char *dtype,
                      const char *backend, uint32_t callers);

/** Fetch them. @return whether they are there */
bool tune_profile_get(const struct tune_profile *profile, const char *op, const char *dtype,
                      const char *backend, uint32_t callers, struct tune_cost *cost);

/** Put them there, in the place of older ones. */
void tune_profile_put(struct tune_profile *profile, const char *op, const char *dtype,
                      const char *backend, uint32_t callers, const struct tune_cost *cost);

/** Replace the file, at once or not at all. @return false with the reason printed */
bool tune_profile_write(struct tune_profile *profile);

void tune_profile_finish(struct tune_profile *profile);

#endif /* TREADLE_TUNE_PROFILE_H */
