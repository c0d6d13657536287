/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ROUTINE_H
#define TREADLE_ROUTINE_H

/**
 * A call has taken cores, or some may have become free: let the routines in flight follow whose
 * regions nobody sees. One relaxed load if there are none.
 */
void routines_adapt(void);

#endif
