/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend that takes what libtreadle_blas gives away, and counts. */
#ifndef TAKER_H
#define TAKER_H

#include <stdatomic.h>
#include <stdint.h>
#include <treadle/treadle.h>

struct taker_log {
    atomic_int gemm;           /* products made here */
    atomic_int inside;         /* calls entered and not left */
    _Atomic uint32_t int_bits; /* of the last routine that was asked for */
    _Atomic uint32_t threads;  /* of the last grant */
};

extern struct taker_log taken;

/** What it has under a name beside the products dgemm_ and cblas_dgemm. */
extern const char *taker_name;
extern treadle_routine_fn taker_fn;

/** Make it the backend of all calls. */
void taker_install(void);

#endif
