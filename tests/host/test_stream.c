/* SPDX-License-Identifier: BSD-3-Clause */
/* TREADLE_CALL_STREAM: which calls a kernel is told to write past the caches. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "fakes.h"
#include "strided.h"

/* Nobody reads or writes the operands: they need addresses, and no memory. */
static struct fake fake = {.id = "fake"};
static char *x, *y, *out;

static char *reserve(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    return memory;
}

static void set_up(void)
{
    size_t bytes = 4 * treadle_stream_bytes();
    x = reserve(bytes);
    y = reserve(bytes);
    out = reserve(bytes);
    cr_assert_eq(fake_register(&fake), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("fake"), TREADLE_OK, "%s", treadle_last_error());
}

static struct treadle_array matrix(char *data, const int64_t *shape, const int64_t *strides,
                                   uint32_t itemsize)
{
    return (struct treadle_array){.data = data,
                                  .shape = shape,
                                  .strides = strides,
                                  .ndim = 2,
                                  .dtype = {TREADLE_FLOAT, (uint8_t)(8 * itemsize), 1},
                                  .itemsize = itemsize};
}

/* An addition of n columns in two rows, so apart that it stays two. */
static bool is_told(char *a, char *b, char *to, int64_t n, uint32_t itemsize)
{
    const int64_t shape[] = {2, n}, strides[] = {(n + 1) * itemsize, itemsize};
    struct treadle_array args[] = {matrix(a, shape, strides, itemsize),
                                   matrix(b, shape, strides, itemsize),
                                   matrix(to, shape, strides, itemsize)};
    unsigned runs = fake.runs;
    cr_assert_eq(treadle_run("add", args, 3, 2, NULL, NULL), TREADLE_OK, "%s",
                 treadle_last_error());
    cr_assert_eq(fake.runs, runs + 1);
    cr_assert_eq(fake.flags_seen & ~(uint32_t)TREADLE_CALL_STREAM, 0);
    return fake.flags_seen & TREADLE_CALL_STREAM;
}

static int64_t columns(uint32_t itemsize)
{
    return (int64_t)(treadle_stream_bytes() / itemsize / 2);
}

Test(stream, from_so_many_bytes_on, .init = set_up)
{
    for (uint32_t itemsize = 4; itemsize <= 8; itemsize += 4) {
        cr_assert(is_told(x, y, out, columns(itemsize), itemsize));
        cr_assert(is_told(x, x, out, 3 * columns(itemsize) / 2, itemsize));
        cr_assert_not(is_told(x, y, out, columns(itemsize) - 1, itemsize));
        cr_assert_not(is_told(x, y, out, 10, itemsize));
    }
}

Test(stream, small_calls_too, .init = set_up)
{
    cr_assert_eq(treadle_set_min(INT64_MAX), TREADLE_OK);
    cr_assert(is_told(x, y, out, columns(8), 8));
    cr_assert_not(is_told(x, y, out, columns(8) - 1, 8));
}

Test(stream, not_in_place, .init = set_up)
{
    cr_assert_not(is_told(x, y, x, columns(8), 8));
    cr_assert_not(is_told(x, y, y, columns(8), 8));
}

Test(stream, vectors_too, .init = set_up)
{
    const int64_t n = 2 * columns(8), step = 8, less = n - 1;
    struct treadle_array args[3] = {matrix(x, &n, &step, 8), matrix(y, &n, &step, 8),
                                    matrix(out, &n, &step, 8)};
    for (int i = 0; i < 3; i++)
        args[i].ndim = 1;
    cr_assert_eq(treadle_run("add", args, 3, 2, NULL, NULL), TREADLE_OK);
    cr_assert_eq(fake.flags_seen, TREADLE_CALL_STREAM);
    for (int i = 0; i < 3; i++)
        args[i].shape = &less;
    cr_assert_eq(treadle_run("add", args, 3, 2, NULL, NULL), TREADLE_OK);
    cr_assert_eq(fake.flags_seen, 0);
}

Test(stream, element_wise_operations_only, .init = set_up)
{
    const int64_t shape[] = {2, 2 * columns(8)}, strides[] = {shape[1] * 8, 8};
    struct treadle_array args[] = {matrix(x, shape, strides, 8),
                                   matrix(out, shape + 1, strides + 1, 8)};
    struct treadle_reduction over_rows = {.struct_size = sizeof over_rows, .axes = 1};
    args[1].ndim = 1;
    cr_assert_eq(treadle_run("sum", args, 2, 1, &over_rows, NULL), TREADLE_OK, "%s",
                 treadle_last_error());
    cr_assert_eq(fake.runs, 1);
    cr_assert_eq(fake.flags_seen, 0);
}
