/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_SPEC_H
#define TREADLE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"
#include "op.h"

/* What TREADLE_BACKEND says: "sum=openmp:2;blis,auto" (docs/environment.md). */

enum { CANDIDATES_MAX = 16, RULES_MAX = 32 };

struct choice {
    const struct backend *backend;
    uint32_t threads_cap; /* 0: none */
};

/** A part of it: the backends of an op, in the order in which they are asked; serial is the last.
 */
struct rule {
    const struct op *op; /* NULL: all others */
    bool automatic;      /* "auto" stands first */
    uint32_t count;
    struct choice choices[CANDIDATES_MAX];
};

struct spec {
    uint32_t count;
    struct rule rules[RULES_MAX]; /* one of them for all others */
};

/**
 * Read `text` into an empty spec; `source` ("TREADLE_BACKEND") names it in errors.
 * TREADLE_E_INVALID with a sentence if it is wrong, TREADLE_E_NOMEM.
 */
int32_t spec_parse(struct spec *spec, const char *text, const char *source);

/** The rule that holds for an op; NULL asks for that of all others. */
const struct rule *spec_rule(const struct spec *spec, const struct op *op);

#endif
