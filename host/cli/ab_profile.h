/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_PROFILE_H
#define TREADLE_AB_PROFILE_H

#include <jansson.h>

#include "ab_options.h"
#include "facts.h"

/* --write-profile: what `treadle ab` has measured becomes costs, as after `treadle tune`. */

/** What can't become costs is found before it is measured. Returns an enum cli_exit. */
int ab_profile_check(const struct ab_request *request);

/**
 * Write the costs, and say where on stdout if the results are a table there.
 * @param disturbance  of the run; too much of it is refused without --anyway
 * @return an enum cli_exit
 */
int ab_profile_write(const struct ab_request *request, const json_t *document,
                     const struct facts_disturbance *disturbance);

#endif /* TREADLE_AB_PROFILE_H */
