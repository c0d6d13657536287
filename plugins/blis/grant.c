/* SPDX-License-Identifier: BSD-3-Clause */
#include "grant.h"

#include <fenv.h>
#include <omp.h>
#include <stddef.h>

#include "omp_wait.h"

/* A call inside a call inside a call ...: deeper ones get one thread. */
enum { DEPTH_MAX = 8 };

static __thread struct {
    uint32_t depth;
    struct treadle_call *calls[DEPTH_MAX];
} grants;

void grant_enter(struct treadle_call *call)
{
    call->threads_used = 1;
    if (grants.depth < DEPTH_MAX)
        grants.calls[grants.depth] = call;
    grants.depth++;
}

void grant_leave(struct treadle_call *call)
{
    (void)call;
    grants.depth--;
}

static struct treadle_call *innermost(void)
{
    return grants.depth && grants.depth <= DEPTH_MAX ? grants.calls[grants.depth - 1] : NULL;
}

uint32_t grant_most(void)
{
    struct treadle_call *call = innermost();
    return call ? call->threads_max : 1;
}

uint32_t grant_now(double useful)
{
    struct treadle_call *call = innermost();
    if (!call || call->threads_max < 2 || useful < 2 || omp_get_level() > 0)
        return 1;
    uint32_t threads = call->host->threads_now(call->host, call);
    uint32_t limit = (uint32_t)omp_get_thread_limit();
    if (threads > call->threads_max)
        threads = call->threads_max;
    if (threads > limit)
        threads = limit;
    if (threads > useful)
        threads = (uint32_t)useful;
    return threads < 1 ? 1 : threads;
}

static void note_used(uint32_t threads)
{
    struct treadle_call *call = innermost();
    if (call && call->threads_used < threads)
        call->threads_used = threads;
}

void grant_team(uint32_t threads, void (*fn)(void *ctx, uint32_t member, uint32_t team), void *ctx)
{
    if (threads < 2) {
        fn(ctx, 0, 1);
        return;
    }
    fenv_t callers;
    fegetenv(&callers);
    int raised = 0, blocktime = omp_wait_begin();
#pragma omp parallel num_threads(threads) reduction(| : raised)
    {
        uint32_t member = (uint32_t)omp_get_thread_num(), team = (uint32_t)omp_get_num_threads();
        if (team != threads) {
            if (member == 0)
                fn(ctx, 0, 1);
        } else if (member == 0) {
            note_used(team);
            fn(ctx, 0, team);
        } else {
            fenv_t own;
            fegetenv(&own);
            fesetenv(&callers);
            feclearexcept(FE_ALL_EXCEPT);
            fn(ctx, member, team);
            raised = fetestexcept(FE_ALL_EXCEPT);
            fesetenv(&own);
        }
    }
    omp_wait_end(blocktime);
    if (raised)
        feraiseexcept(raised);
}
