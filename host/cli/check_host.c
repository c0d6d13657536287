/* SPDX-License-Identifier: BSD-3-Clause */
/* The services of the kit's host: simple, and they count. */
#include "check_plugin.h"

#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

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

/** One call of parallel(): its tasks are handed out one by one. */
struct region {
    treadle_task_fn fn;
    void *ctx;
    uint32_t ntasks;
    atomic_uint next;
    fenv_t modes; /* the caller's */
    atomic_int raised;
};

struct worker {
    struct region *region;
    uint32_t index;
};

static void do_tasks(struct region *region, uint32_t worker)
{
    for (uint32_t task; (task = atomic_fetch_add(&region->next, 1)) < region->ntasks;)
        region->fn(region->ctx, task, worker);
}

static void *serve(void *argument)
{
    struct worker *worker = argument;

    fesetenv(&worker->region->modes);
    feclearexcept(FE_ALL_EXCEPT);
    do_tasks(worker->region, worker->index);
    atomic_fetch_or(&worker->region->raised, fetestexcept(FE_ALL_EXCEPT));
    return NULL;
}

/* Threads that end with the call: slow, and nothing is left of them. */
static int32_t host_parallel(const struct treadle_host *host, const struct treadle_call *call,
                             uint32_t ntasks, treadle_task_fn fn, void *ctx)
{
    struct region region = {.fn = fn, .ctx = ctx, .ntasks = ntasks};
    struct worker workers[WORKERS_MAX];
    pthread_t threads[WORKERS_MAX];
    uint32_t most = call->threads_max < WORKERS_MAX ? call->threads_max : WORKERS_MAX, started = 0;

    (void)host;
    fegetenv(&region.modes);
    for (uint32_t i = 1; i < most && i < ntasks; i++) {
        workers[started] = (struct worker){&region, i};
        started += !pthread_create(&threads[started], NULL, serve, &workers[started]);
    }
    atomic_fetch_add(&threads_started, started);
    do_tasks(&region, 0);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    feraiseexcept(atomic_load(&region.raised));
    return TREADLE_OK;
}

static uint32_t host_threads_now(const struct treadle_host *host, const struct treadle_call *call)
{
    (void)host;
    return call->threads_max;
}

static const void *host_get_service(const struct treadle_host *host, const char *id)
{
    (void)host, (void)id;
    return NULL;
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
