/* SPDX-License-Identifier: BSD-3-Clause */
/* dst[i] = x[i], bit for bit, for items of 1, 2, 4, 8 and 16 bytes: the table of one ISA. */
#include <string.h>

#include "kernel_sets.h"
#include "kernels.h"
#include "template.h"
#include "vector.h"

static void copy_past_caches(char *dst, const char *x, size_t bytes)
{
    size_t head = -(uintptr_t)dst % TREADLE_VECTOR_BYTES;
    size_t i = head < bytes ? head : bytes;
    memcpy(dst, x, i);
#pragma GCC unroll 4
    for (; i + TREADLE_VECTOR_BYTES <= bytes; i += TREADLE_VECTOR_BYTES)
        treadle_store_past_caches(dst + i, *(const treadle_bytes *)(x + i));
    treadle_fence_stores();
    memcpy(dst + i, x + i, bytes - i);
}

TREADLE_INLINE void copy_items(size_t item, size_t n, char *const *ptrs, const ptrdiff_t *strides,
                               int past_caches)
{
    char *dst = ptrs[1];
    const char *x = ptrs[0];
    if (strides[0] == (ptrdiff_t)item && strides[1] == (ptrdiff_t)item) {
        if (past_caches)
            copy_past_caches(dst, x, n * item);
        else
            memmove(dst, x, n * item); /* dst may be x itself */
        return;
    }
    for (size_t i = 0; i < n; i++) {
        memmove(dst, x, item);
        dst += strides[1];
        x += strides[0];
    }
}

#define COPY(item)                                                                                 \
    static void copy_##item(size_t n, char *const *ptrs, const ptrdiff_t *strides,                 \
                            int past_caches)                                                       \
    {                                                                                              \
        copy_items(item, n, ptrs, strides, past_caches);                                           \
    }

COPY(1)
COPY(2)
COPY(4)
COPY(8)
COPY(16)

#define ROW(item, code)                                                                            \
    {                                                                                              \
        "copy", copy_##item, {{code, item * 8, 1}, {code, item * 8, 1}}, 1                         \
    }

const struct treadle_elementwise TREADLE_FN(treadle_copy)[TREADLE_COPY_ROWS] = {
    ROW(8, TREADLE_FLOAT),   ROW(4, TREADLE_FLOAT),    ROW(2, TREADLE_FLOAT),
    ROW(2, TREADLE_BFLOAT),  ROW(8, TREADLE_INT),      ROW(4, TREADLE_INT),
    ROW(2, TREADLE_INT),     ROW(1, TREADLE_INT),      ROW(8, TREADLE_UINT),
    ROW(4, TREADLE_UINT),    ROW(2, TREADLE_UINT),     ROW(1, TREADLE_UINT),
    ROW(8, TREADLE_COMPLEX), ROW(16, TREADLE_COMPLEX), ROW(1, TREADLE_BOOL),
};
