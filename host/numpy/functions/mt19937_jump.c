/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Jumping in the stream of MT19937 (Haramoto, Matsumoto, Nishimura, Panneton, L'Ecuyer: Efficient
 * Jump Ahead for F2-Linear Random Number Generators, 2008). One step of the generator, by a word,
 * is a linear map T of its state; T to the power n is a polynomial in T, x^n modulo the
 * characteristic polynomial.
 */
#include "mt19937_jump.h"

#include <string.h>

enum {
    N = MT19937_WORDS,
    M = 397,
    R = 31, /* low bits of a word that the step does not use */
    DEGREE = 19937,
    LIMBS = MT19937_LIMBS,
    TERMS_MAX = 256
};

static const uint32_t A = 0x9908b0df;

/* ---- polynomials -------------------------------------------------------------------------------
 */

static void flip(uint64_t *limbs, int bit)
{
    limbs[bit / 64] ^= UINT64_C(1) << bit % 64;
}

/* product = p (x^high + x^low) */
static void multiply(uint64_t *product, const uint64_t *p, int high, int low)
{
    uint64_t result[LIMBS + 1] = {0};

    for (int i = 0; i <= DEGREE - high; i++)
        if (p[i / 64] >> i % 64 & 1) {
            flip(result, i + high);
            flip(result, i + low);
        }
    memcpy(product, result, LIMBS * sizeof(*result));
}

/*
 * The characteristic polynomial, of T: u v^31 + a0 u v^30 + ... + a30 u + a31, with u = x^N + x^M,
 * v = x^(N-1) + x^(M-1), and the bits ai of A (Matsumoto and Nishimura, Mersenne Twister, 1998).
 * Fills in the exponents below DEGREE and returns their number: 134.
 */
static int characteristic(int *exponents)
{
    uint64_t sum[LIMBS] = {0};
    int count = 0;

    flip(sum, 0);
    for (int i = 0; i < R; i++) {
        multiply(sum, sum, N - 1, M - 1);
        if (A >> i & 1)
            flip(sum, 0);
    }
    multiply(sum, sum, N, M);
    if (A >> R & 1)
        flip(sum, 0);
    for (int i = 0; i < DEGREE; i++)
        if (sum[i / 64] >> i % 64 & 1)
            exponents[count++] = i;
    return count;
}

/* limbs ^= bits x^place */
static void add_at(uint64_t *limbs, uint64_t bits, int place)
{
    limbs[place / 64] ^= bits << place % 64;
    if (place % 64)
        limbs[place / 64 + 1] ^= bits >> (64 - place % 64);
}

/* Modulo the characteristic polynomial, from the top. Its second term is 227 below its first, so a
 * limb is done with before anything is added to it again. */
static void reduce(uint64_t *limbs, int count, const int *exponents, int terms)
{
    for (int i = count - 1; i >= DEGREE / 64; i--) {
        int from = i * 64 < DEGREE ? DEGREE : i * 64;
        uint64_t bits = limbs[i] >> (from - i * 64);

        for (int k = 0; bits && k < terms; k++)
            add_at(limbs, bits, from - DEGREE + exponents[k]);
        limbs[i] ^= bits << (from - i * 64);
    }
}

/* The bits of the lower half, each followed by a 0. */
static uint64_t spread(uint64_t x)
{
    x &= UINT64_C(0xffffffff);
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    return (x | x << 1) & UINT64_C(0x5555555555555555);
}

static void square(uint64_t *p, const int *exponents, int terms)
{
    uint64_t result[2 * LIMBS + 1] = {0};

    for (int i = 0; i < LIMBS; i++) {
        result[2 * i] = spread(p[i]);
        result[2 * i + 1] = spread(p[i] >> 32);
    }
    reduce(result, 2 * LIMBS, exponents, terms);
    memcpy(p, result, LIMBS * sizeof(*p));
}

static void times_x(uint64_t *p, const int *exponents, int terms)
{
    for (int i = LIMBS - 1; i > 0; i--)
        p[i] = p[i] << 1 | p[i - 1] >> 63;
    p[0] <<= 1;
    reduce(p, LIMBS, exponents, terms);
}

/* Of a state the 31 bits that a step does not use follow no polynomial: the first step is made by
 * mt19937_jump(). */
void mt19937_polynomial(struct mt19937_polynomial *polynomial, uint64_t words)
{
    int exponents[TERMS_MAX], terms = characteristic(exponents);
    uint64_t *p = polynomial->limbs, power = words - 1;

    memset(polynomial, 0, sizeof(*polynomial));
    flip(p, 0);
    for (int bit = 63; bit >= 0; bit--) {
        square(p, exponents, terms);
        if (power >> bit & 1)
            times_x(p, exponents, terms);
    }
}

/* ---- states ------------------------------------------------------------------------------------
 */

/* The word that comes after the N from `state` on. */
static uint32_t next_word(const uint32_t *state)
{
    uint32_t y = (state[0] & UINT32_C(0x80000000)) | (state[1] & UINT32_C(0x7fffffff));

    return state[M] ^ y >> 1 ^ (y & 1 ? A : 0);
}

static void add(uint32_t *restrict sum, const uint32_t *restrict state)
{
    for (int i = 0; i < N; i++)
        sum[i] ^= state[i];
}

/* By Horner's rule; a step only appends a word, and the state begins one word later. */
void mt19937_jump(uint32_t *jumped, const uint32_t *key,
                  const struct mt19937_polynomial *polynomial, uint32_t *room)
{
    uint32_t first[N + 1], *sum = room;

    memset(room, 0, MT19937_ROOM * sizeof(*room));
    memcpy(first, key, N * sizeof(*key));
    first[N] = next_word(first);
    for (int i = DEGREE - 1; i >= 0; i--) {
        sum[N] = next_word(sum);
        sum++;
        if (polynomial->limbs[i / 64] >> i % 64 & 1)
            add(sum, first + 1);
    }
    memcpy(jumped, sum, N * sizeof(*jumped));
}
