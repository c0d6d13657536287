/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_FORWARD_H
#define TREADLE_FORWARD_H

#include <stdatomic.h>
#include <treadle/plugin.h>

/**
 * A routine of routines.def: the function that is put into a module's slot, and the one it took
 * the slot from. `original` is set before any slot points to `forward` and never cleared: a
 * thread may be inside for as long as the process lives.
 */
struct routine {
    const char *name;
    treadle_routine_fn forward;
    _Atomic(treadle_routine_fn) original;
};

/** Number of lines in routines.def. */
enum {
#define ROUTINE(name, kind, type, weight) ROUTINE_##name,
#include "routines.def"
#undef ROUTINE
    TREADLE_ROUTINE_COUNT
};

/** forward.c, compiled once for each width of the routines' integers. */
extern struct routine treadle_routines_32[TREADLE_ROUTINE_COUNT];
extern struct routine treadle_routines_64[TREADLE_ROUTINE_COUNT];

#endif
