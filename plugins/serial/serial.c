/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything on the caller's thread. This plugin must answer every call; it is also built into
 * libtreadle, where TREADLE_SERIAL_ENTRY gives its entry another name.
 */
#include <treadle/plugin.h>

#include "answer.h"
#include "kernels.h"
#include "loop.h"
#include "message.h"
#include "matrices.h"
#include "reduction.h"
#include "walk.h"

#ifdef TREADLE_SERIAL_ENTRY
const struct treadle_plugin *TREADLE_SERIAL_ENTRY(void);
#else
#define TREADLE_SERIAL_ENTRY treadle_plugin_v1
TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void);
#endif

static int32_t run_elementwise(struct treadle_call *call)
{
    const struct treadle_elementwise *kernel = call->kernel;
    struct treadle_walk walk;
    treadle_walk_begin(&walk, call->args, call->nargs);
    treadle_walk_rows(&walk, 0, walk.n ? walk.rows : 0, 0, walk.n, kernel->run,
                      (call->flags & TREADLE_CALL_STREAM) != 0);
    return TREADLE_OK;
}

static int32_t run_fold(struct treadle_call *call)
{
    const struct treadle_reduction *attrs = call->attrs;
    const struct treadle_fold *fold = call->kernel;
    struct treadle_reduction_plan plan;
    int32_t status =
        treadle_reduction_plan(&plan, fold, &call->args[0], &call->args[1], attrs->axes, 1);
    if (status != TREADLE_OK)
        return treadle_fail(call->error, status, "%s of no elements has no value", fold->op);
    treadle_reduction_run(&plan, 0, plan.outputs);
    return TREADLE_OK;
}

static int32_t run_matmul(struct treadle_call *call)
{
    const struct treadle_product *kernel = call->kernel;
    const struct treadle_product_shape shape = treadle_product_shape(call->args);
    const size_t count = treadle_product_count(call->args);
    void *scratch = call->host->alloc(call->host, TREADLE_PRODUCT_SCRATCH, 64);
    if (!scratch)
        return treadle_fail(call->error, TREADLE_E_NOMEM, "no memory for matmul");
    for (size_t i = 0; i < count; i++) {
        char *ptrs[3];
        treadle_product_at(call->args, i, ptrs);
        kernel->matmul(&shape, ptrs[0], ptrs[1], ptrs[2], scratch);
    }
    call->host->release(call->host, scratch);
    return TREADLE_OK;
}

static int32_t run_dot(struct treadle_call *call)
{
    const struct treadle_product *kernel = call->kernel;
    const struct treadle_array *x = &call->args[0], *y = &call->args[1];
    kernel->dot((size_t)x->shape[0], x->data, x->strides[0], y->data, y->strides[0],
                call->args[2].data);
    return TREADLE_OK;
}

static int32_t run_loop(struct treadle_call *call)
{
    const struct treadle_loop *loop = call->attrs;
    char *ptrs[TREADLE_LOOP_ARGS];
    int64_t strides[TREADLE_LOOP_ARGS];
    if (call->nargs > TREADLE_LOOP_ARGS)
        return treadle_fail(call->error, TREADLE_E_INVALID, "loop takes at most %d operands",
                            TREADLE_LOOP_ARGS);
    treadle_loop_operands(call, 0, ptrs, strides);
    loop->fn(loop->ctx, treadle_loop_length(call), ptrs, strides);
    return TREADLE_OK;
}

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)host, (void)options, (void)error;
    *state = NULL;
    return TREADLE_OK;
}

static void destroy(void *state)
{
    (void)state;
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    static const treadle_run_fn run[] = {
        [TREADLE_FAMILY_ELEMENTWISE] = run_elementwise,
        [TREADLE_FAMILY_FOLD] = run_fold,
        [TREADLE_FAMILY_MATMUL] = run_matmul,
        [TREADLE_FAMILY_DOT] = run_dot,
        [TREADLE_FAMILY_LOOP] = run_loop,
    };
    (void)state;
    int32_t status = treadle_answer(query, kernel, run);
    kernel->threads_useful = 1;
    return status;
}

static int32_t list_kernel(void *state, uint32_t i, struct treadle_query *query)
{
    (void)state;
    return treadle_kernels_list(i, query);
}

static int32_t after_fork_child(void *state)
{
    (void)state;
    return TREADLE_OK;
}

const struct treadle_plugin *TREADLE_SERIAL_ENTRY(void)
{
    static const struct treadle_plugin plugin = {
        .struct_size = sizeof(plugin),
        .abi_minor = TREADLE_ABI_MINOR,
        .flags = TREADLE_PLUGIN_FORK_SAFE,
        .id = "serial",
        .version = "0.1.0",
        .vendor = "Treadle",
        .cpu_required = "",
        .create = create,
        .destroy = destroy,
        .find_kernel = find_kernel,
        .list_kernel = list_kernel,
        .after_fork_child = after_fork_child,
    };
    return &plugin;
}
