/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cores of this process, shared among the calls in flight. One word holds both counts, so that
 * a grant is one compare-and-swap; only calls above the parallel size come here.
 */
#include "budget.h"

#include <stdatomic.h>

#include "cpus.h"

static _Alignas(64) _Atomic uint64_t state; /* callers << 32 | threads granted */
static _Thread_local uint32_t held; /* threads of the grant this thread is inside of; 0: none */

static uint32_t share(uint32_t cores, uint32_t callers)
{
    return callers < cores ? cores / callers : 1;
}

static struct grant offer(uint64_t now, uint32_t wanted, uint32_t callers, uint32_t cores)
{
    uint32_t taken = (uint32_t)now;
    uint32_t threads = taken < cores ? cores - taken : 1;
    uint32_t fair = share(cores, callers);
    if (threads > fair)
        threads = fair;
    if (threads > wanted)
        threads = wanted > 0 ? wanted : 1;
    return (struct grant){.threads = threads, .callers = callers, .cores = cores};
}

struct grant budget_take(uint32_t wanted)
{
    uint32_t cores = (uint32_t)cpus_available();
    if (held)
        return (struct grant){.threads = 1, .callers = 1, .cores = cores, .nested = 1};
    struct grant grant;
    uint64_t now = atomic_load_explicit(&state, memory_order_relaxed);
    uint64_t next;
    do {
        grant = offer(now, wanted, (uint32_t)(now >> 32) + 1, cores);
        next = now + (UINT64_C(1) << 32) + grant.threads;
    } while (!atomic_compare_exchange_weak(&state, &now, next));
    held = grant.threads;
    return grant;
}

struct grant budget_preview(uint32_t wanted, uint32_t callers)
{
    uint32_t cores = (uint32_t)cpus_available();
    uint64_t now = callers ? 0 : atomic_load(&state);
    return offer(now, wanted, callers ? callers : (uint32_t)(now >> 32) + 1, cores);
}

const char *grant_reason(uint32_t wanted, const struct grant *grant)
{
    if (grant->nested)
        return "a call inside another one: one thread";
    if (grant->threads >= wanted)
        return wanted > 1 ? "size: worth these threads" : "size: worth one thread";
    return grant->callers > 1 ? "cores are shared with other calls" : "cores are taken";
}

void budget_give(const struct grant *grant)
{
    if (grant->nested)
        return;
    held = 0;
    atomic_fetch_sub(&state, (UINT64_C(1) << 32) + grant->threads);
}

uint32_t budget_share(uint32_t most)
{
    uint32_t callers = (uint32_t)(atomic_load_explicit(&state, memory_order_relaxed) >> 32);
    uint32_t fair = share((uint32_t)cpus_last(), callers > 0 ? callers : 1);
    return most < fair ? most : fair;
}

void budget_after_fork(void)
{
    /* The thread that forked may be inside of a call, and will give back. */
    atomic_store(&state, held ? (UINT64_C(1) << 32) + held : 0);
}
