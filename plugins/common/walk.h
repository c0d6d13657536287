/* SPDX-License-Identifier: BSD-3-Clause */
/* Walk arrays of one shape with a kernel for one axis: "rows" of n elements, numbered from 0. */
#ifndef TREADLE_WALK_H
#define TREADLE_WALK_H

#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>

#include "kernels.h"

enum { TREADLE_WALK_ARGS = 3 };

struct treadle_walk {
    const struct treadle_array *args;
    uint32_t nargs;
    int32_t inner; /* the axis along which the kernel runs; -1: there is none */
    size_t n;      /* elements in a row */
    size_t rows;
    ptrdiff_t strides[TREADLE_WALK_ARGS];
};

/*
 * The last axis, in which memory is densest, unless it is too short to be worth a call for each of
 * its rows: then the longest.
 */
static inline int32_t treadle_walk_inner(const struct treadle_array *a)
{
    enum { WORTH_A_CALL = 16 };
    int32_t inner = a->ndim - 1;
    if (inner > 0 && a->shape[inner] < WORTH_A_CALL)
        for (int32_t i = a->ndim - 2; i >= 0; i--)
            if (a->shape[i] > a->shape[inner])
                inner = i;
    return inner;
}

/** All args have the same shape; at most TREADLE_WALK_ARGS of them. */
static inline void treadle_walk_begin(struct treadle_walk *walk, const struct treadle_array *args,
                                      uint32_t nargs)
{
    walk->args = args;
    walk->nargs = nargs;
    walk->inner = treadle_walk_inner(&args[0]);
    walk->n = walk->rows = 1;
    for (int32_t i = 0; i < args[0].ndim; i++) {
        if (i == walk->inner)
            walk->n = (size_t)args[0].shape[i];
        else
            walk->rows *= (size_t)args[0].shape[i];
    }
    for (uint32_t k = 0; k < nargs; k++)
        walk->strides[k] = walk->inner < 0 ? 0 : args[k].strides[walk->inner];
}

/** Run `fn` over elements [from, to) of the rows [first, end). */
static inline void treadle_walk_rows(const struct treadle_walk *walk, size_t first, size_t end,
                                     size_t from, size_t to, treadle_elementwise_fn fn,
                                     int past_caches)
{
    for (size_t row = first; row < end; row++) {
        char *ptrs[TREADLE_WALK_ARGS];
        for (uint32_t k = 0; k < walk->nargs; k++)
            ptrs[k] = (char *)walk->args[k].data + (ptrdiff_t)from * walk->strides[k];
        size_t left = row;
        for (int32_t i = walk->args[0].ndim - 1; i >= 0 && left; i--) {
            if (i == walk->inner)
                continue;
            size_t extent = (size_t)walk->args[0].shape[i];
            for (uint32_t k = 0; k < walk->nargs; k++)
                ptrs[k] += (ptrdiff_t)(left % extent) * walk->args[k].strides[i];
            left /= extent;
        }
        fn(to - from, ptrs, walk->strides, past_caches);
    }
}

#endif /* TREADLE_WALK_H */
