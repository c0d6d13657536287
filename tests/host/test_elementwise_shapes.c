/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Element-wise calls of any layout give what a plain loop over copies of the inputs gives, write
 * nowhere else, and reach a plugin as ops.h promises. Every case runs on a fake backend that
 * checks the promises, and on serial.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "strided.h"

enum { ROOM = 1 << 14 };
static double memory[ROOM], before[ROOM], expected[ROOM];

static struct fake naive = {.id = "naive", .work = naive_elementwise};

static void use(const char *backend)
{
    cr_assert_eq(treadle_set_backend(backend), TREADLE_OK, "%s", treadle_last_error());
}

static void set_up(void)
{
    seed_once();
    cr_assert_eq(fake_register(&naive), TREADLE_OK, "%s", treadle_last_error());
    fill_random(memory, ROOM);
}

/* The array as it lay in `before`, or lies in `expected`. */
static struct treadle_array moved_to(const struct treadle_array *a, double *copy)
{
    struct treadle_array moved = *a;
    moved.data = (char *)copy + ((char *)a->data - (char *)memory);
    return moved;
}

static void compute_expected(const struct treadle_array *args, uint32_t nin)
{
    struct treadle_array x = moved_to(&args[0], before), y = moved_to(&args[nin - 1], before);
    struct treadle_array out = moved_to(&args[nin], expected);
    int64_t index[TREADLE_NDIM_MAX] = {0};
    memcpy(before, memory, sizeof memory);
    memcpy(expected, memory, sizeof memory);
    if (!has_elements(out.ndim, out.shape))
        return;
    do {
        double a = *element(&x, index, out.ndim), b = *element(&y, index, out.ndim);
        *element(&out, index, out.ndim) = nin > 1 ? a - b : a;
    } while (next_index(index, out.ndim, out.shape));
}

static void expect_as_if_copied(const struct treadle_array *args, uint32_t nin, const char *what)
{
    static const char *const backends[] = {"naive", "serial"};
    double start[ROOM];
    memcpy(start, memory, sizeof memory);
    for (int b = 0; b < 2; b++) {
        use(backends[b]);
        memcpy(memory, start, sizeof memory);
        compute_expected(args, nin);
        int32_t status = treadle_run(nin > 1 ? "subtract" : "copy", args, nin + 1, nin, NULL, NULL);
        cr_assert_eq(status, TREADLE_OK, "%s on %s: %s", what, backends[b], treadle_last_error());
        cr_assert_null(broken_promise(), "%s: %s", what, broken_promise());
        cr_assert_eq(memcmp(memory, expected, sizeof memory), 0, "%s on %s", what, backends[b]);
    }
}

static void random_shape(int64_t *shape, int32_t ndim, uint32_t most)
{
    for (int32_t d = 0; d < ndim; d++)
        shape[d] = random_below(12) == 0 ? 0 : 1 + random_below(most);
}

/* An input's shape: the output's, with axes left off in front and others of extent 1. */
static int32_t broadcastable(int64_t *shape, const int64_t *of, int32_t ndim)
{
    int32_t left = ndim - (random_below(3) == 0 ? (int32_t)random_below((uint32_t)ndim + 1) : 0);
    for (int32_t d = 0; d < left; d++)
        shape[d] = random_below(4) == 0 ? 1 : of[ndim - left + d];
    return left;
}

Test(elementwise, random_layouts_give_what_copies_give, .init = set_up, .timeout = 60)
{
    struct strided x, y, out;
    int64_t shape[TREADLE_NDIM_MAX], part[TREADLE_NDIM_MAX];
    for (int trial = 0; trial < 600; trial++) {
        int32_t ndim = (int32_t)random_below(5);
        random_shape(shape, ndim, 6);
        /* A third of the cases lies so close together that operands overlap. */
        size_t room = random_below(3) ? ROOM / 3 : ROOM / 8;
        size_t at = room == ROOM / 3 ? room : random_below(64);
        int32_t nx = broadcastable(part, shape, ndim);
        if (!strided_random(&x, memory, room, nx, part))
            continue;
        int32_t ny = broadcastable(part, shape, ndim);
        if (!strided_random(&y, memory + at, room, ny, part) ||
            !strided_random(&out, memory + 2 * at, room, ndim, shape))
            continue;
        const struct treadle_array args[] = {x.a, y.a, out.a};
        expect_as_if_copied(args, 2, "random layout");
    }
}

Test(elementwise, a_contiguous_array_of_any_rank_arrives_with_one_axis, .init = set_up)
{
    struct strided x, out;
    int64_t shape[TREADLE_NDIM_MAX];
    for (int32_t ndim = 1; ndim <= TREADLE_NDIM_MAX; ndim++) {
        for (int32_t d = 0; d < ndim; d++)
            shape[d] = d % 8 == 3 ? 2 : 1;
        strided_f64(&x, memory, ndim, shape);
        strided_f64(&out, memory + ROOM / 2, ndim, shape);
        expect_as_if_copied((struct treadle_array[]){x.a, out.a}, 1, "rank");
    }
}

Test(elementwise, overlap_ahead_and_behind, .init = set_up)
{
    struct strided x, y, out;
    for (int64_t shift = -9; shift <= 9; shift++) {
        strided_vector(&x, memory + 100, 500, 1);
        strided_vector(&y, memory + 100 - shift, 500, 1);
        strided_vector(&out, memory + 100 + shift, 500, 1);
        expect_as_if_copied((struct treadle_array[]){x.a, out.a}, 1, "shifted copy");
        expect_as_if_copied((struct treadle_array[]){x.a, y.a, out.a}, 2, "shifted");
    }
}

Test(elementwise, overlap_by_part_of_an_element, .init = set_up)
{
    struct strided x, out;
    strided_vector(&x, memory + 100, 300, 1);
    strided_vector(&out, (double *)((char *)(memory + 100) + 4), 300, 1);
    char *at = x.a.data;
    double copy[300];
    memcpy(copy, at, sizeof copy);
    cr_assert_eq(treadle_unary("copy", &x.a, &out.a, NULL), TREADLE_OK);
    cr_assert_eq(memcmp(out.a.data, copy, sizeof copy), 0);
}

Test(elementwise, in_place_reversed_and_transposed, .init = set_up)
{
    struct strided x, y, out;
    const int64_t square[] = {40, 40};
    strided_vector(&x, memory + 999, 1000, -1);
    strided_vector(&out, memory, 1000, 1);
    expect_as_if_copied((struct treadle_array[]){x.a, out.a}, 1, "reversed in place");
    expect_as_if_copied((struct treadle_array[]){out.a, x.a, out.a}, 2, "minus its reverse");

    strided_f64(&x, memory, 2, square);
    strided_f64(&y, memory, 2, square);
    strided_f64(&out, memory, 2, square);
    int64_t outer = x.strides[0];
    x.strides[0] = x.strides[1];
    x.strides[1] = outer;
    expect_as_if_copied((struct treadle_array[]){x.a, out.a}, 1, "transposed in place");
    expect_as_if_copied((struct treadle_array[]){y.a, x.a, out.a}, 2, "minus its transpose");
    expect_as_if_copied((struct treadle_array[]){x.a, x.a, x.a}, 2, "transposed everywhere");
}

Test(elementwise, a_row_and_an_element_of_the_output_itself, .init = set_up)
{
    struct strided x, row, one, out;
    const int64_t shape[] = {30, 50};
    strided_f64(&x, memory, 2, shape);
    strided_f64(&out, memory, 2, shape);
    strided_f64(&row, memory + 50 * 7, 1, &shape[1]);
    strided_f64(&one, memory + 777, 0, NULL);
    expect_as_if_copied((struct treadle_array[]){x.a, row.a, out.a}, 2, "minus one of its rows");
    expect_as_if_copied((struct treadle_array[]){x.a, one.a, out.a}, 2, "minus an element");
    expect_as_if_copied((struct treadle_array[]){one.a, row.a, out.a}, 2, "both of them");
}

Test(elementwise, large_calls_take_the_same_way, .init = set_up)
{
    struct strided x, out;
    const int64_t shape[] = {60, 70};
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    strided_f64(&x, memory + 5, 2, shape);
    strided_f64(&out, memory, 2, shape);
    expect_as_if_copied((struct treadle_array[]){x.a, out.a}, 1, "large and overlapping");
    expect_as_if_copied((struct treadle_array[]){x.a, x.a, out.a}, 2, "large, twice the same");
}
