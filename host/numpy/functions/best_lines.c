/* SPDX-License-Identifier: BSD-3-Clause */
#include "best_lines.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "span.h"

/*
 * NumPy's functions take lines without gaps. Lines with gaps lie side by side more often than not
 * (axis 0 in C order), so a few neighbours are copied together, by segments that stay in the cache:
 * two cache lines of each row. A column is a bit longer than a power of two, so that not all of
 * them compete for the same places in the cache. Of the best so far and that of the next segment
 * NumPy's function chooses too, for it knows which of two equals, or NaNs, comes first.
 */
enum { ROW_BYTES = 128, SEGMENT = 256, COLUMN = SEGMENT + 8, PARTS = 64, ITEM_MAX = 32 };

struct search {
    const struct best_lines *lines;
    npy_intp *result;
};

double best_element_ns(const struct best_lines *lines)
{
    int type = PyArray_TYPE(lines->array);
    double ns = 0.03 * (double)lines->lines.size;

    if (type == NPY_HALF || type == NPY_LONGDOUBLE || PyTypeNum_ISCOMPLEX(type))
        ns += 1.0;
    return lines->lines.step == lines->lines.size ? ns : ns + 1.0;
}

static npy_intp best(const struct best_lines *lines, void *data, npy_intp n)
{
    npy_intp at = 0;

    lines->fn(data, n, &at, lines->array);
    return at;
}

/* With the size known, the compiler makes moves of the memcpy. */
#define COPY_SIZED(bytes)                                                                          \
    case bytes:                                                                                    \
        for (npy_intp i = 0; i < n; i++)                                                           \
            for (npy_intp k = 0; k < width; k++)                                                   \
                memcpy(to + (k * COLUMN + i) * (bytes), from + i * step + k * apart, bytes);       \
        break;

static void copy_columns(char *to, const char *from, npy_intp n, npy_intp step, npy_intp width,
                         npy_intp apart, npy_intp size)
{
    switch (size) {
        COPY_SIZED(1)
        COPY_SIZED(2)
        COPY_SIZED(4)
        COPY_SIZED(8)
        COPY_SIZED(16)
        COPY_SIZED(32)
    }
}

/* Whether the second of two items is the better one. */
static bool is_better(const struct best_lines *lines, const char *first, const char *second)
{
    alignas(64) char pair[2 * ITEM_MAX];
    size_t size = (size_t)lines->lines.size;

    memcpy(pair, first, size);
    memcpy(pair + size, second, size);
    return best(lines, pair, 2) == 1;
}

/* The best of each of `width` lines of that length, whose first elements lie `apart`. */
static void search_side_by_side(const struct best_lines *lines, const char *first, npy_intp length,
                                npy_intp width, npy_intp apart, npy_intp *result)
{
    alignas(64) char columns[COLUMN * ROW_BYTES];
    npy_intp size = lines->lines.size, step = lines->lines.step;

    for (npy_intp begin = 0; begin < length; begin += SEGMENT) {
        npy_intp n = length - begin < SEGMENT ? length - begin : SEGMENT;

        copy_columns(columns, first + begin * step, n, step, width, apart, size);
        for (npy_intp k = 0; k < width; k++) {
            char *column = columns + k * COLUMN * size;
            npy_intp at = best(lines, column, n);

            if (begin == 0 ||
                is_better(lines, first + k * apart + result[k] * step, column + at * size))
                result[k] = begin + at;
        }
    }
}

/* How many lines from the i-th on lie so near that they share cache lines. */
static npy_intp width_at(const struct lines *lines, npy_intp i, npy_intp end)
{
    npy_intp extent = lines->ndim ? lines->shape[lines->ndim - 1] : 1;
    npy_intp apart = lines->ndim ? llabs(lines->strides[lines->ndim - 1]) : 0;
    npy_intp width = apart >= lines->size ? ROW_BYTES / apart : 0, left = extent - i % extent;

    left = end - i < left ? end - i : left;
    width = width > left ? left : width;
    return width > 1 ? width : 1;
}

static void search_lines(void *ctx, int64_t begin, int64_t end)
{
    const struct search *search = ctx;
    const struct best_lines *best_lines = search->lines;
    const struct lines *lines = &best_lines->lines;
    npy_intp apart = lines->ndim ? lines->strides[lines->ndim - 1] : 0;

    for (npy_intp i = begin, width; i < end; i += width) {
        npy_intp length = i == lines->count - 1 ? best_lines->last : lines->length;
        char *line = lines_at(lines, i);

        width = lines->step == lines->size ? 1 : width_at(lines, i, end);
        if (lines->step == lines->size)
            search->result[i] = best(best_lines, line, length);
        else
            search_side_by_side(best_lines, line, length, width, apart, search->result + i);
    }
}

bool best_of_lines(const struct best_lines *lines, npy_intp *result)
{
    struct search search = {lines, result};
    double ns = best_element_ns(lines) * (double)lines->lines.length;

    return span_run(search_lines, &search, lines->lines.count, 1, ns);
}

static char *found_at(const struct lines *lines, npy_intp i, const npy_intp *result)
{
    return lines_at(lines, i) + result[i] * lines->step;
}

npy_intp best_line_of_all(const struct best_lines *lines, const npy_intp *result)
{
    npy_intp winner = 0;

    for (npy_intp i = 1; i < lines->lines.count; i++)
        if (is_better(lines, found_at(&lines->lines, winner, result),
                      found_at(&lines->lines, i, result)))
            winner = i;
    return winner;
}

bool best_of_line(const struct best_lines *lines, npy_intp i, npy_intp *result)
{
    npy_intp found[PARTS], length = lines->lines.length, part = (length + PARTS - 1) / PARTS;
    npy_intp winner;
    struct best_lines parts = *lines;

    parts.lines.data = lines_at(&lines->lines, i);
    parts.lines.ndim = 1;
    parts.lines.length = part;
    parts.lines.strides[0] = part * lines->lines.step;
    parts.lines.shape[0] = parts.lines.count = (length + part - 1) / part;
    parts.last = length - (parts.lines.count - 1) * part;
    if (!best_of_lines(&parts, found))
        return false;
    winner = best_line_of_all(&parts, found);
    *result = winner * part + found[winner];
    return true;
}
