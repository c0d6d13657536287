/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_HOOK_H
#define TREADLE_NUMPY_HOOK_H

#include "api.h"
#include "slot.h"

/**
 * Put trampolines in the place of the loops of one ufunc, except those that can raise Python
 * errors and those on Python objects. Doing it again changes nothing. [GIL held]
 * @return the number of this ufunc's loops that have a trampoline now; once all slots are taken,
 *         further loops stay as they are
 */
int hook_ufunc(PyUFuncObject *ufunc);

/** The slot of a ufunc's loop on these types, or NULL; also after unhook_all(). [GIL held] */
struct slot *hook_find(const PyUFuncObject *ufunc, const int *types);

/** The slot of the ufunc's i-th loop, or NULL if it has none. [GIL held] */
const struct slot *hook_slot(const PyUFuncObject *ufunc, int i);

/** Ask the policy again from which size on loops, whole calls and stacks are worth more. [GIL held]
 */
void hook_update_limits(void);

/** Put NumPy's own loops back, except where somebody else has replaced ours since. [GIL held] */
void unhook_all(void);

#endif
