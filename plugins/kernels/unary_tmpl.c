/* SPDX-License-Identifier: BSD-3-Clause */
/* dst[i] = op(x[i]): the table of one ISA. The loops are in unary_body.h, once per type. */
#include <math.h>

#include "kernel_sets.h"
#include "kernels.h"
#include "template.h"
#include "vector.h"

enum unary_op { NEGATIVE, ABS, SQUARE, SQRT };

#define T float
#define TI int32_t
#define TNAME f32
#define IS_FLOAT 1
#define SQRT_ITEM sqrtf
#define FABS_ITEM fabsf
#include "unary_body.h"

#define T double
#define TI int64_t
#define TNAME f64
#define IS_FLOAT 1
#define SQRT_ITEM sqrt
#define FABS_ITEM fabs
#include "unary_body.h"

/* Unsigned arithmetic wraps: abs and negative of the least integer are itself. */
#define T uint32_t
#define TI int32_t
#define TNAME i32
#define IS_FLOAT 0
#include "unary_body.h"

#define T uint64_t
#define TI int64_t
#define TNAME i64
#define IS_FLOAT 0
#include "unary_body.h"

#define ROW(op, type, ...)                                                                         \
    {                                                                                              \
#op, TREADLE_PASTE(op, type), {{__VA_ARGS__, 1 }, {__VA_ARGS__, 1 } }, 1                   \
    }
#define ROWS(type, ...)                                                                            \
    ROW(negative, type, __VA_ARGS__), ROW(abs, type, __VA_ARGS__), ROW(square, type, __VA_ARGS__)

const struct treadle_elementwise TREADLE_FN(treadle_unary)[TREADLE_UNARY_ROWS] = {
    ROWS(f32, TREADLE_FLOAT, 32), ROW(sqrt, f32, TREADLE_FLOAT, 32),
    ROWS(f64, TREADLE_FLOAT, 64), ROW(sqrt, f64, TREADLE_FLOAT, 64),
    ROWS(i32, TREADLE_INT, 32),   ROWS(i64, TREADLE_INT, 64),
};
