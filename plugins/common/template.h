/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of what a template file makes: TREADLE_FN(add) is add_avx2 when built for AVX2. */
#ifndef TREADLE_TEMPLATE_H
#define TREADLE_TEMPLATE_H

#define TREADLE_PASTE2(a, b) a##_##b
#define TREADLE_PASTE(a, b) TREADLE_PASTE2(a, b)
#define TREADLE_FN(name) TREADLE_PASTE(name, TREADLE_ISA)

#define TREADLE_TO_STRING2(a) #a
#define TREADLE_TO_STRING(a) TREADLE_TO_STRING2(a)

#define TREADLE_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Loops that become real loops only once their constant arguments are known. */
#define TREADLE_INLINE static inline __attribute__((always_inline))

#endif /* TREADLE_TEMPLATE_H */
