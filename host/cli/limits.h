/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_LIMITS_H
#define TREADLE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What this machine can do at best, by tight loops of our own: nothing of Treadle is in them. A
 * backend that reaches them cannot be made faster.
 */
enum limits_kind {
    LIMITS_READ,        /* bytes read: reductions, dot */
    LIMITS_COPY,        /* one stream read, one written */
    LIMITS_COPY_STREAM, /* the same, past the caches (non-temporal stores) */
    LIMITS_ADD,         /* two read, one written */
    LIMITS_ADD_STREAM,
    LIMITS_FMA_F32, /* floating-point operations; a fused multiply-add is two */
    LIMITS_FMA_F64,
    LIMITS_KINDS
};

/** "read", "copy", "copy, non-temporal", ... */
const char *limits_name(enum limits_kind kind);

bool limits_is_memory(enum limits_kind kind);

/** The widest vectors used: "avx512", "avx2" or "c". */
const char *limits_isa(void);

/** Threads and memory for one kind. */
struct limits_loop;

/** `bytes` is the traffic of one pass over all threads; NULL, with the reason printed, on failure.
 */
struct limits_loop *limits_create(enum limits_kind kind, uint32_t threads, size_t bytes);

/** Seconds of so many passes on all threads at once; a stopwatch_run_fn. */
double limits_run(void *loop, long passes);

/** Bytes or flops of one pass. */
double limits_work(const struct limits_loop *loop);

void limits_destroy(struct limits_loop *loop);

#endif /* TREADLE_LIMITS_H */
