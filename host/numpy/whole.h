/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_WHOLE_H
#define TREADLE_NUMPY_WHOLE_H

#include <stdalign.h>
#include <stddef.h>

#include "api.h"
#include "slot.h"

/*
 * Whole calls of ufuncs. NumPy hands mixed types, broadcast, sliced or masked operands to its loops
 * in pieces of a few thousand elements, too small to split: those calls are seen here before NumPy
 * cuts them up.
 */

enum { WHOLE_TYPES = NPY_HALF + 1 };

/**
 * One ufunc whose calls go through a trampoline. Taken once and kept for ever, as a slot is.
 * A small call reads the first three members only.
 */
struct whole {
    alignas(64) vectorcallfunc numpy; /* NumPy's own */
    npy_intp least;                   /* calls of fewer elements go straight to `numpy` */
    PyTypeObject *array;              /* numpy.ndarray, one load nearer than from NumPy's table */
    PyUFuncObject *ufunc;             /* owned */
    const struct slot **slots;        /* by place in ufunc->types; NULL: stays on one thread */
    const struct slot *uniform[WHOLE_TYPES]; /* the loop whose inputs all have that type */
};

/**
 * Put a trampoline before the calls of one ufunc whose loops have been hooked. Doing it again
 * changes nothing. [GIL held]
 * @return 1; 0 if none of its loops is hooked or no trampoline is left; -1 with an exception if
 *         this NumPy is not of a kind known here
 */
int whole_hook(PyUFuncObject *ufunc);

/** Put NumPy's own function back, except where somebody else has replaced ours. [GIL held] */
void whole_unhook_all(void);

/** Ask the slots again from which size on a call may be worth a look. */
void whole_update_limits(void);

#endif
