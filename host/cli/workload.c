/* SPDX-License-Identifier: BSD-3-Clause */
#include "workload.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"

/* So many of any type still count their bytes in an int64_t. */
static const double elements_most = 1e17;

static const struct op_info {
    const char *name;
    enum workload_class class;
    uint32_t nin, nout;
} ops[] = {
    {"add", WORKLOAD_ELEMENTWISE, 2, 1},
    {"subtract", WORKLOAD_ELEMENTWISE, 2, 1},
    {"multiply", WORKLOAD_ELEMENTWISE, 2, 1},
    {"divide", WORKLOAD_ELEMENTWISE, 2, 1},
    {"maximum", WORKLOAD_ELEMENTWISE, 2, 1},
    {"minimum", WORKLOAD_ELEMENTWISE, 2, 1},
    {"negative", WORKLOAD_ELEMENTWISE, 1, 1},
    {"abs", WORKLOAD_ELEMENTWISE, 1, 1},
    {"sqrt", WORKLOAD_ELEMENTWISE, 1, 1},
    {"square", WORKLOAD_ELEMENTWISE, 1, 1},
    {"copy", WORKLOAD_ELEMENTWISE, 1, 1},
    {"sum", WORKLOAD_REDUCTION, 1, 1},
    {"prod", WORKLOAD_REDUCTION, 1, 1},
    {"min", WORKLOAD_REDUCTION, 1, 1},
    {"max", WORKLOAD_REDUCTION, 1, 1},
    {"mean", WORKLOAD_REDUCTION, 1, 1},
    {"dot", WORKLOAD_DOT, 2, 1},
    {"matmul", WORKLOAD_MATMUL, 2, 1},
    {"svd", WORKLOAD_SVD, 1, 3},
    {"qr", WORKLOAD_QR, 1, 2},
    {"eigh", WORKLOAD_EIGH, 1, 2},
    {"solve", WORKLOAD_SOLVE, 2, 1},
    {"cholesky", WORKLOAD_CHOLESKY, 1, 1},
    {"inv", WORKLOAD_INV, 1, 1},
};

enum { NOPS = sizeof ops / sizeof *ops };

const char *workload_ops(void)
{
    static char text[256];

    if (!text[0])
        for (int i = 0; i < NOPS; i++) {
            strcat(text, i ? " " : "");
            strcat(text, ops[i].name);
        }
    return text;
}

static const struct op_info *find_op(const char *name)
{
    for (int i = 0; i < NOPS; i++)
        if (!strcmp(ops[i].name, name))
            return &ops[i];
    return NULL;
}

static int64_t product(const int64_t *extents, int32_t n)
{
    int64_t result = 1;

    for (int32_t i = 0; i < n; i++)
        result *= extents[i];
    return result;
}

int64_t workload_elements(const struct workload *load, uint32_t i)
{
    return product(load->args[i].shape, load->args[i].ndim);
}

size_t workload_bytes(const struct workload *load, uint32_t i)
{
    return (size_t)workload_elements(load, i) * load->args[i].itemsize;
}

bool workload_is_memory_bound(const struct workload *load)
{
    return load->class <= WORKLOAD_DOT;
}

static bool works_on_matrices(enum workload_class class)
{
    return class >= WORKLOAD_MATMUL;
}

double workload_size(const struct workload *load)
{
    return works_on_matrices(load->class) ? (double)load->shapes[0][load->args[0].ndim - 1]
                                          : (double)workload_elements(load, 0);
}

void workload_shape_text(const struct workload *load, char *text, size_t capacity)
{
    size_t used = 0;

    text[0] = '\0';
    for (int32_t i = 0; i < load->args[0].ndim && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%lld", i ? "x" : "",
                                 (long long)load->shapes[0][i]);
}

/** Operand i is a C-contiguous array of this shape. */
static void lay_out(struct workload *load, uint32_t i, struct treadle_dtype dtype,
                    const int64_t *extents, int32_t ndim)
{
    struct treadle_array *array = &load->args[i];
    int64_t stride = dtype.bits / 8;

    *array = (struct treadle_array){.shape = load->shapes[i],
                                    .strides = load->strides[i],
                                    .ndim = ndim,
                                    .dtype = dtype,
                                    .itemsize = dtype.bits / 8u};
    for (int32_t axis = ndim - 1; axis >= 0; axis--) {
        load->shapes[i][axis] = extents[axis];
        load->strides[i][axis] = stride;
        stride *= extents[axis];
    }
}

/** A stack of m x n matrices (n < 0: of vectors of m) under the first operand's leading axes. */
static void lay_out_stack(struct workload *load, uint32_t i, int64_t m, int64_t n)
{
    int64_t extents[OPTIONS_NDIM_MAX];
    int32_t leading = load->args[0].ndim - 2;

    memcpy(extents, load->shapes[0], (size_t)leading * sizeof *extents);
    extents[leading] = m;
    extents[leading + 1] = n;
    lay_out(load, i, load->dtype, extents, leading + (n < 0 ? 1 : 2));
}

/** A stack of vectors of n singular values or eigenvalues: real also for complex matrices. */
static void lay_out_values(struct workload *load, uint32_t i, int64_t n)
{
    struct treadle_dtype dtype = load->dtype;

    if (dtype.code == TREADLE_COMPLEX)
        load->dtype = (struct treadle_dtype){TREADLE_FLOAT, (uint8_t)(dtype.bits / 2), 1};
    lay_out_stack(load, i, n, -1);
    load->dtype = dtype;
}

static bool plan_elementwise(struct workload *load, const char *what,
                             const struct options_shape *shapes, size_t nshapes)
{
    const struct options_shape *other = &shapes[nshapes - 1];
    struct options_shape out = shapes[0].ndim >= other->ndim ? shapes[0] : *other;

    for (size_t s = 0; s < nshapes; s++)
        for (int32_t i = 0; i < shapes[s].ndim; i++) {
            int64_t *extent = &out.extents[out.ndim - 1 - i];
            int64_t own = shapes[s].extents[shapes[s].ndim - 1 - i];
            if (*extent == 1)
                *extent = own;
            else if (own != 1 && own != *extent) {
                cli_fail(CLI_USAGE, "%s: the shapes cannot be broadcast to each other", what);
                return false;
            }
        }
    for (uint32_t i = 0; i < load->nin; i++) {
        const struct options_shape *own = i ? other : &shapes[0];
        lay_out(load, i, load->dtype, own->extents, own->ndim);
    }
    lay_out(load, load->nin, load->dtype, out.extents, out.ndim);
    return true;
}

static bool plan_reduction(struct workload *load, const char *what,
                           const struct options_shape *shape, const char *axes)
{
    struct treadle_dtype out_dtype = load->dtype;
    int64_t extents[OPTIONS_NDIM_MAX];

    load->reduction = (struct treadle_reduction){.struct_size = sizeof load->reduction,
                                                 .axes = (UINT64_C(1) << shape->ndim) - 1};
    if (axes && !options_axes(what, axes, shape->ndim, &load->reduction.axes))
        return false;
    load->attrs = &load->reduction;
    if (!strcmp(load->op, "mean") && load->dtype.code <= TREADLE_UINT)
        out_dtype = (struct treadle_dtype){TREADLE_FLOAT, 64, 1};
    for (int32_t i = 0; i < shape->ndim; i++)
        extents[i] = load->reduction.axes >> i & 1 ? 1 : shape->extents[i];
    lay_out(load, 0, load->dtype, shape->extents, shape->ndim);
    lay_out(load, 1, out_dtype, extents, shape->ndim);
    return true;
}

static bool plan_dot(struct workload *load, const char *what, const struct options_shape *shape)
{
    if (shape->ndim != 1) {
        cli_fail(CLI_USAGE, "%s: dot takes vectors, a shape like 1000 or 1e7", what);
        return false;
    }
    lay_out(load, 0, load->dtype, shape->extents, 1);
    lay_out(load, 1, load->dtype, shape->extents, 1);
    lay_out(load, 2, load->dtype, NULL, 0);
    return true;
}

/** A single n stands for n x n. */
static struct options_shape as_matrix(const struct options_shape *shape)
{
    struct options_shape matrix = *shape;

    if (matrix.ndim == 1)
        matrix.extents[matrix.ndim++] = shape->extents[0];
    return matrix;
}

static bool plan_matmul(struct workload *load, const char *what, const struct options_shape *shapes,
                        size_t nshapes)
{
    struct options_shape x = as_matrix(&shapes[0]), y = as_matrix(&shapes[nshapes - 1]);
    int64_t m = x.extents[x.ndim - 2], k = x.extents[x.ndim - 1];

    if (nshapes == 1) {
        y.extents[y.ndim - 2] = k;
        y.extents[y.ndim - 1] = m;
    }
    if (x.ndim != y.ndim || y.extents[y.ndim - 2] != k ||
        memcmp(x.extents, y.extents, (size_t)(x.ndim - 2) * sizeof *x.extents)) {
        cli_fail(CLI_USAGE, "%s: the shapes do not fit matmul; use MxK KxN", what);
        return false;
    }
    lay_out(load, 0, load->dtype, x.extents, x.ndim);
    lay_out(load, 1, load->dtype, y.extents, y.ndim);
    lay_out_stack(load, 2, m, y.extents[y.ndim - 1]);
    load->flops = 2.0 * (double)workload_elements(load, 2) * (double)k;
    return true;
}

/*
 * Operands and textbook counts: Golub and Van Loan, "Matrix Computations", 4th edition: thin SVD by
 * bidiagonalisation, QR with the factor Q formed, symmetric eigenproblem with vectors.
 */
static bool plan_linalg(struct workload *load, const char *what, const struct options_shape *shapes,
                        size_t nshapes)
{
    struct options_shape a = as_matrix(&shapes[0]);
    int64_t rows = a.extents[a.ndim - 2], columns = a.extents[a.ndim - 1];
    int64_t least = rows < columns ? rows : columns;
    double m = (double)(rows < columns ? columns : rows), n = (double)least;

    if (load->class > WORKLOAD_QR && rows != columns) {
        cli_fail(CLI_USAGE, "%s: %s takes square matrices, a shape like 1000 or 1000x1000", what,
                 load->op);
        return false;
    }
    load->linalg = (struct treadle_linalg){.struct_size = sizeof load->linalg};
    load->attrs = &load->linalg;
    lay_out(load, 0, load->dtype, a.extents, a.ndim);
    switch (load->class) {
    case WORKLOAD_SVD:
        lay_out_stack(load, 1, rows, least);
        lay_out_values(load, 2, least);
        lay_out_stack(load, 3, least, columns);
        load->flops = 14 * m * n * n + 8 * n * n * n;
        break;
    case WORKLOAD_QR:
        lay_out_stack(load, 1, rows, least);
        lay_out_stack(load, 2, least, columns);
        load->flops = 4 * m * n * n - 4 * n * n * n / 3;
        break;
    case WORKLOAD_EIGH:
        lay_out_values(load, 1, rows);
        lay_out_stack(load, 2, rows, rows);
        load->flops = 9 * n * n * n;
        break;
    case WORKLOAD_SOLVE: {
        struct options_shape b = as_matrix(&shapes[nshapes - 1]);
        if (b.extents[b.ndim - 2] != rows) {
            cli_fail(CLI_USAGE, "%s: the second shape needs %lld rows", what, (long long)rows);
            return false;
        }
        lay_out_stack(load, 1, rows, nshapes == 1 ? 1 : b.extents[b.ndim - 1]);
        lay_out_stack(load, 2, rows, load->shapes[1][load->args[1].ndim - 1]);
        load->flops =
            2 * n * n * n / 3 + 2 * n * n * (double)load->shapes[1][load->args[1].ndim - 1];
        break;
    }
    default:
        lay_out_stack(load, 1, rows, rows);
        load->flops = load->class == WORKLOAD_INV ? 2 * n * n * n : n * n * n / 3;
        break;
    }
    load->flops *= (double)product(a.extents, a.ndim - 2);
    return true;
}

/** Sizes are multiplied as int64_t from here on: refuse what would overflow. */
static bool sizes_fit(const struct workload *load, const char *what,
                      const struct options_shape *shapes, size_t nshapes)
{
    double elements = 1;

    for (size_t s = 0; s < nshapes; s++) {
        struct options_shape shape =
            works_on_matrices(load->class) ? as_matrix(&shapes[s]) : shapes[s];
        for (int32_t i = 0; i < shape.ndim; i++)
            if (shape.extents[i] > 1)
                elements *= (double)shape.extents[i];
    }
    if (elements < elements_most)
        return true;
    cli_fail(CLI_USAGE, "%s: an array of that shape does not fit in any memory", what);
    return false;
}

/** The arrays of a planned call have addresses that do not overlap, as real ones would. */
static void pretend_memory(struct workload *load)
{
    uintptr_t address = 4096;

    for (uint32_t i = 0; i < load->nargs; i++) {
        load->args[i].data = (void *)address;
        address += (workload_bytes(load, i) + 4095) / 4096 * 4096 + 4096;
    }
}

static bool plan_class(struct workload *load, const char *what, const struct options_shape *shapes,
                       size_t nshapes, const char *axes)
{
    switch (load->class) {
    case WORKLOAD_ELEMENTWISE:
        return plan_elementwise(load, what, shapes, nshapes);
    case WORKLOAD_REDUCTION:
        return plan_reduction(load, what, shapes, axes);
    case WORKLOAD_DOT:
        return plan_dot(load, what, shapes);
    case WORKLOAD_MATMUL:
        return plan_matmul(load, what, shapes, nshapes);
    default:
        return plan_linalg(load, what, shapes, nshapes);
    }
}

bool workload_plan(struct workload *load, const char *what, const char *op,
                   struct treadle_dtype dtype, const struct options_shape *shapes, size_t nshapes,
                   const char *axes)
{
    const struct op_info *info = find_op(op);

    if (!info) {
        cli_fail(CLI_USAGE, "%s: '%s' is not an operation; use one of %s", what, op,
                 workload_ops());
        return false;
    }
    if (nshapes == 0 || nshapes > info->nin) {
        cli_fail(CLI_USAGE, "%s: %s takes %s, but %zu shapes were given", what, op,
                 info->nin == 1 ? "one shape" : "one or two shapes", nshapes);
        return false;
    }
    if (axes && info->class != WORKLOAD_REDUCTION) {
        cli_fail(CLI_USAGE, "%s: --axis is for sum, prod, min, max and mean, not for %s", what, op);
        return false;
    }
    *load = (struct workload){.op = info->name,
                              .class = info->class,
                              .dtype = dtype,
                              .nargs = info->nin + info->nout,
                              .nin = info->nin};
    if (!sizes_fit(load, what, shapes, nshapes) || !plan_class(load, what, shapes, nshapes, axes))
        return false;
    for (uint32_t i = 0; i < load->nargs; i++)
        load->bytes += (double)workload_bytes(load, i);
    if (dtype.code == TREADLE_COMPLEX)
        load->flops *= 4;
    pretend_memory(load);
    return true;
}

int32_t workload_run(const struct workload *load, struct treadle_used *used)
{
    return treadle_run(load->op, load->args, load->nargs, load->nin, load->attrs, used);
}
