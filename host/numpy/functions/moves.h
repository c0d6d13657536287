/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_MOVES_H
#define TREADLE_NUMPY_MOVES_H

#include "../api.h"

/**
 * ndarray.astype, ndarray.copy, numpy.array of an array, and numpy.where with three arguments:
 * elements that are moved, and maybe converted.
 * @return how many go through Treadle now; none if NumPy's iterator walks in an unknown way
 */
int moves_install(PyObject *core);

/** Put NumPy's own back. */
void moves_uninstall(void);

#endif
