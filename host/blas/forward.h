/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_FORWARD_H
#define TREADLE_FORWARD_H

#include <stdatomic.h>
#include <treadle/plugin.h>

/**
 * A routine of routines.def: the function that calls arrive at, and the one they would have gone
 * to. In a module's slots `original` is set before any slot points to `forward`; of an exported
 * routine it is NULL until the first call. It is never cleared: a thread may be inside for as long
 * as the process lives.
 */
struct routine {
    const char *name; /* or the exported symbol */
    treadle_routine_fn forward;
    _Atomic(treadle_routine_fn) original;
    _Atomic(uint32_t) int_bits; /* of the original's integers; written before `original` */
};

/** Number of lines in routines.def. */
enum {
#define ROUTINE(name, kind, type, weight) ROUTINE_##name,
#include "routines.def"
#undef ROUTINE
    TREADLE_ROUTINE_COUNT
};

/** forward.c for modules' slots, compiled once for each width of the routines' integers. */
extern struct routine treadle_routines_32[TREADLE_ROUTINE_COUNT];
extern struct routine treadle_routines_64[TREADLE_ROUTINE_COUNT];

#endif
