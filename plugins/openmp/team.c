/* SPDX-License-Identifier: BSD-3-Clause */
#include "team.h"

#include <fenv.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "omp_start.h"
#include "omp_wait.h"

struct work {
    part_fn fn;
    void *ctx;
    size_t parts;
    atomic_size_t next;
    atomic_uint workers;
    atomic_int raised;
};

static const struct treadle_team *host_team;
static bool forked;

const char *team_start(const struct treadle_host *host)
{
    host_team = host->get_service ? host->get_service(host, TREADLE_TEAM_ID) : NULL;
    return host_team ? NULL : omp_start();
}

void team_after_fork(void)
{
    forked = true;
}

/* libomp prints a warning if it is asked for more than OMP_THREAD_LIMIT. */
static size_t libomp_limit(const struct treadle_call *call)
{
    const int raised = fetestexcept(FE_ALL_EXCEPT);
    const int nested = omp_get_level() > 0, limit = omp_get_thread_limit();
    omp_clear_new_flags(raised);
    if (nested)
        return 1;
    return call->threads_max < (uint32_t)limit ? call->threads_max : (size_t)limit;
}

/* The host has counted in nested calls and OMP_THREAD_LIMIT. */
size_t team_limit(const struct treadle_call *call)
{
    if (host_team)
        return call->threads_max;
    return forked ? 1 : libomp_limit(call);
}

static void take_parts(struct work *work)
{
    size_t part = atomic_fetch_add(&work->next, 1);
    if (part < work->parts)
        atomic_fetch_add(&work->workers, 1);
    for (; part < work->parts; part = atomic_fetch_add(&work->next, 1))
        work->fn(work->ctx, part);
}

/* The caller too: libomp itself leaves flags behind on its thread. */
static void take_parts_as_caller(struct work *work, const fenv_t *callers)
{
    fenv_t own;
    fegetenv(&own);
    fesetenv(callers);
    feclearexcept(FE_ALL_EXCEPT);
    take_parts(work);
    atomic_fetch_or(&work->raised, fetestexcept(FE_ALL_EXCEPT));
    fesetenv(&own);
}

/* The service lends the caller's floating-point environment itself. */
static void take_parts_as_member(void *ctx, uint32_t member, uint32_t team)
{
    (void)member, (void)team;
    take_parts(ctx);
}

static void run_on_libomp(struct work *work, size_t threads)
{
    fenv_t callers;
    fegetenv(&callers);
    int blocktime = omp_wait_begin();
#pragma omp parallel num_threads((int)threads)
    take_parts_as_caller(work, &callers);
    omp_wait_end(blocktime);
    fesetenv(&callers);
    int raised = atomic_load(&work->raised);
    if (raised)
        feraiseexcept(raised);
}

void team_run(struct treadle_call *call, size_t parts, part_fn fn, void *ctx)
{
    struct work work = {.fn = fn, .ctx = ctx, .parts = parts};
    size_t threads = team_limit(call);
    if (threads > parts)
        threads = parts;
    if (threads < 2) {
        for (size_t part = 0; part < parts; part++)
            fn(ctx, part);
        return;
    }
    if (host_team)
        host_team->run(call->host, call, (uint32_t)threads, take_parts_as_member, &work);
    else
        run_on_libomp(&work, threads);
    uint32_t workers = atomic_load(&work.workers);
    if (call->threads_used < workers)
        call->threads_used = workers;
}
