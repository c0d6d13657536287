/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The innermost product and the packing of its operands, for one real type. Included by
 * gemm_avx512.c once per type: REAL, NAME, V (a vector), LANES, MASK, and the intrinsics LOAD,
 * LOAD_SOME, STORE, STORE_SOME, INDICES (an INDEX of multiples), GATHER_SOME, FMA, MUL, SET; and of
 * vectors of 8, ROW: ROW_LOAD, ROW_STORE, ROW_MUL, ROW_SET, ROW_ZERO, ROW_PERMUTE (by a ROW_INDEX).
 * No guard.
 *
 * A tile of C is 3 vectors high and 8 columns wide: 24 sums fill the FMA pipes, and 3 + 8 loads per
 * 24 of them leave the load ports half idle (BLIS's own 16 x 14 tile loads once per FMA).
 */
enum { NAME(HIGH) = VECTORS * LANES };

/* Lanes of vector `i` that are among the first `count` of a column. */
static inline MASK NAME(lanes)(dim_t count, int i)
{
    dim_t left = count - i * LANES;
    return left >= LANES ? (MASK)-1 : left <= 0 ? 0 : (MASK)((1u << left) - 1);
}

static inline __attribute__((always_inline)) void NAME(put_column)(const V *sums, int high, dim_t m,
                                                                   V alpha, REAL beta, REAL *c)
{
#pragma GCC unroll 3
    for (int i = 0; i < high; i++) {
        MASK some = NAME(lanes)(m, i);
        V x = MUL(alpha, sums[i]);
        if (beta != 0)
            x = FMA(SET(beta), LOAD_SOME(some, c + i * LANES), x);
        STORE_SOME(c + i * LANES, some, x);
    }
}

/* For any strides. */
static void NAME(put_elements)(const REAL *tile, dim_t m, dim_t n, REAL beta, REAL *c, inc_t rs,
                               inc_t cs)
{
    for (dim_t i = 0; i < m; i++)
        for (dim_t j = 0; j < n; j++) {
            REAL *to = c + i * rs + j * cs;
            REAL x = tile[j * NAME(HIGH) + i];
            *to = beta == 0 ? x : x + beta * *to;
        }
}

/* The upper `high` vectors of c = alpha a b + beta c; a constant, so that the sums are registers.
 */
static inline __attribute__((always_inline)) void NAME(multiply)(int high, dim_t m, dim_t n,
                                                                 dim_t k, REAL alpha, const REAL *a,
                                                                 const REAL *b, REAL beta, REAL *c,
                                                                 inc_t rs, inc_t cs)
{
    V sums[WIDE][VECTORS];
#pragma GCC unroll 8
    for (int j = 0; j < WIDE; j++)
#pragma GCC unroll 3
        for (int i = 0; i < high; i++)
            sums[j][i] = SET(0);
    if (rs == 1)
        for (dim_t j = 0; j < n; j++)
            for (int i = 0; i < high; i++)
                __builtin_prefetch(c + j * cs + i * LANES, 1);
#pragma GCC unroll 4
    for (dim_t l = 0; l < k; l++) {
        V x[VECTORS];
#pragma GCC unroll 3
        for (int i = 0; i < high; i++)
            x[i] = LOAD(a + i * LANES);
#pragma GCC unroll 8
        for (int j = 0; j < WIDE; j++) {
            V y = SET(b[j]);
#pragma GCC unroll 3
            for (int i = 0; i < high; i++)
                sums[j][i] = FMA(x[i], y, sums[j][i]);
        }
        /* The next panel of b, which comes from the last cache. Prefetching a loses: every load
         * costs, and the hardware finds a by itself. */
        __builtin_prefetch(b + k * WIDE, 0, 2);
        a += NAME(HIGH);
        b += WIDE;
    }
    if (rs == 1) {
#pragma GCC unroll 8
        for (int j = 0; j < WIDE; j++)
            if (j < n)
                NAME(put_column)(sums[j], high, m, SET(alpha), beta, c + j * cs);
        return;
    }
    REAL tile[WIDE * NAME(HIGH)] __attribute__((aligned(64)));
#pragma GCC unroll 8
    for (int j = 0; j < WIDE; j++)
#pragma GCC unroll 3
        for (int i = 0; i < high; i++)
            STORE(tile + j * NAME(HIGH) + i * LANES, MUL(SET(alpha), sums[j][i]));
    NAME(put_elements)(tile, m, n, beta, c, rs, cs);
}

/* c = alpha a b + beta c: BLIS's gemm micro-kernel. a and b are packed, HIGH and WIDE to a step. */
static void NAME(gemm)(dim_t m, dim_t n, dim_t k, REAL *restrict alpha, REAL *restrict a,
                       REAL *restrict b, REAL *restrict beta, REAL *restrict c, inc_t rs, inc_t cs,
                       auxinfo_t *restrict next, cntx_t *restrict cntx)
{
    (void)next;
    (void)cntx;
    if (m > 2 * LANES)
        NAME(multiply)(3, m, n, k, *alpha, a, b, *beta, c, rs, cs);
    else if (m > LANES)
        NAME(multiply)(2, m, n, k, *alpha, a, b, *beta, c, rs, cs);
    else
        NAME(multiply)(1, m, n, k, *alpha, a, b, *beta, c, rs, cs);
}

/* Where the 8 rows of a block are, columns of 8 as they go into the panel: reading along the rows
 * uses each cache line whole, which a gather down the columns does not. */
static inline __attribute__((always_inline)) void
NAME(transpose)(const REAL *from, inc_t row_stride, dim_t rows, REAL kappa, REAL *to, dim_t width)
{
    static const long long steps[3][2][8] = {
        {{0, 8, 2, 10, 4, 12, 6, 14}, {1, 9, 3, 11, 5, 13, 7, 15}},
        {{0, 1, 8, 9, 4, 5, 12, 13}, {2, 3, 10, 11, 6, 7, 14, 15}},
        {{0, 1, 2, 3, 8, 9, 10, 11}, {4, 5, 6, 7, 12, 13, 14, 15}},
    };
    ROW x[8], y[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        x[i] = i < rows ? ROW_MUL(ROW_LOAD(from + i * row_stride), ROW_SET(kappa)) : ROW_ZERO();
#pragma GCC unroll 3
    for (int step = 0; step < 3; step++) {
        const int far = 1 << step;
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++)
            y[i] = i & far ? ROW_PERMUTE(x[i - far], ROW_INDEX(steps[step][1]), x[i])
                           : ROW_PERMUTE(x[i], ROW_INDEX(steps[step][0]), x[i + far]);
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++)
            x[i] = y[i];
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        ROW_STORE(to + i * width, x[i]);
}

/* The elements of a row are neighbours. */
static inline __attribute__((always_inline)) void NAME(pack_rows)(dim_t rows, dim_t width,
                                                                  dim_t count, REAL kappa,
                                                                  const REAL *a, inc_t row_stride,
                                                                  REAL *p)
{
    dim_t whole = count & ~(dim_t)7;
    for (dim_t l = 0; l < whole; l += 8)
        for (dim_t i = 0; i < width; i += 8)
            NAME(transpose)
    (a + l + i * row_stride, row_stride, rows - i, kappa, p + l * width + i, width);
    for (dim_t l = whole; l < count; l++)
        for (dim_t i = 0; i < width; i++)
            p[l * width + i] = i < rows ? kappa * a[l + i * row_stride] : 0;
}

static inline __attribute__((always_inline)) void NAME(pack)(dim_t rows, dim_t width, dim_t count,
                                                             REAL kappa, const REAL *a,
                                                             inc_t row_stride, inc_t stride,
                                                             REAL *p)
{
    if (stride == 1) {
        NAME(pack_rows)(rows, width, count, kappa, a, row_stride, p);
        return;
    }
    MASK some[VECTORS], whole[VECTORS];
    for (int i = 0; i < VECTORS; i++) {
        some[i] = NAME(lanes)(rows, i);
        whole[i] = NAME(lanes)(width, i);
    }
    INDEX index = INDICES(row_stride);
    for (dim_t l = 0; l < count; l++)
        for (int i = 0; i * LANES < width; i++) {
            const REAL *from = a + l * stride + i * LANES * row_stride;
            /* Rows or steps are pages apart: the hardware prefetches neither. */
            __builtin_prefetch(row_stride == 1
                                   ? from + PACK_AHEAD * stride
                                   : from + l % LANES * row_stride + 3 * LANES * stride);
            V x = row_stride == 1 ? LOAD_SOME(some[i], from) : GATHER_SOME(some[i], index, from);
            STORE_SOME(p + l * width + i * LANES, whole[i], MUL(x, SET(kappa)));
        }
}

bool NAME(gemm_avx512_pack)(dim_t rows, dim_t width, dim_t count, dim_t padded, const REAL *kappa,
                            const REAL *a, inc_t row_stride, inc_t stride, REAL *p, inc_t ldp)
{
    if (ldp != width || row_stride > GATHER_MOST || row_stride < -GATHER_MOST)
        return false;
    if (width == NAME(HIGH))
        NAME(pack)(rows, NAME(HIGH), count, *kappa, a, row_stride, stride, p);
    else if (width == WIDE)
        NAME(pack)(rows, WIDE, count, *kappa, a, row_stride, stride, p);
    else
        return false;
    memset(p + count * width, 0, (size_t)((padded - count) * width) * sizeof *p);
    return true;
}
