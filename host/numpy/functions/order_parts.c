/* SPDX-License-Identifier: BSD-3-Clause */
#include "order_parts.h"

#include <stddef.h>

#include "../api.h"
#include "bits.h"

enum { SAMPLE = 255 };

/* About the middle number: of a sample, sorted by insertion. 0 if it is there so often that parts
 * would be uneven. The loop of cut_() has no branch: of random numbers nobody can foretell any. */
#define CUTS(name, type)                                                                           \
    static bool middle_##name(const type *line, int64_t n, type *middle)                           \
    {                                                                                              \
        type sample[SAMPLE];                                                                       \
        int less = 0;                                                                              \
                                                                                                   \
        for (int64_t i = 0; i < SAMPLE; i++) {                                                     \
            type x = line[i * (n / SAMPLE)];                                                       \
            int64_t k = i;                                                                         \
                                                                                                   \
            for (; k > 0 && x < sample[k - 1]; k--)                                                \
                sample[k] = sample[k - 1];                                                         \
            sample[k] = x;                                                                         \
        }                                                                                          \
        *middle = sample[SAMPLE / 2];                                                              \
        while (sample[less] < *middle)                                                             \
            less++;                                                                                \
        return less > SAMPLE / 3;                                                                  \
    }                                                                                              \
    static int64_t cut_##name(void *data, int64_t n)                                               \
    {                                                                                              \
        type *line = data, middle;                                                                 \
        int64_t less = 0;                                                                          \
                                                                                                   \
        if (n < SAMPLE || !middle_##name(line, n, &middle))                                        \
            return 0;                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            type x = line[i];                                                                      \
                                                                                                   \
            line[i] = line[less];                                                                  \
            line[less] = x;                                                                        \
            less += x < middle;                                                                    \
        }                                                                                          \
        return less;                                                                               \
    }

CUTS(i32, npy_int32)
CUTS(u32, npy_uint32)
CUTS(i64, npy_int64)
CUTS(u64, npy_uint64)
CUTS(f32, npy_float32)
CUTS(f64, npy_float64)

static bool always(const void *line, int64_t begin, int64_t end)
{
    (void)line, (void)begin, (void)end;
    return true;
}

/* By their bits: -0.0 has the sign's only, NaNs lie above infinity. */
#define PLAIN(name, type, sign, infinity)                                                          \
    static bool is_plain_##name(const void *line, int64_t begin, int64_t end)                      \
    {                                                                                              \
        const type *bits = line;                                                                   \
        bool odd = false;                                                                          \
                                                                                                   \
        for (int64_t i = begin; i < end; i++)                                                      \
            odd |= (bits[i] == (sign)) | ((bits[i] & ~(sign)) > (infinity));                       \
        return !odd;                                                                               \
    }

PLAIN(f32, bits_4, UINT32_C(1) << 31, UINT32_C(0xff) << 23)
PLAIN(f64, bits_8, UINT64_C(1) << 63, UINT64_C(0x7ff) << 52)

const struct order_type *order_type(int numpy_type)
{
    static const struct order_type integers[2][2] = {
        {{always, cut_i32}, {always, cut_u32}},
        {{always, cut_i64}, {always, cut_u64}},
    };
    static const struct order_type f32 = {is_plain_f32, cut_f32}, f64 = {is_plain_f64, cut_f64};

    switch (numpy_type) {
    case NPY_INT:
    case NPY_UINT:
        return &integers[0][numpy_type == NPY_UINT];
    case NPY_LONG:
    case NPY_ULONG:
        return &integers[sizeof(long) == 8][numpy_type == NPY_ULONG];
    case NPY_LONGLONG:
    case NPY_ULONGLONG:
        return &integers[1][numpy_type == NPY_ULONGLONG];
    case NPY_FLOAT:
        return &f32;
    case NPY_DOUBLE:
        return &f64;
    default:
        return NULL;
    }
}
