/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OPTIONS_H
#define TREADLE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>

/*
 * Values given on the command line. Every parser prints one sentence that starts with `what` (the
 * command and the argument) and returns false if the text is not what it should be.
 */

enum { OPTIONS_NDIM_MAX = 8, OPTIONS_LIST_MAX = 64 };

/** An array's shape as given: "1000x1000", "10000000" or "1e7". */
struct options_shape {
    int64_t extents[OPTIONS_NDIM_MAX];
    int32_t ndim;
};

struct options_shapes {
    struct options_shape shapes[OPTIONS_LIST_MAX];
    size_t count;
};

struct options_counts {
    int64_t counts[OPTIONS_LIST_MAX];
    size_t count;
};

/** A whole number from `least` to `most`; 1e7 is one too. */
bool options_count(const char *what, const char *text, int64_t least, int64_t most, int64_t *count);

/** "2" or "1,2,4" */
bool options_counts(const char *what, const char *text, int64_t least, int64_t most,
                    struct options_counts *list);

/** A number from `least` to `most`. */
bool options_number(const char *what, const char *text, double least, double most, double *number);

bool options_shape(const char *what, const char *text, struct options_shape *shape);

/** "1e3,1e5", "1000x1000", or a range with so many sizes per decade: "1e3:1e7:log2". */
bool options_shapes(const char *what, const char *text, struct options_shapes *list);

enum { OPTIONS_DTYPES_MAX = 16 };

struct options_dtypes {
    struct treadle_dtype dtypes[OPTIONS_DTYPES_MAX];
    size_t count;
};

/** "f64", "float64", "i32", "c128", "bool", ... */
bool options_dtype(const char *what, const char *text, struct treadle_dtype *dtype);

/** "f64" or "f64,f32" */
bool options_dtypes(const char *what, const char *text, struct options_dtypes *list);

/** "f64"; "?" for what has no name */
const char *options_dtype_name(struct treadle_dtype dtype);

/** "0", "-1", "0,2": a bit per axis of an array with `ndim` of them. */
bool options_axes(const char *what, const char *text, int32_t ndim, uint64_t *axes);

#endif /* TREADLE_OPTIONS_H */
