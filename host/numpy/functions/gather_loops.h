/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_GATHER_LOOPS_H
#define TREADLE_NUMPY_GATHER_LOOPS_H

#include <stdbool.h>

#include "../api.h"

/** Loops for elements of one size, which lie without gaps. */
struct gather_loops {
    /** out[i] = x[at[i]], where x has `length` elements; false: one of the places is outside. */
    bool (*take)(void *out, const void *x, npy_intp length, const npy_intp *at, npy_intp n);
    /** Move those of n elements that are chosen, of which there are `room`, to `out`. */
    void (*choose)(void *out, npy_intp room, const void *x, const npy_bool *chosen, npy_intp n);
};

/** NULL if there are none for elements of that size. */
const struct gather_loops *gather_loops(npy_intp size);

#endif
