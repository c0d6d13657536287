/* SPDX-License-Identifier: BSD-3-Clause */
/* From which size on an output does better past the caches. */
#include "cache.h"

#include <stdatomic.h>
#include <treadle/treadle.h>
#include <unistd.h>

/*
 * Below, an ordinary output is found in the cache by its next reader, or lies there already from
 * the last time its block was used; above, an ordinary store reads each line from memory only to
 * overwrite it. A cache that is reported large is shared with others. docs/design.md, "Past the
 * caches", has the measurements.
 */
static const uint64_t LEAST = 12 << 20, MOST = 48 << 20;
enum { PART = 12, WHOLE = 1 << 20 };

uint64_t cache_stream_bytes(int64_t last_level)
{
    uint64_t bytes = last_level > 0 ? (uint64_t)last_level / PART / WHOLE * WHOLE : 0;
    return bytes < LEAST ? LEAST : bytes > MOST ? MOST : bytes;
}

/* The question may execute cpuid, which takes a virtual machine tens of microseconds. */
uint64_t treadle_stream_bytes(void)
{
    static _Atomic uint64_t known;
    uint64_t bytes = atomic_load_explicit(&known, memory_order_relaxed);
    if (bytes == 0) {
        bytes = cache_stream_bytes(sysconf(_SC_LEVEL3_CACHE_SIZE));
        atomic_store_explicit(&known, bytes, memory_order_relaxed);
    }
    return bytes;
}
