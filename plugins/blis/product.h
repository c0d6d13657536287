/* SPDX-License-Identifier: BSD-3-Clause */
/* The ops matmul and dot; call->kernel points to the num_t of the elements. */
#ifndef TREADLE_BLIS_PRODUCT_H
#define TREADLE_BLIS_PRODUCT_H

#include <treadle/plugin.h>

int32_t product_matmul(struct treadle_call *call);
int32_t product_dot(struct treadle_call *call);

#endif /* TREADLE_BLIS_PRODUCT_H */
