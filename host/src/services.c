/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host does for plugins. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>

#include "budget.h"
#include "host.h"
#include "pool.h"
#include "trace.h"
#include "watch.h"

static void *alloc(const struct treadle_host *host, uint64_t size, uint64_t align)
{
    (void)host;
    void *memory = NULL;
    size_t least = align < sizeof(void *) ? sizeof(void *) : align;
    return posix_memalign(&memory, least, size ? size : 1) == 0 ? memory : NULL;
}

static void release(const struct treadle_host *host, void *memory)
{
    (void)host;
    free(memory);
}

static void say(const struct treadle_host *host, int32_t level, const char *line)
{
    (void)host;
    trace_say(level, "%s", line);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t threads_now(const struct treadle_host *host, const struct treadle_call *call)
{
    (void)host;
    return budget_share(call->threads_max);
}

static uint32_t retake(const struct treadle_host *host, const struct treadle_call *call)
{
    (void)host;
    const struct host_call *own = (const struct host_call *)call;
    if (!own->grant)
        return 1;
    uint32_t threads = capped(budget_retake(own->grant), own->cap);
    if (own->unseen && threads < capped(own->grant->wanted, own->cap))
        watch_for_cores();
    return threads;
}

static const struct treadle_cores cores_service = {
    .struct_size = sizeof cores_service,
    .retake = retake,
};

/* What may work at once now: the same all the time for a call that never asks anew. */
static uint32_t granted(const struct treadle_call *call)
{
    const struct host_call *own = (const struct host_call *)call;
    return own->grant ? capped(own->grant->threads, own->cap) : 1;
}

struct tasks {
    treadle_task_fn fn;
    void *ctx;
    uint32_t count;
    _Atomic uint32_t next;
};

/* Handed out in order to whoever is free. */
static void take_tasks(void *ctx, uint32_t member, uint32_t team)
{
    (void)team;
    struct tasks *tasks = ctx;
    for (;;) {
        uint32_t task = atomic_fetch_add(&tasks->next, 1);
        if (task >= tasks->count)
            return;
        tasks->fn(tasks->ctx, task, member);
    }
}

static int32_t parallel(const struct treadle_host *host, const struct treadle_call *call,
                        uint32_t ntasks, treadle_task_fn fn, void *ctx)
{
    (void)host;
    struct tasks tasks = {.fn = fn, .ctx = ctx, .count = ntasks};
    uint32_t threads = least(call->threads_max, granted(call)); /* workers are below both */
    pool_run(least(threads, ntasks), take_tasks, &tasks);
    return TREADLE_OK;
}

static uint32_t team_run(const struct treadle_host *host, const struct treadle_call *call,
                         uint32_t threads, treadle_member_fn fn, void *ctx)
{
    (void)host;
    return pool_run(least(threads, granted(call)), fn, ctx);
}

static const struct treadle_team team_service = {
    .struct_size = sizeof team_service,
    .run = team_run,
};

static const void *get_service(const struct treadle_host *host, const char *id)
{
    (void)host;
    if (strcmp(id, TREADLE_CORES_ID) == 0)
        return &cores_service;
    return strcmp(id, TREADLE_TEAM_ID) == 0 ? &team_service : NULL;
}

const struct treadle_host host_services = {
    .struct_size = sizeof host_services,
    .abi_minor = TREADLE_ABI_MINOR,
    .name = "libtreadle",
    .version = TREADLE_VERSION,
    .alloc = alloc,
    .release = release,
    .log = say,
    .parallel = parallel,
    .threads_now = threads_now,
    .get_service = get_service,
};
