/* SPDX-License-Identifier: BSD-3-Clause */
#include "verify.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_same.h"
#include "ab_watch.h"
#include "cli.h"

/* Outputs start as this, so that what a backend leaves out is seen. */
static const int poison = 0xa5;

/* Rounding errors allowed per element of the inner dimension, in units of epsilon. */
static const double errors_per_element = 8;

/** The outputs of one backend, laid out as those of the workload. */
struct outputs {
    void *data[WORKLOAD_ARGS_MAX];
};

static int parts_of(const struct treadle_array *array)
{
    return array->dtype.code == TREADLE_COMPLEX ? 2 : 1;
}

static bool is_single(const struct treadle_array *array)
{
    return array->dtype.bits == 32 * parts_of(array);
}

/** Part 0 is the real one. */
static double value_at(const struct treadle_array *array, const void *data, int64_t i, int part)
{
    int64_t at = i * parts_of(array) + part;

    return is_single(array) ? (double)((const float *)data)[at] : ((const double *)data)[at];
}

static void note_place(const struct workload *load, uint32_t k, int64_t i, const void *a,
                       const void *b, struct verify_result *result)
{
    char value_a[64], value_b[64];

    int64_t at = i * load->args[k].itemsize;
    ab_element_text(load->args[k].dtype, (const char *)a + at, value_a, sizeof value_a);
    ab_element_text(load->args[k].dtype, (const char *)b + at, value_b, sizeof value_b);
    result->agree = false;
    snprintf(result->text, sizeof result->text, "index %lld of output %u: A gives %s, B gives %s",
             (long long)i, k - load->nin, value_a, value_b);
}

static void compare_bits(const struct workload *load, uint32_t k, const void *a, const void *b,
                         struct verify_result *result)
{
    size_t itemsize = load->args[k].itemsize;
    int64_t n = workload_elements(load, k);

    for (int64_t i = 0; i < n && result->agree; i++)
        if (memcmp((const char *)a + (size_t)i * itemsize, (const char *)b + (size_t)i * itemsize,
                   itemsize))
            note_place(load, k, i, a, b, result);
}

static void compare_values(const struct workload *load, uint32_t k, const void *a, const void *b,
                           struct verify_result *result)
{
    const struct treadle_array *array = &load->args[k];
    int64_t n = workload_elements(load, k), worst = 0;
    double largest = 0, magnitude = DBL_MIN;

    for (int64_t i = 0; i < n; i++)
        for (int part = 0; part < parts_of(array); part++) {
            double x = value_at(array, a, i, part), y = value_at(array, b, i, part);
            double difference = fabs(x - y);
            if (!(difference <= largest)) { /* a NaN is the worst there is */
                largest = isnan(difference) ? INFINITY : difference;
                worst = i;
            }
            if (fabs(x) > magnitude)
                magnitude = fabs(x);
        }
    if (largest / magnitude > result->difference)
        result->difference = largest / magnitude;
    if (result->agree && !(largest <= result->tolerance * magnitude))
        note_place(load, k, worst, a, b, result);
}

/** y = M x for the m x n matrix at `matrix` of operand k, or its transpose. */
static void times(const struct treadle_array *array, const void *data, int64_t matrix, int64_t m,
                  int64_t n, bool transpose, const double *x, double *y)
{
    int64_t base = matrix * m * n;

    for (int64_t i = 0; i < (transpose ? n : m); i++)
        y[i] = 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double value = value_at(array, data, base + i * n + j, 0);
            if (transpose)
                y[j] += value * x[i];
            else
                y[i] += value * x[j];
        }
}

static void scale(const struct treadle_array *array, const void *data, int64_t matrix, int64_t n,
                  double *x)
{
    for (int64_t i = 0; i < n; i++)
        x[i] *= value_at(array, data, matrix * n + i, 0);
}

/** z = (the factors multiplied together) x, by way of t. */
static void apply_factors(const struct workload *load, const struct outputs *out, int64_t matrix,
                          int64_t m, int64_t n, const double *x, double *t, double *z)
{
    const struct treadle_array *args = load->args;
    int64_t least = m < n ? m : n;

    switch (load->class) {
    case WORKLOAD_SVD:
        times(&args[3], out->data[3], matrix, least, n, false, x, t);
        scale(&args[2], out->data[2], matrix, least, t);
        times(&args[1], out->data[1], matrix, m, least, false, t, z);
        break;
    case WORKLOAD_QR:
        times(&args[2], out->data[2], matrix, least, n, false, x, t);
        times(&args[1], out->data[1], matrix, m, least, false, t, z);
        break;
    default: /* WORKLOAD_EIGH */
        times(&args[2], out->data[2], matrix, n, n, true, x, t);
        scale(&args[1], out->data[1], matrix, n, t);
        times(&args[2], out->data[2], matrix, n, n, false, t, z);
        break;
    }
}

/**
 * The factors of `a` must give it back. They are tried on one vector: O(n^2), and no wrong digit
 * that matters hides from it.
 */
static bool check_factors(const struct workload *load, const struct outputs *out, char side,
                          struct verify_result *result)
{
    int32_t ndim = load->args[0].ndim;
    int64_t m = load->shapes[0][ndim - 2], n = load->shapes[0][ndim - 1];
    int64_t most = m > n ? m : n,
            matrices = m > 0 && n > 0 ? workload_elements(load, 0) / (m * n) : 0;
    double *memory = malloc((size_t)most * 4 * sizeof *memory + 1);
    void *a = workload_pack(load, 0);

    if (!memory || !a) {
        free(memory);
        free(a);
        return cli_fail(CLI_FAILED, "%s: no memory to check the results", load->op) == CLI_OK;
    }
    double *x = memory, *y = x + most, *z = y + most, *t = z + most;
    for (int64_t i = 0; i < most; i++)
        x[i] = 1 + (double)(i % 7) / 7;
    for (int64_t k = 0; k < matrices; k++) {
        double worst = 0, magnitude = DBL_MIN;
        times(&load->args[0], a, k, m, n, false, x, y);
        apply_factors(load, out, k, m, n, x, t, z);
        for (int64_t i = 0; i < m; i++) {
            double difference = fabs(y[i] - z[i]);
            worst = difference <= worst ? worst : isnan(difference) ? INFINITY : difference;
            magnitude = fabs(y[i]) > magnitude ? fabs(y[i]) : magnitude;
        }
        if (worst / magnitude > result->difference)
            result->difference = worst / magnitude;
        if (result->agree && !(worst <= result->tolerance * magnitude)) {
            result->agree = false;
            snprintf(result->text, sizeof result->text,
                     "matrix %lld: the factors of %c multiplied together are off by %.3g of the "
                     "largest element, allowed is %.3g",
                     (long long)k, side, worst / magnitude, result->tolerance);
        }
    }
    free(a);
    free(memory);
    return true;
}

static bool has_factors(const struct workload *load)
{
    return load->dtype.code == TREADLE_FLOAT && load->class >= WORKLOAD_SVD &&
           load->class <= WORKLOAD_EIGH;
}

/** Singular values and eigenvalues are unique, factors are not. */
static bool is_unique(const struct workload *load, uint32_t k)
{
    return !has_factors(load) || load->args[k].ndim < load->args[0].ndim;
}

static bool compare(const struct workload *load, const struct outputs *a, const struct outputs *b,
                    struct verify_result *result)
{
    const struct treadle_array *x = &load->args[0];
    double inner = (double)x->shape[x->ndim - 1];
    double epsilon = is_single(x) ? FLT_EPSILON : DBL_EPSILON;

    result->agree = true;
    result->bits = load->class <= WORKLOAD_REDUCTION;
    result->difference = 0;
    result->tolerance = result->bits ? 0 : errors_per_element * (inner + 1) * epsilon;
    for (uint32_t k = load->nin; k < load->nargs; k++)
        if (result->bits || load->dtype.code < TREADLE_FLOAT)
            compare_bits(load, k, a->data[k], b->data[k], result);
        else if (is_unique(load, k))
            compare_values(load, k, a->data[k], b->data[k], result);
    return !has_factors(load) ||
           (check_factors(load, a, 'A', result) && check_factors(load, b, 'B', result));
}

static void outputs_finish(const struct workload *load, struct outputs *out)
{
    for (uint32_t k = load->nin; k < load->nargs; k++)
        free(out->data[k]);
}

/** `input` is the first one as it was: in place a call has overwritten it. */
static void prepare(const struct workload *load, void *input)
{
    for (uint32_t k = load->nin; k < load->nargs; k++)
        memset(load->args[k].data, poison, workload_span(load, k));
    if (load->in_place)
        workload_unpack(load, 0, input);
}

/** Run under `spec` and keep the outputs. */
static bool outputs_of(const struct workload *load, char side, const char *spec, void *input,
                       struct outputs *out)
{
    prepare(load, input);
    ab_watch_step(load->op, side, spec);
    bool failed = treadle_set_thread_backend(spec) || workload_run(load, NULL);
    ab_watch_rest();
    if (failed) {
        cli_fail_library();
        return false;
    }
    for (uint32_t k = load->nin; k < load->nargs; k++)
        if (!(out->data[k] = workload_pack(load, k)))
            return false;
    return true;
}

bool verify_backends(const struct workload *load, const char *a, const char *b,
                     struct verify_result *result)
{
    struct outputs out_a = {{NULL}}, out_b = {{NULL}};
    void *input = load->in_place ? workload_pack(load, 0) : NULL;
    bool done = (input || !load->in_place) && outputs_of(load, 'A', a, input, &out_a) &&
                outputs_of(load, 'B', b, input, &out_b) && compare(load, &out_a, &out_b, result);

    free(input);
    outputs_finish(load, &out_a);
    outputs_finish(load, &out_b);
    treadle_set_thread_backend(NULL);
    return done;
}
