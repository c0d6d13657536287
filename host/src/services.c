/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host does for plugins. */
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>

#include "budget.h"
#include "host.h"
#include "loader.h"
#include "trace.h"

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

static uint32_t threads_now(const struct treadle_host *host, const struct treadle_call *call)
{
    (void)host;
    return budget_share(call->threads_max);
}

struct tasks {
    treadle_task_fn fn;
    void *ctx;
    const char *begin;
};

/* The "operand" is a range of byte addresses, one a task; nothing is read behind them. */
static void run_tasks(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    (void)strides;
    const struct tasks *tasks = ctx;
    for (int64_t i = 0; i < n; i++)
        tasks->fn(tasks->ctx, (uint32_t)(ptrs[0] + i - tasks->begin), 0);
}

/* openmp's `loop` is the host's pool; without it the caller does the work. */
static int32_t parallel(const struct treadle_host *host, const struct treadle_call *call,
                        uint32_t ntasks, treadle_task_fn fn, void *ctx)
{
    const struct treadle_query query = {.struct_size = sizeof query, .op = "loop"};
    struct treadle_kernel kernel = {.struct_size = sizeof kernel};
    const struct backend *openmp = loader_find("openmp", 6);
    struct tasks tasks = {.fn = fn, .ctx = ctx, .begin = (const char *)&tasks};
    if (call->threads_max > 1 && openmp &&
        openmp->table.find_kernel(openmp->state, &query, &kernel) == TREADLE_OK) {
        const struct treadle_loop loop = {
            .struct_size = sizeof loop, .fn = run_tasks, .ctx = &tasks, .grain = 1};
        const int64_t shape = ntasks, stride = 1;
        const struct treadle_array range = {
            .data = &tasks, .shape = &shape, .strides = &stride, .ndim = 1, .itemsize = 1};
        struct treadle_call inner = {
            .struct_size = sizeof inner,
            .host = host,
            .state = openmp->state,
            .kernel = kernel.kernel,
            .args = &range,
            .nargs = 1,
            .attrs = &loop,
            .threads_max = call->threads_max,
            .threads_used = 1,
        };
        if (kernel.run(&inner) == TREADLE_OK)
            return TREADLE_OK;
    }
    for (uint32_t i = 0; i < ntasks; i++)
        fn(ctx, i, 0);
    return TREADLE_OK;
}

static const void *get_service(const struct treadle_host *host, const char *id)
{
    (void)host, (void)id;
    return NULL;
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
