/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ROUTE_H
#define TREADLE_ROUTE_H

/**
 * Put the dispatcher in front of the BLAS and LAPACK routines that the extension modules of NumPy
 * and SciPy have imported: their relocation slots are rewritten, so that calls bound long ago
 * arrive too.
 *
 * Modules loaded later are found by calling it again, which looks at nothing else. A call in
 * progress is not affected. A slot that another thread is binding for the first time at this very
 * moment may stay as it was until the next call of this function.
 *
 * @return number of slots that lead to the dispatcher now; 0 if no NumPy is loaded, or it
 *         has no BLAS that is known here
 * [any thread] [any time]
 */
int treadle_blas_route(void);

/**
 * Point all slots back to the routines they led to.
 * @return number of slots changed
 * [any thread] [any time]
 */
int treadle_blas_unroute(void);

#endif
