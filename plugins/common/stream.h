/* SPDX-License-Identifier: BSD-3-Clause */
/* When an output is better written past the caches. */
#ifndef TREADLE_STREAM_H
#define TREADLE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>

static inline size_t treadle_array_bytes(const struct treadle_array *a)
{
    size_t bytes = a->itemsize;
    for (int32_t i = 0; i < a->ndim; i++)
        bytes *= (size_t)a->shape[i];
    return bytes;
}

/*
 * Below a few times the second-level cache the next reader finds the output there, above it an
 * ordinary store first reads every line from memory only to overwrite it.
 */
static inline int treadle_stream_pays(const struct treadle_array *out)
{
    const size_t limit = (size_t)4 << 20;
    return treadle_array_bytes(out) >= limit;
}

#endif /* TREADLE_STREAM_H */
