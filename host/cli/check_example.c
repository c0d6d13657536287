/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_example.h"

#include <math.h>
#include <string.h>

#include "check.h"

enum { SIDE_LEAST = 4, LOOP_ARGS = 2 };

/* Of the largest element: generous, because the same kernel has computed both. */
static const long double roundings = 4096;

/** The loop of the examples: copies doubles and counts the threads that are in it. */
static void copy_loop(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    struct check_example *e = ctx;
    int inside = atomic_fetch_add(&e->inside, 1) + 1, most = atomic_load(&e->most_inside);

    while (inside > most && !atomic_compare_exchange_weak(&e->most_inside, &most, inside))
        continue;
    for (int64_t i = 0; i < n; i++)
        memcpy(ptrs[1] + i * strides[1], ptrs[0] + i * strides[0], sizeof(double));
    atomic_fetch_sub(&e->inside, 1);
}

static void add_array(struct check_example *e, uint32_t i, int32_t ndim, int64_t rows,
                      int64_t columns)
{
    const int64_t shape[] = {rows, columns};

    check_array_init(&e->arrays[i], e->op->dtypes[i], ndim, shape, 1, CHECK_ALIGNED);
    check_array_fill(&e->arrays[i], CHECK_PLAIN, i + 1);
}

/** Symmetric with a large diagonal: every operation on square matrices takes it. */
static void condition(struct check_array *a, int64_t side)
{
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j <= i; j++) {
            void *low = check_array_item(a, i * side + j);
            long double value = creall(check_get(a->array.dtype, low));
            check_set(a->array.dtype, low, i == j ? (long double)(4 * side) : value);
            check_set(a->array.dtype, check_array_item(a, j * side + i),
                      creall(check_get(a->array.dtype, low)));
        }
}

static void lay_out_reduction(struct check_example *e, int64_t n)
{
    e->reduction = (struct treadle_reduction){sizeof e->reduction, 0, 1};
    e->attrs = &e->reduction;
    add_array(e, 0, 1, n, 0);
    add_array(e, 1, 1, 1, 0);
    e->arrays[1].strides[0] = 0;
}

static void lay_out_loop(struct check_example *e, int64_t n)
{
    static const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};

    for (uint32_t i = 0; i < LOOP_ARGS; i++) {
        check_array_init(&e->arrays[i], f64, 1, &n, 1, CHECK_ALIGNED);
        check_array_fill(&e->arrays[i], CHECK_PLAIN, i);
    }
    e->nargs = LOOP_ARGS;
    e->nin = 1;
    e->loop =
        (struct treadle_loop){.struct_size = sizeof e->loop, .fn = copy_loop, .ctx = e, .grain = 1};
    e->attrs = &e->loop;
}

static void lay_out_linalg(struct check_example *e, int64_t side)
{
    e->linalg.struct_size = sizeof e->linalg;
    e->attrs = &e->linalg;
    for (uint32_t i = 0; i < e->nargs; i++) {
        bool values = (check_op_is(e->op, "svd") && i == (e->nargs == 2 ? 1u : 2u)) ||
                      (check_op_is(e->op, "eigh") && i == 1);
        add_array(e, i, values ? 1 : 2, side, side);
    }
    condition(&e->arrays[0], side);
}

bool check_example_init(struct check_example *e, const struct check_op *op, int64_t n)
{
    int64_t side = (int64_t)sqrt((double)n);

    side = side < SIDE_LEAST ? SIDE_LEAST : side;
    *e = (struct check_example){.op = op, .nargs = op->ntypes, .nin = op->nin};
    if (check_op_is(op, "loop")) {
        lay_out_loop(e, n);
        return true;
    }
    if (op->ntypes < op->nin + 1)
        return false;
    if (check_op_is(op, "sum prod min max mean"))
        lay_out_reduction(e, n);
    else if (check_op_is(op, "svd qr eigh solve cholesky inv"))
        lay_out_linalg(e, side);
    else
        for (uint32_t i = 0; i < op->ntypes; i++) {
            bool scalar = check_op_is(op, "dot") && i == 2, matrix = check_op_is(op, "matmul");
            add_array(e, i, matrix ? 2 : scalar ? 0 : 1, matrix ? side : n, side);
        }
    return true;
}

void check_example_finish(struct check_example *e)
{
    for (uint32_t i = 0; i < e->nargs; i++)
        check_array_finish(&e->arrays[i]);
}

int32_t check_example_run(struct check_example *e, uint32_t threads, uint32_t *used)
{
    struct treadle_array args[CHECK_TYPES_MAX];

    for (uint32_t i = 0; i < e->nargs; i++)
        args[i] = e->arrays[i].array;
    atomic_store(&e->most_inside, 0);
    check_doing("%s, %lld elements, threads_max %u", check_op_text(e->op),
                (long long)check_array_count(&e->arrays[0]), threads);
    return check_call(e->op, args, e->nargs, e->attrs, threads, used);
}

bool check_example_same(const struct check_example *a, const struct check_example *b)
{
    for (uint32_t i = a->nin; i < a->nargs; i++)
        if (memcmp(a->arrays[i].memory, b->arrays[i].memory, a->arrays[i].bytes))
            return false;
    return true;
}

static bool arrays_close(const struct check_array *a, const struct check_array *b)
{
    long double most = 0, off = 0;

    for (int64_t i = 0, n = check_array_count(a); i < n; i++) {
        long double complex x = check_get(a->array.dtype, check_array_item(a, i));
        long double complex y = check_get(b->array.dtype, check_array_item(b, i));
        most = fmaxl(most, cabsl(x));
        off = fmaxl(off, cabsl(x - y));
    }
    return off <= roundings * check_epsilon(a->array.dtype) * most;
}

bool check_example_close(const struct check_example *a, const struct check_example *b)
{
    if (check_example_same(a, b))
        return true;
    for (uint32_t i = a->nin; i < a->nargs; i++)
        if (check_epsilon(a->arrays[i].array.dtype) == 0 ||
            !check_is_number(a->arrays[i].array.dtype) ||
            !arrays_close(&a->arrays[i], &b->arrays[i]))
            return false;
    return true;
}

static bool is_first_of_name(const struct check_op *ops, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!strcmp(ops[k].name, ops[i].name))
            return false;
    return true;
}

static void run_each(int64_t n, bool one_type, void (*try)(struct check_example *e))
{
    size_t count, tried = 0;
    const struct check_op *ops = check_plugin_ops(&count);

    for (size_t i = 0; i < count && !check_has_failed(); i++) {
        struct check_example e;
        if ((one_type && !is_first_of_name(ops, i)) || !check_example_init(&e, &ops[i], n))
            continue;
        if (check_example_run(&e, 1, NULL) == TREADLE_OK) {
            try(&e);
            tried++;
        }
        check_example_finish(&e);
    }
    if (tried == 0)
        check_skip("none of its operations took an ordinary call");
}

void check_each_example(int64_t n, void (*try)(struct check_example *e))
{
    run_each(n, false, try);
}

void check_each_name(int64_t n, void (*try)(struct check_example *e))
{
    run_each(n, true, try);
}
