/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_same.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void ab_dtype_text(uint32_t dtype, char text[8])
{
    static const char *const letters[] = {[TREADLE_INT] = "i",
                                          [TREADLE_UINT] = "u",
                                          [TREADLE_FLOAT] = "f",
                                          [TREADLE_BFLOAT] = "bf",
                                          [TREADLE_COMPLEX] = "c"};
    uint32_t code = dtype & 0xff;

    text[0] = '\0';
    if (code == TREADLE_BOOL)
        strcpy(text, "bool");
    else if (code < sizeof letters / sizeof *letters && letters[code])
        snprintf(text, 8, "%s%u", letters[code], dtype >> 8 & 0xff);
}

static int parts_of(struct treadle_dtype dtype)
{
    return dtype.code == TREADLE_COMPLEX ? 2 : 1;
}

static bool has_parts(struct treadle_dtype dtype)
{
    return dtype.code == TREADLE_FLOAT || dtype.code == TREADLE_COMPLEX;
}

/** Part 0 is the real one. */
static double value_at(struct treadle_dtype dtype, const void *element, int part)
{
    float single;
    double value;

    if (dtype.bits == 64 * parts_of(dtype)) {
        memcpy(&value, (const char *)element + 8 * part, sizeof value);
        return value;
    }
    memcpy(&single, (const char *)element + 4 * part, sizeof single);
    return (double)single;
}

static void whole_text(struct treadle_dtype dtype, const void *element, char *text, size_t capacity)
{
    int unused = 64 - dtype.bits;
    uint64_t bits = 0;

    memcpy(&bits, element, dtype.bits / 8); /* little-endian, as all that is supported */
    if (dtype.code == TREADLE_INT)
        snprintf(text, capacity, "%lld", (long long)((int64_t)(bits << unused) >> unused));
    else
        snprintf(text, capacity, "%llu", (unsigned long long)bits);
}

void ab_element_text(struct treadle_dtype dtype, const void *element, char *text, size_t capacity)
{
    int digits = dtype.bits == 32 * parts_of(dtype) ? 9 : 17;

    if (!has_parts(dtype) || dtype.bits < 32) /* of a half: its bits */
        whole_text(dtype, element, text, capacity);
    else if (parts_of(dtype) == 2)
        snprintf(text, capacity, "%.*g%+.*gi", digits, value_at(dtype, element, 0), digits,
                 value_at(dtype, element, 1));
    else
        snprintf(text, capacity, "%.*g", digits, value_at(dtype, element, 0));
}

/* ---- row by row ----------------------------------------------------------------------------- */

/** The place of a row: the last axis is walked by who has it. An array without axes is one row. */
struct walk {
    int64_t index[TREADLE_NDIM_MAX];
    int64_t rows; /* before this one, in C order */
};

static char *row_at(const struct treadle_array *array, const struct walk *walk)
{
    char *at = array->data;

    for (int32_t d = 0; d < array->ndim - 1; d++)
        at += walk->index[d] * array->strides[d];
    return at;
}

static int64_t row_length(const struct treadle_array *array)
{
    return array->ndim > 0 ? array->shape[array->ndim - 1] : 1;
}

static int64_t row_stride(const struct treadle_array *array)
{
    return array->ndim > 0 ? array->strides[array->ndim - 1] : array->itemsize;
}

static bool has_elements(const struct treadle_array *array)
{
    for (int32_t d = 0; d < array->ndim; d++)
        if (array->shape[d] == 0)
            return false;
    return true;
}

/** The next row; false after the last. */
static bool step(const struct treadle_array *array, struct walk *walk)
{
    walk->rows++;
    for (int32_t d = array->ndim - 2; d >= 0; d--) {
        if (++walk->index[d] < array->shape[d])
            return true;
        walk->index[d] = 0;
    }
    return false;
}

double ab_largest(const struct treadle_array *array)
{
    struct walk walk = {.rows = 0};
    double largest = 0;

    if (!has_elements(array))
        return 0;
    do {
        const char *element = row_at(array, &walk);
        for (int64_t i = 0; i < row_length(array); i++, element += row_stride(array))
            for (int part = 0; part < parts_of(array->dtype); part++) {
                double value = fabs(value_at(array->dtype, element, part));
                largest = value <= largest ? largest : isnan(value) ? INFINITY : value;
            }
    } while (step(array, &walk));
    return largest;
}

/** A float of any width by its bits: is it a NaN? */
static bool is_nan(const char *part, uint32_t bytes)
{
    static const uint64_t infinity[] = {
        [2] = 0x7c00, [4] = 0x7f800000, [8] = UINT64_C(0x7ff0000000000000)};
    uint64_t bits = 0;

    if (bytes != 2 && bytes != 4 && bytes != 8)
        return false;
    memcpy(&bits, part, bytes);
    return (bits & ~(UINT64_C(1) << (8 * bytes - 1))) > infinity[bytes];
}

static bool same_bits(const struct treadle_array *array, const char *x, const char *y)
{
    int parts = parts_of(array->dtype);
    uint32_t bytes = array->itemsize / (uint32_t)parts;

    for (int part = 0; part < parts; part++, x += bytes, y += bytes)
        if (memcmp(x, y, bytes) != 0 &&
            !(has_parts(array->dtype) && is_nan(x, bytes) && is_nan(y, bytes)))
            return false;
    return true;
}

static bool near(struct treadle_dtype dtype, const char *x, const char *y, double allowed)
{
    for (int part = 0; part < parts_of(dtype); part++)
        if (!(fabs(value_at(dtype, x, part) - value_at(dtype, y, part)) <= allowed))
            return false;
    return true;
}

/** The first element of two rows that differs, or -1. */
static int64_t difference_in(const struct treadle_array *a, const char *x,
                             const struct treadle_array *b, const char *y, double allowed)
{
    int64_t n = row_length(a), step_x = row_stride(a), step_y = row_stride(b);
    bool in_one_piece = step_x == a->itemsize && step_y == b->itemsize;

    if (in_one_piece && memcmp(x, y, (size_t)n * a->itemsize) == 0)
        return -1;
    for (int64_t i = 0; i < n; i++, x += step_x, y += step_y)
        if (!same_bits(a, x, y) && !(allowed > 0 && near(a->dtype, x, y, allowed)))
            return i;
    return -1;
}

bool ab_same(const struct treadle_array *a, const struct treadle_array *b, double allowed,
             int64_t before, char *text, size_t capacity)
{
    struct walk walk = {.rows = 0};
    char value_a[64], value_b[64];

    if (!has_elements(a))
        return true;
    do {
        const char *x = row_at(a, &walk), *y = row_at(b, &walk);
        int64_t i = difference_in(a, x, b, y, allowed);
        if (i < 0)
            continue;
        ab_element_text(a->dtype, x + i * row_stride(a), value_a, sizeof value_a);
        ab_element_text(a->dtype, y + i * row_stride(b), value_b, sizeof value_b);
        snprintf(text, capacity, "index %lld: A gives %s, B gives %s",
                 (long long)(before + walk.rows * row_length(a) + i), value_a, value_b);
        return false;
    } while (step(a, &walk));
    return true;
}
