/* SPDX-License-Identifier: BSD-3-Clause */
/* The same calls by arity, and with flat arguments for foreign function interfaces. */
#include <stdio.h>
#include <treadle/treadle.h>

#include "arrays.h"
#include "error.h"
#include "op.h"

int32_t treadle_unary(const char *op, const struct treadle_array *x,
                      const struct treadle_array *out, struct treadle_used *used)
{
    if (!x || !out)
        return fail(TREADLE_E_INVALID, "%s: %s is NULL", op ? op : "op", x ? "out" : "x");
    const struct treadle_array args[] = {*x, *out};
    return treadle_run(op, args, 2, 1, NULL, used);
}

int32_t treadle_binary(const char *op, const struct treadle_array *x1,
                       const struct treadle_array *x2, const struct treadle_array *out,
                       struct treadle_used *used)
{
    if (!x1 || !x2 || !out)
        return fail(TREADLE_E_INVALID, "%s: %s is NULL", op ? op : "op",
                    !x1   ? "x1"
                    : !x2 ? "x2"
                          : "out");
    const struct treadle_array args[] = {*x1, *x2, *out};
    return treadle_run(op, args, 3, 2, NULL, used);
}

/* Bit per axis; negative axes count from the end. */
static int32_t mask_of(const int32_t *axes, int32_t naxes, int32_t ndim, uint64_t *mask)
{
    *mask = 0;
    if (ndim < 0 || ndim > TREADLE_NDIM_MAX)
        return TREADLE_OK; /* treadle_run() names what is wrong */
    *mask = ndim == 64 ? UINT64_MAX : (UINT64_C(1) << ndim) - 1;
    if (naxes < 0)
        return TREADLE_OK;
    *mask = 0;
    for (int32_t i = 0; i < naxes; i++) {
        int32_t axis = axes[i] < 0 ? axes[i] + ndim : axes[i];
        if (axis < 0 || axis >= ndim)
            return fail(TREADLE_E_INVALID, "axes: %d; allowed is %d to %d", axes[i], -ndim,
                        ndim - 1);
        if (*mask >> axis & 1)
            return fail(TREADLE_E_INVALID, "axes: %d stands twice", axes[i]);
        *mask |= UINT64_C(1) << axis;
    }
    return TREADLE_OK;
}

int32_t treadle_reduce(const char *op, const struct treadle_array *x, const int32_t *axes,
                       int32_t naxes, const struct treadle_array *out, struct treadle_used *used)
{
    if (!x || !out || (naxes > 0 && !axes))
        return fail(TREADLE_E_INVALID, "%s: %s is NULL", op ? op : "op",
                    !x     ? "x"
                    : !out ? "out"
                           : "axes");
    struct treadle_reduction reduction = {.struct_size = sizeof reduction};
    int32_t status = mask_of(axes, naxes, x->ndim, &reduction.axes);
    if (status)
        return status;
    const struct treadle_array args[] = {*x, *out};
    return treadle_run(op, args, 2, 1, &reduction, used);
}

/* ---- flat ---------------------------------------------------------------------------------- */

/* strides: room for those of a C-contiguous array, if the caller gives none. */
static struct treadle_array from_flat(const void *data, uint32_t dtype, int32_t ndim,
                                      const int64_t *shape, const int64_t *given,
                                      int64_t strides[TREADLE_NDIM_MAX])
{
    struct treadle_array a = {
        .data = (void *)(uintptr_t)data,
        .shape = shape,
        .strides = given,
        .ndim = ndim,
        .dtype = {(uint8_t)dtype, (uint8_t)(dtype >> 8), (uint16_t)(dtype >> 16)},
        .itemsize = (dtype >> 8 & 0xff) / 8,
    };
    if (given || !shape || ndim < 0 || ndim > TREADLE_NDIM_MAX)
        return a; /* treadle_run() names what is wrong */
    int64_t stride = a.itemsize;
    for (int32_t d = ndim - 1; d >= 0; d--) {
        strides[d] = stride;
        if (__builtin_mul_overflow(stride, shape[d], &stride))
            stride = 0; /* too many elements, which is refused */
    }
    a.strides = strides;
    return a;
}

int32_t treadle_unary_flat(const char *op, const void *x_data, uint32_t x_dtype, int32_t x_ndim,
                           const int64_t *x_shape, const int64_t *x_strides, void *out_data,
                           uint32_t out_dtype, int32_t out_ndim, const int64_t *out_shape,
                           const int64_t *out_strides, struct treadle_used *used)
{
    int64_t strides[2][TREADLE_NDIM_MAX];
    const struct treadle_array args[] = {
        from_flat(x_data, x_dtype, x_ndim, x_shape, x_strides, strides[0]),
        from_flat(out_data, out_dtype, out_ndim, out_shape, out_strides, strides[1]),
    };
    return treadle_run(op, args, 2, 1, NULL, used);
}

int32_t treadle_binary_flat(const char *op, const void *x1_data, uint32_t x1_dtype, int32_t x1_ndim,
                            const int64_t *x1_shape, const int64_t *x1_strides, const void *x2_data,
                            uint32_t x2_dtype, int32_t x2_ndim, const int64_t *x2_shape,
                            const int64_t *x2_strides, void *out_data, uint32_t out_dtype,
                            int32_t out_ndim, const int64_t *out_shape, const int64_t *out_strides,
                            struct treadle_used *used)
{
    int64_t strides[3][TREADLE_NDIM_MAX];
    const struct treadle_array args[] = {
        from_flat(x1_data, x1_dtype, x1_ndim, x1_shape, x1_strides, strides[0]),
        from_flat(x2_data, x2_dtype, x2_ndim, x2_shape, x2_strides, strides[1]),
        from_flat(out_data, out_dtype, out_ndim, out_shape, out_strides, strides[2]),
    };
    return treadle_run(op, args, 3, 2, NULL, used);
}

int32_t treadle_reduce_flat(const char *op, const void *x_data, uint32_t x_dtype, int32_t x_ndim,
                            const int64_t *x_shape, const int64_t *x_strides, const int32_t *axes,
                            int32_t naxes, void *out_data, uint32_t out_dtype, int32_t out_ndim,
                            const int64_t *out_shape, const int64_t *out_strides,
                            struct treadle_used *used)
{
    int64_t strides[2][TREADLE_NDIM_MAX];
    const struct treadle_array x =
        from_flat(x_data, x_dtype, x_ndim, x_shape, x_strides, strides[0]);
    const struct treadle_array out =
        from_flat(out_data, out_dtype, out_ndim, out_shape, out_strides, strides[1]);
    return treadle_reduce(op, &x, axes, naxes, &out, used);
}

/* Room for the operands of a flat call of any arity. */
struct operands {
    struct treadle_array args[ARGS_MAX];
    int64_t strides[ARGS_MAX][TREADLE_NDIM_MAX];
};

static int32_t gather(struct operands *to, const char *op, uint32_t nargs, void *const *data,
                      const uint32_t *dtypes, const int32_t *ndims, const int64_t *const *shapes,
                      const int64_t *const *strides)
{
    if (nargs > ARGS_MAX || !data || !dtypes || !ndims || !shapes)
        return fail(TREADLE_E_INVALID,
                    "%s: up to %d operands, each with data, dtype, ndim and shape, are allowed",
                    op ? op : "op", ARGS_MAX);
    for (uint32_t i = 0; i < nargs; i++)
        to->args[i] = from_flat(data[i], dtypes[i], ndims[i], shapes[i],
                                strides ? strides[i] : NULL, to->strides[i]);
    return TREADLE_OK;
}

static int32_t run_with_flags(const char *op, const struct treadle_array *args, uint32_t nargs,
                              uint32_t nin, uint32_t flags, struct treadle_used *used)
{
    const struct treadle_linalg linalg = {.struct_size = sizeof linalg, .flags = flags};
    return treadle_run(op, args, nargs, nin, flags ? &linalg : NULL, used);
}

int32_t treadle_run_flat(const char *op, uint32_t nargs, uint32_t nin, void *const *data,
                         const uint32_t *dtypes, const int32_t *ndims, const int64_t *const *shapes,
                         const int64_t *const *strides, uint32_t flags, struct treadle_used *used)
{
    struct operands operands;
    int32_t status = gather(&operands, op, nargs, data, dtypes, ndims, shapes, strides);
    return status ? status : run_with_flags(op, operands.args, nargs, nin, flags, used);
}

int32_t treadle_run_flat_with_message(const char *op, uint32_t nargs, uint32_t nin,
                                      void *const *data, const uint32_t *dtypes,
                                      const int32_t *ndims, const int64_t *const *shapes,
                                      const int64_t *const *strides, uint32_t flags,
                                      const int32_t *axes, int32_t naxes, struct treadle_used *used,
                                      char *message, uint64_t capacity)
{
    struct operands operands;
    const struct op *found = op_find(op);
    int32_t status = gather(&operands, op, nargs, data, dtypes, ndims, shapes, strides);
    if (status == TREADLE_OK) {
        const struct treadle_array *args = operands.args;
        if (found && found->class == OP_REDUCTION && nargs == 2 && nin == 1)
            status = treadle_reduce(op, &args[0], axes, naxes, &args[1], used);
        else
            status = run_with_flags(op, args, nargs, nin, flags, used);
    }
    if (status && message && capacity > 0)
        snprintf(message, capacity, "%s", treadle_last_error());
    return status;
}
