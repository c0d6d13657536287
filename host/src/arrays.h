/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ARRAYS_H
#define TREADLE_ARRAYS_H

#include <stdbool.h>
#include <stdint.h>
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
 * The usual case, checked in one pass: contiguous vectors of one extent, no output touching an
 * input except as the very same memory. Such operands are valid and go to a plugin as they are.
 */
static inline bool arrays_are_vectors(const struct treadle_array *args, uint32_t nargs,
                                      uint32_t nin, int64_t *n)
{
    for (uint32_t i = 0; i < nargs; i++) {
        const struct treadle_array *a = &args[i];
        if (a->ndim != 1 || a->flags || !a->data || !a->shape || !a->strides ||
            a->dtype.lanes != 1 || a->dtype.bits != a->itemsize * 8 ||
            a->strides[0] != (int64_t)a->itemsize || a->shape[0] != args[0].shape[0])
            return false;
    }
    *n = args[0].shape[0];
    if (*n <= 0 || *n > INT64_MAX / 256)
        return false;
    for (uint32_t o = nin; o < nargs; o++)
        for (uint32_t i = 0; i < nin; i++) {
            uint64_t out = (uintptr_t)args[o].data, in = (uintptr_t)args[i].data;
            bool same = out == in && args[o].itemsize == args[i].itemsize;
            bool apart = out + (uint64_t)*n * args[o].itemsize <= in ||
                         in + (uint64_t)*n * args[i].itemsize <= out;
            if (!same && !apart)
                return false;
        }
    return true;
}

/** dtype as one number: enum treadle_type. */
static inline uint32_t dtype_number(struct treadle_dtype dtype)
{
    return dtype.code | (uint32_t)dtype.bits << 8 | (uint32_t)dtype.lanes << 16;
}

#endif
