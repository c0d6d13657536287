/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit.h"

#include <math.h>

#include "large.h"

/* Views and iterators cost as much again as waking threads, or twice that. */
static const double OVERHEAD = 3.0;

/* Nanoseconds of work on one core; or elements, and then the other is infinite. */
static double least_ns = HUGE_VAL, least_elements = HUGE_VAL;
static double loop_ns = HUGE_VAL;

static const double DEAREST_NS = 20.0;
npy_intp limit_least = NPY_MAX_INTP;

static double load(const double *value)
{
    double copy;

    __atomic_load(value, &copy, __ATOMIC_RELAXED);
    return copy;
}

static void store(double *value, double copy)
{
    __atomic_store(value, &copy, __ATOMIC_RELAXED);
}

static void run_nothing(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    (void)ctx, (void)n, (void)ptrs, (void)strides;
}

static double limit_at(double element_ns)
{
    int64_t n = 1000000, step = 1;
    struct treadle_array operand = large_operand((char *)&n, &n, &step, 1);
    struct treadle_loop attrs = {
        .struct_size = sizeof(attrs), .fn = run_nothing, .grain = 1, .element_ns = element_ns};
    struct treadle_decision decision;

    if (treadle_explain("loop", &operand, 1, 0, &attrs, 1, &decision) != TREADLE_OK)
        return HUGE_VAL;
    return decision.limit;
}

void limit_update(void)
{
    double ns = limit_at(1.0);
    bool forced = ns == limit_at(2.0) && ns < HUGE_VAL;

    double least = forced ? ns : OVERHEAD * ns / DEAREST_NS;

    store(&loop_ns, forced ? HUGE_VAL : ns);
    store(&least_ns, forced ? HUGE_VAL : OVERHEAD * ns);
    store(&least_elements, forced ? ns : HUGE_VAL);
    __atomic_store_n(&limit_least, least < 1e18 ? (npy_intp)least : NPY_MAX_INTP, __ATOMIC_RELAXED);
}

bool limit_reached(npy_intp n, double element_ns)
{
    return (double)n * element_ns >= load(&least_ns) || (double)n >= load(&least_elements);
}

bool limit_is_forced(void)
{
    return load(&least_elements) < HUGE_VAL;
}

double limit_loop_ns(void)
{
    return load(&loop_ns);
}
