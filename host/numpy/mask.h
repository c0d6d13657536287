/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_MASK_H
#define TREADLE_NUMPY_MASK_H

#include <stdbool.h>
#include <string.h>

#include "api.h"

/**
 * How many bools from the first on have that value. Masks are mostly long runs, which are gone
 * through by words where they lie without gaps.
 */
static inline npy_intp mask_run(const char *mask, npy_intp stride, npy_intp n, bool value)
{
    const uint64_t all = value ? UINT64_C(0x0101010101010101) : 0;
    npy_intp i = 0;

    for (uint64_t word = all; stride == 1 && n - i >= (npy_intp)sizeof(word); i += sizeof(word)) {
        memcpy(&word, mask + i, sizeof(word));
        if (word != all)
            break;
    }
    while (i < n && (mask[i * stride] != 0) == value)
        i++;
    return i;
}

#endif
