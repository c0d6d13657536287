/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_LIVE_SIDES_H
#define TREADLE_LIVE_SIDES_H

#include <stdint.h>

#include "policy.h"

/** What TREADLE_AB compares. */
struct live_sides {
    const char *a, *b; /* as TREADLE_BACKEND would be */
    const struct plan *plan_b;
    double share; /* of the calls, for B */
};

/**
 * Fill it in from "A,B" or "A,B@0.1" or "A,B@10%". TREADLE_E_INVALID, with a sentence, if it is
 * none of these or names a backend that is not there.
 */
int32_t live_sides_parse(const char *spec, struct live_sides *sides);

#endif
