/* SPDX-License-Identifier: BSD-3-Clause */
#include "drop_in.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "original.h"

/* ---- originals -------------------------------------------------------------------------- */

/*
 * A library whose names say nothing about its integers (dgemm_) may have wide ones. It is asked for
 * the greatest of three numbers with a count that is 3 in its lower half and negative as a whole.
 */
static uint32_t int_bits_of(treadle_routine_fn original, const char *symbol)
{
    const char *name = strncmp(symbol, "scipy_", 6) ? "isamax_" : "scipy_isamax_";
    typedef int32_t (*isamax_fn)(const int64_t *n, const float *x, const int64_t *incx);
    isamax_fn isamax = (isamax_fn)original_beside(original, name);
    const int64_t n = INT64_MIN + 3, incx = 1;
    const float x[3] = {1, 2, 3};
    return isamax && isamax(&n, x, &incx) == 0 ? 64 : 32;
}

/* Its library may have fork handlers, and ours must come before them. */
static void watch_fork(treadle_routine_fn original)
{
    static _Atomic(const void *) met[16];
    const void *library = original_library(original);
    for (size_t i = 0; i < sizeof met / sizeof *met; i++) {
        const void *none = NULL;
        if (atomic_compare_exchange_strong(&met[i], &none, library)) {
            treadle_watch_fork();
            return;
        }
        if (none == library)
            return;
    }
}

/* Threads that come here at the same time find the same. */
treadle_routine_fn drop_in_resolve(struct routine *routine, const void *caller)
{
    treadle_routine_fn original = treadle_blas_original(routine->name, caller);
    watch_fork(original);
    if (routine->int_bits == 32)
        routine->int_bits = int_bits_of(original, routine->name);
    atomic_store_explicit(&routine->original, original, memory_order_release);
    return original;
}

/* ---- calls ------------------------------------------------------------------------------ */

static _Thread_local struct drop_in_call *innermost;

/* A wrong variable must not stop the program, but should not go unnoticed either. */
static void say_why_not(void)
{
    static atomic_bool said;
    if (!atomic_exchange(&said, true) && treadle_init() != TREADLE_OK)
        fprintf(stderr, "treadle: %s; BLAS and LAPACK run as without Treadle\n",
                treadle_last_error());
}

void drop_in_begin(struct drop_in_call *call, const char *name, uint32_t int_bits, double flops,
                   double side, treadle_routine_fn original)
{
    call->fn = original;
    if (innermost && innermost->threads)
        return;
    call->threads = treadle_product_begin(&call->progress, name, int_bits, flops, side, original);
    call->fn = call->progress.fn;
    call->outer = innermost;
    innermost = call;
    if (!call->threads)
        say_why_not();
}

void drop_in_end(struct drop_in_call *call)
{
    if (innermost != call) /* it never began, or xerbla_ was called meanwhile */
        return;
    innermost = call->outer;
    treadle_routine_end(&call->progress);
}

/*
 * Libraries call it for a wrong argument, and R's and Octave's own do not return: they jump out of
 * the call, which would for ever keep its cores, and a fork waiting. So the call ends here.
 */
TREADLE_EXPORT void xerbla_(const char *name, const void *argument, size_t length);

void xerbla_(const char *name, const void *argument, size_t length)
{
    typedef void (*xerbla_fn)(const char *, const void *, size_t);
    while (innermost)
        drop_in_end(innermost);
    xerbla_fn original = (xerbla_fn)original_find("xerbla_", __builtin_return_address(0));
    if (original)
        original(name, argument, length);
}
