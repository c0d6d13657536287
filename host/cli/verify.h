/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_VERIFY_H
#define TREADLE_VERIFY_H

#include <stdbool.h>

#include "workload.h"

/** What two backends made of the same call. */
struct verify_result {
    bool agree;
    bool bits;         /* bit for bit, as element-wise calls and reductions promise */
    double difference; /* largest, relative to the largest magnitude */
    double tolerance;  /* 0 where bits are promised */
    char text[256];    /* if they do not agree: where, and the two values */
};

/**
 * Run the call under both backends and compare all outputs.
 *
 * Element-wise calls and reductions must agree bit for bit, products and linear algebra within a
 * rounding error that grows with n. Factors that are only unique up to signs (u, vh, q, r, v) are
 * checked by multiplying them together again.
 *
 * @return false if a backend failed; the reason has been printed
 */
bool verify_backends(const struct workload *load, const char *a, const char *b,
                     struct verify_result *result);

#endif /* TREADLE_VERIFY_H */
