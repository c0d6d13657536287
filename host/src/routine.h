/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ROUTINE_H
#define TREADLE_ROUTINE_H

/**
 * A call has taken or given back cores: let the routines in flight follow whose libraries can't
 * see it themselves. One relaxed load if there are none.
 */
void routines_adapt(void);

#endif
