/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cores of this process, shared among the calls in flight. One word holds both counts, so that
 * a grant is one compare-and-swap; only calls above the parallel size come here.
 */
#include "budget.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "cpus.h"
#include "machine.h"
#include "trace.h"

static _Alignas(64) _Atomic uint64_t state; /* callers << 32 | threads granted */
static _Atomic uint32_t mode = BUDGET_PROCESS;
static _Thread_local uint32_t held; /* threads of the grant this thread is inside of; 0: none */
static _Thread_local bool nested;   /* a thread of the pool: it is inside the calls of others */

/*
 * Callers that met lately are expected to meet again for as long as their calls took: of two
 * threads that multiply in a loop, the first to come would else take all cores, and hold them
 * while the other runs. Dots of 1000 x 1000 from two threads on two cores: 43 ms with two threads
 * for the first comer, 29 ms with one each. Written by calls that met, read by large ones.
 * 10 ms are longer than the scheduler, or Python's lock, keeps a thread waiting between two calls.
 */
static _Alignas(64) _Atomic uint32_t crowd;
static _Atomic int64_t crowd_until;
static const int64_t CROWD_NS_MIN = 10000000, CROWD_NS_MAX = 1000000000;

static uint32_t expected_callers(uint32_t callers, int64_t now)
{
    uint32_t lately = now < atomic_load_explicit(&crowd_until, memory_order_relaxed)
                          ? atomic_load_explicit(&crowd, memory_order_relaxed)
                          : 1;
    return lately > callers ? lately : callers;
}

/*
 * Few who meet often say nothing about the many who met once: the larger crowd is remembered for
 * its own time and no longer. A race between two that leave at once loses one of two sightings.
 */
static void remember(uint32_t callers, int64_t now, int64_t duration)
{
    if (callers < expected_callers(callers, now))
        return;
    int64_t kept = duration < CROWD_NS_MIN   ? CROWD_NS_MIN
                   : duration > CROWD_NS_MAX ? CROWD_NS_MAX
                                             : duration;
    atomic_store_explicit(&crowd, callers, memory_order_relaxed);
    if (now + kept > atomic_load_explicit(&crowd_until, memory_order_relaxed))
        atomic_store_explicit(&crowd_until, now + kept, memory_order_relaxed);
}

static uint32_t share(uint32_t cores, uint32_t callers)
{
    return callers < cores ? cores / callers : 1;
}

static const char *const names[] = {
    [BUDGET_MACHINE] = "machine", [BUDGET_PROCESS] = "process", [BUDGET_OFF] = "off"};

int32_t budget_mode(const char *name)
{
    for (int32_t i = 0; i <= BUDGET_OFF; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

const char *budget_mode_name(enum budget_mode chosen)
{
    return names[chosen];
}

void budget_use(enum budget_mode chosen)
{
    atomic_store(&mode, chosen);
    machine_use(chosen == BUDGET_MACHINE, &state);
}

enum budget_mode budget_used(void)
{
    return atomic_load_explicit(&mode, memory_order_relaxed);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static struct grant offer(uint64_t held_now, uint32_t wanted, uint32_t callers, uint32_t cores,
                          uint32_t left)
{
    uint32_t taken = (uint32_t)held_now;
    uint32_t threads = cores;
    if (budget_used() != BUDGET_OFF)
        threads = least(taken < left ? left - taken : 1, share(left, callers));
    threads = least(threads, wanted > 0 ? wanted : 1);
    return (struct grant){.threads = threads, .callers = callers, .cores = cores, .left = left};
}

bool budget_nested(void)
{
    return held || nested;
}

struct grant budget_take(uint32_t wanted)
{
    int64_t begin = trace_clock();
    uint32_t cores = (uint32_t)cpus_available_at(begin);
    if (budget_nested())
        return (struct grant){
            .threads = 1, .callers = 1, .cores = cores, .left = cores, .nested = 1, .begin = begin};
    struct grant grant;
    uint64_t now = atomic_load_explicit(&state, memory_order_relaxed);
    uint64_t next;
    uint32_t left = machine_cores(cores, ((uint32_t)(now >> 32) + 1) * wanted, begin);
    do {
        uint32_t callers = (uint32_t)(now >> 32) + 1;
        grant = offer(now, wanted, expected_callers(callers, begin), cores, left);
        next = now + (UINT64_C(1) << 32) + grant.threads;
    } while (!atomic_compare_exchange_weak(&state, &now, next));
    machine_show();
    held = grant.threads;
    grant.met = (uint32_t)(now >> 32) + 1;
    grant.begin = begin;
    return grant;
}

struct grant budget_preview(uint32_t wanted, uint32_t callers)
{
    int64_t time = trace_clock();
    uint32_t cores = (uint32_t)cpus_available_at(time);
    uint64_t now = callers ? 0 : atomic_load(&state);
    if (!callers)
        callers = expected_callers((uint32_t)(now >> 32) + 1, time);
    struct grant grant = offer(now, wanted, callers, cores, machine_cores(cores, 0, time));
    grant.met = callers;
    return grant;
}

const char *grant_reason(uint32_t wanted, const struct grant *grant)
{
    if (grant->nested)
        return "a call inside another one: one thread";
    if (grant->threads >= wanted)
        return wanted > 1 ? "size: worth these threads" : "size: worth one thread";
    if (grant->left < grant->cores)
        return grant->callers > 1 ? "cores are shared with other calls and processes"
                                  : "cores are shared with other processes";
    if (grant->callers > grant->met)
        return "cores are kept for callers that met lately";
    return grant->callers > 1 ? "cores are shared with other calls" : "cores are taken";
}

int64_t budget_give(const struct grant *grant)
{
    int64_t end = trace_clock();
    if (grant->nested)
        return end;
    held = 0;
    machine_note(grant->threads, grant->begin, end);
    uint64_t before = atomic_fetch_sub(&state, (UINT64_C(1) << 32) + grant->threads);
    machine_show();
    uint32_t present = (uint32_t)(before >> 32);
    uint32_t met = grant->met > present ? grant->met : present;
    if (met > 1)
        remember(met, end, end - grant->begin);
    return end;
}

uint32_t budget_callers(void)
{
    return (uint32_t)(atomic_load_explicit(&state, memory_order_relaxed) >> 32);
}

uint32_t budget_callers_at(int64_t now)
{
    return expected_callers(budget_callers() + 1, now);
}

void budget_be_nested(void)
{
    nested = true;
}

uint32_t budget_join(void)
{
    uint32_t before = held;
    held = before > 0 ? before : 1;
    return before;
}

void budget_part(uint32_t before)
{
    held = before;
}

uint32_t budget_share(uint32_t most)
{
    if (budget_used() == BUDGET_OFF)
        return most;
    int64_t now = trace_clock();
    uint32_t callers = budget_callers();
    callers = callers > 0 ? callers : 1;
    uint32_t left = machine_cores((uint32_t)cpus_available_at(now), callers * most, now);
    return least(most, share(left, callers));
}

uint32_t budget_cores(void)
{
    return least((uint32_t)cpus_last(), machine_cores_last());
}

void budget_after_fork(void)
{
    /* The thread that forked may be inside of a call, and will give back. */
    atomic_store(&state, held ? (UINT64_C(1) << 32) + held : 0);
    atomic_store(&crowd_until, 0);
}
