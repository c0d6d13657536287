/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack.h"

#include <string.h>

#include "message.h"

/* Extents by letter; -1 is not known yet. */
struct letters {
    int64_t extent[26];
};

static int64_t *letter(struct letters *letters, char c)
{
    return &letters->extent[c - 'a'];
}

static const char *core_end(const char *core)
{
    return core + strcspn(core, ",>");
}

static int32_t read_core(struct stack *stack, const struct treadle_call *call, uint32_t i,
                         const char *op, const char *core, struct letters *known)
{
    const struct treadle_array *x = &call->args[i];
    int32_t ncore = (int32_t)(core_end(core) - core), first = x->ndim - ncore;
    if (first < 0 || x->ndim > TREADLE_NDIM_MAX)
        return treadle_fail(call->error, TREADLE_E_INVALID,
                            "%s: operand %u has %d dimensions, needs %d", op, i + 1, x->ndim,
                            ncore);
    for (int32_t axis = 0; axis < ncore; axis++) {
        int64_t *extent = letter(known, core[axis]), given = x->shape[first + axis];
        if (*extent < 0 && i >= call->nin) {
            const int64_t *a = stack->args[0].extent;
            *extent = a[0] < a[1] ? a[0] : a[1];
        }
        if (*extent >= 0 && *extent != given)
            return treadle_fail(call->error, TREADLE_E_INVALID,
                                "%s: operand %u has extent %lld where %lld is needed", op, i + 1,
                                (long long)given, (long long)*extent);
        *extent = given;
        stack->args[i].extent[axis] = given;
        stack->args[i].stride[axis] = x->strides[first + axis];
    }
    return TREADLE_OK;
}

static int32_t read_outer(struct stack *stack, const struct treadle_call *call, uint32_t i,
                          const char *op, int32_t ncore)
{
    const struct treadle_array *x = &call->args[i];
    int32_t missing = stack->ndim - (x->ndim - ncore);
    if (missing < 0 || (i >= call->nin && missing > 0))
        return treadle_fail(call->error, TREADLE_E_INVALID,
                            "%s: operand %u has %d dimensions, needs %d", op, i + 1, x->ndim,
                            stack->ndim + ncore);
    for (int32_t axis = missing; axis < stack->ndim; axis++) {
        int64_t given = x->shape[axis - missing], needed = stack->shape[axis];
        if (given != needed && (given != 1 || i >= call->nin))
            return treadle_fail(call->error, TREADLE_E_INVALID,
                                "%s: operand %u has extent %lld where %lld is needed", op, i + 1,
                                (long long)given, (long long)needed);
        stack->args[i].outer[axis] = given == 1 ? 0 : x->strides[axis - missing];
    }
    return TREADLE_OK;
}

int32_t stack_init(struct stack *stack, const struct treadle_call *call, const char *op,
                   const char *signature)
{
    struct letters known;
    int32_t ncore[STACK_ARGS_MAX], status = TREADLE_OK;
    memset(stack, 0, sizeof *stack);
    memset(&known, -1, sizeof known);
    stack->nargs = call->nargs;
    const char *core = signature;
    for (uint32_t i = 0; i < call->nargs && !status; i++) {
        status = read_core(stack, call, i, op, core, &known);
        ncore[i] = (int32_t)(core_end(core) - core);
        core = core_end(core) + 1;
    }
    if (status)
        return status;
    const struct treadle_array *out = &call->args[call->nin];
    stack->ndim = out->ndim - ncore[call->nin];
    stack->count = 1;
    for (int32_t axis = 0; axis < stack->ndim; axis++) {
        stack->shape[axis] = out->shape[axis];
        stack->count *= out->shape[axis];
    }
    for (uint32_t i = 0; i < call->nargs && !status; i++)
        status = read_outer(stack, call, i, op, ncore[i]);
    if (!status && stack->count)
        stack_seek(stack, call, 0);
    return status;
}

void stack_seek(struct stack *stack, const struct treadle_call *call, int64_t index)
{
    for (uint32_t i = 0; i < stack->nargs; i++)
        stack->args[i].data = call->args[i].data;
    for (int32_t axis = stack->ndim - 1; axis >= 0; axis--) {
        int64_t at = index % stack->shape[axis];
        index /= stack->shape[axis];
        for (uint32_t i = 0; i < stack->nargs; i++)
            stack->args[i].data += at * stack->args[i].outer[axis];
    }
}
