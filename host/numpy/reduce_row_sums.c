/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_row_sums.h"

#include <stdint.h>
#include <string.h>

/* Sums are added up in the first-level cache; those of rows of fewer bytes stay there anyway. What
 * NumPy's loop gets of a row, because of a NaN, must go the way it goes in the whole row: it begins
 * with a cache line of sums, and is not so short that the loop does without vectors. */
enum { AT_ONCE = 4, SUMS = 1024, SHORT = 256, LONG = 24 << 10, LINE = 64 };

/* The memory an array lies in. What the iterator has in a buffer lies elsewhere, and does not stay.
 */
struct extent {
    const char *begin, *end;
};

struct rows {
    const struct job *job;
    struct extent sums, numbers;
    char *sum;          /* the first one; all lie together */
    npy_intp n;         /* sums, and numbers of a row */
    char *row[AT_ONCE]; /* not added yet */
    int count;
    bool has_nan; /* among the sums */
};

/* ---- four rows ------------------------------------------------------------------------------- */

/* Returns false if a sum is a NaN. */
#define ADD(name, type, bits)                                                                      \
    typedef type name##s __attribute__((vector_size(16), aligned(sizeof(type)), may_alias));       \
    static bool add_##name(char *to, const char *sum, char *const *row, npy_intp begin,            \
                           npy_intp n)                                                             \
    {                                                                                              \
        enum { WIDE = 16 / sizeof(type) };                                                         \
        npy_intp i = 0;                                                                            \
        bool is_nan = false;                                                                       \
        const type *r0 = (const type *)row[0] + begin, *r1 = (const type *)row[1] + begin,         \
                   *r2 = (const type *)row[2] + begin, *r3 = (const type *)row[3] + begin;         \
        bits nans __attribute__((vector_size(16))) = {0};                                          \
                                                                                                   \
        for (; i + WIDE <= n; i += WIDE) {                                                         \
            name##s x =                                                                            \
                ((*(const name##s *)((const type *)sum + i) + *(const name##s *)(r0 + i)) +        \
                 *(const name##s *)(r1 + i)) +                                                     \
                *(const name##s *)(r2 + i);                                                        \
                                                                                                   \
            x += *(const name##s *)(r3 + i);                                                       \
            nans |= x != x;                                                                        \
            *(name##s *)((type *)to + i) = x;                                                      \
        }                                                                                          \
        for (; i < n; i++) {                                                                       \
            type x = (((((const type *)sum)[i] + r0[i]) + r1[i]) + r2[i]) + r3[i];                 \
                                                                                                   \
            is_nan |= x != x;                                                                      \
            ((type *)to)[i] = x;                                                                   \
        }                                                                                          \
        for (int k = 0; k < WIDE; k++)                                                             \
            is_nan |= nans[k] != 0;                                                                \
        return !is_nan;                                                                            \
    }

ADD(f32, npy_float32, npy_int32)
ADD(f64, npy_float64, npy_int64)

static bool add(int type, char *to, const char *sum, char *const *row, npy_intp begin, npy_intp n)
{
    return type == NPY_FLOAT ? add_f32(to, sum, row, begin, n) : add_f64(to, sum, row, begin, n);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void add_by_loop(const struct rows *rows, char *row, npy_intp begin, npy_intp n)
{
    const struct parts_call *call = rows->job->call;
    npy_intp size = call->slot->itemsize[0];
    char *sum = rows->sum + begin * size;

    call->slot->loop((char *[]){sum, row + begin * size, sum}, &n, (npy_intp[]){size, size, size},
                     call->data);
}

/* Less than all of them: NumPy's loop. */
static void add_rest(struct rows *rows)
{
    for (int i = 0; i < rows->count; i++)
        add_by_loop(rows, rows->row[i], 0, rows->n);
    rows->count = 0;
}

static void add_all(struct rows *rows)
{
    const struct slot *slot = rows->job->call->slot;
    double sums[SUMS + SHORT];
    npy_intp size = slot->itemsize[0];

    for (npy_intp begin = 0, n; begin < rows->n && !rows->has_nan; begin += n) {
        n = rows->n - begin < SUMS + SHORT ? rows->n - begin : SUMS;
        if (add(slot->type, (char *)sums, rows->sum + begin * size, rows->row, begin, n)) {
            memcpy(rows->sum + begin * size, sums, (size_t)(n * size));
            continue;
        }
        rows->has_nan = true;
        for (int i = 0; i < AT_ONCE; i++)
            add_by_loop(rows, rows->row[i], begin, rows->n - begin);
    }
    rows->count = 0;
}

static void take(struct rows *rows, const struct part *part)
{
    if (rows->sum != part->ptrs[0] || rows->n != *part->count) {
        add_rest(rows);
        rows->sum = part->ptrs[0];
        rows->n = *part->count;
        rows->has_nan = false;
    }
    rows->row[rows->count++] = part->ptrs[1];
    if (rows->has_nan)
        add_rest(rows);
    else if (rows->count == AT_ONCE)
        add_all(rows);
}

/* ---- a part ---------------------------------------------------------------------------------- */

static struct extent extent_of(PyArrayObject *array)
{
    struct extent extent = {PyArray_BYTES(array), PyArray_BYTES(array) + PyArray_ITEMSIZE(array)};

    for (int i = 0; i < PyArray_NDIM(array); i++) {
        npy_intp reach = (PyArray_DIM(array, i) - 1) * PyArray_STRIDE(array, i);

        if (reach < 0)
            extent.begin += reach;
        else
            extent.end += reach;
    }
    return extent;
}

static bool is_in(struct extent extent, const char *at, npy_intp bytes)
{
    return at >= extent.begin && at + bytes <= extent.end;
}

static bool fits(const struct rows *rows, const struct part *part)
{
    npy_intp size = rows->job->call->slot->itemsize[0], n = *part->count;

    return (uintptr_t)part->ptrs[0] % LINE == 0 && part->steps[0] == size &&
           part->steps[1] == size && n * size >= LONG &&
           is_in(rows->sums, part->ptrs[0], n * size) &&
           is_in(rows->numbers, part->ptrs[1], n * size);
}

/* Rows may wait, for sums that lie in the array stay there: no iterator of NumPy's reads a sum that
 * it has given out so into a buffer later on. */
void row_sums_run(const struct job *job, struct part *part)
{
    PyArrayObject **arrays = NpyIter_GetOperandArray(part->iter);
    struct rows rows = {.job = job, .sums = extent_of(arrays[0]), .numbers = extent_of(arrays[1])};

    do {
        if (part->skip == 0 && fits(&rows, part)) {
            take(&rows, part);
        } else {
            add_rest(&rows);
            part_step(job, part);
        }
    } while (part->next(part->iter));
    add_rest(&rows);
    part->failed = false;
}

bool row_sums_suit(const struct parts_call *call)
{
    return call->order == PARTS_PAIRWISE && !call->where &&
           (call->slot->type == NPY_FLOAT || call->slot->type == NPY_DOUBLE);
}
