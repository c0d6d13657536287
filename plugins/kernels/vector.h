/* SPDX-License-Identifier: BSD-3-Clause */
/* The vectors of the ISA that a template is built for. Only templates include this. */
#ifndef TREADLE_VECTOR_H
#define TREADLE_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define TREADLE_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define TREADLE_VECTOR_BYTES 32
#else
#define TREADLE_VECTOR_BYTES 16
#endif

/* Alignment 1: operands come from anywhere, even from the middle of a record. */
typedef int8_t treadle_bytes
    __attribute__((vector_size(TREADLE_VECTOR_BYTES), aligned(1), may_alias));

/** Store past the caches. `to` is a multiple of TREADLE_VECTOR_BYTES. */
static inline void treadle_store_past_caches(void *to, treadle_bytes v)
{
#if defined(__AVX512F__)
    _mm512_stream_si512((__m512i *)to, (__m512i)v);
#elif defined(__AVX2__)
    _mm256_stream_si256((__m256i *)to, (__m256i)v);
#elif defined(__x86_64__)
    _mm_stream_si128((__m128i *)to, (__m128i)v);
#else
    *(treadle_bytes *)to = v;
#endif
}

/** Order the stores above before what the program does next. */
static inline void treadle_fence_stores(void)
{
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

/*
 * a + b and a * b where the order of the operands is kept: x86 hands on the payload of the first
 * NaN, and for the compiler the operands of + and * are free to change places.
 */
#if defined(__AVX2__)
#define TREADLE_ORDERED(instruction, result, a, b)                                                 \
    __asm__("v" instruction " %2, %1, %0" : "=v"(result) : "v"(a), "v"(b))
#elif defined(__x86_64__)
#define TREADLE_ORDERED(instruction, result, a, b)                                                 \
    __asm__(instruction " %2, %0" : "=x"(result) : "0"(a), "x"(b))
#endif

#endif /* TREADLE_VECTOR_H */
