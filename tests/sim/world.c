/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files are included, so that what is static in them can be put aside for each process. Only
 * the table in shared memory is an array here, and the clock is made of what simulate.c says.
 */
#include "world.h"

#include "budget.c"  /* NOLINT */
#include "machine.c" /* NOLINT */

#include <time.h>

/* ---- the clock ------------------------------------------------------------------------------- */

static int64_t since_start; /* of the process: a world's time begins where the last one ended */
static int64_t world_start;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    now->tv_sec = since_start / 1000000000;
    now->tv_nsec = since_start % 1000000000;
    return 0;
}

void world_set_time(int64_t ns)
{
    since_start = world_start + ns;
}

/* ---- the table ------------------------------------------------------------------------------- */

static struct slot slots[PROCESSES_MAX];
static uint32_t current, count;

bool table_join(const char *place, char *why)
{
    (void)place, (void)why;
    return true;
}

void table_leave(void)
{
}

void table_abandon(void)
{
}

bool table_is_whole(char *why)
{
    (void)why;
    return true;
}

uint32_t table_end(void)
{
    return count;
}

struct slot *table_slot(uint32_t i)
{
    return &slots[i];
}

uint32_t table_own(void)
{
    return current;
}

bool table_is_alive(uint32_t i)
{
    (void)i;
    return true;
}

uint32_t table_read(const char *place, struct slot *list, uint32_t capacity, char *why)
{
    (void)place, (void)list, (void)capacity, (void)why;
    return 0;
}

/* ---- processes ------------------------------------------------------------------------------- */

static const struct piece {
    void *at;
    size_t size;
} pieces[] = {
    {&state, sizeof state},
    {&to_begin, sizeof to_begin},
    {&to_go_on, sizeof to_go_on},
    {&wanted_by_user, sizeof wanted_by_user},
    {&leased_at, sizeof leased_at},
    {&refreshed_at, sizeof refreshed_at},
    {&demand_before, sizeof demand_before},
    {neighbours, sizeof neighbours[0] * PROCESSES_MAX},
    {mask, sizeof mask},
    {&lease_end, sizeof lease_end},
    {&lease_cores, sizeof lease_cores},
    {&slot, sizeof slot},
    {&demand_now, sizeof demand_now},
};
static char aside[PROCESSES_MAX][4096];

static void exchange(uint32_t process, bool put_aside)
{
    char *place = aside[process];
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const struct piece *p = &pieces[i];
        memcpy(put_aside ? place : p->at, put_aside ? p->at : place, p->size);
        place += p->size;
    }
}

/* What a thread knows of itself. */
static struct thread {
    const struct grant *own;
    struct last last;
} threads[THREADS_MAX];
static uint32_t current_thread;

void world_enter(uint32_t process, uint32_t thread)
{
    if (process != current) {
        exchange(current, true);
        exchange(process, false);
        current = process;
    }
    threads[current_thread] = (struct thread){own, last};
    own = threads[thread].own;
    last = threads[thread].last;
    current_thread = thread;
}

void world_begin(uint32_t cores, uint32_t processes)
{
    world_start = since_start + 10000000000; /* whatever was remembered is forgotten */
    world_set_time(0);
    memset(slots, 0, sizeof slots);
    count = processes;
    memset(threads, 0, sizeof threads);
    own = NULL;
    last = (struct last){0};
    current_thread = 0;
    cpus_override((int32_t)cores);
    budget_use(BUDGET_MACHINE);
    atomic_store(&state, 0);
    atomic_store(&to_begin.until, 0);
    atomic_store(&to_go_on.until, 0);
    atomic_store(&slot, NULL);
    memset(neighbours, 0, sizeof neighbours);
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        exchange(i, true);
    current = 0;
}
