/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host does for plugins. */
#include <stdatomic.h>
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

enum { WORKERS_MAX = 1024 };

struct tasks {
    treadle_task_fn fn;
    void *ctx;
    const char *begin;
    _Atomic uint64_t busy[WORKERS_MAX / 64]; /* bit per worker */
};

/* The lowest number that no other thread has now: ranges do not say which thread they are on. */
static uint32_t become_worker(struct tasks *tasks)
{
    for (uint32_t word = 0;; word = (word + 1) % (WORKERS_MAX / 64)) {
        uint64_t busy = atomic_load(&tasks->busy[word]);
        while (~busy) {
            uint64_t lowest = ~busy & (busy + 1);
            if (atomic_compare_exchange_weak(&tasks->busy[word], &busy, busy | lowest))
                return word * 64 + (uint32_t)__builtin_ctzll(lowest);
        }
    }
}

/* The "operand" is a range of byte addresses, one a task; nothing is read behind them. */
static void run_tasks(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    (void)strides;
    struct tasks *tasks = ctx;
    uint32_t worker = become_worker(tasks);
    for (int64_t i = 0; i < n; i++)
        tasks->fn(tasks->ctx, (uint32_t)(ptrs[0] + i - tasks->begin), worker);
    atomic_fetch_and(&tasks->busy[worker / 64], ~(UINT64_C(1) << worker % 64));
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
            .threads_max = call->threads_max < WORKERS_MAX ? call->threads_max : WORKERS_MAX,
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
