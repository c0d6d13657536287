/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What became of each large call. The last ones are kept in a ring of places that are taken in
 * turns: nobody waits, and whoever finds a place still being written leaves it alone.
 */
#include "record.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <treadle/treadle.h>
#include <unistd.h>

#include "statistics.h"
#include "trace.h"

enum { PLACES = TREADLE_RECENT_CALLS, WORDS = sizeof(struct treadle_recent_call) / 8 };
_Static_assert(sizeof(struct treadle_recent_call) == WORDS * 8, "copied by words");

/* Of call number n: 2n + 1 while it is written, 2n + 2 when it is there. */
static struct place {
    _Alignas(64) _Atomic uint64_t turn;
    _Atomic uint64_t words[WORDS];
} ring[PLACES];
static _Alignas(64) _Atomic uint64_t count;
static _Thread_local int32_t thread; /* as the kernel numbers it; 0: not asked yet */

union copy {
    struct treadle_recent_call call;
    uint64_t words[WORDS];
};

static void keep(const struct treadle_recent_call *call)
{
    union copy copy = {.call = *call};
    uint64_t number = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    struct place *place = &ring[number % PLACES];
    uint64_t turn = atomic_load_explicit(&place->turn, memory_order_relaxed);
    if (turn % 2 || turn > 2 * number ||
        !atomic_compare_exchange_strong_explicit(&place->turn, &turn, 2 * number + 1,
                                                 memory_order_acquire, memory_order_relaxed))
        return;
    for (size_t i = 0; i < WORDS; i++)
        atomic_store_explicit(&place->words[i], copy.words[i], memory_order_relaxed);
    atomic_store_explicit(&place->turn, 2 * number + 2, memory_order_release);
}

/* False if it was never there, or is no longer. */
static int look_at(uint64_t number, struct treadle_recent_call *call)
{
    union copy copy;
    struct place *place = &ring[number % PLACES];
    if (atomic_load_explicit(&place->turn, memory_order_acquire) != 2 * number + 2)
        return 0;
    for (size_t i = 0; i < WORDS; i++)
        copy.words[i] = atomic_load_explicit(&place->words[i], memory_order_relaxed);
    *call = copy.call;
    /* Reads no earlier than the words were, as a fence would, which TSan does not know. */
    return atomic_fetch_add_explicit(&place->turn, 0, memory_order_acq_rel) == 2 * number + 2;
}

uint32_t treadle_recent_calls(struct treadle_recent_call *list, uint32_t capacity)
{
    uint64_t end = atomic_load(&count), length = end < PLACES ? end : PLACES;
    uint32_t written = 0;
    if (length > capacity)
        length = capacity;
    for (uint64_t number = end - length; number < end; number++)
        written += (uint32_t)look_at(number, &list[written]);
    return written;
}

static int32_t own_number(void)
{
    if (thread == 0)
        thread = (int32_t)syscall(SYS_gettid);
    return thread;
}

void record_call(const struct made_call *made)
{
    const struct grant *grant = &made->grant;
    const char *reason = grant_reason(grant);
    const char *op = statistics_add(made->op, made->backend, made->end - grant->begin, made->used,
                                    made->fallbacks);
    keep(&(struct treadle_recent_call){
        .op = op,
        .backend = made->backend,
        .variant = made->variant,
        .reason = reason,
        .elements = made->elements,
        .begin_ns = grant->begin,
        .end_ns = made->end,
        .wanted = grant->wanted,
        .granted = grant->most,
        .threads = made->used,
        .callers = grant->callers,
        .cores = grant->cores,
        .thread = own_number(),
    });
    if (trace_on())
        trace_call(made->op, &made->operands, made->backend, made->variant, made->elements,
                   grant->wanted, grant->most, made->used, grant->callers, reason, grant->begin,
                   made->end);
}

void record_after_fork(void)
{
    thread = 0;
    atomic_store(&count, 0);
    for (size_t i = 0; i < PLACES; i++)
        atomic_store(&ring[i].turn, 0);
}
