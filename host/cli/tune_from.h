/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TUNE_FROM_H
#define TREADLE_TUNE_FROM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "facts.h"
#include "tune_profile.h"

/* Costs from what `treadle ab` or TREADLE_AB has measured, instead of a measurement of its own. */

/**
 * Put what a result tells into the profile: calls of known work, contiguous and warm.
 *
 * @param results  of one or several documents of `treadle ab --json`
 * @return for how many backends of how many kinds of calls there were costs
 */
size_t tune_from_results(const json_t *results, struct tune_profile *profile);

/** Whether others left a second thread enough to pay: else a profile would say for ever that it
 * does not. */
bool tune_is_quiet(const struct facts_disturbance *disturbance);

/** Whether a document was measured on this machine with this version; false after a sentence. */
bool tune_from_here(const char *what, const char *name, const json_t *document);

#endif /* TREADLE_TUNE_FROM_H */
