/* SPDX-License-Identifier: BSD-3-Clause */
#include "product.h"

#include "blas.h"
#include "grant.h"
#include "stack.h"

/* A stack is cut between threads while one of its products is below this many multiplications: larger
 * ones are better shared by the threads, one after the other. */
#define SPLIT_STACK_BELOW 8e6
#define WORK_PER_THREAD 1e6

struct matmul {
    const struct treadle_call *call;
    const struct stack *stack;
    num_t dt;
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

static void multiply(const struct matmul *m, int64_t begin, int64_t end)
{
    struct stack at = *m->stack;
    siz_t size = bli_dt_size(m->dt);
    for (int64_t i = begin; i < end; i++) {
        stack_seek(&at, m->call, i);
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
    struct matmul m = {call, &stack, *(const num_t *)call->kernel};
    double work = (double)x[0] * (double)x[1] * (double)y[1];
    grant_enter(call);
    if (stack.count > 1 && work < SPLIT_STACK_BELOW) {
        double useful = work * (double)stack.count / WORK_PER_THREAD;
        if (useful > (double)stack.count)
            useful = (double)stack.count;
        grant_team(grant_now(useful), multiply_member, &m);
    } else {
        multiply(&m, 0, stack.count);
    }
    grant_leave(call);
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
