/* SPDX-License-Identifier: BSD-3-Clause */
/* What each template defines for each ISA, and how long its tables are. */
#ifndef TREADLE_KERNEL_SETS_H
#define TREADLE_KERNEL_SETS_H

#include "kernels.h"
#include "template.h"

enum {
    TREADLE_BINARY_ROWS = 22,
    TREADLE_UNARY_ROWS = 14,
    TREADLE_COPY_ROWS = 15,
    TREADLE_FOLD_ROWS = 18,
    TREADLE_PRODUCT_ROWS = 4
};

#define TREADLE_DECLARE_BINARY(op, type)                                                           \
    void TREADLE_FN(treadle_##op##_##type)(size_t n, char *const *ptrs, const ptrdiff_t *strides,  \
                                           int past_caches)
#define TREADLE_DECLARE_BINARIES(type)                                                             \
    TREADLE_DECLARE_BINARY(add, type);                                                             \
    TREADLE_DECLARE_BINARY(subtract, type);                                                        \
    TREADLE_DECLARE_BINARY(multiply, type);                                                        \
    TREADLE_DECLARE_BINARY(maximum, type);                                                         \
    TREADLE_DECLARE_BINARY(minimum, type)

/* Of the template's own ISA: reductions combine rows by them. */
#if defined(TREADLE_ISA)
TREADLE_DECLARE_BINARIES(f32);
TREADLE_DECLARE_BINARIES(f64);
TREADLE_DECLARE_BINARIES(i32);
TREADLE_DECLARE_BINARIES(i64);
TREADLE_DECLARE_BINARY(divide, f32);
TREADLE_DECLARE_BINARY(divide, f64);
#endif

#define TREADLE_DECLARE_SET(isa)                                                                   \
    extern const struct treadle_elementwise treadle_binary_##isa[TREADLE_BINARY_ROWS];             \
    extern const struct treadle_elementwise treadle_unary_##isa[TREADLE_UNARY_ROWS];               \
    extern const struct treadle_elementwise treadle_copy_##isa[TREADLE_COPY_ROWS];                 \
    extern const struct treadle_fold treadle_fold_##isa[TREADLE_FOLD_ROWS];                        \
    extern const struct treadle_product treadle_product_##isa[TREADLE_PRODUCT_ROWS]

TREADLE_DECLARE_SET(c);
#if defined(__x86_64__)
TREADLE_DECLARE_SET(avx2);
TREADLE_DECLARE_SET(avx512);
#endif

#endif /* TREADLE_KERNEL_SETS_H */
