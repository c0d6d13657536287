/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_job.h"

#include <stdlib.h>
#include <treadle/treadle.h>

#include "large.h"

npy_intp job_outputs(const struct parts_call *call)
{
    return PyArray_SIZE(call->result);
}

bool part_start(struct part *part, NpyIter *iter)
{
    part->iter = iter;
    if (!iter)
        return false;
    part->next = NpyIter_GetIterNext(iter, NULL);
    part->ptrs = NpyIter_GetDataPtrArray(iter);
    part->steps = NpyIter_GetInnerStrideArray(iter);
    part->count = NpyIter_GetInnerLoopSizePtr(iter);
    return part->next;
}

void job_finish(struct job *job)
{
    for (int i = 0; i < job->count; i++) {
        if (job->parts[i].iter)
            NpyIter_Deallocate(job->parts[i].iter);
        Py_XDECREF(job->parts[i].outcome);
        free(job->parts[i].memory);
    }
}

/* Allocates and fills the first buffers. With a place for the message it needs no GIL. */
static bool reset(struct part *part)
{
    char *message;

    return part->end ? NpyIter_ResetToIterIndexRange(part->iter, part->begin, part->end, &message)
                     : NpyIter_Reset(part->iter, &message);
}

static void run_parts(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    const struct job *job = ctx;

    for (int64_t i = 0; i < n; i++) {
        struct part *part = (struct part *)(ptrs[0] + i * strides[0]);

        part->failed = !reset(part);
        if (!part->failed)
            job->run(job, part);
    }
}

static bool has_failed(const struct job *job)
{
    for (int i = 0; i < job->count; i++)
        if (job->parts[i].failed)
            return true;
    return false;
}

bool job_run(struct job *job)
{
    int64_t n = job->count, stride = sizeof(struct part);
    struct treadle_array parts = large_operand(job->parts, &n, &stride, sizeof(struct part));
    struct treadle_loop attrs = {.struct_size = sizeof(attrs),
                                 .fn = run_parts,
                                 .ctx = job,
                                 .grain = 1,
                                 .element_ns = job->call->ns / (double)job->count};
    int32_t status;

    Py_BEGIN_ALLOW_THREADS;
    status = treadle_run("loop", &parts, 1, 0, &attrs, NULL);
    Py_END_ALLOW_THREADS;
    return status == TREADLE_OK && !has_failed(job);
}
