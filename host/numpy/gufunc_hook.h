/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_GUFUNC_HOOK_H
#define TREADLE_NUMPY_GUFUNC_HOOK_H

#include "gufunc.h"

/**
 * Put trampolines in the place of the loops on numbers of one generalised ufunc. Doing it again
 * changes nothing. [GIL held]
 * @return the number of this ufunc's loops that have a trampoline now
 */
int gufunc_hook(PyUFuncObject *ufunc);

/** Put NumPy's own loops back, except where somebody else has replaced ours since. [GIL held] */
void gufunc_unhook_all(void);

/** The slot of a loop that was hooked once, or NULL. */
const struct gufunc_slot *gufunc_find(const PyUFuncObject *ufunc, const int *types);

#endif
