/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The linear algebra ops, one set per LAPACK letter: svd_d() is svd for f64.
 *
 * Each matrix of a stack is copied into LAPACK's order, worked on there, and its factors copied
 * out. A matrix LAPACK cannot handle ends the call with TREADLE_E_NUMERIC.
 */
#ifndef TREADLE_BLIS_LINALG_H
#define TREADLE_BLIS_LINALG_H

#include <treadle/plugin.h>

#define LINALG_DECLARE(letter)                                                                     \
    int32_t svd_##letter(struct treadle_call *call);                                               \
    int32_t svd_values_##letter(struct treadle_call *call);                                        \
    int32_t qr_##letter(struct treadle_call *call);                                                \
    int32_t eigh_##letter(struct treadle_call *call);                                              \
    int32_t solve_##letter(struct treadle_call *call);                                             \
    int32_t cholesky_##letter(struct treadle_call *call);                                          \
    int32_t inv_##letter(struct treadle_call *call);

LINALG_DECLARE(s)
LINALG_DECLARE(d)
LINALG_DECLARE(c)
LINALG_DECLARE(z)

#endif /* TREADLE_BLIS_LINALG_H */
