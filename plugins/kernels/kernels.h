/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arithmetic, once, for every plugin that has none of its own. Each family has one template
 * (*_tmpl.c), built once for each ISA; treadle_kernels() picks the set for this machine.
 *
 * Kernels take pointers of any alignment and byte strides of any sign, allocate nothing and know no
 * threads. Their results have NumPy's bits on every ISA.
 */
#ifndef TREADLE_KERNELS_H
#define TREADLE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>
#include <treadle/plugin.h>

/**
 * dst[i] = op(x[i]) or op(x[i], y[i]) for i < n; operand k's element i is at
 * ptrs[k] + i * strides[k], the last operand is dst. dst is the very memory of an operand or
 * touches none.
 *
 * past_caches: use non-temporal stores if dst is contiguous. They are faster when the next reader
 * would not find dst in a cache anyway, and slower when it would.
 */
typedef void (*treadle_elementwise_fn)(size_t n, char *const *ptrs, const ptrdiff_t *strides,
                                       int past_caches);

struct treadle_elementwise {
    const char *op;
    treadle_elementwise_fn run;
    struct treadle_dtype dtypes[3]; /* of all operands, the same */
    uint32_t nin;
};

/**
 * *acc = *acc op (x[0] op x[1] op ...). For a sum of floats the parenthesis is NumPy's pairwise
 * tree; for a product of floats there is none: *acc takes one factor after the other.
 */
typedef void (*treadle_fold_fn)(void *acc, size_t n, const char *x, ptrdiff_t stride);

/** to[i] = x[i], converted to the type that is accumulated; `to` is contiguous. */
typedef void (*treadle_gather_fn)(void *to, size_t n, const char *x, ptrdiff_t stride);

/** *result = *sum / count, both in the accumulated type. */
typedef void (*treadle_divide_fn)(void *result, int64_t count);

enum treadle_fold_flags {
    /** Pieces folded on their own may be joined in any order: integers. */
    TREADLE_FOLD_ANY_ORDER = 1,
    /** Pieces may be joined along the nodes of treadle_pairwise_split(). */
    TREADLE_FOLD_PAIRWISE = 2,
    /** Pieces may be joined unless the result is zero or NaN, whose sign depends on the order. */
    TREADLE_FOLD_UNLESS_SPECIAL = 4,
    /** x is converted to the accumulated type first, in NumPy's blocks of 8192. */
    TREADLE_FOLD_CONVERTS = 8,
    /** There is no result for no elements. */
    TREADLE_FOLD_NEEDS_ONE = 16
};

struct treadle_fold {
    const char *op;
    struct treadle_dtype dtypes[2]; /* of x and the result, which is what is accumulated */
    uint32_t flags;                 /* enum treadle_fold_flags */
    treadle_fold_fn fold;
    treadle_elementwise_fn combine; /* acc[i] = acc[i] op x[i], both of type out */
    treadle_gather_fn gather;
    treadle_divide_fn divide; /* NULL unless it is a mean */
    const void *start;        /* what NumPy begins with: +0, 1; NULL: the first element */
    const void *identity;     /* leaves every value as it is: -0.0, 1; NULL: the first element */
};

/** out[m,n] = x[m,k] times y[k,n], byte strides of rows and columns. */
struct treadle_product_shape {
    size_t m, k, n;
    ptrdiff_t x_row, x_column, y_row, y_column, out_row, out_column;
};

/** Bytes of scratch memory that a matmul kernel wants, aligned to 64. */
enum { TREADLE_PRODUCT_SCRATCH = 384 * 1024 };

typedef void (*treadle_matmul_fn)(const struct treadle_product_shape *shape, const char *x,
                                  const char *y, char *out, void *scratch);
typedef void (*treadle_dot_fn)(size_t n, const char *x, ptrdiff_t x_stride, const char *y,
                               ptrdiff_t y_stride, char *out);

struct treadle_product {
    treadle_matmul_fn matmul;
    treadle_dot_fn dot;
    struct treadle_dtype dtypes[3];
};

enum treadle_family {
    TREADLE_FAMILY_ELEMENTWISE,
    TREADLE_FAMILY_FOLD,
    TREADLE_FAMILY_MATMUL,
    TREADLE_FAMILY_DOT,
    TREADLE_FAMILY_LOOP
};

/** One answer of treadle_kernels_find(): the row is of the family's type, NULL for `loop`. */
struct treadle_found {
    enum treadle_family family;
    const void *row;
    const char *isa;
    int exact; /* NumPy's bits, whatever the thread count */
};

/**
 * The best kernel on this machine (TREADLE_CPU=baseline|avx2|avx512 limits it) in static memory;
 * TREADLE_E_DECLINED if there is none.
 */
int32_t treadle_kernels_find(const struct treadle_query *query, struct treadle_found *found);

/** The i-th operation there is, as struct treadle_plugin's list_kernel(). */
int32_t treadle_kernels_list(uint32_t i, struct treadle_query *query);

#endif /* TREADLE_KERNELS_H */
