/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_LIMIT_H
#define TREADLE_AB_LIMIT_H

#include <stdbool.h>

#include "command_line.h"

/** What --fail-if does not allow; `by` is 0 if there is no limit. */
struct ab_limit {
    bool slower; /* B than A; else faster */
    double by;   /* 0.03 */
};

/** "slower:3%" or "faster:10%", into a struct ab_limit. */
bool ab_limit_take(const char *what, const char *text, const struct cli_option *option);

/**
 * Is it surely exceeded by a ratio, time of A over time of B, that lies between low and high? For
 * two builds A is the old one. high is infinite if too little was measured: then nothing is sure.
 */
bool ab_limit_exceeded(const struct ab_limit *limit, double low, double high);

#endif /* TREADLE_AB_LIMIT_H */
