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
    LIMITS_READ,        /* bytes read: reductions */
    LIMITS_READ_TWO,    /* of two arrays: dot */
    LIMITS_COPY,        /* one stream read, one written */
    LIMITS_COPY_STREAM, /* the same, past the caches (non-temporal stores) */
    LIMITS_COPY_C,      /* by the C library, which knows instructions for it */
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

/**
 * The arrays that loops read and write: those of the call that they are compared with, so that both
 * find them in the same caches and pages, or some of their own. What `out` holds is lost.
 */
struct limits_memory {
    void *in[2], *out; /* on a cache line; NULL: there is none, and no loop that needs it */
    size_t bytes;      /* of each */
    bool owned;
};

/** Own arrays of so many bytes each. Returns false after a sentence. */
bool limits_memory_create(struct limits_memory *memory, size_t bytes);

void limits_memory_finish(struct limits_memory *memory);

/** Threads and memory for one kind. */
struct limits_loop;

/**
 * `memory` is kept, and may be used by other loops, but not at the same time. If it is too small
 * for so many threads the loop has its own. NULL, with the reason printed, on failure.
 */
struct limits_loop *limits_create(enum limits_kind kind, uint32_t threads,
                                  const struct limits_memory *memory);

/** Seconds of so many passes on all threads at once; a stopwatch_run_fn. */
double limits_run(void *loop, long passes);

/** Bytes or flops of one pass. */
double limits_work(const struct limits_loop *loop);

void limits_destroy(struct limits_loop *loop);

/**
 * Bytes or flops per second, of the fastest of some batches of a loop of its own: neighbours only
 * ever make them slower. Negative after a sentence.
 */
double limits_rate(enum limits_kind kind, uint32_t threads, const struct limits_memory *memory);

#endif /* TREADLE_LIMITS_H */
