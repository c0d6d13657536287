/* SPDX-License-Identifier: BSD-3-Clause */
#include "product.h"

#include <string.h>

#include "blas.h"
#include "grant.h"
#include "hooks.h"
#include "message.h"
#include "stack.h"

/* A stack is cut between threads while one of its products is below this many multiplications:
 * larger ones are better shared by the threads, one after the other. */
#define SPLIT_STACK_BELOW 8e6

struct matmul {
    const struct treadle_call *call;
    const struct stack *stack;
    num_t dt;
    char *copies[2]; /* room for the inputs that must be copied first, or NULL */
};

/* BLIS counts strides in elements; only views into records have others. */
static bool whole_strides(const struct treadle_call *call)
{
    for (uint32_t i = 0; i < call->nargs; i++) {
        const struct treadle_array *x = &call->args[i];
        for (int32_t axis = 0; axis < x->ndim; axis++)
            if (x->strides[axis] % x->itemsize)
                return false;
    }
    return true;
}

static struct matrix matrix_of(const struct stack_arg *arg, siz_t size)
{
    return (struct matrix){arg->data,
                           arg->extent[0],
                           arg->extent[1],
                           arg->stride[0] / (inc_t)size,
                           arg->stride[1] / (inc_t)size,
                           BLIS_NO_CONJUGATE};
}

static void reverse(struct stack_arg *x, int axis)
{
    x->data += (x->extent[axis] - 1) * x->stride[axis];
    x->stride[axis] = -x->stride[axis];
}

/* Make the output's strides positive; what is reversed there is reversed in the input it came from.
 */
static void orient(struct stack *at)
{
    for (int axis = 0; axis < 2; axis++)
        if (at->args[2].stride[axis] < 0) {
            reverse(&at->args[2], axis);
            reverse(&at->args[axis], axis);
        }
}

/* See blas.h: a view like x[:, ::-1]. */
static bool runs_backwards(const struct stack_arg *x, siz_t size)
{
    return x->stride[0] == -(int64_t)size || x->stride[1] == -(int64_t)size;
}

static void straighten(struct stack_arg *x, char *copy, siz_t size)
{
    for (int64_t i = 0; i < x->extent[0]; i++)
        for (int64_t j = 0; j < x->extent[1]; j++)
            memcpy(copy + (i * x->extent[1] + j) * (int64_t)size,
                   x->data + i * x->stride[0] + j * x->stride[1], size);
    x->data = copy;
    x->stride[0] = x->extent[1] * (int64_t)size;
    x->stride[1] = (int64_t)size;
}

static void multiply(const struct matmul *m, int64_t begin, int64_t end)
{
    siz_t size = bli_dt_size(m->dt);
    for (int64_t i = begin; i < end; i++) {
        struct stack at = *m->stack;
        stack_seek(&at, m->call, i);
        orient(&at);
        for (int input = 0; input < 2; input++)
            if (m->copies[input])
                straighten(&at.args[input], m->copies[input], size);
        blas_gemm(m->dt, blas_one(m->dt), matrix_of(&at.args[0], size),
                  matrix_of(&at.args[1], size), blas_zero(m->dt), matrix_of(&at.args[2], size));
    }
}

static void multiply_member(void *ctx, uint32_t member, uint32_t team)
{
    const struct matmul *m = ctx;
    int64_t count = m->stack->count;
    multiply(m, count * member / team, count * (member + 1) / team);
}

/* False if there is no memory for a copy. */
static bool make_room(struct matmul *m)
{
    const struct treadle_host *host = m->call->host;
    siz_t size = bli_dt_size(m->dt);
    struct stack at = *m->stack;
    orient(&at);
    for (int input = 0; input < 2; input++) {
        const struct stack_arg *x = &at.args[input];
        if (!runs_backwards(x, size))
            continue;
        uint64_t bytes = (uint64_t)(x->extent[0] * x->extent[1]) * size;
        m->copies[input] = host->alloc(host, bytes ? bytes : 1, BLIS_SIMD_ALIGN_SIZE);
        if (!m->copies[input]) {
            host->release(host, m->copies[0]);
            return false;
        }
    }
    return true;
}

/* `work`: multiplications of one product. */
static void multiply_stack(struct matmul *m, double work)
{
    int64_t count = m->stack->count;
    if (count < 2 || work >= SPLIT_STACK_BELOW || m->copies[0] || m->copies[1]) {
        multiply(m, 0, count);
        return;
    }
    double useful = work * (double)count / HOOKS_WORK_PER_THREAD;
    grant_team(grant_now(useful < (double)count ? useful : (double)count), multiply_member, m);
}

int32_t product_matmul(struct treadle_call *call)
{
    struct stack stack;
    int32_t status = stack_init(&stack, call, "matmul", "mk,kn>mn");
    if (status)
        return status;
    if (!whole_strides(call))
        return TREADLE_E_DECLINED;
    const int64_t *x = stack.args[0].extent, *y = stack.args[1].extent;
    if (!stack.count || !x[0] || !y[1])
        return TREADLE_OK;
    struct matmul m = {call, &stack, *(const num_t *)call->kernel, {NULL, NULL}};
    if (!make_room(&m))
        return treadle_fail(call->error, TREADLE_E_NOMEM,
                            "matmul: no memory to copy a reversed operand");
    grant_enter(call);
    multiply_stack(&m, (double)x[0] * (double)x[1] * (double)y[1]);
    grant_leave(call);
    for (int input = 0; input < 2; input++)
        call->host->release(call->host, m.copies[input]);
    return TREADLE_OK;
}

int32_t product_dot(struct treadle_call *call)
{
    struct stack stack;
    int32_t status = stack_init(&stack, call, "dot", "n,n>");
    if (status)
        return status;
    if (!whole_strides(call))
        return TREADLE_E_DECLINED;
    num_t dt = *(const num_t *)call->kernel;
    inc_t size = (inc_t)bli_dt_size(dt);
    const struct stack_arg *x = &stack.args[0], *y = &stack.args[1];
    grant_enter(call);
    for (int64_t i = 0; i < stack.count; i++) {
        stack_seek(&stack, call, i);
        struct vector a = {x->data, x->extent[0], x->stride[0] / size, BLIS_NO_CONJUGATE};
        struct vector b = {y->data, y->extent[0], y->stride[0] / size, BLIS_NO_CONJUGATE};
        blas_dot(dt, a, b, stack.args[2].data);
    }
    grant_leave(call);
    return TREADLE_OK;
}
