/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_CALL_H
#define TREADLE_NUMPY_REDUCE_CALL_H

#include <stdbool.h>

#include "api.h"

/**
 * Stand in front of ufunc.reduce, the one function behind np.sum, a.mean(), np.any and their like.
 * A small or odd call goes on to NumPy after a few comparisons. [GIL held]
 * @return whether it stands there; false with a Python exception, or without one if this NumPy's
 *         reduce is of another kind
 */
bool reduce_call_install(void);

/** Step aside. Calls that are running finish as they began. [GIL held] */
void reduce_call_uninstall(void);

#endif
