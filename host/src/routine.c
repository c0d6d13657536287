/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BLAS and LAPACK routines under a grant: the way of run.c for calls whose arguments the host does
 * not understand. treadle_routine_begin() decides and takes cores, the caller calls, _end()
 * gives back and records.
 */
#include <string.h>
#include <treadle/treadle.h>

#include "budget.h"
#include "error.h"
#include "gate.h"
#include "host.h"
#include "live.h"
#include "loader.h"
#include "policy.h"
#include "record.h"

/* What lives in the caller's struct treadle_routine_call between begin and end. */
struct progress {
    treadle_routine_fn fn;
    const struct backend *backend; /* NULL: nothing was taken, nothing is to be given back */
    const char *name;
    double flops;
    struct grant grant;
    struct live_call live;
    uint32_t wanted, fallbacks;
    struct treadle_call call;
};

_Static_assert(sizeof(struct progress) <= sizeof(struct treadle_routine_call), "it must fit");
_Static_assert(_Alignof(struct progress) <= _Alignof(struct treadle_routine_call), "and align");

/* The first backend of the plan that has the routine. */
static const struct backend *choose(const struct plan *plan, const char *name, uint32_t int_bits,
                                    struct progress *p, uint32_t *cap)
{
    const struct backend *order[CANDIDATES_MAX];
    uint32_t caps[CANDIDATES_MAX];
    uint32_t count = policy_routine_order(plan, name, p->flops, order, caps);
    for (uint32_t i = 0; i < count; i++) {
        if (!order[i]->usable)
            continue;
        p->fn = order[i]->routines.find(order[i]->state, name, int_bits);
        *cap = caps[i];
        if (p->fn)
            return order[i];
        p->fallbacks += strcmp(order[i]->table.id, "serial") != 0;
    }
    /* None has it: the adopted library does it, on one thread if only serial was asked for. */
    const struct backend *adopted = loader_find("openblas", 8);
    p->fn = adopted ? adopted->routines.find(adopted->state, name, int_bits) : NULL;
    *cap = count == 1 ? 1 : 0;
    return p->fn ? adopted : NULL;
}

int32_t treadle_routine_begin(struct treadle_routine_call *call, const char *name,
                              uint32_t int_bits, double flops, treadle_routine_fn fallback)
{
    struct progress *p = (struct progress *)call;
    p->fn = fallback;
    p->backend = NULL;
    gate_enter(); /* the program's own library may have threads as well */
    int32_t status;
    const struct plan *plan = policy_routine_is_small(flops) ? NULL : host_plan(&status);
    if (!plan)
        return 0;
    uint32_t cap;
    p->fallbacks = 0;
    p->flops = flops;
    plan = live_plan(&p->live, plan, name, flops);
    const struct backend *backend = choose(plan, name, int_bits, p, &cap);
    if (!backend) {
        live_end(&p->live, TREADLE_E_UNSUPPORTED, 0, "", 0, 0);
        p->fn = fallback;
        return 0;
    }
    p->backend = backend;
    p->name = name;
    p->wanted = policy_routine_wanted(name, flops);
    if (cap > 0 && cap < p->wanted)
        p->wanted = cap;
    p->grant = budget_take(p->wanted);
    p->call = (struct treadle_call){
        .struct_size = sizeof p->call,
        .host = &host_services,
        .state = backend->state,
        .threads_max = p->grant.threads,
        .threads_used = 1,
    };
    backend->routines.enter(&p->call);
    return (int32_t)p->grant.threads;
}

void treadle_routine_end(struct treadle_routine_call *call)
{
    struct progress *p = (struct progress *)call;
    if (!p->backend) {
        gate_leave();
        return;
    }
    p->backend->routines.leave(&p->call);
    int64_t end = budget_give(&p->grant);
    gate_leave();
    live_end(&p->live, TREADLE_OK, end - p->grant.begin, p->backend->table.id, p->call.threads_used,
             p->fallbacks);
    record_call(&(struct made_call){
        .op = p->name,
        .backend = p->backend->table.id,
        .variant = "",
        .elements = p->flops,
        .wanted = p->wanted,
        .used = p->call.threads_used,
        .fallbacks = p->fallbacks,
        .grant = p->grant,
        .end = end,
    });
}

/* openblas adopts one library of each width; a call that is entered holds both. */
int32_t treadle_routines_hold(struct treadle_routine_call *hold)
{
    struct progress *p = (struct progress *)hold;
    int32_t status = host_ready();
    if (status)
        return status;
    const struct backend *adopted = loader_find("openblas", 8);
    if (!adopted || !(adopted->routines.find(adopted->state, "dgemm_", 64) ||
                      adopted->routines.find(adopted->state, "dgemm_", 32)))
        return fail(TREADLE_E_UNSUPPORTED, "there is no BLAS library that openblas can adopt");
    p->backend = adopted;
    p->call = (struct treadle_call){
        .struct_size = sizeof p->call,
        .host = &host_services,
        .state = adopted->state,
        .threads_max = 1,
        .threads_used = 1,
    };
    gate_enter();
    adopted->routines.enter(&p->call);
    return TREADLE_OK;
}

void treadle_routines_release(struct treadle_routine_call *hold)
{
    struct progress *p = (struct progress *)hold;
    p->backend->routines.leave(&p->call);
    gate_leave();
}

int32_t treadle_explain_routine(const char *name, uint32_t int_bits, double flops, uint32_t callers,
                                struct treadle_decision *decision)
{
    if (!name || !decision)
        return fail(TREADLE_E_INVALID, "%s is NULL", name ? "decision" : "name");
    int32_t status = host_ready();
    if (status)
        return status;
    struct progress p = {.flops = flops};
    uint32_t cap;
    const struct backend *backend = choose(policy_plan(), name, int_bits, &p, &cap);
    bool small = policy_routine_is_small(flops);
    uint32_t wanted = policy_routine_wanted(name, flops);
    if (cap > 0 && cap < wanted)
        wanted = cap;
    const struct grant grant = budget_preview(wanted, callers);
    *decision = (struct treadle_decision){
        .backend = backend && !small ? backend->table.id : "(the program's own)",
        .variant = "",
        .wanted = small ? 1 : wanted,
        .granted = small ? 1 : grant.threads,
        .callers = grant.callers,
        .cores = grant.cores,
        .elements = flops,
        .limit = policy_routine_limit(),
    };
    const char *reason =
        small ? "small: stays with the program's own library" : grant_reason(wanted, &grant);
    strncpy(decision->reason, reason, sizeof decision->reason - 1);
    return TREADLE_OK;
}
