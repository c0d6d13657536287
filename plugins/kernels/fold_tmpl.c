/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions: the table of one ISA. The loops are in fold_body.h, once per type. */
#include <math.h>

#include "flags.h"
#include "kernel_sets.h"
#include "kernels.h"
#include "pairwise.h"
#include "template.h"
#include "vector.h"

/*
 * How far ahead a sum reads, in bytes. A leaf of the tree ends before the hardware's prefetching
 * has got going: 560 MB of doubles 42.5 ms instead of 45.2, 160 KB in cache 1.7 us instead of 2.1.
 */
enum { PREFETCH = 2048 };

/*
 * From how many bytes on the two halves of a sum are read at the same time: two streams keep more
 * reads of memory in flight. 800 MB of doubles on a Xeon: 49.7 -> 48.3 ms on one thread, 25.7 ->
 * 24.1 on two. Less than 128 KB, in cache, took longer.
 */
enum { TWO_STREAMS = 262144 };

#define T float
#define TI int32_t
#define TNAME f32
#define IS_FLOAT 1
#define HAS_SUM 1
#define SUFFIX_VECTOR "ps"
#define SUFFIX_SCALAR "ss"
#include "fold_body.h"

#define T double
#define TI int64_t
#define TNAME f64
#define IS_FLOAT 1
#define HAS_SUM 1
#define SUFFIX_VECTOR "pd"
#define SUFFIX_SCALAR "sd"
#include "fold_body.h"

/* Sums and products of i32 are left out: NumPy's are i64, an array's result has its own type. */
#define T uint32_t
#define TI int32_t
#define TNAME i32
#define IS_FLOAT 0
#define HAS_SUM 0
#include "fold_body.h"

#define T uint64_t
#define TI int64_t
#define TNAME i64
#define IS_FLOAT 0
#define HAS_SUM 1
#include "fold_body.h"

static const float f32_zero = 0, f32_minus_zero = -0.0F, f32_one = 1;
static const double f64_zero = 0, f64_minus_zero = -0.0, f64_one = 1;
static const int64_t i64_zero = 0, i64_one = 1;

/* op, its input's type, what is accumulated, and for how many elements; then the functions. */
#define ROW(op, in, in_bits, out, out_bits, flags, fold, combine, gather, divide, ...)             \
    {                                                                                              \
        op, {{in, in_bits, 1}, {out, out_bits, 1}}, flags, fold, TREADLE_FN(combine), gather,      \
            divide, __VA_ARGS__                                                                    \
    }

#define FLOAT_ROWS(type, bits)                                                                     \
    ROW("sum", TREADLE_FLOAT, bits, TREADLE_FLOAT, bits, TREADLE_FOLD_PAIRWISE, sum_##type,        \
        treadle_add_##type, gather_##type, NULL, &type##_zero, &type##_minus_zero),                \
        ROW("mean", TREADLE_FLOAT, bits, TREADLE_FLOAT, bits,                                      \
            TREADLE_FOLD_PAIRWISE | TREADLE_FOLD_NEEDS_ONE, sum_##type, treadle_add_##type,        \
            gather_##type, divide_##type, &type##_zero, &type##_minus_zero),                       \
        ROW("prod", TREADLE_FLOAT, bits, TREADLE_FLOAT, bits, 0, prod_##type,                      \
            treadle_multiply_##type, gather_##type, NULL, &type##_one, &type##_one),               \
        PICK_ROWS(type, TREADLE_FLOAT, bits, TREADLE_FOLD_UNLESS_SPECIAL)

#define PICK_ROWS(type, code, bits, flag)                                                          \
    ROW("max", code, bits, code, bits, flag | TREADLE_FOLD_NEEDS_ONE, max_##type,                  \
        treadle_maximum_##type, gather_##type, NULL, NULL, NULL),                                  \
        ROW("min", code, bits, code, bits, flag | TREADLE_FOLD_NEEDS_ONE, min_##type,              \
            treadle_minimum_##type, gather_##type, NULL, NULL, NULL)

#define MEAN_ROW(type, bits)                                                                       \
    ROW("mean", TREADLE_INT, bits, TREADLE_FLOAT, 64,                                              \
        TREADLE_FOLD_PAIRWISE | TREADLE_FOLD_CONVERTS | TREADLE_FOLD_NEEDS_ONE, sum_f64,           \
        treadle_add_f64, gather_double_##type, divide_f64, &f64_zero, &f64_minus_zero)

#define WRAPPING_ROW(op, combine, start)                                                           \
    ROW(#op, TREADLE_INT, 64, TREADLE_INT, 64, TREADLE_FOLD_ANY_ORDER, op##_i64,                   \
        treadle_##combine##_i64, gather_i64, NULL, &start, &start)

const struct treadle_fold TREADLE_FN(treadle_fold)[TREADLE_FOLD_ROWS] = {
    FLOAT_ROWS(f32, 32),
    FLOAT_ROWS(f64, 64),
    WRAPPING_ROW(sum, add, i64_zero),
    WRAPPING_ROW(prod, multiply, i64_one),
    PICK_ROWS(i64, TREADLE_INT, 64, TREADLE_FOLD_ANY_ORDER),
    PICK_ROWS(i32, TREADLE_INT, 32, TREADLE_FOLD_ANY_ORDER),
    MEAN_ROW(i64, 64),
    MEAN_ROW(i32, 32),
};
