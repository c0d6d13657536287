/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_ORDER_H
#define TREADLE_NUMPY_ORDER_H

#include "../api.h"

/** ndarray.sort, which np.sort calls too. @return how many go through Treadle now: 1 or 0 */
int order_install(void);

/** Put NumPy's own back. */
void order_uninstall(void);

#endif
