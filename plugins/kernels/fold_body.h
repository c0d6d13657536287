/* SPDX-License-Identifier: BSD-3-Clause */
/* The folds of one type. Included once for each: T, TI, TNAME, IS_FLOAT (no guard). */

#include "vector_body.h"

enum { BODY(LANES) = TREADLE_VECTOR_BYTES / sizeof(T) };

static inline T BODY(at)(const char *x, ptrdiff_t stride, size_t i)
{
    return *(const BODY(item) *)(x + (ptrdiff_t)i * stride);
}

#if IS_FLOAT

/* Eight accumulators whatever the ISA, in as few vectors as it has: they are NumPy's. */
enum {
    BODY(EIGHT_BYTES) = 8 * sizeof(T),
    BODY(CHUNK_BYTES) = TREADLE_VECTOR_BYTES < 8 * sizeof(T) ? TREADLE_VECTOR_BYTES : 8 * sizeof(T),
    BODY(CHUNKS) = BODY(EIGHT_BYTES) / BODY(CHUNK_BYTES),
    BODY(CHUNK_LANES) = 8 / BODY(CHUNKS)
};
typedef T BODY(chunk) __attribute__((vector_size(BODY(CHUNK_BYTES)), aligned(1), may_alias));

/* The order of the operands decides which of two NaNs survives. */
TREADLE_INLINE T BODY(plus)(T a, T b)
{
#if defined(TREADLE_ORDERED)
    TREADLE_ORDERED("add" SUFFIX_SCALAR, a, a, b);
    return a;
#else
    return a + b;
#endif
}

TREADLE_INLINE BODY(chunk) BODY(plus_chunk)(BODY(chunk) a, BODY(chunk) b)
{
#if defined(TREADLE_ORDERED)
    TREADLE_ORDERED("add" SUFFIX_VECTOR, a, a, b);
    return a;
#else
    return a + b;
#endif
}

TREADLE_INLINE BODY(chunk) BODY(load_chunk)(const char *x, ptrdiff_t stride)
{
    BODY(chunk) v;
    if (stride == sizeof(T))
        return *(const BODY(chunk) *)x;
    for (size_t i = 0; i < BODY(CHUNK_LANES); i++)
        v[i] = BODY(at)(x, stride, i);
    return v;
}

/* r2 + r3 is the other way round in NumPy's build, at least in sums of one leaf. */
TREADLE_INLINE T BODY(join_eight)(const BODY(chunk) * r)
{
    T v[8];
    for (size_t i = 0; i < 8; i++)
        v[i] = r[i / BODY(CHUNK_LANES)][i % BODY(CHUNK_LANES)];
    T low = BODY(plus)(BODY(plus)(v[0], v[1]), BODY(plus)(v[3], v[2]));
    T high = BODY(plus)(BODY(plus)(v[4], v[5]), BODY(plus)(v[6], v[7]));
    return BODY(plus)(low, high);
}

/* A leaf of the tree: n <= TREADLE_PAIRWISE_LEAF. */
TREADLE_INLINE T BODY(sum_leaf)(const char *x, ptrdiff_t stride, size_t n)
{
    const ptrdiff_t chunk = BODY(CHUNK_LANES) * stride;
    const size_t whole = n - n % 8;
    T sum = (T)-0.0;
    size_t i = 0;
    if (n >= 8) {
        BODY(chunk) r[BODY(CHUNKS)];
        for (size_t c = 0; c < BODY(CHUNKS); c++)
            r[c] = BODY(load_chunk)(x + (ptrdiff_t)c * chunk, stride);
        for (i = 8; i < whole; i += 8) {
            const char *at = x + (ptrdiff_t)i * stride;
            __builtin_prefetch(at + PREFETCH);
            for (size_t c = 0; c < BODY(CHUNKS); c++)
                r[c] = BODY(plus_chunk)(r[c], BODY(load_chunk)(at + (ptrdiff_t)c * chunk, stride));
        }
        sum = BODY(join_eight)(r);
    }
    for (; i < n; i++)
        sum = BODY(plus)(sum, BODY(at)(x, stride, i));
    return sum;
}

static T BODY(sum_contiguous)(const char *x, size_t n)
{
    if (n <= TREADLE_PAIRWISE_LEAF)
        return BODY(sum_leaf)(x, sizeof(T), n);
    size_t left = treadle_pairwise_split(n);
    T sum = BODY(sum_contiguous)(x, left);
    return BODY(plus)(sum, BODY(sum_contiguous)(x + left * sizeof(T), n - left));
}

/* Two nodes of the tree at once, leaf by leaf in turn. */
static void BODY(sum_two)(const char *x, size_t nx, const char *y, size_t ny, T sums[2])
{
    if (nx <= TREADLE_PAIRWISE_LEAF || ny <= TREADLE_PAIRWISE_LEAF) {
        sums[0] = BODY(sum_contiguous)(x, nx);
        sums[1] = BODY(sum_contiguous)(y, ny);
        return;
    }
    const size_t left_x = treadle_pairwise_split(nx), left_y = treadle_pairwise_split(ny);
    T right[2];
    BODY(sum_two)(x, left_x, y, left_y, sums);
    BODY(sum_two)
    (x + left_x * sizeof(T), nx - left_x, y + left_y * sizeof(T), ny - left_y, right);
    for (size_t i = 0; i < 2; i++)
        sums[i] = BODY(plus)(sums[i], right[i]);
}

static T BODY(sum_long)(const char *x, size_t n)
{
    const size_t left = treadle_pairwise_split(n);
    T halves[2];
    BODY(sum_two)(x, left, x + left * sizeof(T), n - left, halves);
    return BODY(plus)(halves[0], halves[1]);
}

static T BODY(sum_strided)(const char *x, ptrdiff_t stride, size_t n)
{
    if (n <= TREADLE_PAIRWISE_LEAF)
        return BODY(sum_leaf)(x, stride, n);
    size_t left = treadle_pairwise_split(n);
    T sum = BODY(sum_strided)(x, stride, left);
    return BODY(plus)(sum, BODY(sum_strided)(x + (ptrdiff_t)left * stride, stride, n - left));
}

static void BODY(sum)(void *acc, size_t n, const char *x, ptrdiff_t stride)
{
    T sum = stride != sizeof(T)            ? BODY(sum_strided)(x, stride, n)
            : n * sizeof(T) >= TWO_STREAMS ? BODY(sum_long)(x, n)
                                           : BODY(sum_contiguous)(x, n);
    *(T *)acc = BODY(plus)(*(T *)acc, sum);
}

static void BODY(divide)(void *result, int64_t count)
{
    *(T *)result = (T)((double)*(T *)result / (double)count);
}

#else

#if HAS_SUM
static void BODY(sum)(void *acc, size_t n, const char *x, ptrdiff_t stride)
{
    T sum = *(T *)acc;
    if (stride == sizeof(T)) {
        for (size_t i = 0; i < n; i++)
            sum += ((const BODY(item) *)x)[i];
    } else {
        for (size_t i = 0; i < n; i++)
            sum += BODY(at)(x, stride, i);
    }
    *(T *)acc = sum;
}
#endif

#endif

#if HAS_SUM
TREADLE_INLINE T BODY(times)(T a, T b)
{
#if IS_FLOAT && defined(TREADLE_ORDERED)
    TREADLE_ORDERED("mul" SUFFIX_SCALAR, a, a, b);
    return a;
#else
    return a * b;
#endif
}

static void BODY(prod)(void *acc, size_t n, const char *x, ptrdiff_t stride)
{
    T product = *(T *)acc;
    for (size_t i = 0; i < n; i++)
        product = BODY(times)(product, BODY(at)(x, stride, i));
    *(T *)acc = product;
}
#endif

/* As in binary_body.h: the second operand unless the first is beyond it or NaN. */
TREADLE_INLINE T BODY(pick)(int largest, T a, T b)
{
#if IS_FLOAT
    return a != a || (largest ? a > b : a < b) ? a : b;
#else
    return (largest ? (TI)a > (TI)b : (TI)a < (TI)b) ? a : b;
#endif
}

TREADLE_INLINE BODY(vector) BODY(pick_vector)(int largest, BODY(vector) a, BODY(vector) b)
{
#if IS_FLOAT
    BODY(mask) take_a = (largest ? a > b : a < b) | (a != a);
#else
    BODY(mask) x = (BODY(mask))a, y = (BODY(mask))b, take_a = largest ? x > y : x < y;
#endif
    return (BODY(vector))((take_a & (BODY(mask))a) | (~take_a & (BODY(mask))b));
}

/* NumPy's halving, which decides the sign of a zero; any NaN becomes the plain one. */
TREADLE_INLINE T BODY(pick_lane)(int largest, BODY(vector) v)
{
#if IS_FLOAT
    for (size_t i = 0; i < BODY(LANES); i++)
        if (v[i] != v[i])
            return (T)NAN;
#endif
    for (size_t half = BODY(LANES) / 2; half; half /= 2) {
        const int upper_first = TREADLE_VECTOR_BYTES == 64 && half * sizeof(T) >= 16;
        for (size_t i = 0; i < half; i++)
            v[i] = upper_first ? BODY(pick)(largest, v[i + half], v[i])
                               : BODY(pick)(largest, v[i], v[i + half]);
    }
    return v[0];
}

/* The order is that of NumPy's loop for this vector length. */
TREADLE_INLINE void BODY(pick_contiguous)(int largest, void *acc, size_t n, const char *x)
{
    const BODY(vector) *v = (const BODY(vector) *)x;
    BODY(vector) best = BODY(splat)(*(T *)acc);
    size_t i = 0;
    for (; i + 8 * BODY(LANES) <= n; i += 8 * BODY(LANES), v += 8) {
        BODY(vector) r01 = BODY(pick_vector)(largest, v[0], v[1]);
        BODY(vector) r23 = BODY(pick_vector)(largest, v[2], v[3]);
        BODY(vector) r45 = BODY(pick_vector)(largest, v[4], v[5]);
        BODY(vector) r67 = BODY(pick_vector)(largest, v[6], v[7]);
        BODY(vector) r03 = BODY(pick_vector)(largest, r01, r23);
        BODY(vector) r47 = BODY(pick_vector)(largest, r45, r67);
        best = BODY(pick_vector)(largest, best, BODY(pick_vector)(largest, r03, r47));
    }
    for (; i + BODY(LANES) <= n; i += BODY(LANES), v++)
        best = BODY(pick_vector)(largest, best, *v);
    T result = BODY(pick_lane)(largest, best);
    for (; i < n; i++)
        result = BODY(pick)(largest, result, ((const BODY(item) *)x)[i]);
    *(T *)acc = result;
}

TREADLE_INLINE void BODY(pick_strided)(int largest, void *acc, size_t n, const char *x,
                                       ptrdiff_t stride)
{
    T best[8], result = *(T *)acc;
    size_t i = 0;
    if (n >= 8) {
        for (; i < 8; i++)
            best[i] = BODY(at)(x, stride, i);
        for (; i + 8 <= n; i += 8)
            for (size_t k = 0; k < 8; k++)
                best[k] = BODY(pick)(largest, best[k], BODY(at)(x, stride, i + k));
        for (size_t step = 1; step < 8; step *= 2)
            for (size_t k = 0; k < 8; k += 2 * step)
                best[k] = BODY(pick)(largest, best[k], best[k + step]);
        result = BODY(pick)(largest, result, best[0]);
    }
    for (; i < n; i++)
        result = BODY(pick)(largest, result, BODY(at)(x, stride, i));
    *(T *)acc = result;
}

TREADLE_INLINE void BODY(pick_any)(int largest, void *acc, size_t n, const char *x,
                                   ptrdiff_t stride)
{
    treadle_flags flags = treadle_flags_save();
    if (stride == sizeof(T) && n)
        BODY(pick_contiguous)(largest, acc, n, x);
    else
        BODY(pick_strided)(largest, acc, n, x, stride);
    treadle_flags_restore(flags);
}

static void BODY(max)(void *acc, size_t n, const char *x, ptrdiff_t stride)
{
    BODY(pick_any)(1, acc, n, x, stride);
}

static void BODY(min)(void *acc, size_t n, const char *x, ptrdiff_t stride)
{
    BODY(pick_any)(0, acc, n, x, stride);
}

static void BODY(gather)(void *to, size_t n, const char *x, ptrdiff_t stride)
{
    for (size_t i = 0; i < n; i++)
        ((T *)to)[i] = BODY(at)(x, stride, i);
}

#if !IS_FLOAT
static void BODY(gather_double)(void *to, size_t n, const char *x, ptrdiff_t stride)
{
    for (size_t i = 0; i < n; i++)
        ((double *)to)[i] = (double)(TI)BODY(at)(x, stride, i);
}
#endif

#undef BODY
#undef T
#undef TI
#undef TNAME
#undef IS_FLOAT
#undef HAS_SUM
#undef SUFFIX_VECTOR
#undef SUFFIX_SCALAR
