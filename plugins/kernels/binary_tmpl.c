/* SPDX-License-Identifier: BSD-3-Clause */
/* dst[i] = x[i] op y[i]: the table of one ISA. The loops are in binary_body.h, once per type. */
#include <string.h>

#include "flags.h"
#include "kernels.h"
#include "kernel_sets.h"
#include "template.h"
#include "vector.h"

enum binary_op { ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM, MINIMUM };

#define T float
#define TI int32_t
#define TNAME f32
#define IS_FLOAT 1
#define SUFFIX_VECTOR "ps"
#define SUFFIX_SCALAR "ss"
#include "binary_body.h"

#define T double
#define TI int64_t
#define TNAME f64
#define IS_FLOAT 1
#define SUFFIX_VECTOR "pd"
#define SUFFIX_SCALAR "sd"
#include "binary_body.h"

/* Unsigned arithmetic wraps; only the comparisons need the sign. */
#define T uint32_t
#define TI int32_t
#define TNAME i32
#define IS_FLOAT 0
#include "binary_body.h"

#define T uint64_t
#define TI int64_t
#define TNAME i64
#define IS_FLOAT 0
#include "binary_body.h"

#define ROW(op, type, ...)                                                                         \
    {                                                                                              \
#op, TREADLE_FN(TREADLE_PASTE(treadle_##op, type)),                                        \
            {{__VA_ARGS__, 1 }, {__VA_ARGS__, 1 }, {__VA_ARGS__, 1 } }, 2                          \
    }
#define ROWS(type, ...)                                                                            \
    ROW(add, type, __VA_ARGS__), ROW(subtract, type, __VA_ARGS__),                                 \
        ROW(multiply, type, __VA_ARGS__), ROW(maximum, type, __VA_ARGS__),                         \
        ROW(minimum, type, __VA_ARGS__)

const struct treadle_elementwise TREADLE_FN(treadle_binary)[TREADLE_BINARY_ROWS] = {
    ROWS(f32, TREADLE_FLOAT, 32), ROW(divide, f32, TREADLE_FLOAT, 32),
    ROWS(f64, TREADLE_FLOAT, 64), ROW(divide, f64, TREADLE_FLOAT, 64),
    ROWS(i32, TREADLE_INT, 32),   ROWS(i64, TREADLE_INT, 64),
};
