/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_cut.h"

#include <stdlib.h>
#include <treadle/treadle.h>

/* Less is not worth a part of its own; and along the innermost axis, where each part makes as many
 * calls of the loop as the whole does, a call. */
static const double PART_NS = 50e3, CALL_NS = 40.0;

/* Rows cut into shorter pieces than this are read slower by two threads than whole by one: what is
 * fetched ahead belongs to the other's piece. EPYC, 80 MB in rows of 8000 bytes: 0.75 times plain
 * NumPy; of 16000: 1.2. */
enum { PIECE_MIN = 6000 };

bool cut_can_be_decided(const struct parts_call *call)
{
    return call->stops_early && job_outputs(call) == 1 && !call->where &&
           PyArray_TYPE(call->array) == NPY_BOOL;
}

npy_intp cut_distance(const struct parts_call *call, int axis)
{
    return llabs(PyArray_STRIDE(call->array, axis));
}

static npy_intp result_distance(const struct parts_call *call, int axis)
{
    int place = 0;

    for (int i = 0; i < axis; i++)
        place += call->keepdims || !call->reduced[i];
    return llabs(PyArray_STRIDE(call->result, place));
}

/* Of axes that lie alike, as in sliding windows, the iterator takes the last one. */
int cut_innermost(const struct parts_call *call)
{
    int found = 0;

    for (int i = 1; i < PyArray_NDIM(call->array); i++)
        if (PyArray_DIM(call->array, found) == 1 ||
            (PyArray_DIM(call->array, i) > 1 && cut_distance(call, i) <= cut_distance(call, found)))
            found = i;
    return found;
}

/* Which of two NaNs a sum is, and which of two zeros a maximum, depends on a number's place in a
 * vector: what a call of the loop gets is cut at multiples of 64, and so are vectors of any width.
 * Where the innermost axis is reduced, each call of the loop has one output. */
static npy_intp grain_of_floats(const struct parts_call *call, int axis)
{
    npy_intp inside = 1;

    if (call->reduced[cut_innermost(call)])
        return 2;
    for (int i = 0; i < PyArray_NDIM(call->array); i++)
        if (!call->reduced[i] && cut_distance(call, i) < cut_distance(call, axis) &&
            result_distance(call, i) < result_distance(call, axis))
            inside *= PyArray_DIM(call->array, i);
    for (npy_intp grain = 2;; grain *= 2)
        if (grain * inside % 64 == 0)
            return grain;
}

static npy_intp grain_along(const struct parts_call *call, int axis)
{
    if (call->reduced[axis])
        return 1;
    return PyTypeNum_ISINTEGER(call->slot->type) ? 2 : grain_of_floats(call, axis);
}

/* Along the innermost axis each part has as many calls of the loop as the whole, which must not
 * cost more than what they are given to do. */
static npy_intp room_for_calls(const struct parts_call *call, int axis)
{
    npy_intp calls = PyArray_SIZE(call->array) / PyArray_DIM(call->array, axis);
    double room = call->ns / (CALL_NS * (double)calls);

    return room < JOB_PARTS_MAX ? (npy_intp)room : JOB_PARTS_MAX;
}

static npy_intp least_of(npy_intp a, npy_intp b)
{
    return a < b ? a : b;
}

/* How many parts the axis has room for. */
static npy_intp room_along(const struct parts_call *call, int axis, npy_intp grain)
{
    npy_intp room = PyArray_DIM(call->array, axis) / grain;
    npy_intp row = PyArray_DIM(call->array, axis) * cut_distance(call, axis);

    if (call->forced || axis != cut_innermost(call))
        return room;
    if (!call->reduced[axis])
        room = least_of(room, row / PIECE_MIN);
    return least_of(room, room_for_calls(call, axis));
}

/* More than a job has parts are of no use. */
static int threads_of_use(void)
{
    int threads = treadle_get_num_threads();

    return threads < JOB_PARTS_MAX ? threads : JOB_PARTS_MAX;
}

int cut_parts_wanted(const struct parts_call *call)
{
    int threads = threads_of_use();
    double worth = call->ns / PART_NS;
    int most = 4 * threads < JOB_PARTS_MAX ? 4 * threads : JOB_PARTS_MAX;

    if (cut_can_be_decided(call) && most < PyArray_SIZE(call->array) / CUT_DECIDING_ELEMENTS)
        most = JOB_PARTS_MAX;
    if (call->forced || worth > most)
        return most;
    return worth < threads ? threads : (int)worth;
}

/* Whether a cut there takes apart what is read in one go again and again: then the fewer pieces the
 * better, for the longer each one is. */
static bool parts_rows(const struct parts_call *call, int axis)
{
    if (axis == cut_innermost(call))
        return PyArray_SIZE(call->array) > PyArray_DIM(call->array, axis);
    for (int i = 0; i < PyArray_NDIM(call->array); i++)
        if (call->reduced[i] && cut_distance(call, i) > cut_distance(call, axis))
            return !call->reduced[axis];
    return false;
}

static struct cut cut_along(const struct parts_call *call, int axis)
{
    npy_intp grain = grain_along(call, axis), room = room_along(call, axis, grain);
    int wanted = parts_rows(call, axis) ? threads_of_use() : cut_parts_wanted(call);

    return (struct cut){axis, room < wanted ? (int)room : wanted, grain};
}

bool cut_is_even(const struct parts_call *call, struct cut cut)
{
    npy_intp threads = threads_of_use();
    npy_intp grains = PyArray_DIM(call->array, cut.axis) / cut.grain;

    return grains >= 4 * threads || (grains > 0 && grains % threads == 0);
}

struct cut cut_best(const struct parts_call *call, bool reduced)
{
    struct cut best = {0, 0, 1};
    bool even = false;

    for (int i = 0; i < PyArray_NDIM(call->array); i++) {
        struct cut cut = cut_along(call, i);
        bool is_even = cut_is_even(call, cut);

        if (!!call->reduced[i] != reduced || cut.count < 2 || (even && !is_even))
            continue;
        if (best.count < 2 || (is_even && !even) ||
            (is_even ? cut_distance(call, i) > cut_distance(call, best.axis)
                     : cut.count > best.count))
            best = cut;
        even |= is_even;
    }
    return best;
}

struct box cut_box(const struct parts_call *call, struct cut cut, int part)
{
    struct box box = box_whole(call);
    npy_intp grains = box.count[cut.axis] / cut.grain;
    npy_intp begin = grains * part / cut.count * cut.grain;
    npy_intp end =
        part + 1 == cut.count ? box.count[cut.axis] : grains * (part + 1) / cut.count * cut.grain;

    box.first[cut.axis] = begin;
    box.count[cut.axis] = end - begin;
    return box;
}
