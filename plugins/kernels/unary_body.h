/* SPDX-License-Identifier: BSD-3-Clause */
/* The unary loops for one type. Included once for each: T, TI, TNAME, IS_FLOAT (no guard). */

#include "vector_body.h"

/* Of floats, abs and negative touch the sign bit only, NaN or not. */
TREADLE_INLINE BODY(vector) BODY(vector_op)(enum unary_op op, BODY(vector) x)
{
#if IS_FLOAT
    const BODY(mask) sign = (BODY(mask))BODY(splat)((T)-0.0);
    if (op == NEGATIVE)
        return (BODY(vector))((BODY(mask))x ^ sign);
    if (op == ABS)
        return (BODY(vector))((BODY(mask))x & ~sign);
    if (op == SQRT) {
        for (size_t i = 0; i < sizeof(x) / sizeof(T); i++)
            x[i] = SQRT_ITEM(x[i]);
        return x;
    }
#else
    if (op == NEGATIVE)
        return -x;
    if (op == ABS) {
        BODY(vector) ones_if_negative = (BODY(vector))((BODY(mask))x < 0);
        return (x ^ ones_if_negative) - ones_if_negative;
    }
#endif
    return x * x;
}

TREADLE_INLINE T BODY(item_op)(enum unary_op op, T x)
{
    if (op == NEGATIVE)
        return -x;
#if IS_FLOAT
    if (op == ABS)
        return FABS_ITEM(x);
    if (op == SQRT)
        return SQRT_ITEM(x);
#else
    if (op == ABS)
        return (TI)x < 0 ? -x : x;
#endif
    return x * x;
}

TREADLE_INLINE void BODY(contiguous)(enum unary_op op, size_t n, BODY(item) * dst,
                                     const BODY(item) * x, int past_caches)
{
    enum { LANES = TREADLE_VECTOR_BYTES / sizeof(T) };
    size_t i = 0;
    if (past_caches) {
        for (; i < n && (uintptr_t)(dst + i) % TREADLE_VECTOR_BYTES; i++)
            dst[i] = BODY(item_op)(op, x[i]);
    }
#pragma GCC unroll 4
    for (; i + LANES <= n; i += LANES) {
        BODY(vector) r = BODY(vector_op)(op, *(const BODY(vector) *)(x + i));
        if (past_caches)
            treadle_store_past_caches(dst + i, (treadle_bytes)r);
        else
            *(BODY(vector) *)(dst + i) = r;
    }
    if (past_caches)
        treadle_fence_stores();
    for (; i < n; i++)
        dst[i] = BODY(item_op)(op, x[i]);
}

TREADLE_INLINE void BODY(loop)(enum unary_op op, size_t n, char *const *ptrs,
                               const ptrdiff_t *strides, int past_caches)
{
    const char *x = ptrs[0];
    char *dst = ptrs[1];
    if (strides[0] == sizeof(T) && strides[1] == sizeof(T)) {
        if (past_caches && (uintptr_t)dst % sizeof(T) == 0)
            BODY(contiguous)(op, n, (BODY(item) *)dst, (const BODY(item) *)x, 1);
        else
            BODY(contiguous)(op, n, (BODY(item) *)dst, (const BODY(item) *)x, 0);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        *(BODY(item) *)dst = BODY(item_op)(op, *(const BODY(item) *)x);
        x += strides[0];
        dst += strides[1];
    }
}

#define LOOP(name, op)                                                                             \
    static void BODY(name)(size_t n, char *const *ptrs, const ptrdiff_t *strides, int past_caches) \
    {                                                                                              \
        BODY(loop)(op, n, ptrs, strides, past_caches);                                             \
    }

LOOP(negative, NEGATIVE)
LOOP(abs, ABS)
LOOP(square, SQUARE)
#if IS_FLOAT
LOOP(sqrt, SQRT)
#endif

#undef LOOP
#undef BODY
#undef T
#undef TI
#undef TNAME
#undef IS_FLOAT
#undef SQRT_ITEM
#undef FABS_ITEM
