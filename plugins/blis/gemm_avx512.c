/* SPDX-License-Identifier: BSD-3-Clause */
#include "gemm_avx512.h"

#include <immintrin.h>
#include <string.h>
#include <unistd.h>

/* Vectors to a column of a tile, columns to a tile, and how many steps ahead packing prefetches. */
enum { VECTORS = 3, WIDE = 8, PACK_AHEAD = 12 };

/* Of a block of a: columns for each type, and most rows. */
enum { DEPTH_S = 384, DEPTH_D = 480, ROWS_MOST = 480 };

/* Of elements in a gather, whose indices have 32 bits. */
#define GATHER_MOST (INT32_MAX / 16)

#define REAL double
#define NAME(x) x##_d
#define V __m512d
#define LANES 8
#define MASK __mmask8
#define LOAD(p) _mm512_loadu_pd(p)
#define LOAD_SOME(mask, p) _mm512_maskz_loadu_pd(mask, p)
#define STORE(p, x) _mm512_storeu_pd(p, x)
#define STORE_SOME(p, mask, x) _mm512_mask_storeu_pd(p, mask, x)
#define INDEX __m256i
#define INDICES(stride)                                                                            \
    _mm256_mullo_epi32(_mm256_set1_epi32((int)(stride)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define GATHER_SOME(mask, index, p)                                                                \
    _mm512_mask_i32gather_pd(_mm512_setzero_pd(), mask, index, p, sizeof(REAL))
#define FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define MUL(a, b) _mm512_mul_pd(a, b)
#define SET(x) _mm512_set1_pd(x)
#define ROW __m512d
#define ROW_LOAD(p) _mm512_loadu_pd(p)
#define ROW_STORE(p, x) _mm512_storeu_pd(p, x)
#define ROW_MUL(a, b) _mm512_mul_pd(a, b)
#define ROW_SET(x) _mm512_set1_pd(x)
#define ROW_ZERO() _mm512_setzero_pd()
#define ROW_INDEX(indices) _mm512_loadu_si512(indices)
#define ROW_PERMUTE(a, index, b) _mm512_permutex2var_pd(a, index, b)
#include "gemm_avx512_tmpl.h"
#undef REAL
#undef NAME
#undef V
#undef LANES
#undef MASK
#undef LOAD
#undef LOAD_SOME
#undef STORE
#undef STORE_SOME
#undef INDEX
#undef INDICES
#undef GATHER_SOME
#undef FMA
#undef MUL
#undef SET
#undef ROW
#undef ROW_LOAD
#undef ROW_STORE
#undef ROW_MUL
#undef ROW_SET
#undef ROW_ZERO
#undef ROW_INDEX
#undef ROW_PERMUTE

#define REAL float
#define NAME(x) x##_s
#define V __m512
#define LANES 16
#define MASK __mmask16
#define LOAD(p) _mm512_loadu_ps(p)
#define LOAD_SOME(mask, p) _mm512_maskz_loadu_ps(mask, p)
#define STORE(p, x) _mm512_storeu_ps(p, x)
#define STORE_SOME(p, mask, x) _mm512_mask_storeu_ps(p, mask, x)
#define INDEX __m512i
#define INDICES(stride)                                                                            \
    _mm512_mullo_epi32(_mm512_set1_epi32((int)(stride)),                                           \
                       _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define GATHER_SOME(mask, index, p)                                                                \
    _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, index, p, sizeof(REAL))
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define SET(x) _mm512_set1_ps(x)
#define ROW __m256
#define ROW_LOAD(p) _mm256_loadu_ps(p)
#define ROW_STORE(p, x) _mm256_storeu_ps(p, x)
#define ROW_MUL(a, b) _mm256_mul_ps(a, b)
#define ROW_SET(x) _mm256_set1_ps(x)
#define ROW_ZERO() _mm256_setzero_ps()
#define ROW_INDEX(indices) _mm512_cvtepi64_epi32(_mm512_loadu_si512(indices))
#define ROW_PERMUTE(a, index, b) _mm256_permutex2var_ps(a, index, b)
#include "gemm_avx512_tmpl.h"

/* As many rows of a, each `depth` bytes long, as fill half of the second-level cache. */
static dim_t rows_of_block(dim_t high, dim_t depth)
{
    long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
    dim_t rows = (cache > 0 ? cache : 1 << 20) / 2 / depth / high * high;
    return rows < high ? high : rows > ROWS_MOST ? ROWS_MOST / high * high : rows;
}

void gemm_avx512_install(cntx_t *cntx)
{
    blksz_t size[BLIS_NUM_BLKSZS];
    bli_cntx_set_l3_nat_ukrs(2, BLIS_GEMM_UKR, BLIS_FLOAT, gemm_s, FALSE, BLIS_GEMM_UKR,
                             BLIS_DOUBLE, gemm_d, FALSE, cntx);
    bli_blksz_init_easy(&size[BLIS_MR], HIGH_s, HIGH_d, -1, -1);
    bli_blksz_init_easy(&size[BLIS_NR], WIDE, WIDE, -1, -1);
    bli_blksz_init_easy(&size[BLIS_MC], rows_of_block(HIGH_s, DEPTH_S * sizeof(float)),
                        rows_of_block(HIGH_d, DEPTH_D * sizeof(double)), -1, -1);
    bli_blksz_init(&size[BLIS_KC], DEPTH_S, DEPTH_D, -1, -1, 480, 600, -1, -1);
    bli_blksz_init_easy(&size[BLIS_NC], 3840, 3840, -1, -1);
    bli_cntx_set_blkszs(BLIS_NAT, 5, BLIS_NC, &size[BLIS_NC], BLIS_NR, BLIS_KC, &size[BLIS_KC],
                        BLIS_KR, BLIS_MC, &size[BLIS_MC], BLIS_MR, BLIS_NR, &size[BLIS_NR], BLIS_NR,
                        BLIS_MR, &size[BLIS_MR], BLIS_MR, cntx);
}
