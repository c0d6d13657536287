/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OPENBLAS_PRODUCT_H
#define TREADLE_OPENBLAS_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>
#include <treadle/plugin.h>

#include "library.h"

/** The element types that BLAS knows, in the order s d c z. */
enum { PRODUCT_TYPES = 4 };
extern const struct treadle_dtype product_dtypes[PRODUCT_TYPES];

/** `dot` and `matmul` of one type by the routines of one library. */
struct product {
    uint32_t type; /* index into product_dtypes */
    uint32_t int_bits;
    treadle_routine_fn gemm;
    treadle_routine_fn dot;
};

/** False if the library lacks a routine. */
bool product_init(struct product *product, const struct library *library, uint32_t type);

/**
 * The ops of ops.h. Declined unless the strides, or those of the transposed matrix, are what BLAS
 * can walk.
 */
int32_t product_dot(const struct product *product, const struct treadle_array *args);
int32_t product_matmul(const struct product *product, const struct treadle_array *args);

#endif
