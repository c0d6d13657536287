/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_cut.h"

#include <stdlib.h>
#include <treadle/treadle.h>

/* Less is not worth a part of its own; and along the innermost axis, where each part makes as many
 * calls of the loop as the whole does, a call. */
static const double PART_NS = 50e3, CALL_NS = 40.0;

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

int cut_innermost(const struct parts_call *call)
{
    int found = 0;

    for (int i = 1; i < PyArray_NDIM(call->array); i++)
        if (PyArray_DIM(call->array, found) == 1 ||
            (PyArray_DIM(call->array, i) > 1 && cut_distance(call, i) < cut_distance(call, found)))
            found = i;
    return found;
}

/* Which of two NaNs a sum is, and which of two zeros a maximum, depends on a number's place in a
 * vector: what a call of the loop gets is cut at multiples of 64, and so are vectors of any width.
 */
static npy_intp grain_of_floats(const struct parts_call *call, int axis)
{
    npy_intp inside = 1;

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
    npy_intp grain = 1;

    if (!call->reduced[axis])
        grain = PyTypeNum_ISINTEGER(call->slot->type) ? 2 : grain_of_floats(call, axis);
    if (call->forced || axis != cut_innermost(call))
        return grain;
    while ((double)grain * call->ns < CALL_NS * (double)PyArray_SIZE(call->array))
        grain *= 2;
    return grain;
}

int cut_parts_wanted(const struct parts_call *call)
{
    int threads = treadle_get_num_threads();
    double worth = call->ns / PART_NS;
    int most = 4 * threads < JOB_PARTS_MAX ? 4 * threads : JOB_PARTS_MAX;

    if (cut_can_be_decided(call) && most < PyArray_SIZE(call->array) / CUT_DECIDING_ELEMENTS)
        most = JOB_PARTS_MAX;
    if (call->forced || worth > most)
        return most;
    return worth < threads ? threads : (int)worth;
}

/* Along the innermost axis, parts have all the calls of the loop that the whole has. */
static struct cut cut_along(const struct parts_call *call, int axis)
{
    npy_intp grain = grain_along(call, axis), most = PyArray_DIM(call->array, axis) / grain;
    int wanted =
        axis == cut_innermost(call) && PyArray_SIZE(call->array) > PyArray_DIM(call->array, axis)
            ? treadle_get_num_threads()
            : cut_parts_wanted(call);

    return (struct cut){axis, most < wanted ? (int)most : wanted, grain};
}

bool cut_is_even(const struct parts_call *call, struct cut cut)
{
    npy_intp threads = treadle_get_num_threads();
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
