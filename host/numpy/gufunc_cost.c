/* SPDX-License-Identifier: BSD-3-Clause */
#include "gufunc_cost.h"

#include <string.h>

/*
 * Nanoseconds of float64 routines per element of the matrix, by the beginning of the name, longer
 * ones first; NumPy 2.5 with one thread of its OpenBLAS on a Xeon with AVX-512. They hold within a
 * factor of two from 4 x 4 to 128 x 128, if a matrix of side n counts as n^2 (1 + n / 128): the
 * small ones are limited by what happens around the arithmetic.
 */
static const struct {
    const char *name;
    double ns;
} linalg[] = {
    {"cholesky", 3}, {"det", 5},     {"eigh", 65},   {"eigvalsh", 26}, {"eigvals", 140},
    {"eig", 200},    {"inv", 12},    {"lstsq", 120}, {"qr", 25},       {"slogdet", 5},
    {"solve", 6},    {"svd_s", 120}, {"svd_f", 120}, {"svd", 48},
};

/* Products, per multiplication: by BLAS, and by NumPy's own loops. */
static const double blas_ns = 0.05, own_ns = 0.7;

/* A call of the loop's body that multiplies almost nothing. */
static const double least_product_ns = 10;

static double linalg_rate(const char *name)
{
    for (size_t i = 0; i < sizeof(linalg) / sizeof(linalg[0]); i++)
        if (strncmp(name, linalg[i].name, strlen(linalg[i].name)) == 0)
            return linalg[i].ns;
    return 0;
}

double gufunc_rate(const char *ufunc, int type)
{
    double rate = linalg_rate(ufunc);

    switch (type) {
    case NPY_FLOAT:
        return rate > 0 ? 0.7 * rate : 0.5 * blas_ns;
    case NPY_DOUBLE:
        return rate > 0 ? rate : blas_ns;
    case NPY_CFLOAT:
    case NPY_CDOUBLE:
        return rate > 0 ? 3 * rate : 4 * blas_ns;
    default:
        return own_ns;
    }
}

static double product_ns(double rate, int count, const npy_intp *core)
{
    double multiplications = 1;

    for (int i = 0; i < count; i++)
        multiplications *= (double)core[i];
    return least_product_ns + rate * multiplications;
}

/* (m, n), or (m, m) and the n columns of a right-hand side. */
static double factorisation_ns(const struct gufunc_slot *slot, const npy_intp *core)
{
    const PyUFuncObject *ufunc = slot->ufunc;
    double m = (double)core[0], n = ufunc->core_num_dim_ix > 1 ? (double)core[1] : m;

    if (strncmp(ufunc->name, "solve", 5) == 0)
        return slot->rate * m * (m + (ufunc->core_num_dim_ix > 1 ? n : 1)) * (1 + m / 128);
    return slot->rate * m * n * (1 + (m < n ? m : n) / 128);
}

double gufunc_matrix_ns(const struct gufunc_slot *slot, const npy_intp *core)
{
    if (slot->is_product)
        return product_ns(slot->rate, slot->ufunc->core_num_dim_ix, core);
    return factorisation_ns(slot, core);
}
