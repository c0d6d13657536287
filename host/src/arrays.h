/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ARRAYS_H
#define TREADLE_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <treadle/array.h>
#include <treadle/ops.h>
#include <treadle/plugin.h>

#include "op.h"

/** Most operands of a call. */
enum { ARGS_MAX = 16 };

/**
 * The arguments of one call as ops.h promises them to a plugin. On the caller's stack;
 * prepared_finish() frees the copies of inputs that overlapped an output.
 */
struct prepared {
    struct treadle_array args[ARGS_MAX];
    int64_t shape[ARGS_MAX][TREADLE_NDIM_MAX];
    int64_t strides[ARGS_MAX][TREADLE_NDIM_MAX];
    void *copies[ARGS_MAX];
    uint32_t ncopies;
    bool dry; /* set by the caller: look at shapes only, copy nothing */
    struct treadle_reduction reduction;
    double elements; /* of the largest operand; flops for products and linear algebra */
};

/** Check what holds for every op: sizes, flags, dtypes. Names the argument that is wrong. */
int32_t arrays_check(const struct op *op, const struct treadle_array *args, uint32_t nargs,
                     uint32_t nin);

/**
 * Check shapes, broadcast, order and merge axes, copy inputs that overlap an output.
 * TREADLE_E_INVALID or TREADLE_E_NOMEM leave nothing to finish.
 */
int32_t arrays_prepare(const struct op *op, const struct treadle_array *args, uint32_t nargs,
                       uint32_t nin, const void *attrs, struct prepared *prepared);

void prepared_finish(struct prepared *prepared);

/**
 * The usual case, checked in one pass: contiguous vectors of one extent and type, no output
 * touching an input except as the very same memory. Such operands are valid and go to a plugin as
 * they are.
 */
static inline bool arrays_are_vectors(const struct treadle_array *args, uint32_t nargs,
                                      uint32_t nin, int64_t *n)
{
    enum { KIND = 16 }; /* bytes from ndim to itemsize: what must be equal */
    const struct treadle_array *first = &args[0];
    if (first->ndim != 1 || first->flags || first->dtype.lanes != 1 || !first->shape ||
        first->dtype.bits != first->itemsize * 8)
        return false;
    int64_t extent = first->shape[0], step = first->itemsize;
    if (extent <= 0 || extent > INT64_MAX / 256)
        return false;
    for (uint32_t i = 0; i < nargs; i++) {
        const struct treadle_array *a = &args[i];
        if (memcmp(&a->ndim, &first->ndim, KIND) != 0 || !a->data || !a->shape || !a->strides ||
            a->strides[0] != step || a->shape[0] != extent)
            return false;
    }
    uint64_t bytes = (uint64_t)extent * (uint64_t)step;
    for (uint32_t o = nin; o < nargs; o++)
        for (uint32_t i = 0; i < nin; i++) {
            uint64_t ahead = (uintptr_t)args[o].data - (uintptr_t)args[i].data;
            if (ahead != 0 && ahead < bytes)
                return false;
            if (ahead != 0 && -ahead < bytes)
                return false;
        }
    *n = extent;
    return true;
}

_Static_assert(offsetof(struct treadle_array, itemsize) + 4 -
                       offsetof(struct treadle_array, ndim) ==
                   16,
               "ndim, flags, dtype and itemsize lie side by side");

/** dtype as one number: enum treadle_type. */
static inline uint32_t dtype_number(struct treadle_dtype dtype)
{
    return dtype.code | (uint32_t)dtype.bits << 8 | (uint32_t)dtype.lanes << 16;
}

#endif
