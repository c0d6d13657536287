/* SPDX-License-Identifier: BSD-3-Clause */
#include "grant.h"

#include <stddef.h>

/* A call inside a call inside a call ...: deeper ones get one thread. */
enum { DEPTH_MAX = 8 };

static __thread struct {
    uint32_t depth;
    struct treadle_call *calls[DEPTH_MAX];
} grants;

static const struct treadle_host *host;
static const struct treadle_team *team;
static const struct treadle_cores *cores; /* NULL: a host that only takes cores back */

void grant_start(const struct treadle_host *of)
{
    host = of;
    team = host->get_service ? host->get_service(host, TREADLE_TEAM_ID) : NULL;
    cores = host->get_service ? host->get_service(host, TREADLE_CORES_ID) : NULL;
}

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

static uint32_t ask(const struct treadle_call *call)
{
    if (cores)
        return cores->retake(host, call);
    uint32_t now = call->threads_max > 1 ? host->threads_now(host, call) : 1;
    return now < call->threads_max ? now : call->threads_max;
}

uint32_t grant_now(double useful)
{
    const struct treadle_call *call = innermost();
    if (!call || !team || useful < 2)
        return 1;
    uint32_t threads = ask(call);
    if (threads > useful)
        threads = (uint32_t)useful;
    return threads < 1 ? 1 : threads;
}

void grant_team(uint32_t threads, treadle_member_fn fn, void *ctx)
{
    struct treadle_call *call = innermost();
    if (threads < 2 || !call) {
        fn(ctx, 0, 1);
        return;
    }
    uint32_t worked = team->run(host, call, threads, fn, ctx);
    if (call->threads_used < worked)
        call->threads_used = worked;
}
