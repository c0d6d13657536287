/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BLAS operations Treadle calls by itself, for all four types, threaded under the caller's
 * grant. Strides count elements. Those of inputs may be zero or negative, only not -1 in a matrix
 * of blas_gemm(): BLIS takes that for 1. With beta zero what stood in the output is not read.
 */
#ifndef TREADLE_BLIS_BLAS_H
#define TREADLE_BLIS_BLAS_H

#include <blis.h>

struct matrix {
    char *data;
    dim_t rows, columns;
    inc_t row_stride, column_stride;
    conj_t conj; /* of an input: use the conjugates */
};

struct vector {
    char *data;
    dim_t count;
    inc_t stride;
    conj_t conj;
};

/** The transpose of x, in the same memory. */
struct matrix blas_transpose(struct matrix x);

/** c = alpha x y + beta c. alpha and beta have the type dt. */
void blas_gemm(num_t dt, const void *alpha, struct matrix x, struct matrix y, const void *beta,
               struct matrix c);

/** y = alpha a x + beta y. */
void blas_gemv(num_t dt, const void *alpha, struct matrix a, struct vector x, const void *beta,
               struct vector y);

/** c = alpha a a^T + beta c, in the triangle `part` of c only. */
void blas_syrk(num_t dt, uplo_t part, const void *alpha, struct matrix a, const void *beta,
               struct matrix c);

/** *out = sum of x[i] y[i]; the same bits for every number of threads. */
void blas_dot(num_t dt, struct vector x, struct vector y, void *out);

/** y += alpha x. */
void blas_axpy(num_t dt, const void *alpha, struct vector x, struct vector y);

/** y = x. */
void blas_copy(num_t dt, struct vector x, struct vector y);

/** One, in type dt. */
const void *blas_one(num_t dt);
/** Zero, in type dt. */
const void *blas_zero(num_t dt);

#endif /* TREADLE_BLIS_BLAS_H */
