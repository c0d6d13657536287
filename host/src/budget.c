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
static _Thread_local const struct grant *own; /* of the call that this thread made; NULL: none */
static _Thread_local bool nested;             /* this thread works inside the call of another */

/*
 * Callers that met lately are expected to meet again for as long as their calls took: of two
 * threads that multiply in a loop, the first to come would else take all cores, and hold them
 * while the other runs. Dots of 1000 x 1000 from two threads on two cores: 43 ms with two threads
 * for the first comer, 29 ms with one each. Written by calls that met, read by large ones.
 * 10 ms are longer than the scheduler, or Python's lock, keeps a thread waiting between two calls.
 */
static const int64_t CROWD_NS_MIN = 10000000, CROWD_NS_MAX = 1000000000;

/*
 * A call that can still give cores back keeps none for so long, only for the pauses between calls.
 * With 0, 3 and 10 ms, simulated with 64 cores for callers who also work between their calls: 0.93,
 * 0.91 and 0.89 of the time that the best fixed number of threads takes; a call wants an idle core
 * for 7, 10 and 18 ms at most.
 *
 * It begins to grow once it has lasted: a short one that had to share when it began would meet the
 * others again, and what is kept for them would be kept in vain.
 */
static const int64_t GO_ON_NS = 3000000, SETTLED_NS = 5000000;

struct crowd {
    _Alignas(64) _Atomic uint32_t callers;
    _Atomic int64_t until;
};
static struct crowd to_begin, to_go_on;

/*
 * Who met others in its last call expects them in the next: the threads of a pool begin each round
 * together. The first to come would have all cores, and a library that can't take threads from a
 * running product (OpenBLAS's dgesv) then waits inside it for those that have no core: 80
 * solve(512) from two threads on two cores took 155 ms in every other round, else 125. If nobody
 * comes, one call had too few; so a call that is much larger than those does not expect them.
 */
static const double LIKE_LAST = 4;
static _Thread_local struct last {
    uint32_t callers;
    double work; /* of the largest call since one that met nobody */
} last;

static uint32_t expected_callers(const struct crowd *crowd, uint32_t callers, int64_t now)
{
    uint32_t lately = now < atomic_load_explicit(&crowd->until, memory_order_relaxed)
                          ? atomic_load_explicit(&crowd->callers, memory_order_relaxed)
                          : 1;
    return lately > callers ? lately : callers;
}

/*
 * Few who meet often say nothing about the many who met once: the larger crowd is remembered for
 * its own time and no longer. A race between two that leave at once loses one of two sightings.
 */
static void remember(struct crowd *crowd, uint32_t callers, int64_t now, int64_t kept)
{
    if (callers < expected_callers(crowd, callers, now))
        return;
    atomic_store_explicit(&crowd->callers, callers, memory_order_relaxed);
    if (now + kept > atomic_load_explicit(&crowd->until, memory_order_relaxed))
        atomic_store_explicit(&crowd->until, now + kept, memory_order_relaxed);
}

static void met(uint32_t callers, int64_t now, int64_t duration)
{
    int64_t kept = duration < CROWD_NS_MIN   ? CROWD_NS_MIN
                   : duration > CROWD_NS_MAX ? CROWD_NS_MAX
                                             : duration;
    remember(&to_begin, callers, now, kept);
    remember(&to_go_on, callers, now, GO_ON_NS);
}

/* Those who came and went while a call that began then was running have told of it. */
static uint32_t most_since(int64_t begin)
{
    return expected_callers(&to_go_on, 1, begin + GO_ON_NS - 1);
}

static void note_company(uint32_t callers, const struct grant *grant)
{
    uint32_t others = most_since(grant->begin);
    callers = callers > others ? callers : others;
    bool goes_on = callers > 1 && last.callers > 1 && last.work > grant->work;
    last = (struct last){callers, goes_on ? last.work : grant->work};
}

/* What a call of this thread that begins now should reckon with. */
static uint32_t callers_to_begin(uint32_t callers, double work, int64_t now)
{
    uint32_t lately = expected_callers(&to_begin, callers, now);
    return last.callers > lately && work <= LIKE_LAST * last.work ? last.callers : lately;
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

static uint32_t unless_taken(uint32_t share, uint32_t taken, uint32_t left)
{
    return least(share, taken < left ? left - taken : 1);
}

/* What is there for one of so many callers, when the others hold `taken`. */
static struct grant offer(uint32_t taken, uint32_t wanted, uint32_t callers, uint32_t cores,
                          uint32_t left)
{
    uint32_t threads = cores;
    if (budget_used() != BUDGET_OFF)
        threads = unless_taken(share(left, callers), taken, left);
    wanted = wanted > 0 ? wanted : 1;
    threads = least(threads, wanted);
    return (struct grant){.threads = threads,
                          .first = threads,
                          .most = threads,
                          .wanted = wanted,
                          .callers = callers,
                          .cores = cores,
                          .left = left};
}

bool budget_nested(void)
{
    return own || nested;
}

void budget_take(struct grant *grant, uint32_t wanted, double work)
{
    int64_t begin = trace_clock();
    uint32_t cores = (uint32_t)cpus_available_at(begin);
    if (budget_nested()) {
        *grant = offer(0, 1, 1, cores, cores);
        grant->nested = 1;
        grant->begin = begin;
        return;
    }
    uint64_t now = atomic_load_explicit(&state, memory_order_relaxed);
    uint64_t next;
    uint32_t left = machine_cores(cores, ((uint32_t)(now >> 32) + 1) * wanted, begin);
    do {
        uint32_t callers = (uint32_t)(now >> 32) + 1;
        *grant = offer((uint32_t)now, wanted, callers_to_begin(callers, work, begin), cores, left);
        next = now + (UINT64_C(1) << 32) + grant->threads;
    } while (!atomic_compare_exchange_weak(&state, &now, next));
    machine_show();
    grant->met = (uint32_t)(now >> 32) + 1;
    grant->begin = grant->since = begin;
    grant->work = work;
    own = grant;
}

static void settle(struct grant *grant, int64_t now)
{
    grant->core_ns += (now - grant->since) * grant->threads;
    grant->since = now;
}

uint32_t budget_retake(struct grant *grant)
{
    if (grant->nested || budget_used() == BUDGET_OFF)
        return grant->threads;
    int64_t time = trace_clock();
    if (grant == own) /* another thread may be allowed to run on other cores */
        grant->cores = (uint32_t)cpus_available_at(time);
    uint64_t now = atomic_load_explicit(&state, memory_order_relaxed);
    uint64_t next;
    uint32_t left = machine_cores(grant->cores, (uint32_t)(now >> 32) * grant->wanted, time);
    uint32_t threads;
    do {
        uint32_t callers = expected_callers(&to_go_on, (uint32_t)(now >> 32), time);
        uint32_t share = (left + callers - 1) / callers; /* what does not divide, to the first */
        threads = unless_taken(share, (uint32_t)now - grant->threads, left);
        threads = least(threads, grant->wanted);
        if (time < grant->begin + SETTLED_NS)
            threads = least(threads, grant->threads);
        next = now - grant->threads + threads;
    } while (next != now && !atomic_compare_exchange_weak(&state, &now, next));
    if (threads == grant->threads)
        return threads;
    machine_show();
    settle(grant, time);
    grant->threads = threads;
    if (grant->most < threads)
        grant->most = threads;
    return threads;
}

struct grant budget_preview(uint32_t wanted, double work, uint32_t callers)
{
    int64_t time = trace_clock();
    uint32_t cores = (uint32_t)cpus_available_at(time);
    uint64_t now = callers ? 0 : atomic_load(&state);
    if (!callers)
        callers = callers_to_begin((uint32_t)(now >> 32) + 1, work, time);
    struct grant grant =
        offer((uint32_t)now, wanted, callers, cores, machine_cores(cores, 0, time));
    grant.met = callers;
    return grant;
}

const char *grant_reason(const struct grant *grant)
{
    if (grant->nested)
        return "a call inside another one: one thread";
    if (grant->most > grant->first)
        return "cores became free during the call";
    if (grant->first >= grant->wanted)
        return grant->wanted > 1 ? "size: worth these threads" : "size: worth one thread";
    if (grant->left < grant->cores)
        return grant->callers > 1 ? "cores are shared with other calls and processes"
                                  : "cores are shared with other processes";
    if (grant->callers > grant->met)
        return "cores are kept for callers that met lately";
    return grant->callers > 1 ? "cores are shared with other calls" : "cores are taken";
}

int64_t budget_give(struct grant *grant)
{
    int64_t end = trace_clock();
    if (grant->nested)
        return end;
    own = NULL;
    settle(grant, end);
    machine_note(grant->core_ns, grant->begin, end);
    uint64_t before = atomic_fetch_sub(&state, (UINT64_C(1) << 32) + grant->threads);
    machine_show();
    uint32_t present = (uint32_t)(before >> 32);
    uint32_t callers = grant->met > present ? grant->met : present;
    if (callers > 1)
        met(callers, end, end - grant->begin);
    note_company(callers, grant);
    return end;
}

uint32_t budget_callers(void)
{
    return (uint32_t)(atomic_load_explicit(&state, memory_order_relaxed) >> 32);
}

uint32_t budget_callers_at(int64_t now)
{
    return expected_callers(&to_begin, budget_callers() + 1, now);
}

void budget_be_nested(void)
{
    nested = true;
}

bool budget_join(void)
{
    bool before = nested;
    nested = true;
    return before;
}

void budget_part(bool before)
{
    nested = before;
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
    atomic_store(&state, own ? (UINT64_C(1) << 32) + own->threads : 0);
    atomic_store(&to_begin.until, 0);
    atomic_store(&to_go_on.until, 0);
}
