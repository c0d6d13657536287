/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with arguments is said in a sentence that names the argument; nothing is written.
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "fakes.h"
#include "strided.h"

static double data[3][64];
static struct strided x, y, out;

/* Three valid 3 x 4 matrices. */
static void set_up(void)
{
    const int64_t shape[] = {3, 4};
    seed_once();
    strided_f64(&x, data[0], 2, shape);
    strided_f64(&y, data[1], 2, shape);
    strided_f64(&out, data[2], 2, shape);
    fill_random(data[0], 64);
    fill_random(data[1], 64);
    fill(data[2], 64, SENTINEL);
}

static void expect_refused(int32_t status, int32_t expected, const char *words)
{
    expect_status(status, expected, words);
    for (int i = 0; i < 64; i++)
        cr_assert_eq(data[2][i], SENTINEL, "written at %d", i);
}

static void refuse_add(const char *words)
{
    struct treadle_used used = {.threads = 77};
    expect_refused(treadle_binary("add", &x.a, &y.a, &out.a, &used), TREADLE_E_INVALID, words);
    cr_assert_eq(used.threads, 77, "used is filled in on success only");
    set_up();
}

Test(arguments, each_operand_of_an_elementwise_call, .init = set_up)
{
    y.a.ndim = -1;
    refuse_add("add: input 2|ndim is -1|0 to 64");
    out.a.ndim = 65;
    refuse_add("add: output 1|ndim is 65|0 to 64");
    x.a.shape = NULL;
    refuse_add("add: input 1|shape is NULL");
    x.a.strides = NULL;
    refuse_add("add: input 1|strides is NULL");
    y.shape[1] = -4;
    refuse_add("add: input 2|negative extent");
    y.a.data = NULL;
    refuse_add("add: input 2|data is NULL");
    x.a.itemsize = 4;
    refuse_add("add: input 1|itemsize is 4|64 bits");
    x.a.itemsize = 0;
    refuse_add("add: input 1|itemsize is 0");
    x.a.dtype.lanes = 2;
    refuse_add("add: input 1|2 lanes");
    out.a.flags = TREADLE_READONLY;
    refuse_add("add: output 1|read-only");
    out.strides[1] = 0;
    refuse_add("add: output 1|share memory");
    x.shape[1] = 3;
    refuse_add("add: input 1|broadcast");
    x.shape[0] = 1, x.shape[1] = 5;
    refuse_add("add: input 1|broadcast");
    out.a.ndim = 1;
    refuse_add("add: input 1|broadcast");
    out.shape[0] = 1; /* an output is not broadcast */
    refuse_add("add: input 1|broadcast");
}

Test(arguments, a_read_only_input_is_fine, .init = set_up)
{
    x.a.flags = TREADLE_READONLY;
    cr_assert_eq(treadle_binary("add", &x.a, &y.a, &out.a, NULL), TREADLE_OK);
}

Test(arguments, sizes_that_overflow, .init = set_up)
{
    x.shape[0] = x.shape[1] = INT64_C(1) << 40;
    refuse_add("add: input 1|too many elements");
    /* 2^60 elements can be counted, but their bytes cannot. */
    x.shape[0] = INT64_C(1) << 60, x.shape[1] = 1;
    refuse_add("add: input 1|too many");
    /* Few elements, but no address is that far away. */
    x.strides[0] = INT64_MAX / 2;
    refuse_add("add: input 1|strides");
    x.strides[0] = INT64_MIN;
    refuse_add("add: input 1|strides");
    /* An empty array needs no memory. */
    const int64_t empty[] = {INT64_MAX / 8, 0};
    strided_f64(&x, NULL, 2, empty);
    strided_f64(&y, NULL, 2, empty);
    strided_f64(&out, NULL, 2, empty);
    cr_assert_eq(treadle_binary("add", &x.a, &y.a, &out.a, NULL), TREADLE_OK, "%s",
                 treadle_last_error());
}

Test(arguments, numbers_of_operands, .init = set_up)
{
    struct treadle_array args[17];
    for (int i = 0; i < 17; i++)
        args[i] = out.a;
    expect_invalid(treadle_run("add", args, 2, 1, NULL, NULL),
                   "add|1 inputs and 1 outputs|2 and 1");
    expect_invalid(treadle_run("add", args, 4, 2, NULL, NULL),
                   "add|2 inputs and 2 outputs|2 and 1");
    expect_invalid(treadle_run("add", args, 2, 2, NULL, NULL), "add|at least one output");
    expect_invalid(treadle_run("add", args, 2, 3, NULL, NULL), "add|at least one output");
    expect_invalid(treadle_run("add", args, 0, 0, NULL, NULL), "add|at least one output");
    expect_invalid(treadle_run("org.tests.op", args, 17, 1, NULL, NULL), "17 operands|up to 16");
    expect_invalid(treadle_run("add", NULL, 3, 2, NULL, NULL), "add");
    expect_invalid(treadle_run(NULL, args, 3, 2, NULL, NULL), "op is NULL");
    expect_invalid(treadle_run("", args, 3, 2, NULL, NULL), "op is empty");
    expect_invalid(treadle_unary("copy", NULL, &out.a, NULL), "copy: x is NULL");
    expect_invalid(treadle_unary("copy", &x.a, NULL, NULL), "copy: out is NULL");
    expect_invalid(treadle_binary("add", NULL, &y.a, &out.a, NULL), "add: x1 is NULL");
    expect_invalid(treadle_binary("add", &x.a, NULL, &out.a, NULL), "add: x2 is NULL");
    expect_invalid(treadle_binary("add", &x.a, &y.a, NULL, NULL), "add: out is NULL");
    expect_invalid(treadle_reduce("sum", NULL, NULL, -1, &out.a, NULL), "sum: x is NULL");
    expect_invalid(treadle_reduce("sum", &x.a, NULL, -1, NULL, NULL), "sum: out is NULL");
    expect_invalid(treadle_reduce("sum", &x.a, NULL, 1, &out.a, NULL), "sum: axes is NULL");
}

Test(arguments, operations_and_types_that_nobody_has, .init = set_up)
{
    const struct treadle_array args[] = {x.a, y.a, out.a};
    expect_refused(treadle_run("org.tests.none", args, 3, 2, NULL, NULL), TREADLE_E_UNSUPPORTED,
                   "org.tests.none: no backend");
    y.a.dtype.code = TREADLE_BFLOAT;
    expect_refused(treadle_binary("add", &x.a, &y.a, &out.a, NULL), TREADLE_E_UNSUPPORTED,
                   "add: no backend|3 operands and types");
}

static void refuse_reduce(const char *op, const int32_t *axes, int32_t naxes, const char *words)
{
    expect_refused(treadle_reduce(op, &x.a, axes, naxes, &out.a, NULL), TREADLE_E_INVALID, words);
}

Test(arguments, axes_and_outputs_of_reductions, .init = set_up)
{
    const int32_t two[] = {2}, minus[] = {-3}, twice[] = {1, -1}, one[] = {1};
    refuse_reduce("sum", two, 1, "axes: 2|-2 to 1");
    refuse_reduce("sum", minus, 1, "axes: -3|-2 to 1");
    refuse_reduce("sum", (int32_t[]){INT32_MIN}, 1, "axes");
    refuse_reduce("sum", (int32_t[]){INT32_MAX}, 1, "axes");
    refuse_reduce("sum", twice, 2, "axes: -1 stands twice");
    refuse_reduce("sum", one, 1, "sum: output 1|extent 4 of axis 1|must be 1");
    out.a.ndim = 1;
    refuse_reduce("sum", NULL, -1, "sum: output 1|ndim is 1|0, or 2");
    out.shape[0] = 4;
    refuse_reduce("sum", one, 1, "sum: output 1|extent 4 of axis 0|must be 3");
    x.a.ndim = -1;
    refuse_reduce("sum", NULL, -1, "sum: input 1|ndim is -1");
    x.a.ndim = 70;
    refuse_reduce("sum", NULL, -1, "sum: input 1|ndim is 70");
    refuse_reduce("sum", (int32_t[]){69}, 1, "sum: input 1|ndim is 70");
}

Test(arguments, reductions_of_nothing, .init = set_up)
{
    x.shape[1] = 0;
    out.a.ndim = 1;
    const int32_t one[] = {1};
    refuse_reduce("min", one, 1, "min|no elements");
    refuse_reduce("max", one, 1, "max|no elements");
    refuse_reduce("mean", one, 1, "mean|no elements");
    cr_assert_eq(treadle_reduce("sum", &x.a, one, 1, &out.a, NULL), TREADLE_OK);
    cr_assert_eq(data[2][8], 0);
    cr_assert_eq(treadle_reduce("prod", &x.a, one, 1, &out.a, NULL), TREADLE_OK);
    cr_assert_eq(data[2][8], 1);
}

Test(arguments, attributes_that_are_missing_or_short, .init = set_up)
{
    const struct treadle_array args[] = {x.a, out.a};
    struct treadle_reduction reduction = {.struct_size = sizeof reduction - 1, .axes = 3};
    struct treadle_loop loop = {.struct_size = sizeof loop, .grain = 1};
    expect_invalid(treadle_run("sum", args, 2, 1, NULL, NULL), "sum|treadle_reduction");
    expect_invalid(treadle_run("sum", args, 2, 1, &reduction, NULL), "sum|treadle_reduction");
    reduction = (struct treadle_reduction){.struct_size = sizeof reduction, .axes = 4};
    expect_invalid(treadle_run("sum", args, 2, 1, &reduction, NULL), "sum: axes beyond the 2");
    expect_invalid(treadle_run("loop", args, 2, 1, NULL, NULL), "loop|treadle_loop");
    expect_invalid(treadle_run("loop", args, 2, 1, &loop, NULL), "loop|fn");
}

static void refuse_matmul(const char *words)
{
    expect_refused(treadle_binary("matmul", &x.a, &y.a, &out.a, NULL), TREADLE_E_INVALID, words);
}

Test(arguments, products, .init = set_up)
{
    refuse_matmul("matmul: input 2|3 rows|4 columns");
}

Test(arguments, shapes_of_products, .init = set_up)
{
    const int64_t square[] = {4, 4}, stack[] = {2, 4, 4}, other[] = {3, 4, 4};
    strided_f64(&y, data[1], 2, square);
    out.shape[0] = 4;
    refuse_matmul("matmul: output 1|4 x 4|3 x 4");
    x.a.ndim = 0;
    refuse_matmul("matmul: input 1|no dimension");
    strided_f64(&x, data[0], 2, square);
    out.a.ndim = 1;
    refuse_matmul("matmul: output 1|ndim is 1");
    strided_f64(&x, data[0], 3, stack);
    strided_f64(&out, data[2], 3, other);
    refuse_matmul("matmul: input 1|leading axes");
    strided_f64(&out, data[2], 2, square);
    refuse_matmul("matmul: input 1|leading axes");
    expect_invalid(treadle_binary("dot", &x.a, &y.a, &out.a, NULL), "dot: input 1|ndim is 3");
    strided_vector(&x, data[0], 4, 1);
    strided_vector(&y, data[1], 5, 1);
    expect_invalid(treadle_binary("dot", &x.a, &y.a, &out.a, NULL), "dot: input 2|5 elements|4");
    strided_vector(&y, data[1], 4, 1);
    expect_invalid(treadle_binary("dot", &x.a, &y.a, &out.a, NULL), "dot: output 1|ndim is 2");
}

/* Whatever is asked: a backend for linear algebra need not be there to find mistakes. */
static int32_t nothing(struct treadle_call *call)
{
    (void)call;
    return TREADLE_OK;
}

static struct fake linalg = {.id = "linalg", .work = nothing};

static void set_up_linalg(void)
{
    set_up();
    cr_assert_eq(fake_register(&linalg), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("linalg"), TREADLE_OK);
}

Test(arguments, shapes_of_linear_algebra, .init = set_up_linalg)
{
    const int64_t square[] = {3, 3};
    struct strided s;
    struct treadle_array svd[] = {x.a, x.a, out.a, y.a};
    expect_invalid(treadle_run("svd", svd, 3, 1, NULL, NULL), "svd: 2 outputs|1 or 3");
    expect_invalid(treadle_run("svd", svd, 4, 1, NULL, NULL), "svd: output 1|extent 4 of axis 1|3");
    expect_invalid(treadle_unary("inv", &x.a, &out.a, NULL), "inv: input 1|3 x 4|square");
    strided_f64(&s, data[1], 2, square);
    expect_invalid(treadle_unary("inv", &s.a, &out.a, NULL), "inv: output 1|extent 4 of axis 1|3");
    expect_invalid(treadle_binary("solve", &s.a, &x.a, &s.a, NULL),
                   "solve: output 1|extent 3 of axis 1|4");
    s.a.ndim = 1;
    expect_invalid(treadle_unary("cholesky", &s.a, &out.a, NULL), "cholesky: input 1|ndim is 1");
    struct treadle_linalg attrs = {.struct_size = 4};
    expect_invalid(treadle_run("svd", svd, 4, 1, &attrs, NULL), "svd|treadle_linalg");
    attrs = (struct treadle_linalg){.struct_size = sizeof attrs, .flags = 0x80};
    expect_invalid(treadle_run("svd", svd, 4, 1, &attrs, NULL), "svd|flags|0x80");
    cr_assert_eq(linalg.runs, 0);
}

Test(arguments, right_shapes_of_linear_algebra, .init = set_up_linalg)
{
    const int64_t tall[] = {2, 5, 3}, u[] = {2, 5, 3}, whole[] = {2, 5, 5}, s[] = {2, 3},
                  vh[] = {2, 3, 3}, square[] = {3, 3};
    struct strided a, b, c, d;
    static double room[4][64];
    strided_f64(&a, room[0], 3, tall);
    strided_f64(&b, room[1], 3, u);
    strided_f64(&c, room[2], 2, s);
    strided_f64(&d, room[3], 3, vh);
    const struct treadle_array economic[] = {a.a, b.a, c.a, d.a};
    cr_assert_eq(treadle_run("svd", economic, 4, 1, NULL, NULL), TREADLE_OK);
    cr_assert_eq(treadle_unary("svd", &a.a, &c.a, NULL), TREADLE_OK);
    strided_f64(&b, room[1], 3, whole);
    const struct treadle_linalg full = {.struct_size = sizeof full, .flags = TREADLE_FULL_MATRICES};
    const struct treadle_array complete[] = {a.a, b.a, c.a, d.a};
    cr_assert_eq(treadle_run("svd", complete, 4, 1, &full, NULL), TREADLE_OK);
    const struct treadle_array qr[] = {a.a, b.a, a.a};
    cr_assert_eq(treadle_run("qr", qr, 3, 1, &full, NULL), TREADLE_OK, "%s", treadle_last_error());
    strided_f64(&a, room[0], 2, square);
    strided_f64(&b, room[1], 1, square);
    cr_assert_eq(treadle_binary("solve", &a.a, &b.a, &b.a, NULL), TREADLE_OK);
    const struct treadle_array eigh[] = {a.a, b.a, a.a};
    cr_assert_eq(treadle_run("eigh", eigh, 3, 1, NULL, NULL), TREADLE_OK);
    cr_assert_eq(linalg.runs, 6);
}

Test(arguments, a_flat_call_keeps_its_own_message, .init = set_up)
{
    const uint32_t types[] = {TREADLE_TYPE_FLOAT64, TREADLE_TYPE_FLOAT64, TREADLE_TYPE_FLOAT64};
    const int32_t ndims[] = {2, 1, 2}, axis = -2;
    const int64_t four = 4, *const shapes[] = {x.shape, &four, x.shape};
    void *const memory[] = {data[0], data[2], data[1]};
    char message[256] = "untouched";
    cr_assert_eq(treadle_run_flat_with_message("sum", 2, 1, memory, types, ndims, shapes, NULL, 0,
                                               &axis, 1, NULL, message, sizeof message),
                 TREADLE_OK);
    cr_assert_str_eq(message, "untouched");
    for (int i = 0; i < 4; i++)
        cr_assert_eq(data[2][i], data[0][i] + data[0][4 + i] + data[0][8 + i]);
    const int32_t wrong = 2;
    expect_invalid(treadle_run_flat_with_message("sum", 2, 1, memory, types, ndims, shapes, NULL, 0,
                                                 &wrong, 1, NULL, message, sizeof message),
                   "axes: 2");
    expect_invalid(treadle_set_backend("nonsense"), "nonsense");
    cr_assert(strstr(message, "axes: 2"), "%s", message);
    expect_invalid(treadle_run_flat_with_message("add", 2, 1, memory, types, ndims, shapes, NULL, 0,
                                                 NULL, 0, NULL, message, 4),
                   "add: ");
    cr_assert_str_eq(message, "add");
    expect_invalid(treadle_run_flat_with_message("add", 3, 2, NULL, types, ndims, shapes, NULL, 0,
                                                 NULL, 0, NULL, NULL, 0),
                   "add: up to");
}
