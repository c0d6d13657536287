/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_GATHER_H
#define TREADLE_NUMPY_GATHER_H

#include "../api.h"

/**
 * ndarray.take, and x[i] where i is an array of places or of bools.
 * @return how many go through Treadle now
 */
int gather_install(void);

/** Put NumPy's own back. */
void gather_uninstall(void);

#endif
