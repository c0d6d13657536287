/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Products of matrices and vectors: the table of one ISA.
 *
 * Blocks of x and y are copied into scratch memory (complex ones split into a real and an imaginary
 * plane), so that strides and alignment matter nowhere else. Each element of out is one chain of
 * additions over k, whatever m, n and the thread count.
 */
#include <string.h>

#include "kernel_sets.h"
#include "kernels.h"
#include "template.h"
#include "vector.h"

/* A tile of TILE_ROWS by two vectors fits the registers; a block of y, BLOCK_K deep, stays in L2.
 */
enum { TILE_ROWS = 4, BLOCK_K = 256 };

#define T float
#define TI int32_t
#define TNAME f32
#define PLANES 1
#include "product_body.h"

#define T double
#define TI int64_t
#define TNAME f64
#define PLANES 1
#include "product_body.h"

#define T float
#define TI int32_t
#define TNAME c64
#define PLANES 2
#include "product_body.h"

#define T double
#define TI int64_t
#define TNAME c128
#define PLANES 2
#include "product_body.h"

#define ROW(type, ...)                                                                             \
    {                                                                                              \
        matmul_##type, dot_##type,                                                                 \
        {                                                                                          \
            {__VA_ARGS__, 1}, {__VA_ARGS__, 1},                                                    \
            {                                                                                      \
                __VA_ARGS__, 1                                                                     \
            }                                                                                      \
        }                                                                                          \
    }

const struct treadle_product TREADLE_FN(treadle_product)[TREADLE_PRODUCT_ROWS] = {
    ROW(f32, TREADLE_FLOAT, 32),
    ROW(f64, TREADLE_FLOAT, 64),
    ROW(c64, TREADLE_COMPLEX, 64),
    ROW(c128, TREADLE_COMPLEX, 128),
};
