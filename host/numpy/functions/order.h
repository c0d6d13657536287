/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_ORDER_H
#define TREADLE_NUMPY_ORDER_H

#include "../api.h"

/** ndarray.sort and ndarray.argsort, which np.sort and np.argsort call too.
 *  @return how many go through Treadle now */
int order_install(void);

/** Put NumPy's own back. */
void order_uninstall(void);

#endif
