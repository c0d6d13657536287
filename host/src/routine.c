/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BLAS and LAPACK routines under a grant: the way of run.c for calls whose arguments the host does
 * not understand. treadle_routine_begin() decides and takes cores, the caller calls, _end()
 * gives back and records.
 */
#include <math.h>
#include <stdatomic.h>
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
#include "routine.h"

/* What lives in the caller's struct treadle_routine_call between begin and end. */
struct progress {
    treadle_routine_fn fn;
    const struct backend *backend; /* NULL: nothing was taken, nothing is to be given back */
    const char *name;
    double flops;
    struct grant grant;
    struct live_call live;
    uint32_t fallbacks;
    struct host_call own;
};

_Static_assert(sizeof(struct progress) <= sizeof(struct treadle_routine_call), "it must fit");
_Static_assert(_Alignof(struct progress) <= _Alignof(struct treadle_routine_call), "and align");

static _Alignas(64) _Atomic uint32_t in_flight; /* a fork waits for those of other threads */

static atomic_bool keeps_exact;

void routines_keep_exact(bool exact)
{
    atomic_store(&keeps_exact, exact);
}

static void adapt(void)
{
    for (uint32_t i = 0; i < loader_count(); i++)
        if (loader_at(i)->usable && loader_at(i)->routines.adapt)
            loader_at(i)->routines.adapt(loader_at(i)->state);
}

void routines_adapt(void)
{
    if (atomic_load_explicit(&in_flight, memory_order_relaxed) > 0)
        adapt();
}

/* The first backend of the plan that has the routine. */
static const struct backend *choose(const struct plan *plan, const char *name, uint32_t int_bits,
                                    double side, struct progress *p, uint32_t *cap)
{
    const struct backend *order[CANDIDATES_MAX];
    uint32_t caps[CANDIDATES_MAX];
    uint32_t count = policy_routine_order(plan, name, p->flops, side, order, caps);
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

static uint32_t wanted_of(const char *name, double flops, uint32_t cap)
{
    return capped(policy_routine_wanted(name, flops), cap);
}

/* Without a grant: one thread. */
static void enter(struct progress *p, struct grant *grant)
{
    p->own.grant = grant;
    p->own.cap = 0;
    p->own.unseen = p->backend->routines.adapt != NULL;
    p->own.call = (struct treadle_call){
        .struct_size = sizeof p->own.call,
        .host = &host_services,
        .state = p->backend->state,
        .threads_max = grant ? grant->threads : 1,
        .threads_used = 1,
    };
    p->backend->routines.enter(&p->own.call);
}

int32_t treadle_product_begin(struct treadle_routine_call *call, const char *name,
                              uint32_t int_bits, double flops, double side,
                              treadle_routine_fn fallback)
{
    struct progress *p = (struct progress *)call;
    p->fn = fallback;
    p->backend = NULL;
    gate_enter(); /* the program's own library may have threads as well */
    int32_t status;
    const struct plan *plan = policy_routine_is_small(flops) ? NULL : host_plan(&status);
    if (!plan || atomic_load(&keeps_exact))
        return 0;
    uint32_t cap;
    p->fallbacks = 0;
    p->flops = flops;
    plan = live_plan(&p->live, plan, name, flops);
    const struct backend *backend = choose(plan, name, int_bits, side, p, &cap);
    if (!backend) {
        live_end(&p->live, TREADLE_E_UNSUPPORTED, 0, "", 0, 0);
        p->fn = fallback;
        return 0;
    }
    p->backend = backend;
    p->name = name;
    budget_take(&p->grant, wanted_of(name, flops, cap), flops);
    enter(p, &p->grant);
    if (!backend->routines.adapt) /* else it has just seen to that */
        routines_adapt();
    atomic_fetch_add_explicit(&in_flight, 1, memory_order_relaxed);
    return (int32_t)p->grant.first;
}

int32_t treadle_routine_begin(struct treadle_routine_call *call, const char *name,
                              uint32_t int_bits, double flops, treadle_routine_fn fallback)
{
    return treadle_product_begin(call, name, int_bits, flops, HUGE_VAL, fallback);
}

void treadle_routine_end(struct treadle_routine_call *call)
{
    struct progress *p = (struct progress *)call;
    if (!p->backend) {
        gate_leave();
        return;
    }
    p->backend->routines.leave(&p->own.call);
    atomic_fetch_sub_explicit(&in_flight, 1, memory_order_relaxed);
    int64_t end = budget_give(&p->grant);
    gate_leave();
    live_end(&p->live, TREADLE_OK, end - p->grant.begin, p->backend->table.id,
             p->own.call.threads_used, p->fallbacks);
    record_call(&(struct made_call){
        .op = p->name,
        .backend = p->backend->table.id,
        .variant = "",
        .elements = p->flops,
        .used = p->own.call.threads_used,
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
    if (atomic_load(&keeps_exact))
        return fail(TREADLE_E_UNSUPPORTED, "TREADLE_EXACT=1: libraries keep their threads");
    const struct backend *adopted = loader_find("openblas", 8);
    if (!adopted || !(adopted->routines.find(adopted->state, "dgemm_", 64) ||
                      adopted->routines.find(adopted->state, "dgemm_", 32)))
        return fail(TREADLE_E_UNSUPPORTED, "there is no BLAS library that openblas can adopt");
    p->backend = adopted;
    gate_enter();
    enter(p, NULL);
    return TREADLE_OK;
}

void treadle_routines_release(struct treadle_routine_call *hold)
{
    struct progress *p = (struct progress *)hold;
    p->backend->routines.leave(&p->own.call);
    gate_leave();
}

int32_t treadle_explain_product(const char *name, uint32_t int_bits, double flops, double side,
                                uint32_t callers, struct treadle_decision *decision)
{
    if (!name || !decision)
        return fail(TREADLE_E_INVALID, "%s is NULL", name ? "decision" : "name");
    int32_t status;
    const struct plan *plan = host_plan(&status);
    if (!plan)
        return status;
    struct progress p = {.flops = flops};
    uint32_t cap;
    const struct backend *backend = choose(plan, name, int_bits, side, &p, &cap);
    bool exact = atomic_load(&keeps_exact), small = exact || policy_routine_is_small(flops);
    uint32_t wanted = wanted_of(name, flops, cap);
    const struct grant grant = budget_preview(wanted, flops, callers);
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
    const char *reason = exact   ? "TREADLE_EXACT=1: stays with the program's own library"
                         : small ? "small: stays with the program's own library"
                                 : grant_reason(&grant);
    strncpy(decision->reason, reason, sizeof decision->reason - 1);
    return TREADLE_OK;
}

int32_t treadle_explain_routine(const char *name, uint32_t int_bits, double flops, uint32_t callers,
                                struct treadle_decision *decision)
{
    return treadle_explain_product(name, int_bits, flops, HUGE_VAL, callers, decision);
}
