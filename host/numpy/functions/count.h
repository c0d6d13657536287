/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_COUNT_H
#define TREADLE_NUMPY_COUNT_H

#include "../api.h"

/** numpy.count_nonzero of all elements. @return how many functions go through Treadle now: 1 or 0
 */
int count_install(PyObject *core);

/** Put NumPy's own back. */
void count_uninstall(void);

#endif
