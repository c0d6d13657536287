/* SPDX-License-Identifier: BSD-3-Clause */
#include "order_parts.h"

#include <stddef.h>

#include "../clock.h"
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

/* By halves, without a branch. */
#define SHARES(name, type)                                                                         \
    static void share_##name(const void *line, int64_t n, const void *limits, int parts,           \
                             uint8_t *part)                                                        \
    {                                                                                              \
        const type *numbers = line, *limit = limits;                                               \
                                                                                                   \
        for (int64_t i = 0; i < n; i++) {                                                          \
            type x = numbers[i];                                                                   \
            int below = 0;                                                                         \
                                                                                                   \
            for (int step = parts / 2; step; step /= 2)                                            \
                below += limit[below + step - 1] <= x ? step : 0;                                  \
            below = 2 * below - (below > 0 && limit[below - 1] == x);                              \
            part[i] = (uint8_t)(x != x ? 2 * parts - 1 : below);                                   \
        }                                                                                          \
    }                                                                                              \
    static void gather_##name(const void *line, const npy_intp *indices, int64_t n, void *numbers) \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            ((type *)numbers)[i] = ((const type *)line)[indices[i]];                               \
    }

#define FINDS(name, type)                                                                          \
    static int64_t find_##name(const void *line, const npy_intp *indices, int64_t begin,           \
                               int64_t end, bool equal)                                            \
    {                                                                                              \
        const type *numbers = line;                                                                \
                                                                                                   \
        for (int64_t i = begin; i < end; i++) {                                                    \
            type before = numbers[indices[i - 1]], x = numbers[indices[i]];                        \
                                                                                                   \
            if ((before == x || (before != before && x != x)) == equal)                            \
                return i;                                                                          \
        }                                                                                          \
        return end;                                                                                \
    }                                                                                              \
    static void slope_##name(const void *line, int64_t n, int64_t step, int64_t *rises,            \
                             int64_t *falls)                                                       \
    {                                                                                              \
        const type *numbers = line;                                                                \
                                                                                                   \
        for (int64_t i = step; i < n * step; i += step) {                                          \
            *rises += numbers[i - step] < numbers[i];                                              \
            *falls += numbers[i] < numbers[i - step];                                              \
        }                                                                                          \
    }                                                                                              \
    static void fill_##name(void *line, int n)                                                     \
    {                                                                                              \
        type *numbers = line;                                                                      \
                                                                                                   \
        for (int i = 0; i < n; i++)                                                                \
            numbers[i] = (type)((uint16_t)(i * 40503));                                            \
    }

#define TYPE(name, type) CUTS(name, type) SHARES(name, type) FINDS(name, type)

TYPE(i32, npy_int32)
TYPE(u32, npy_uint32)
TYPE(i64, npy_int64)
TYPE(u64, npy_uint64)
TYPE(f32, npy_float32)
TYPE(f64, npy_float64)

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

#define ENTRY(is_plain, name)                                                                      \
    {                                                                                              \
        is_plain, cut_##name, share_##name, gather_##name, find_##name, slope_##name, fill_##name  \
    }

const struct order_type *order_type(int numpy_type)
{
    static const struct order_type integers[2][2] = {
        {ENTRY(always, i32), ENTRY(always, u32)},
        {ENTRY(always, i64), ENTRY(always, u64)},
    };
    static const struct order_type f32 = ENTRY(is_plain_f32, f32), f64 = ENTRY(is_plain_f64, f64);

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

static double timed_ns(PyArrayObject *array)
{
    enum { NUMBERS = 1024, TIMES = 3 };
    PyArray_SortFunc *sort = PyDataType_GetArrFuncs(PyArray_DESCR(array))->sort[NPY_QUICKSORT];
    double line[NUMBERS], ns = ORDER_NS;

    for (int i = 0; sort && i < TIMES; i++) {
        double begin, spent;

        order_type(PyArray_TYPE(array))->fill(line, NUMBERS);
        begin = clock_ns();
        sort(line, NUMBERS, array);
        spent = (clock_ns() - begin) / NUMBERS;
        ns = spent < ns ? spent : ns;
    }
    return ns;
}

double order_ns(PyArrayObject *array)
{
    static float known[NPY_DOUBLE + 1]; /* by type; 0: not yet */
    float *ns = &known[PyArray_TYPE(array)], found;

    __atomic_load(ns, &found, __ATOMIC_RELAXED);
    if (!(found > 0.0f)) {
        found = (float)timed_ns(array);
        __atomic_store(ns, &found, __ATOMIC_RELAXED);
    }
    return found;
}

/* Whether numbers of a line that are `apart` from each other nearly all rise, or all fall. */
static bool is_sloping(const struct order_type *type, const struct lines *lines, npy_intp apart)
{
    enum { PLACES = 32, LENGTH = 16, FEW = 64 };
    npy_intp length = (lines->length + apart - 1) / apart, step = lines->step / lines->size * apart;
    int64_t rises = 0, falls = 0, few;

    length = length < LENGTH ? length : LENGTH;
    few = PLACES * length / FEW;
    for (npy_intp i = 0; i < PLACES; i++) {
        npy_intp line = lines->count * i / PLACES;
        npy_intp place = (lines->length - 1 - (length - 1) * apart) * i / PLACES;

        type->slope(lines_at(lines, line) + place * lines->step, length, step, &rises, &falls);
    }
    return rises <= few || falls <= few;
}

/* A stable sort begins with insertion, and so takes numbers that are near their places as sorted.
 */
bool order_is_in_runs(const struct order_type *type, const struct lines *lines)
{
    enum { NEAR = 64 };

    return is_sloping(type, lines, 1) ||
           (lines->length >= NEAR * NEAR && is_sloping(type, lines, NEAR));
}
