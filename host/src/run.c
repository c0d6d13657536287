/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way of a call, top to bottom:
 *
 *     check -> look up -> prepare -> (small? run on the caller) ->
 *     decide -> grant -> run -> release -> record
 *
 * A small call ends at the bracket. Until there it reads the plan, which nobody writes, and its own
 * stack: no clock, no counter, no cache line that another thread writes.
 */
#include <fenv.h>
#include <stdio.h>
#include <string.h>
#include <treadle/treadle.h>

#include "arrays.h"
#include "budget.h"
#include "error.h"
#include "gate.h"
#include "host.h"
#include "live.h"
#include "loader.h"
#include "op.h"
#include "policy.h"
#include "record.h"
#include "routine.h"
#include "trace.h"

enum { MESSAGE = 256, SENTENCE = 512 };

/* ---- one kernel -------------------------------------------------------------------------- */

struct request {
    const struct entry *entry;
    const struct treadle_array *args;
    const void *attrs;
    double elements, work;
};

/* In place each line of the output has been read anyway, and is cached. */
static bool is_in_place(const struct request *request)
{
    const struct treadle_array *args = request->args;
    uint32_t nin = request->entry->nin;
    for (uint32_t i = 0; i < nin; i++)
        if (args[i].data == args[nin].data)
            return true;
    return false;
}

static uint32_t flags_of(const struct request *request)
{
    return request->elements >= request->entry->stream && !is_in_place(request)
               ? TREADLE_CALL_STREAM
               : 0;
}

/* Without a grant the call is the caller's thread's alone. */
static int32_t run_kernel(const struct candidate *candidate, const struct request *request,
                          struct grant *grant, uint32_t *threads_used)
{
    char message[MESSAGE];
    struct treadle_error error = {
        .struct_size = sizeof error, .message = message, .capacity = sizeof message};
    struct host_call own;
    own.grant = grant;
    own.cap = candidate->threads_cap;
    own.unseen = false;
    own.call = (struct treadle_call){
        .struct_size = sizeof own.call,
        .flags = flags_of(request),
        .host = &host_services,
        .state = candidate->backend->state,
        .kernel = candidate->kernel.kernel,
        .args = request->args,
        .nargs = request->entry->nargs,
        .nin = request->entry->nin,
        .attrs = request->attrs,
        .threads_max = grant ? capped(grant->threads, candidate->threads_cap) : 1,
        .threads_used = 1,
        .error = &error,
    };
    message[0] = '\0';
    int32_t status = candidate->kernel.run(&own.call);
    *threads_used = own.call.threads_used;
    if (status == TREADLE_OK || status == TREADLE_E_DECLINED)
        return status;
    message[MESSAGE - 1] = '\0';
    if (status > 0 || status < TREADLE_E_PLUGIN)
        status = TREADLE_E_FAILED; /* none of the ABI's */
    return fail(status, "%s: %s: %s", request->entry->op->name, candidate->backend->table.id,
                message[0] ? message : "the backend gives no reason");
}

static void tell(struct treadle_used *used, const struct candidate *candidate, uint32_t threads,
                 uint32_t fallbacks)
{
    if (used)
        *used = (struct treadle_used){
            .backend = candidate->backend->table.id,
            .variant = candidate->kernel.variant,
            .threads = threads,
            .fallbacks = fallbacks,
        };
}

/* ---- a call large enough to think about ----------------------------------------------------- */

/* What a plugin says of its threads; whether it kept to the grant only the kernel could tell. */
static uint32_t credible(const struct candidate *candidate, uint32_t used, uint32_t allowed)
{
    if (used >= 1 && used <= allowed)
        return used;
    trace_say(1, "%s: says it used %u threads of %u", candidate->backend->table.id, used, allowed);
    return used ? allowed : 1;
}

/* Ask `first`, then the others in turn. Returns the one that answered, and what it said. */
static const struct candidate *run_first(const struct request *request, uint32_t first,
                                         struct grant *grant, int32_t *status,
                                         uint32_t *threads_used, uint32_t *fallbacks)
{
    const struct entry *entry = request->entry;
    *fallbacks = 0;
    for (uint32_t turn = 0; turn < entry->count; turn++) {
        uint32_t i = turn == 0 ? first : turn <= first ? turn - 1 : turn;
        const struct candidate *candidate = &entry->candidates[i];
        *status = candidate->backend->usable ? run_kernel(candidate, request, grant, threads_used)
                                             : TREADLE_E_DECLINED;
        if (*status != TREADLE_E_DECLINED) {
            *threads_used = credible(candidate, *threads_used, grant->most);
            return candidate;
        }
        ++*fallbacks;
    }
    *status =
        fail(TREADLE_E_UNSUPPORTED, "%s: every backend declined these operands", entry->op->name);
    return NULL;
}

/* TREADLE_AB: what B makes of the same inputs, before the outputs may overwrite them. No flag and
 * no sentence of B's is left behind. */
static void run_beside(struct beside *beside, const struct request *request, struct grant *grant)
{
    const struct request other = {beside->entry, beside->args, request->attrs, request->elements,
                                  request->work};
    char said[SENTENCE];
    uint32_t threads_used;
    fenv_t modes;
    snprintf(said, sizeof said, "%s", treadle_last_error());
    fegetenv(&modes);
    uint32_t first = policy_first(beside->entry, request->work, grant->callers, grant->threads);
    run_first(&other, first, grant, &beside->status, &threads_used, &beside->fallbacks);
    fesetenv(&modes);
    if (beside->status)
        fail(beside->status, "%s", said);
    beside->nanoseconds = trace_clock() - grant->begin;
    grant->begin += beside->nanoseconds;
}

static struct trace_operands operands_of(const struct request *request)
{
    const struct entry *entry = request->entry;
    const struct treadle_reduction *reduction = request->attrs;
    return (struct trace_operands){
        .args = request->args,
        .nin = entry->op->class == OP_LOOP ? 0 : entry->nin,
        .axes = entry->op->class == OP_REDUCTION ? reduction->axes : 0,
    };
}

static int32_t run_granted(const struct request *given, struct treadle_used *used)
{
    struct live_call live;
    const struct entry *entry = live_entry(&live, given->entry, given->args, given->elements);
    const struct request chosen = {entry, given->args, given->attrs, given->elements, given->work};
    const struct request *request = &chosen;
    uint32_t wanted = policy_wanted(entry, request->work, budget_callers() + 1);
    gate_enter();
    struct grant grant;
    budget_take(&grant, wanted, request->work);
    routines_adapt();
    if (live.beside)
        run_beside(live.beside, request, &grant);
    int32_t status;
    uint32_t threads_used = 1, fallbacks;
    uint32_t first = policy_first(entry, request->work, grant.callers, grant.threads);
    const struct candidate *candidate =
        run_first(request, first, &grant, &status, &threads_used, &fallbacks);

    int64_t end = budget_give(&grant);
    gate_leave();
    const char *backend = candidate ? candidate->backend->table.id : "";
    live_end(&live, status, end - grant.begin, backend, threads_used, fallbacks);
    if (status)
        return status;
    tell(used, candidate, threads_used, fallbacks);
    record_call(&(struct made_call){
        .op = entry->op->name,
        .backend = candidate->backend->table.id,
        .variant = candidate->kernel.variant,
        .operands = operands_of(request),
        .elements = request->elements,
        .used = threads_used,
        .fallbacks = fallbacks,
        .grant = grant,
        .end = end,
    });
    return TREADLE_OK;
}

/* ---- the parts of a loop ------------------------------------------------------------------- */

/* What the parts take over from the call they belong to, on whatever thread they run. */
struct parts {
    const struct treadle_loop *loop;
    const struct plan *plan; /* of the caller's thread */
};

/* The loop may make calls of its own (a BLAS routine, say): they are nested in this one. */
static void run_part(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    const struct parts *parts = ctx;
    const struct plan *plan = policy_in_thread();
    bool inside = budget_join();
    gate_join();
    policy_use_in_thread(parts->plan);
    parts->loop->fn(parts->loop->ctx, n, ptrs, strides);
    policy_use_in_thread(plan);
    gate_part();
    budget_part(inside);
}

static int32_t run_large(const struct request *request, struct treadle_used *used)
{
    if (request->entry->op->class != OP_LOOP)
        return run_granted(request, used);
    const struct treadle_loop *loop = request->attrs;
    struct parts parts = {loop, policy_in_thread()};
    struct treadle_loop attrs = *loop;
    struct request in_parts = *request;
    attrs.struct_size = sizeof attrs;
    attrs.fn = run_part;
    attrs.ctx = &parts;
    in_parts.attrs = &attrs;
    return run_granted(&in_parts, used);
}

/* ---- every call ------------------------------------------------------------------------------ */

static int32_t carry_out(const struct entry *entry, const struct treadle_array *args,
                         double elements, const void *attrs, struct treadle_used *used)
{
    const struct request request = {entry, args, attrs, elements,
                                    policy_work(entry, elements, attrs)};
    const struct candidate *small = policy_small(entry, elements, request.work);
    if (!small || !small->backend->usable)
        return run_large(&request, used);
    uint32_t threads_used;
    int32_t status = run_kernel(small, &request, NULL, &threads_used);
    if (status == TREADLE_E_DECLINED)
        return run_large(&request, used);
    if (status == TREADLE_OK)
        tell(used, small, 1, 0);
    return status;
}

/* Everything up to the kernels. *n: the extent if the operands are plain vectors, else -1. */
static int32_t look_up(const char *name, const struct treadle_array *args, uint32_t nargs,
                       uint32_t nin, const struct entry **entry, int64_t *n)
{
    int32_t status;
    const struct plan *plan = host_plan(&status);
    if (!plan)
        return status;
    bool looks_right = name && args && nargs > 0 && nargs <= ARGS_MAX;
    const struct entry *known = looks_right ? policy_known(plan, name, args, nargs, nin) : NULL;
    const struct op *op = known ? known->op : op_find(name);
    if (!op)
        return failure();
    bool usual = known && op->class == OP_ELEMENTWISE;
    if (!usual || !arrays_are_vectors(args, nargs, nin, n)) {
        *n = -1;
        status = arrays_check(op, args, nargs, nin);
        if (status)
            return status;
    }
    *entry = known ? known : policy_entry(plan, op, args, nargs, nin);
    return *entry ? TREADLE_OK : failure();
}

static int32_t prepare_and_carry_out(const struct entry *entry, const struct treadle_array *args,
                                     const void *attrs, struct treadle_used *used)
{
    struct prepared prepared;
    prepared.dry = false;
    int32_t status = arrays_prepare(entry->op, args, entry->nargs, entry->nin, attrs, &prepared);
    if (status)
        return status;
    if (entry->op->class == OP_REDUCTION)
        attrs = &prepared.reduction;
    status = carry_out(entry, prepared.args, prepared.elements, attrs, used);
    prepared_finish(&prepared);
    return status;
}

int32_t treadle_run(const char *op, const struct treadle_array *args, uint32_t nargs, uint32_t nin,
                    const void *attrs, struct treadle_used *used)
{
    const struct entry *entry;
    int64_t n;
    int32_t status = look_up(op, args, nargs, nin, &entry, &n);
    if (status)
        return status;
    if (n >= 0)
        return carry_out(entry, args, (double)n, attrs, used);
    return prepare_and_carry_out(entry, args, attrs, used);
}

/* ---- what would be done -----------------------------------------------------------------------
 */

static void describe(struct treadle_decision *decision, bool small, bool measured, uint32_t wanted,
                     const struct grant *grant, double elements, double limit)
{
    decision->wanted = small ? 1 : wanted;
    decision->granted = small ? 1 : grant->threads;
    decision->callers = grant->callers;
    decision->cores = grant->cores;
    decision->elements = elements;
    decision->limit = limit;
    const char *reason = small ? "small: stays on the caller" : grant_reason(grant);
    snprintf(decision->reason, sizeof decision->reason, "%s%s", reason,
             measured ? "; by this machine's profile" : "");
}

int32_t treadle_explain(const char *op, const struct treadle_array *args, uint32_t nargs,
                        uint32_t nin, const void *attrs, uint32_t callers,
                        struct treadle_decision *decision)
{
    const struct entry *entry;
    if (!decision)
        return fail(TREADLE_E_INVALID, "decision is NULL");
    int64_t n;
    int32_t status = look_up(op, args, nargs, nin, &entry, &n);
    if (status)
        return status;
    struct prepared prepared;
    prepared.dry = true;
    status = arrays_prepare(entry->op, args, nargs, nin, attrs, &prepared);
    if (status)
        return status;
    double work = policy_work(entry, prepared.elements, attrs);
    const struct candidate *small = policy_small(entry, prepared.elements, work);
    uint32_t wanted = policy_wanted(entry, work, callers ? callers : budget_callers() + 1);
    struct grant grant = budget_preview(wanted, work, callers);
    uint32_t i = policy_first(entry, work, grant.callers, grant.threads);
    const struct candidate *first = small ? small : &entry->candidates[i];
    describe(decision, small != NULL, entry->measured, wanted, &grant, prepared.elements,
             policy_limit(entry, prepared.elements, work));
    decision->backend = first->backend->table.id;
    decision->variant = first->kernel.variant;
    return TREADLE_OK;
}
