/* SPDX-License-Identifier: BSD-3-Clause */
/* When an output is better written past the caches. */
#ifndef TREADLE_STREAM_H
#define TREADLE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>
#include <treadle/plugin.h>

static inline size_t treadle_array_bytes(const struct treadle_array *a)
{
    size_t bytes = a->itemsize;
    for (int32_t i = 0; i < a->ndim; i++)
        bytes *= (size_t)a->shape[i];
    return bytes;
}

/*
 * Below this the next reader finds an ordinary output in the cache; above, an ordinary store reads
 * each line from memory only to overwrite it. Measured on adding f64, alone and with the result
 * read back at once: 8 MB 1.08 and 0.82 times as fast, 16 MB 1.31 and 1.19, 64 MB 1.41 and 1.53.
 */
enum { TREADLE_STREAM_BYTES = 12 << 20 };

/*
 * Whether the call's first output is better written so. Not in place: there the line has been read
 * anyway, and is cached.
 */
static inline int treadle_stream_pays(const struct treadle_call *call)
{
    const struct treadle_array *out = &call->args[call->nin];
    for (uint32_t i = 0; i < call->nin; i++)
        if (call->args[i].data == out->data)
            return 0;
    return treadle_array_bytes(out) >= TREADLE_STREAM_BYTES;
}

#endif /* TREADLE_STREAM_H */
