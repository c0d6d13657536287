/* SPDX-License-Identifier: BSD-3-Clause */
/* The binary loops for one type. Included once for each: T, TI, TNAME, IS_FLOAT (no guard). */

#include "vector_body.h"

/*
 * For +-0 and NaN NumPy has: y unless x is larger, x if it is NaN. `>` may raise "invalid"; the
 * callers of these two put the flags back.
 */
TREADLE_INLINE BODY(vector) BODY(vector_op)(enum binary_op op, BODY(vector) x, BODY(vector) y)
{
    BODY(vector) r;
    BODY(mask) take_x;
    switch (op) {
    case SUBTRACT:
        return x - y;
#if IS_FLOAT
    case DIVIDE:
        return x / y;
    case MAXIMUM:
        take_x = (x > y) | (x != x);
        break;
    case MINIMUM:
        take_x = (x < y) | (x != x);
        break;
#else
    case MAXIMUM:
        take_x = (BODY(mask))x > (BODY(mask))y;
        break;
    case MINIMUM:
        take_x = (BODY(mask))x < (BODY(mask))y;
        break;
#endif
#if IS_FLOAT && defined(TREADLE_ORDERED)
    case MULTIPLY:
        TREADLE_ORDERED("mul" SUFFIX_VECTOR, r, x, y);
        return r;
    default:
        TREADLE_ORDERED("add" SUFFIX_VECTOR, r, x, y);
        return r;
#else
    case MULTIPLY:
        return x * y;
    default:
        return x + y;
#endif
    }
    r = (BODY(vector))((take_x & (BODY(mask))x) | (~take_x & (BODY(mask))y));
    return r;
}

TREADLE_INLINE T BODY(item_op)(enum binary_op op, T x, T y)
{
    switch (op) {
    case SUBTRACT:
        return x - y;
#if IS_FLOAT
    case DIVIDE:
        return x / y;
    case MAXIMUM:
        return x > y || x != x ? x : y;
    case MINIMUM:
        return x < y || x != x ? x : y;
#else
    case MAXIMUM:
        return (TI)x > (TI)y ? x : y;
    case MINIMUM:
        return (TI)x < (TI)y ? x : y;
#endif
#if IS_FLOAT && defined(TREADLE_ORDERED)
    case MULTIPLY:
        TREADLE_ORDERED("mul" SUFFIX_SCALAR, x, x, y);
        return x;
    default:
        TREADLE_ORDERED("add" SUFFIX_SCALAR, x, x, y);
        return x;
#else
    case MULTIPLY:
        return x * y;
    default:
        return x + y;
#endif
    }
}

/*
 * Of two NaNs the first one's payload survives, but from this element on NumPy's loops for + and *
 * have the operands the other way round: in what is left after its unrolled vectors, and
 * wherever the second operand is repeated. It is an accident of its build, alike in 2.4 and 2.5.
 * What its loops for machines without AVX2 do with two NaNs is not followed.
 */
TREADLE_INLINE size_t BODY(first_commuted)(enum binary_op op, size_t n, int y_repeats)
{
    enum { LANES = TREADLE_VECTOR_BYTES / sizeof(T), STEP = LANES == 64 / sizeof(T) ? 1 : 2 };
    const size_t least = STEP == 1 ? LANES : 2 * LANES + 1;
    if (!IS_FLOAT || !(op == ADD || op == MULTIPLY) || TREADLE_VECTOR_BYTES == 16 || n < least)
        return n;
    return y_repeats ? 0 : n - n % (STEP * LANES);
}

/* dst is contiguous; x and y are contiguous or one repeated item. */
TREADLE_INLINE void BODY(contiguous)(enum binary_op op, int commute, size_t n, BODY(item) * dst,
                                     const BODY(item) * x, int x_repeats, const BODY(item) * y,
                                     int y_repeats, int past_caches)
{
    enum { LANES = TREADLE_VECTOR_BYTES / sizeof(T) };
    const T x0 = *x, y0 = *y;
    BODY(vector) vx = BODY(splat)(x0), vy = BODY(splat)(y0);
    size_t i = 0, head = past_caches ? -(uintptr_t)dst % TREADLE_VECTOR_BYTES / sizeof(T) : 0;
    for (; i < head && i < n; i++) {
        T a = x_repeats ? x0 : x[i], b = y_repeats ? y0 : y[i];
        dst[i] = commute ? BODY(item_op)(op, b, a) : BODY(item_op)(op, a, b);
    }
#pragma GCC unroll 4
    for (; i + LANES <= n; i += LANES) {
        if (!x_repeats)
            vx = *(const BODY(vector) *)(x + i);
        if (!y_repeats)
            vy = *(const BODY(vector) *)(y + i);
        BODY(vector) r = BODY(vector_op)(op, commute ? vy : vx, commute ? vx : vy);
        if (past_caches)
            treadle_store_past_caches(dst + i, (treadle_bytes)r);
        else
            *(BODY(vector) *)(dst + i) = r;
    }
    if (past_caches)
        treadle_fence_stores();
    for (; i < n; i++) {
        T a = x_repeats ? x0 : x[i], b = y_repeats ? y0 : y[i];
        dst[i] = commute ? BODY(item_op)(op, b, a) : BODY(item_op)(op, a, b);
    }
}

TREADLE_INLINE void BODY(as_numpy)(enum binary_op op, size_t n, BODY(item) * dst,
                                   const BODY(item) * x, int x_repeats, const BODY(item) * y,
                                   int y_repeats, int past_caches)
{
    const size_t first = BODY(first_commuted)(op, n, y_repeats);
    BODY(contiguous)(op, 0, first, dst, x, x_repeats, y, y_repeats, past_caches);
    if (first < n)
        BODY(contiguous)
    (op, 1, n - first, dst + first, x_repeats ? x : x + first, x_repeats, y_repeats ? y : y + first,
     y_repeats, past_caches);
}

TREADLE_INLINE void BODY(strided)(enum binary_op op, size_t n, char *dst, ptrdiff_t dst_stride,
                                  const char *x, ptrdiff_t x_stride, const char *y,
                                  ptrdiff_t y_stride)
{
    for (size_t i = 0; i < n; i++) {
        *(BODY(item) *)dst = BODY(item_op)(op, *(const BODY(item) *)x, *(const BODY(item) *)y);
        dst += dst_stride;
        x += x_stride;
        y += y_stride;
    }
}

TREADLE_INLINE void BODY(loop)(enum binary_op op, size_t n, char *const *ptrs,
                               const ptrdiff_t *strides, int past_caches)
{
    const ptrdiff_t item = sizeof(T), sx = strides[0], sy = strides[1];
    const BODY(item) *x = (const BODY(item) *)ptrs[0], *y = (const BODY(item) *)ptrs[1];
    BODY(item) *dst = (BODY(item) *)ptrs[2];
    if (!n)
        return;
    past_caches = past_caches && (uintptr_t)dst % sizeof(T) == 0;
    if (strides[2] != item || !(sx == item || sx == 0) || !(sy == item || sy == 0) || sx + sy == 0)
        BODY(strided)(op, n, ptrs[2], strides[2], ptrs[0], sx, ptrs[1], sy);
    else if (sx == 0)
        past_caches ? BODY(as_numpy)(op, n, dst, x, 1, y, 0, 1)
                    : BODY(as_numpy)(op, n, dst, x, 1, y, 0, 0);
    else if (sy == 0)
        past_caches ? BODY(as_numpy)(op, n, dst, x, 0, y, 1, 1)
                    : BODY(as_numpy)(op, n, dst, x, 0, y, 1, 0);
    else
        past_caches ? BODY(as_numpy)(op, n, dst, x, 0, y, 0, 1)
                    : BODY(as_numpy)(op, n, dst, x, 0, y, 0, 0);
}

#define LOOP(name, op)                                                                             \
    void TREADLE_FN(BODY(treadle_##name))(size_t n, char *const *ptrs, const ptrdiff_t *strides,   \
                                          int past_caches)                                         \
    {                                                                                              \
        BODY(loop)(op, n, ptrs, strides, past_caches);                                             \
    }

/* Silent: maximum and minimum raise no flag, whatever they compare. */
#define SILENT_LOOP(name, op)                                                                      \
    void TREADLE_FN(BODY(treadle_##name))(size_t n, char *const *ptrs, const ptrdiff_t *strides,   \
                                          int past_caches)                                         \
    {                                                                                              \
        treadle_flags flags = treadle_flags_save();                                                \
        BODY(loop)(op, n, ptrs, strides, past_caches);                                             \
        treadle_flags_restore(flags);                                                              \
    }

LOOP(add, ADD)
LOOP(subtract, SUBTRACT)
LOOP(multiply, MULTIPLY)
#if IS_FLOAT
LOOP(divide, DIVIDE)
SILENT_LOOP(maximum, MAXIMUM)
SILENT_LOOP(minimum, MINIMUM)
#else
LOOP(maximum, MAXIMUM)
LOOP(minimum, MINIMUM)
#endif

#undef LOOP
#undef SILENT_LOOP
#undef BODY
#undef T
#undef TI
#undef TNAME
#undef IS_FLOAT
#undef SUFFIX_VECTOR
#undef SUFFIX_SCALAR
