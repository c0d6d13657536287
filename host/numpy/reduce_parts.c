/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reduction is cut into boxes of the array, and each box is walked by an iterator of NumPy's, set
 * up as NumPy does it (reduction.c). So casts, byte order, masks and the pieces in which a buffer
 * is filled are NumPy's own. What is known here is where it can be cut:
 *
 * - between outputs. They do not depend on each other, and the iterator hands each output its
 *   elements in the same pieces, wherever the box begins: buffers are filled anew at each output
 *   whose elements lie together, and where they don't, each element is one addition. The exception
 *   is a box one element wide: the iterator drops that axis, and merges others across it.
 * - inside an output if the order does not matter. Each part has accumulators of its own.
 * - inside a sum of floats at the pieces of a buffer, each of which NumPy adds up by itself.
 */
#include "reduce_parts.h"

#include <stdlib.h>
#include <string.h>

#include "functions/moves_loops.h"
#include "mask.h"
#include "reduce.h"
#include "reduce_cut.h"
#include "reduce_outputs.h"
#include "reduce_row_sums.h"
#include "watch.h"

/* Accumulators of all parts together stay in the second-level cache. */
enum { OUTPUTS_MAX = 4096 };

/* ---- one box -------------------------------------------------------------------------------- */

/* NumPy's masked loop: one call for each run of elements that the mask lets through. */
static void run_masked(const struct job *job, struct part *part)
{
    char *const *ptrs = part->ptrs;
    const char *mask = ptrs[2];
    npy_intp n = *part->count, *steps = part->steps;

    watch_look(&part->watch, job->call->slot, ptrs[1], n, steps[1]);
    for (npy_intp i = 0, length; i < n; i += length) {
        bool let = mask[i * steps[2]] != 0;

        length = mask_run(mask + i * steps[2], steps[2], n - i, let);
        if (let) {
            char *out = ptrs[0] + i * steps[0];
            char *args[3] = {out, ptrs[1] + i * steps[1], out};

            job->call->slot->loop(args, &length, (npy_intp[]){steps[0], steps[1], steps[0]},
                                  job->call->data);
        }
    }
}

/* What NumPy has done before its loops begin where nothing else is to start from. Returns how many
 * elements that were. */
static npy_intp write_first(const struct job *job, struct part *part)
{
    npy_intp n = part->steps[0] == 0 ? 1 : *part->count, size = job->call->slot->itemsize[0];

    moves_copy(part->ptrs[0], part->steps[0], part->ptrs[1], part->steps[1], size, n);
    watch_look(&part->watch, job->call->slot, part->ptrs[1], n, part->steps[1]);
    part->skip -= n;
    return n;
}

void part_step(const struct job *job, struct part *part)
{
    char *args[3] = {part->ptrs[0], part->ptrs[1], part->ptrs[0]};
    npy_intp n = *part->count, steps[3] = {part->steps[0], part->steps[1], part->steps[0]};

    if (part->skip > 0 && NpyIter_IsFirstVisit(part->iter, 0)) {
        npy_intp done = write_first(job, part);

        n -= done;
        args[1] += done * steps[1];
    }
    if (n > 0 && watch_is_over(&part->watch))
        job->call->slot->loop(args, &n, steps, job->call->data);
    else if (n > 0)
        watch_loop(&part->watch, job->call->slot, args, n, steps, job->call->data);
}

static bool is_decided(const struct job *job)
{
    return job->decided && __atomic_load_n(job->decided, __ATOMIC_RELAXED);
}

static void run_box(const struct job *job, struct part *part)
{
    part->watch = job->watch;
    do {
        if (is_decided(job))
            continue;
        if (job->call->where)
            run_masked(job, part);
        else
            part_step(job, part);
    } while (!part->watch.signaled && part->next(part->iter));
    part->failed = part->watch.signaled;
    if (job->decided && *PyArray_BYTES(part->outcome) != (job->call->start == PARTS_FROM_ONE))
        __atomic_store_n(job->decided, 1, __ATOMIC_RELAXED);
}

/* ---- between outputs ---------------------------------------------------------------------------
 */

static bool add_box(struct job *job, struct cut cut)
{
    const struct parts_call *call = job->call;
    struct box box = cut_box(call, cut, job->count);
    struct part *part = &job->parts[job->count++];
    npy_intp total = PyArray_DIM(call->array, cut.axis);

    part->skip = call->skips_first ? job_outputs(call) / total * box.count[cut.axis] : 0;
    return part_start(part, box_iterate(call, &box, outputs_of_its_own(call, &box, part), 0));
}

static bool needs_no_buffer(const struct parts_call *call)
{
    return PyArray_EquivTypes(PyArray_DESCR(call->array), call->descr) &&
           PyArray_ISALIGNED(call->array);
}

/* Runs of reduced elements: up to NumPy 2.2 it depends on the shape, and on how far the iterator
 * has come, whether some are read from a buffer. No loop can tell if they lie as they do there. */
static bool lie_as_in_buffer(const struct parts_call *call)
{
    int innermost = cut_innermost(call);

    return !call->reduced[innermost] || !needs_no_buffer(call) ||
           cut_distance(call, innermost) == call->slot->itemsize[0];
}

static npy_intp last_piece(const struct parts_call *call, npy_intp n)
{
    return n > call->buffersize && n % call->buffersize ? n % call->buffersize : n;
}

/* Up to NumPy 2.2 a row comes in pieces of the buffer's size, counted from the box's begin. All end
 * at a multiple of 64 but the last one, which may be too short for vectors here, and not there. */
static bool ends_alike(const struct parts_call *call, struct cut cut)
{
    enum { SHORT = 64 };
    npy_intp step = cut_distance(call, cut.axis) / call->slot->itemsize[0];
    npy_intp n = PyArray_DIM(call->array, cut.axis);
    npy_intp first = cut_box(call, cut, cut.count - 1).first[cut.axis];
    npy_intp whole = last_piece(call, n * step), part = last_piece(call, (n - first) * step);

    return numpy_is_2_3() || whole == part || (whole >= SHORT && part >= SHORT);
}

/* Whether the loop is called for the same elements in the same layout, wherever the box begins: for
 * runs of reduced elements inside the cut, or for what is contiguous up to there. Elsewhere the
 * iterator may merge other axes, or use a buffer for the box only, and so a loop for another layout
 * is taken. That gives the same numbers, but of two zeros or NaNs maybe the other one. */
static bool keeps_layout(const struct parts_call *call, struct cut cut)
{
    int axis = cut.axis;
    npy_intp end = cut_distance(call, axis) * PyArray_DIM(call->array, axis);

    for (int i = 0; i < PyArray_NDIM(call->array); i++)
        if (PyArray_STRIDE(call->array, i) < 0)
            return false;
    for (int i = 0; i < PyArray_NDIM(call->array); i++)
        if (call->reduced[i] && PyArray_DIM(call->array, i) > 1 && cut_distance(call, i) > 0 &&
            cut_distance(call, i) < cut_distance(call, axis))
            return lie_as_in_buffer(call);
    for (int i = 0; i < PyArray_NDIM(call->array); i++)
        if (!call->reduced[i] && i != axis && cut_distance(call, i) == end)
            return false;
    return cut_distance(call, cut_innermost(call)) == call->slot->itemsize[0] && !call->where &&
           needs_no_buffer(call) && ends_alike(call, cut);
}

/* What to look for: minus signs only where zeros are likely to come out, and where NumPy starts
 * from an element, which is seen, too. */
static struct watch watch_over(const struct parts_call *call)
{
    struct watch watch = watch_for(call->slot->type, call->skips_nans);

    watch.for_minus = watch.for_minus && call->finds_least && call->skips_first;
    return watch;
}

/* Whether another order of operations might have given other results. */
static bool tells_order(const struct job *job)
{
    const struct parts_call *call = job->call;
    const char *values = PyArray_BYTES(call->result);
    struct watch seen = {0};

    for (int i = 0; i < job->count; i++)
        watch_join(&seen, &job->parts[i].watch);
    return call->order == PARTS_ANY
               ? watch_tells_order(&seen, call->slot->type, values, job_outputs(call))
               : reduce_has_nan(call->slot->type, values, job_outputs(call));
}

static bool reduce_boxes(struct job *job, struct cut cut)
{
    bool is_checked = !PyTypeNum_ISINTEGER(job->call->slot->type) &&
                      !PyTypeNum_ISBOOL(job->call->slot->type) && !keeps_layout(job->call, cut);
    bool done = !is_checked || PyArray_ISONESEGMENT(job->call->result);

    job->run = row_sums_suit(job->call) ? row_sums_run : run_box;
    if (is_checked)
        job->watch = watch_over(job->call);
    while (done && job->count < cut.count)
        done = add_box(job, cut);
    done = done && job_run(job);
    for (int i = 0; done && i < job->count; i++)
        outputs_copy_back(&job->parts[i]);
    job_finish(job);
    return done && !(is_checked && tells_order(job));
}

/* ---- inside outputs ----------------------------------------------------------------------------
 */

static void fill_ones(PyArrayObject *array)
{
    npy_int64 one = 1; /* little-endian: its first bytes are the 1 of every smaller integer */
    npy_intp size = PyArray_ITEMSIZE(array);

    for (npy_intp i = 0; i < PyArray_SIZE(array); i++)
        memcpy(PyArray_BYTES(array) + i * size, &one, (size_t)size);
}

/* Both lie in one piece, in the same order. */
static PyArrayObject *accumulators(const struct parts_call *call)
{
    PyArrayObject *own =
        (PyArrayObject *)PyArray_NewLikeArray(call->result, NPY_KEEPORDER, NULL, 0);

    if (!own)
        return NULL;
    if (call->start == PARTS_FROM_RESULT)
        memcpy(PyArray_BYTES(own), PyArray_BYTES(call->result), (size_t)PyArray_NBYTES(own));
    else if (call->start == PARTS_FROM_ZERO)
        memset(PyArray_BYTES(own), 0, (size_t)PyArray_NBYTES(own));
    else
        fill_ones(own);
    return own;
}

static bool add_box_of_its_own(struct job *job, struct cut cut)
{
    struct box box = cut_box(job->call, cut, job->count);
    struct part *part = &job->parts[job->count++];

    part->outcome = accumulators(job->call);
    return part->outcome && part_start(part, box_iterate(job->call, &box, part->outcome, 0));
}

static void join(const struct parts_call *call, const struct part *part)
{
    npy_intp n = job_outputs(call), size = call->slot->itemsize[0];
    char *args[3] = {PyArray_BYTES(call->result), PyArray_BYTES(part->outcome),
                     PyArray_BYTES(call->result)};

    call->slot->loop(args, &n, (npy_intp[]){size, size, size}, call->data);
}

/* Whether the first elements decide: then NumPy's own reduction ends as early. */
static bool decides_early(const struct parts_call *call)
{
    int axis = cut_innermost(call);
    npy_intp n = PyArray_DIM(call->array, axis);
    char value = call->start == PARTS_FROM_ONE;
    char *args[3] = {&value, PyArray_BYTES(call->array), &value};

    if (n > CUT_DECIDING_ELEMENTS)
        n = CUT_DECIDING_ELEMENTS;
    call->slot->loop(args, &n, (npy_intp[]){0, PyArray_STRIDE(call->array, axis), 0}, call->data);
    return value != (call->start == PARTS_FROM_ONE);
}

static bool reduce_accumulators(struct job *job, struct cut cut)
{
    char decided = 0;
    bool done = !job->call->skips_first || box_write_first(job->call);

    job->run = run_box;
    job->watch = watch_over(job->call);
    if (cut_can_be_decided(job->call)) {
        if (decides_early(job->call))
            return false;
        job->decided = &decided;
    }
    while (done && job->count < cut.count)
        done = add_box_of_its_own(job, cut);
    done = done && job_run(job);
    for (int i = 0; done && i < job->count; i++)
        join(job->call, &job->parts[i]);
    job_finish(job);
    return done && !tells_order(job);
}

/* ---- which ----------------------------------------------------------------------------------- */

/* NumPy calls its loop once, which is cut then (reduce.c). Not here, too: if the order tells, the
 * call would be done three times. */
static bool is_one_loop(const struct parts_call *call)
{
    return job_outputs(call) == 1 && call->slot->reduce && !call->where && !call->stops_early &&
           PyArray_ISONESEGMENT(call->array) && needs_no_buffer(call);
}

static bool has_accumulators(const struct parts_call *call)
{
    return call->order == PARTS_ANY && job_outputs(call) <= OUTPUTS_MAX &&
           PyArray_ISONESEGMENT(call->result) && !is_one_loop(call);
}

static bool reduce_job(struct job *job)
{
    struct cut kept = cut_best(job->call, false), reduced = {0, 0, 1};

    if (has_accumulators(job->call))
        reduced = cut_best(job->call, true);
    if (kept.count > 1 && (reduced.count < 2 || cut_is_even(job->call, kept)))
        return reduce_boxes(job, kept);
    if (reduced.count > 1)
        return reduce_accumulators(job, reduced);
    return pieces_suit(job->call) && pieces_reduce(job);
}

bool parts_reduce(const struct parts_call *call)
{
    struct job *job = calloc(1, sizeof(*job));
    bool done;

    if (!job)
        return false;
    job->call = call;
    done = reduce_job(job);
    free(job);
    return done;
}
