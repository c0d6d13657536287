/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_job.h"

#include <stdlib.h>
#include <string.h>

#include "reduce.h"
#include "reduce_cut.h"

enum { ACCUMULATOR_MAX = 32, OUTPUTS_MAX = 16 };

/* More calls than sums were expected: counted, but not kept. */
static void run_pieces(const struct job *job, struct part *part)
{
    const struct parts_call *call = job->call;
    size_t size = call->slot->itemsize[0];
    npy_intp i = 0;

    do {
        alignas(16) char sum[ACCUMULATOR_MAX];
        char *args[3] = {sum, part->ptrs[1], sum};
        npy_intp n = *part->count;

        reduce_minus_zero(call->slot->type, sum);
        call->slot->loop(args, &n, (npy_intp[]){0, part->steps[1], 0}, call->data);
        if (i < part->sums_max)
            memcpy(part->sums + (size_t)i * size, sum, size);
        i++;
    } while (part->next(part->iter));
    part->sums_done = i;
}

/* The box of one output, by its place in iteration order of the kept axes. */
static struct box box_of_output(const struct parts_call *call, npy_intp output)
{
    struct box box = box_whole(call);

    for (int i = PyArray_NDIM(call->array) - 1; i >= 0; i--) {
        if (call->reduced[i])
            continue;
        box.first[i] = output % box.count[i];
        output /= box.count[i];
        box.count[i] = 1;
    }
    return box;
}

static char *place_of_output(const struct parts_call *call, const struct box *box)
{
    char *place = PyArray_BYTES(call->result);

    for (int i = 0, k = 0; i < PyArray_NDIM(call->array); i++) {
        if (!call->reduced[i])
            place += box->first[i] * PyArray_STRIDE(call->result, call->keepdims ? i : k);
        k += !call->reduced[i];
    }
    return place;
}

/* Elements that NumPy adds up before it touches the output, and elements per output. */
struct pieces {
    npy_intp size, total, count;
};

static bool measure_pieces(const struct parts_call *call, struct box *box, struct pieces *pieces)
{
    struct part part = {.skip = 0};
    bool known = part_start(&part, box_iterate(call, box, call->result, NPY_ITER_RANGED)) &&
                 NpyIter_Reset(part.iter, NULL);

    if (known) {
        pieces->size = *part.count;
        pieces->total = NpyIter_GetIterSize(part.iter);
        pieces->count = (pieces->total + pieces->size - 1) / pieces->size;
    }
    if (part.iter)
        NpyIter_Deallocate(part.iter);
    return known && pieces->count > 1;
}

static bool add_pieces(struct job *job, struct box *box, const struct pieces *pieces, int parts,
                       char *sums)
{
    npy_intp begin = pieces->count * job->count / parts;
    npy_intp end = pieces->count * (job->count + 1) / parts;
    npy_intp last = end == pieces->count ? pieces->total : end * pieces->size;
    struct part *part = &job->parts[job->count++];

    part->sums = sums + begin * job->call->slot->itemsize[0];
    part->sums_max = end - begin;
    part->begin = begin * pieces->size;
    part->end = last;
    return part_start(part, box_iterate(job->call, box, job->call->result, NPY_ITER_RANGED));
}

/* As NumPy: output += sum, one piece after the other. */
static void add_up(const struct parts_call *call, char *output, char *sums, npy_intp count)
{
    npy_intp one = 1, size = call->slot->itemsize[0], steps[3] = {0, size, 0};

    for (npy_intp i = 0; i < count; i++)
        call->slot->loop((char *[]){output, sums + i * size, output}, &one, steps, call->data);
}

/* An iterator that is put at a multiple of the piece's size goes on as one that came there, if all
 * pieces are that long. That they are is seen afterwards: a shorter one makes one more of them. */
static bool reduce_pieces_to(struct job *job, struct box *box, const struct pieces *pieces,
                             char *sums)
{
    int wanted = cut_parts_wanted(job->call);
    int parts = pieces->count < wanted ? (int)pieces->count : wanted;
    bool done = true;

    job->count = 0;
    job->run = run_pieces;
    memset(job->parts, 0, sizeof(job->parts));
    while (done && job->count < parts)
        done = add_pieces(job, box, pieces, parts, sums);
    done = done && job_run(job);
    for (int i = 0; done && i < job->count; i++)
        done = job->parts[i].sums_done == job->parts[i].sums_max;
    if (done)
        add_up(job->call, place_of_output(job->call, box), sums, pieces->count);
    job_finish(job);
    return done;
}

bool pieces_reduce(struct job *job)
{
    const struct parts_call *call = job->call;
    struct box box = box_of_output(call, 0);
    struct pieces pieces;
    bool done = measure_pieces(call, &box, &pieces);
    char *sums = done ? malloc((size_t)(pieces.count * call->slot->itemsize[0])) : NULL;

    done = sums;
    for (npy_intp i = 0; done && i < job_outputs(call); i++) {
        box = box_of_output(call, i);
        done = reduce_pieces_to(job, &box, &pieces, sums);
    }
    free(sums);
    return done;
}

/* Each output's elements lie together, so that a buffer never holds those of two in turn. Where an
 * axis is that repeats the same elements, only the iterator knows. */
static bool outputs_lie_apart(const struct parts_call *call)
{
    for (int kept = 0; kept < PyArray_NDIM(call->array); kept++) {
        if (call->reduced[kept] || PyArray_DIM(call->array, kept) == 1)
            continue;
        for (int i = 0; i < PyArray_NDIM(call->array); i++)
            if (call->reduced[i] && PyArray_DIM(call->array, i) > 1 &&
                (cut_distance(call, i) >= cut_distance(call, kept) || cut_distance(call, i) == 0))
                return false;
    }
    return true;
}

bool pieces_suit(const struct parts_call *call)
{
    return call->order == PARTS_PAIRWISE && !call->where && job_outputs(call) <= OUTPUTS_MAX &&
           outputs_lie_apart(call) && reduce_has_neutral();
}
