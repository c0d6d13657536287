/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reductions are divided among threads by outputs where there are enough; else each output is, by
 * its pieces, or a single piece by the nodes of its pairwise tree. No cut depends on the threads.
 */
#include "fold.h"

#include <string.h>

#include "message.h"
#include "pairwise.h"
#include "range.h"
#include "reduction.h"
#include "team.h"

/* Partial results at a time; a region has that many parts, far more than threads. */
enum { PARTIALS = 1024 };

/* Elements that are worth a part: 10 us or so. */
enum { PART = 16384 };

struct job {
    const struct treadle_reduction_plan *plan;
    size_t output, first_piece, parts;
    size_t item;
    char partial[PARTIALS][8];
    size_t begin[PARTIALS + 1]; /* of the nodes of a single piece */
};

/* ---- many outputs ------------------------------------------------------------------------- */

static void run_outputs(void *ctx, size_t part)
{
    const struct job *job = ctx;
    struct treadle_range r = treadle_range_of(job->plan->outputs, part, job->parts, 1);
    treadle_reduction_run(job->plan, r.begin, r.end);
}

static void divide_outputs(struct treadle_call *call, struct job *job, size_t threads)
{
    job->parts = job->plan->outputs < 8 * threads ? job->plan->outputs : 8 * threads;
    team_run(call, job->parts, run_outputs, job);
}

/* ---- one output --------------------------------------------------------------------------- */

/* What leaves a result as it is: for minimum and maximum, which do not mind repetition, any
 * element. */
static void begin_partial(const struct job *job, const char *x, void *partial)
{
    const struct treadle_fold *fold = job->plan->fold;
    if (fold->identity)
        memcpy(partial, fold->identity, job->item);
    else
        fold->gather(partial, 1, x, 0);
}

static void combine(const struct job *job, void *acc, void *partial)
{
    char *const ptrs[3] = {acc, partial, acc};
    const ptrdiff_t item = (ptrdiff_t)job->item, strides[3] = {item, item, item};
    job->plan->fold->combine(1, ptrs, strides, 0);
}

static void fold_node(void *ctx, size_t part)
{
    struct job *job = ctx;
    const struct treadle_reduction_plan *plan = job->plan;
    const ptrdiff_t stride = plan->axes[0].x;
    const char *x;
    treadle_reduction_output(plan, job->output, &x);
    x += (ptrdiff_t)job->begin[part] * stride;
    begin_partial(job, x, job->partial[part]);
    plan->fold->fold(job->partial[part], job->begin[part + 1] - job->begin[part], x, stride);
}

/* Nodes of the tree over [begin, begin + n), in order. */
static void cut_tree(struct job *job, size_t begin, size_t n, size_t most)
{
    if (n <= most) {
        job->begin[job->parts++] = begin;
        return;
    }
    size_t left = treadle_pairwise_split(n);
    cut_tree(job, begin, left, most);
    cut_tree(job, begin + left, n - left, most);
}

/* Leaves the node's sum in the partial of its first leaf; returns the number of leaves. */
static size_t join_tree(struct job *job, size_t first, size_t n, size_t most)
{
    if (n <= most)
        return 1;
    size_t left = treadle_pairwise_split(n);
    size_t leaves = join_tree(job, first, left, most);
    size_t more = join_tree(job, first + leaves, n - left, most);
    combine(job, job->partial[first], job->partial[first + leaves]);
    return leaves + more;
}

static void divide_tree(struct treadle_call *call, struct job *job, void *acc)
{
    const size_t n = job->plan->block;
    size_t most = n / (PARTIALS / 4); /* cut in half at each level: at most PARTIALS / 2 nodes */
    if (most < PART)
        most = PART;
    job->parts = 0;
    cut_tree(job, 0, n, most);
    job->begin[job->parts] = n;
    team_run(call, job->parts, fold_node, job);
    join_tree(job, 0, n, most);
    combine(job, acc, job->partial[0]);
}

static void divide_range(struct treadle_call *call, struct job *job, void *acc)
{
    const size_t n = job->plan->block;
    job->parts = n / PART + 1 < PARTIALS / 4 ? n / PART + 1 : PARTIALS / 4;
    for (size_t part = 0; part <= job->parts; part++)
        job->begin[part] = part < job->parts ? treadle_range_of(n, part, job->parts, 64).begin : n;
    team_run(call, job->parts, fold_node, job);
    for (size_t part = 0; part < job->parts; part++)
        combine(job, acc, job->partial[part]);
}

static void fold_piece(void *ctx, size_t part)
{
    struct job *job = ctx;
    const char *x;
    treadle_reduction_output(job->plan, job->output, &x);
    begin_partial(job, x, job->partial[part]);
    treadle_reduction_fold_piece(job->plan, job->output, job->first_piece + part, 0,
                                 job->partial[part]);
}

static void divide_pieces(struct treadle_call *call, struct job *job, void *acc)
{
    for (size_t first = 0; first < job->plan->pieces; first += job->parts) {
        job->first_piece = first;
        job->parts = job->plan->pieces - first < PARTIALS ? job->plan->pieces - first : PARTIALS;
        team_run(call, job->parts, fold_piece, job);
        for (size_t part = 0; part < job->parts; part++)
            combine(job, acc, job->partial[part]);
    }
}

/* Zero or NaN, of a float. */
static int is_special(const struct job *job, const void *acc)
{
    double value;
    float narrow;
    if (job->item == sizeof(narrow)) {
        memcpy(&narrow, acc, sizeof(narrow));
        return narrow == 0 || narrow != narrow;
    }
    memcpy(&value, acc, sizeof(value));
    return value == 0 || value != value;
}

static void divide_output(struct treadle_call *call, struct job *job)
{
    const struct treadle_reduction_plan *plan = job->plan;
    const struct treadle_fold *fold = plan->fold;
    char acc[8];
    const char *x;
    char *out = treadle_reduction_output(plan, job->output, &x);
    if (fold->start)
        memcpy(acc, fold->start, job->item);
    else
        fold->gather(acc, 1, x, 0);
    if (plan->pieces > 1 || plan->gathers)
        divide_pieces(call, job, acc);
    else if (fold->flags & TREADLE_FOLD_PAIRWISE)
        divide_tree(call, job, acc);
    else
        divide_range(call, job, acc);
    if (fold->flags & TREADLE_FOLD_UNLESS_SPECIAL && is_special(job, acc))
        treadle_reduction_run(plan, job->output, job->output + 1);
    else
        treadle_reduction_finish(plan, acc, out);
}

int32_t fold_run(struct treadle_call *call)
{
    const struct treadle_reduction *attrs = call->attrs;
    const struct treadle_fold *fold = call->kernel;
    const size_t threads = team_limit(call);
    struct treadle_reduction_plan plan;
    int32_t status =
        treadle_reduction_plan(&plan, fold, &call->args[0], &call->args[1], attrs->axes, threads);
    if (status != TREADLE_OK)
        return treadle_fail(call->error, status, "%s of no elements has no value", fold->op);
    struct job job;
    job.plan = &plan;
    job.item = fold->dtypes[1].bits / 8;
    const size_t each = plan.pieces * plan.piece;
    const int divisible = !plan.columns && fold->flags != 0 && each >= 2 * PART;
    if (threads < 2 || each * plan.outputs < 2 * PART)
        treadle_reduction_run(&plan, 0, plan.outputs);
    else if (!divisible || plan.outputs >= 4 * threads)
        divide_outputs(call, &job, threads);
    else
        for (job.output = 0; job.output < plan.outputs; job.output++)
            divide_output(call, &job);
    return TREADLE_OK;
}
