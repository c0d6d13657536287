/* SPDX-License-Identifier: BSD-3-Clause */
/* Stacks of matrices: which matrices a product kernel is called for. */
#ifndef TREADLE_MATRICES_H
#define TREADLE_MATRICES_H

#include "kernels.h"

/** The shape of one product of x[..., m, k], y[..., k, n] -> out[..., m, n]. */
static inline struct treadle_product_shape treadle_product_shape(const struct treadle_array *args)
{
    const int32_t row = args[2].ndim - 2, column = args[2].ndim - 1;
    return (struct treadle_product_shape){
        .m = (size_t)args[0].shape[row],
        .k = (size_t)args[0].shape[column],
        .n = (size_t)args[1].shape[column],
        .x_row = args[0].strides[row],
        .x_column = args[0].strides[column],
        .y_row = args[1].strides[row],
        .y_column = args[1].strides[column],
        .out_row = args[2].strides[row],
        .out_column = args[2].strides[column],
    };
}

/** How many products the leading axes hold. */
static inline size_t treadle_product_count(const struct treadle_array *args)
{
    size_t count = 1;
    for (int32_t i = 0; i < args[2].ndim - 2; i++)
        count *= (size_t)args[2].shape[i];
    return count;
}

/** Addresses of x, y and out of the i-th product. */
static inline void treadle_product_at(const struct treadle_array *args, size_t i, char **ptrs)
{
    for (int k = 0; k < 3; k++)
        ptrs[k] = args[k].data;
    for (int32_t axis = args[2].ndim - 3; axis >= 0 && i; axis--) {
        size_t extent = (size_t)args[2].shape[axis];
        for (int k = 0; k < 3; k++)
            ptrs[k] += (ptrdiff_t)(i % extent) * args[k].strides[axis];
        i /= extent;
    }
}

#endif /* TREADLE_MATRICES_H */
