/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Doubles hold every whole number up to here; larger ones would be rounded in silence. */
static const double whole_most = 9007199254740992.0;

static const struct {
    const char *name, *alias;
    struct treadle_dtype dtype;
} dtypes[] = {
    {"f64", "float64", {TREADLE_FLOAT, 64, 1}},
    {"f32", "float32", {TREADLE_FLOAT, 32, 1}},
    {"f16", "float16", {TREADLE_FLOAT, 16, 1}},
    {"bf16", "bfloat16", {TREADLE_BFLOAT, 16, 1}},
    {"c64", "complex64", {TREADLE_COMPLEX, 64, 1}},
    {"c128", "complex128", {TREADLE_COMPLEX, 128, 1}},
    {"i8", "int8", {TREADLE_INT, 8, 1}},
    {"i16", "int16", {TREADLE_INT, 16, 1}},
    {"i32", "int32", {TREADLE_INT, 32, 1}},
    {"i64", "int64", {TREADLE_INT, 64, 1}},
    {"u8", "uint8", {TREADLE_UINT, 8, 1}},
    {"u16", "uint16", {TREADLE_UINT, 16, 1}},
    {"u32", "uint32", {TREADLE_UINT, 32, 1}},
    {"u64", "uint64", {TREADLE_UINT, 64, 1}},
    {"bool", "bool", {TREADLE_BOOL, 8, 1}},
};

enum { NDTYPES = sizeof dtypes / sizeof *dtypes };

static bool read_number(const char *text, size_t length, double *number)
{
    char copy[64], *end;

    if (length == 0 || length >= sizeof copy || strspn(text, "+-.0123456789eE") < length)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *number = strtod(copy, &end);
    return *end == '\0' && isfinite(*number);
}

static bool read_whole(const char *text, size_t length, int64_t *whole)
{
    double number;

    if (!read_number(text, length, &number) || number != floor(number) || fabs(number) > whole_most)
        return false;
    *whole = (int64_t)number;
    return true;
}

static bool read_count(const char *what, const char *text, size_t length, int64_t least,
                       int64_t most, int64_t *count)
{
    if (read_whole(text, length, count) && *count >= least && *count <= most)
        return true;
    cli_fail(CLI_USAGE, "%s: '%.*s' is not a whole number from %lld to %lld", what, (int)length,
             text, (long long)least, (long long)most);
    return false;
}

bool options_count(const char *what, const char *text, int64_t least, int64_t most, int64_t *count)
{
    return read_count(what, text, strlen(text), least, most, count);
}

bool options_number(const char *what, const char *text, double least, double most, double *number)
{
    if (read_number(text, strlen(text), number) && *number >= least && *number <= most)
        return true;
    cli_fail(CLI_USAGE, "%s: '%s' is not a number from %g to %g", what, text, least, most);
    return false;
}

static bool list_is_full(const char *what, size_t count)
{
    if (count < OPTIONS_LIST_MAX)
        return false;
    cli_fail(CLI_USAGE, "%s: more than %d values", what, OPTIONS_LIST_MAX);
    return true;
}

bool options_counts(const char *what, const char *text, int64_t least, int64_t most,
                    struct options_counts *list)
{
    list->count = 0;
    for (;; text++) {
        size_t length = strcspn(text, ",");
        if (list_is_full(what, list->count) ||
            !read_count(what, text, length, least, most, &list->counts[list->count]))
            return false;
        list->count++;
        text += length;
        if (!*text)
            return true;
    }
}

static bool read_shape(const char *what, const char *text, size_t length,
                       struct options_shape *shape)
{
    const char *end = text + length, *from = text;

    for (shape->ndim = 0; shape->ndim < OPTIONS_NDIM_MAX; from++) {
        size_t width = 0;
        while (from + width < end && from[width] != 'x')
            width++;
        int64_t *extent = &shape->extents[shape->ndim++];
        if (!read_whole(from, width, extent) || *extent < 0)
            break;
        from += width;
        if (from == end)
            return true;
    }
    cli_fail(CLI_USAGE, "%s: '%.*s' is not a shape; use one like 1000, 1e7 or 1000x1000", what,
             (int)length, text);
    return false;
}

bool options_shape(const char *what, const char *text, struct options_shape *shape)
{
    return read_shape(what, text, strlen(text), shape);
}

static bool read_range(const char *what, const char *text, struct options_shapes *list)
{
    size_t low_length = strcspn(text, ":");
    const char *high_text = text + low_length + 1;
    size_t high_length = strcspn(high_text, ":");
    const char *kind = high_text + high_length;
    int64_t low, high, per_decade = 1;

    if (!read_whole(text, low_length, &low) || !read_whole(high_text, high_length, &high) ||
        low < 1 || high < low || strncmp(kind, ":log", 4) ||
        (kind[4] && (!read_whole(kind + 4, strlen(kind + 4), &per_decade) || per_decade < 1))) {
        cli_fail(CLI_USAGE,
                 "%s: '%s' is not a range; use LOW:HIGH:log or LOW:HIGH:logN with N sizes per "
                 "decade, such as 1e3:1e7:log2",
                 what, text);
        return false;
    }
    list->count = 0;
    for (int64_t i = 0;; i++) {
        double size = round((double)low * pow(10, (double)i / (double)per_decade));
        if (size > (double)high)
            return true;
        if (list_is_full(what, list->count))
            return false;
        list->shapes[list->count].ndim = 1;
        list->shapes[list->count++].extents[0] = (int64_t)size;
    }
}

bool options_shapes(const char *what, const char *text, struct options_shapes *list)
{
    if (strchr(text, ':'))
        return read_range(what, text, list);
    list->count = 0;
    for (;; text++) {
        size_t length = strcspn(text, ",");
        if (list_is_full(what, list->count) ||
            !read_shape(what, text, length, &list->shapes[list->count]))
            return false;
        list->count++;
        text += length;
        if (!*text)
            return true;
    }
}

bool options_dtype(const char *what, const char *text, struct treadle_dtype *dtype)
{
    for (int i = 0; i < NDTYPES; i++)
        if (!strcmp(text, dtypes[i].name) || !strcmp(text, dtypes[i].alias)) {
            *dtype = dtypes[i].dtype;
            return true;
        }
    cli_fail(CLI_USAGE,
             "%s: '%s' is not an element type; use f64, f32, f16, c64, c128, i8 to i64, u8 to "
             "u64 or bool",
             what, text);
    return false;
}

bool options_dtypes(const char *what, const char *text, struct options_dtypes *list)
{
    char name[16];

    for (list->count = 0; list->count < OPTIONS_DTYPES_MAX; text++) {
        size_t length = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, text);
        if (!options_dtype(what, name, &list->dtypes[list->count++]))
            return false;
        text += length;
        if (!*text)
            return true;
    }
    cli_fail(CLI_USAGE, "%s: more than %d element types", what, OPTIONS_DTYPES_MAX);
    return false;
}

const char *options_dtype_name(struct treadle_dtype dtype)
{
    for (int i = 0; i < NDTYPES; i++)
        if (dtype.code == dtypes[i].dtype.code && dtype.bits == dtypes[i].dtype.bits)
            return dtypes[i].name;
    return "?";
}

bool options_axes(const char *what, const char *text, int32_t ndim, uint64_t *axes)
{
    struct options_counts list;

    if (!options_counts(what, text, -ndim, ndim - 1, &list))
        return false;
    *axes = 0;
    for (size_t i = 0; i < list.count; i++)
        *axes |= UINT64_C(1) << (list.counts[i] < 0 ? list.counts[i] + ndim : list.counts[i]);
    return true;
}
