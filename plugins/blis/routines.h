/* SPDX-License-Identifier: BSD-3-Clause */
/* The extension "treadle.routines/1": BLAS and LAPACK by name, with 32- or 64-bit integers. */
#ifndef TREADLE_BLIS_ROUTINES_H
#define TREADLE_BLIS_ROUTINES_H

#include <treadle/plugin.h>

extern const struct treadle_routines routines;

/** A name and its entry points for 32- and 64-bit integers. */
struct routine {
    const char *name;
    treadle_routine_fn fn32, fn64;
};

/** The tables of routines_blas.c and routines_lapack.c; both end with a NULL name. */
extern const struct routine routines_blas[], routines_lapack[];

#endif /* TREADLE_BLIS_ROUTINES_H */
