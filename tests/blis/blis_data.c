/* SPDX-License-Identifier: BSD-3-Clause */
#include "blis_data.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static char *address(const struct blis_array *x, const int64_t *index)
{
    char *at = x->array.data;
    for (int32_t axis = 0; axis < x->array.ndim; axis++)
        at += index[axis] * x->strides[axis];
    return at;
}

static enum blis_type type_of(const struct blis_array *x)
{
    bool complex_type = x->array.dtype.code == TREADLE_COMPLEX;
    return complex_type ? (x->array.itemsize == 8 ? C64 : C128)
                        : (x->array.itemsize == 4 ? F32 : F64);
}

double complex data_get(const struct blis_array *x, const int64_t *index)
{
    const void *at = address(x, index);
    switch (type_of(x)) {
    case F32:
        return *(const float *)at;
    case F64:
        return *(const double *)at;
    case C64:
        return *(const float complex *)at;
    default:
        return *(const double complex *)at;
    }
}

void data_set(const struct blis_array *x, const int64_t *index, double complex value)
{
    void *at = address(x, index);
    switch (type_of(x)) {
    case F32:
        *(float *)at = (float)creal(value);
        break;
    case F64:
        *(double *)at = creal(value);
        break;
    case C64:
        *(float complex *)at = (float complex)value;
        break;
    default:
        *(double complex *)at = value;
    }
}

static double next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 4503599627370496.0 - 1.0;
}

void data_make(struct blis_array *x, enum blis_type type, int32_t ndim, const int64_t *shape,
               unsigned seed)
{
    static const int64_t itemsize[] = {4, 8, 8, 16};
    int64_t count = 1;
    for (int32_t axis = 0; axis < ndim; axis++)
        count *= shape[axis];
    blis_array(x, type, malloc((size_t)(count * itemsize[type]) + 64), ndim, shape);
    struct blis_array flat;
    blis_array(&flat, type, x->array.data, 1, &count);
    uint64_t state = seed * 2654435761u + 1;
    for (int64_t i = 0; i < count; i++) {
        double real = next(&state);
        data_set(&flat, &i, real + next(&state) * I);
    }
}

double complex data_at(const struct blis_array *x, int64_t stack, int64_t row, int64_t column)
{
    int64_t index[3] = {stack, row, column};
    return data_get(x, index + (3 - x->array.ndim));
}

void data_reverse(struct blis_array *x, int32_t axis)
{
    if (x->shape[axis])
        x->array.data = (char *)x->array.data + (x->shape[axis] - 1) * x->strides[axis];
    x->strides[axis] = -x->strides[axis];
}

void data_transpose(struct blis_array *x)
{
    int32_t last = x->array.ndim - 1;
    int64_t extent = x->shape[last], stride = x->strides[last];
    x->shape[last] = x->shape[last - 1];
    x->strides[last] = x->strides[last - 1];
    x->shape[last - 1] = extent;
    x->strides[last - 1] = stride;
}

double data_product_error(const struct blis_array *x, const struct blis_array *y,
                          const struct blis_array *z, int64_t stack)
{
    int64_t rows = x->shape[x->array.ndim - 2], depth = x->shape[x->array.ndim - 1];
    int64_t columns = y->shape[y->array.ndim - 1];
    double worst = 0;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double complex sum = 0;
            for (int64_t k = 0; k < depth; k++)
                sum += data_at(x, stack, i, k) * data_at(y, stack, k, j);
            double error = cabs(sum - (z ? data_at(z, stack, i, j) : i == j));
            if (!(error <= worst))
                worst = error;
        }
    return worst;
}

double data_unitary_error(const struct blis_array *x, int64_t stack)
{
    int64_t rows = x->shape[x->array.ndim - 2], columns = x->shape[x->array.ndim - 1];
    double worst = 0;
    for (int64_t i = 0; i < columns; i++)
        for (int64_t j = 0; j < columns; j++) {
            double complex sum = 0;
            for (int64_t k = 0; k < rows; k++)
                sum += conj(data_at(x, stack, k, i)) * data_at(x, stack, k, j);
            double error = cabs(sum - (i == j));
            if (!(error <= worst))
                worst = error;
        }
    return worst;
}

double data_tolerance(enum blis_type type, int64_t n)
{
    double unit = type == F32 || type == C64 ? 1.2e-7 : 2.3e-16;
    return 60 * unit * (double)(n + 4);
}

void data_make_definite(struct blis_array *x)
{
    int64_t n = x->shape[x->array.ndim - 1];
    double complex *result = malloc((size_t)(n * n) * sizeof *result + 1);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double complex sum = i == j ? (double)n : 0;
            for (int64_t k = 0; k < n; k++)
                sum += data_at(x, 0, i, k) * conj(data_at(x, 0, j, k));
            result[i * n + j] = sum;
        }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            data_set(x, (int64_t[]){i, j}, result[i * n + j]);
    free(result);
}
