/* SPDX-License-Identifier: BSD-3-Clause */
/* The vector, mask and item types of T, named by TNAME. Included by the other bodies (no guard). */

#define BODY(name) TREADLE_PASTE(name, TNAME)

typedef T BODY(vector) __attribute__((vector_size(TREADLE_VECTOR_BYTES), aligned(1), may_alias));
typedef TI BODY(mask) __attribute__((vector_size(TREADLE_VECTOR_BYTES), aligned(1), may_alias));
typedef T BODY(item) __attribute__((aligned(1), may_alias));

TREADLE_INLINE BODY(vector) BODY(splat)(T x)
{
    BODY(vector) v;
    for (size_t i = 0; i < sizeof(v) / sizeof(x); i++)
        v[i] = x;
    return v;
}
