/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_BEST_H
#define TREADLE_NUMPY_BEST_H

#include "../api.h"

/** ndarray.argmin and ndarray.argmax. @return how many of them go through Treadle now */
int best_install(void);

/** Put NumPy's own back. */
void best_uninstall(void);

#endif
