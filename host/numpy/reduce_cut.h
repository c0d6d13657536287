/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_CUT_H
#define TREADLE_NUMPY_REDUCE_CUT_H

#include "reduce_job.h"

/** Parts along `axis`, each a multiple of `grain` but the last, which has the rest too. */
struct cut {
    int axis, count;
    npy_intp grain;
};

/**
 * Where to cut along a reduced axis, or along one that is kept: the outermost that gives the
 * threads about the same, else the one that gives most parts. The count is below 2 if there is
 * none.
 */
struct cut cut_best(const struct parts_call *call, bool reduced);

/** Whether the threads get about the same. */
bool cut_is_even(const struct parts_call *call, struct cut cut);

/** The box of one part. */
struct box cut_box(const struct parts_call *call, struct cut cut, int part);

/** How many parts the call is worth. */
int cut_parts_wanted(const struct parts_call *call);

/** Bytes between neighbours of the array along an axis. */
npy_intp cut_distance(const struct parts_call *call, int axis);

/** The axis whose elements lie closest together. */
int cut_innermost(const struct parts_call *call);

/** any() or all() of bools: nothing is left to find out once it is decided, nor to convert. */
bool cut_can_be_decided(const struct parts_call *call);

/** So many elements any() and all() see before threads are asked, and about so many each part after
 * the deciding one. */
enum { CUT_DECIDING_ELEMENTS = 1 << 16 };

#endif
