/* SPDX-License-Identifier: BSD-3-Clause */
/* BLIS's real products on AVX-512, faster than those BLIS 0.9 has; see gemm_avx512_tmpl.h. */
#ifndef TREADLE_BLIS_GEMM_AVX512_H
#define TREADLE_BLIS_GEMM_AVX512_H

#include <stdbool.h>

#include <blis.h>

/** Put the kernels and their block sizes into a context of BLIS's own kernels for skx. */
void gemm_avx512_install(cntx_t *cntx);

/**
 * Pack a panel as bli_spackm_cxk() and bli_dpackm_cxk() do, of width `width`. False if it is not
 * one for these kernels: nothing was done.
 */
bool gemm_avx512_pack_s(dim_t rows, dim_t width, dim_t count, dim_t padded, const float *kappa,
                        const float *a, inc_t row_stride, inc_t stride, float *p, inc_t ldp);
bool gemm_avx512_pack_d(dim_t rows, dim_t width, dim_t count, dim_t padded, const double *kappa,
                        const double *a, inc_t row_stride, inc_t stride, double *p, inc_t ldp);

#endif /* TREADLE_BLIS_GEMM_AVX512_H */
