/* SPDX-License-Identifier: BSD-3-Clause */
/* The services of the kit's host: simple, and they count. */
#include "check_plugin.h"

#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

enum { WORKERS_MAX = 16 };

static atomic_long blocks;
static atomic_int blocks_left = -1;
static atomic_uint threads_started;

static void *host_alloc(const struct treadle_host *host, uint64_t size, uint64_t align)
{
    void *memory = NULL;

    (void)host;
    if (atomic_load(&blocks_left) >= 0 && atomic_fetch_sub(&blocks_left, 1) <= 0) {
        atomic_store(&blocks_left, 0);
        return NULL;
    }
    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size ? size : 1))
        return NULL;
    atomic_fetch_add(&blocks, 1);
    return memory;
}

static void host_release(const struct treadle_host *host, void *memory)
{
    (void)host;
    if (memory)
        atomic_fetch_sub(&blocks, 1);
    free(memory);
}

static void host_log(const struct treadle_host *host, int32_t level, const char *line)
{
    (void)host, (void)level, (void)line;
}

/** One call of parallel() or of a team: work for threads that end with it. */
struct region {
    treadle_task_fn fn;       /* of parallel(), whose tasks are handed out one by one */
    treadle_member_fn member; /* or of a team */
    void *ctx;
    uint32_t ntasks;
    atomic_uint next, team; /* team is 0 until it is known who has come */
    fenv_t modes;           /* the caller's */
    atomic_int raised;
};

struct worker {
    struct region *region;
    uint32_t index;
};

static void do_work(struct region *region, uint32_t worker)
{
    uint32_t team;

    while ((team = atomic_load(&region->team)) == 0)
        sched_yield();
    if (region->member && worker < team)
        region->member(region->ctx, worker, team);
    for (uint32_t task; region->fn && (task = atomic_fetch_add(&region->next, 1)) < region->ntasks;)
        region->fn(region->ctx, task, worker);
}

static void *serve(void *argument)
{
    struct worker *worker = argument;

    fesetenv(&worker->region->modes);
    feclearexcept(FE_ALL_EXCEPT);
    do_work(worker->region, worker->index);
    atomic_fetch_or(&worker->region->raised, fetestexcept(FE_ALL_EXCEPT));
    return NULL;
}

/** Returns the size of the team: all that were asked for, or the caller alone. */
static uint32_t run_region(struct region *region, uint32_t wanted)
{
    struct worker workers[WORKERS_MAX];
    pthread_t threads[WORKERS_MAX];
    uint32_t started = 0;

    wanted = wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
    fegetenv(&region->modes);
    while (started + 1 < wanted) {
        workers[started] = (struct worker){region, started + 1};
        if (pthread_create(&threads[started], NULL, serve, &workers[started]))
            break;
        started++;
    }
    uint32_t team = started + 1 == wanted ? wanted : 1;
    atomic_fetch_add(&threads_started, started);
    atomic_store(&region->team, team);
    do_work(region, 0);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    feraiseexcept(atomic_load(&region->raised));
    return team;
}

static int32_t host_parallel(const struct treadle_host *host, const struct treadle_call *call,
                             uint32_t ntasks, treadle_task_fn fn, void *ctx)
{
    struct region region = {.fn = fn, .ctx = ctx, .ntasks = ntasks};

    (void)host;
    run_region(&region, call->threads_max < ntasks ? call->threads_max : ntasks);
    return TREADLE_OK;
}

static uint32_t host_team(const struct treadle_host *host, const struct treadle_call *call,
                          uint32_t threads, treadle_member_fn fn, void *ctx)
{
    struct region region = {.member = fn, .ctx = ctx};

    (void)host;
    return run_region(&region, threads < call->threads_max ? threads : call->threads_max);
}

static uint32_t host_threads_now(const struct treadle_host *host, const struct treadle_call *call)
{
    (void)host;
    return call->threads_max;
}

static const void *host_get_service(const struct treadle_host *host, const char *id)
{
    static const struct treadle_team team = {.struct_size = sizeof team, .run = host_team};

    (void)host;
    return strcmp(id, TREADLE_TEAM_ID) ? NULL : &team;
}

const struct treadle_host *check_host(void)
{
    static struct treadle_host host = {
        .struct_size = sizeof host,
        .abi_minor = TREADLE_ABI_MINOR,
        .name = "treadle check",
        .alloc = host_alloc,
        .release = host_release,
        .log = host_log,
        .parallel = host_parallel,
        .threads_now = host_threads_now,
        .get_service = host_get_service,
    };
    host.version = treadle_version();
    return &host;
}

long check_host_blocks(void)
{
    return atomic_load(&blocks);
}

uint32_t check_host_threads(void)
{
    return atomic_load(&threads_started);
}

void check_host_limit_blocks(int count)
{
    atomic_store(&blocks_left, count);
}
