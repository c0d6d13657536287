/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_LIMIT_H
#define TREADLE_NUMPY_LIMIT_H

#include <stdbool.h>

#include "api.h"

/*
 * From which size on a call that is seen before NumPy's iterators cut it up is worth several
 * threads. Views and iterators of our own take some microseconds.
 */

/** Ask the policy again. Until the first time nothing is worth it. */
void limit_update(void);

/** Whether n elements, each of which takes that long on one core, are worth it. [any thread] */
bool limit_reached(npy_intp n, double element_ns);

/**
 * Elements below which nothing is worth it, whatever an element takes: a sort's 20 ns are the most.
 * [any thread]
 */
extern npy_intp limit_least;

/** Whether an array has fewer: the first question of all who stand in front of NumPy's functions.
 */
static inline bool limit_is_far(PyArrayObject *array)
{
    npy_intp n = 1;

    for (int i = 0; i < PyArray_NDIM(array); i++)
        n *= PyArray_DIM(array, i);
    return n < __atomic_load_n(&limit_least, __ATOMIC_RELAXED);
}

/** Whether the user sets the limit, in elements, whatever they take. [any thread] */
bool limit_is_forced(void);

/** Nanoseconds of work that are worth a second thread, if nothing else has to be made for it;
 *  infinite if elements count. */
double limit_loop_ns(void);

#endif
