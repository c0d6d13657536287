/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ROUTINE_H
#define TREADLE_ROUTINE_H

#include <stdbool.h>

/** TREADLE_EXACT: each routine is left to the program's own library and that one's own threads. */
void routines_keep_exact(bool exact);

/**
 * A call has taken cores, or some may have become free: let the routines in flight follow whose
 * regions nobody sees. One relaxed load if there are none.
 */
void routines_adapt(void);

#endif
