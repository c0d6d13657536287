/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_BESIDE_H
#define TREADLE_BESIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrays.h"
#include "policy.h"

/**
 * What another backend makes of the inputs of a call. It runs first, because the outputs may lie
 * on the inputs, and on copies of the outputs; once the call itself has ended both are compared.
 */
struct beside {
    const struct entry *entry; /* the other backend's */
    int32_t status;            /* to be filled in by who runs it */
    uint32_t fallbacks;        /* the same: who had declined it */
    int64_t nanoseconds;       /* the same */
    struct treadle_array args[ARGS_MAX];
    struct treadle_array own[ARGS_MAX]; /* the same part of the call's operands */
    int64_t shape[TREADLE_NDIM_MAX];
    int64_t before; /* elements in front of the part */
    void *copies[ARGS_MAX];
};

/** Do results of this operation and type tell whether both are right? */
bool beside_can_tell(const struct op *op, uint32_t dtype);

/** For operands as a plugin gets them; NULL: the outputs are too large. */
struct beside *beside_create(const struct entry *entry, const struct treadle_array *args);
void beside_destroy(struct beside *beside);

/** Is what came out the same, up to rounding? If not, `text` says where. The call ended with
 * `status`. */
bool beside_agrees(const struct beside *beside, int32_t status, char *text, size_t capacity);

#endif
