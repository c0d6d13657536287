/* SPDX-License-Identifier: BSD-3-Clause */
/* The shared kernels on a team of threads: here is how each call is divided. */
#include <stdatomic.h>

#include <treadle/plugin.h>

#include "answer.h"
#include "fold.h"
#include "kernels.h"
#include "loop.h"
#include "matrices.h"
#include "message.h"
#include "range.h"
#include "team.h"
#include "walk.h"

TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void);

/* Parts for each thread: a thread that is held up leaves its share to the others. */
enum { PARTS_PER_THREAD = 4 };

/* Ranges begin at multiples of this: a cache line of any type, and NumPy's unrolled vectors. */
enum { GRAIN = 64 };

/* Of a row; the last range, too, then has whole vectors before its remainder. */
enum { SHORTEST_RANGE = 4 * GRAIN };

/* Elements below which a part is not worth handing out. */
enum { PART = 4096 };

static size_t parts_for(const struct treadle_call *call, size_t work, size_t part)
{
    const size_t threads = team_limit(call), most = work / part + (work % part != 0);
    if (threads < 2 || most < 2)
        return 1;
    return most < PARTS_PER_THREAD * threads ? most : PARTS_PER_THREAD * threads;
}

/* ---- element-wise --------------------------------------------------------------------------- */

struct elementwise_job {
    struct treadle_walk walk;
    treadle_elementwise_fn run;
    size_t parts;
    int past_caches;
};

static void run_rows(void *ctx, size_t part)
{
    const struct elementwise_job *job = ctx;
    struct treadle_range r = treadle_range_of(job->walk.rows, part, job->parts, 1);
    treadle_walk_rows(&job->walk, r.begin, r.end, 0, job->walk.n, job->run, job->past_caches);
}

static void run_columns(void *ctx, size_t part)
{
    const struct elementwise_job *job = ctx;
    struct treadle_range r = treadle_range_of(job->walk.n, part, job->parts, GRAIN);
    treadle_walk_rows(&job->walk, 0, job->walk.rows, r.begin, r.end, job->run, job->past_caches);
}

static int32_t run_elementwise(struct treadle_call *call)
{
    const struct treadle_elementwise *kernel = call->kernel;
    struct elementwise_job job = {.run = kernel->run,
                                  .past_caches = (call->flags & TREADLE_CALL_STREAM) != 0};
    treadle_walk_begin(&job.walk, call->args, call->nargs);
    if (!job.walk.n || !job.walk.rows)
        return TREADLE_OK;
    job.parts = parts_for(call, job.walk.n * job.walk.rows, PART);
    if (job.walk.rows >= job.parts) {
        team_run(call, job.parts, run_rows, &job);
    } else {
        const size_t most = job.walk.n / SHORTEST_RANGE + 1;
        job.parts = job.parts < most ? job.parts : most;
        team_run(call, job.parts, run_columns, &job);
    }
    return TREADLE_OK;
}

/* ---- matmul -----------------------------------------------------------------------------------
 */

struct matmul_job {
    struct treadle_call *call;
    struct treadle_product_shape shape;
    size_t count, parts;
    int by_columns;
    atomic_int out_of_memory;
};

static void multiply(const struct matmul_job *job, size_t first, size_t end, struct treadle_range r,
                     void *scratch)
{
    const struct treadle_product *kernel = job->call->kernel;
    struct treadle_product_shape shape = job->shape;
    *(job->by_columns ? &shape.n : &shape.m) = r.end - r.begin;
    for (size_t i = first; i < end; i++) {
        char *ptrs[3];
        treadle_product_at(job->call->args, i, ptrs);
        if (job->by_columns) {
            ptrs[1] += (ptrdiff_t)r.begin * shape.y_column;
            ptrs[2] += (ptrdiff_t)r.begin * shape.out_column;
        } else {
            ptrs[0] += (ptrdiff_t)r.begin * shape.x_row;
            ptrs[2] += (ptrdiff_t)r.begin * shape.out_row;
        }
        kernel->matmul(&shape, ptrs[0], ptrs[1], ptrs[2], scratch);
    }
}

static void multiply_part(void *ctx, size_t part)
{
    struct matmul_job *job = ctx;
    const struct treadle_host *host = job->call->host;
    const size_t lines = job->by_columns ? job->shape.n : job->shape.m;
    void *scratch = host->alloc(host, TREADLE_PRODUCT_SCRATCH, 64);
    if (!scratch) {
        atomic_store(&job->out_of_memory, 1);
        return;
    }
    if (job->count >= job->parts) {
        struct treadle_range r = treadle_range_of(job->count, part, job->parts, 1);
        multiply(job, r.begin, r.end, (struct treadle_range){0, lines}, scratch);
    } else {
        multiply(job, 0, job->count, treadle_range_of(lines, part, job->parts, 16), scratch);
    }
    host->release(host, scratch);
}

static int32_t run_matmul(struct treadle_call *call)
{
    struct matmul_job job = {.call = call,
                             .shape = treadle_product_shape(call->args),
                             .count = treadle_product_count(call->args)};
    const size_t lines = job.shape.m > job.shape.n ? job.shape.m : job.shape.n;
    job.by_columns = job.shape.n > job.shape.m;
    job.parts = parts_for(call, job.count * job.shape.m * job.shape.n * (job.shape.k + 1), 65536);
    if (job.count < job.parts && lines / 16 < job.parts)
        job.parts = lines / 16 ? lines / 16 : 1;
    team_run(call, job.parts, multiply_part, &job);
    if (atomic_load(&job.out_of_memory))
        return treadle_fail(call->error, TREADLE_E_NOMEM, "no memory for matmul");
    return TREADLE_OK;
}

/* One chain of additions whose order is kept: the caller does it. */
static int32_t run_dot(struct treadle_call *call)
{
    const struct treadle_product *kernel = call->kernel;
    const struct treadle_array *x = &call->args[0], *y = &call->args[1];
    kernel->dot((size_t)x->shape[0], x->data, x->strides[0], y->data, y->strides[0],
                call->args[2].data);
    return TREADLE_OK;
}

/* ---- loop --------------------------------------------------------------------------------- */

struct loop_job {
    const struct treadle_call *call;
    size_t n, parts;
};

static void run_loop_part(void *ctx, size_t part)
{
    const struct loop_job *job = ctx;
    const struct treadle_loop *loop = job->call->attrs;
    struct treadle_range r = treadle_range_of(job->n, part, job->parts, (size_t)loop->grain);
    char *ptrs[TREADLE_LOOP_ARGS];
    int64_t strides[TREADLE_LOOP_ARGS];
    treadle_loop_operands(job->call, (int64_t)r.begin, ptrs, strides);
    loop->fn(loop->ctx, (int64_t)(r.end - r.begin), ptrs, strides);
}

static int32_t run_loop(struct treadle_call *call)
{
    const struct treadle_loop *loop = call->attrs;
    struct loop_job job = {call, (size_t)treadle_loop_length(call), 1};
    if (call->nargs > TREADLE_LOOP_ARGS)
        return treadle_fail(call->error, TREADLE_E_INVALID, "loop takes at most %d operands",
                            TREADLE_LOOP_ARGS);
    if (loop->grain < 1)
        return treadle_fail(call->error, TREADLE_E_INVALID, "the grain of a loop is at least 1");
    job.parts = parts_for(call, job.n, (size_t)loop->grain);
    team_run(call, job.parts, run_loop_part, &job);
    return TREADLE_OK;
}

/* ---- the table --------------------------------------------------------------------------------
 */

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)options;
    *state = NULL;
    const char *reason = team_start(host);
    return reason ? treadle_fail(error, TREADLE_E_PLUGIN, "%s", reason) : TREADLE_OK;
}

/* The threads are libomp's, which the process may use for other things too. */
static void destroy(void *state)
{
    (void)state;
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    static const treadle_run_fn run[] = {
        [TREADLE_FAMILY_ELEMENTWISE] = run_elementwise,
        [TREADLE_FAMILY_FOLD] = fold_run,
        [TREADLE_FAMILY_MATMUL] = run_matmul,
        [TREADLE_FAMILY_DOT] = run_dot,
        [TREADLE_FAMILY_LOOP] = run_loop,
    };
    (void)state;
    int32_t status = treadle_answer(query, kernel, run);
    if (status == TREADLE_OK && kernel->run == run_dot)
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
    team_after_fork();
    return TREADLE_OK;
}

const struct treadle_plugin *treadle_plugin_v1(void)
{
    static const struct treadle_plugin plugin = {
        .struct_size = sizeof(plugin),
        .abi_minor = TREADLE_ABI_MINOR,
        .flags = TREADLE_PLUGIN_FORK_SAFE,
        .id = "openmp",
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
