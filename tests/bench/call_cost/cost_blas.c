/* SPDX-License-Identifier: BSD-3-Clause */
/* Nanoseconds of one call from C: cost_blas ddot|dgemv|dgemm. Whose BLAS it is, the linker says. */
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SIZE = 64 };

double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);
void dgemv_(const char *trans, const int *m, const int *n, const double *alpha, const double *a,
            const int *lda, const double *x, const int *incx, const double *beta, double *y,
            const int *incy, size_t trans_length);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
            const double *beta, double *c, const int *ldc, size_t transa_length,
            size_t transb_length);

static double a[SIZE * SIZE], b[SIZE * SIZE], c[SIZE * SIZE], total;
static const int one = 1;
static const double unit = 1, zero = 0;

static void dot(void)
{
    const int n = 8;
    total += ddot_(&n, a, &one, b, &one);
}

static void gemv(void)
{
    const int n = 4;
    dgemv_("N", &n, &n, &unit, a, &n, b, &one, &zero, c, &one, 1);
}

static void gemm(void)
{
    const int n = SIZE;
    dgemm_("N", "N", &n, &n, &n, &unit, a, &n, b, &n, &zero, c, &n, 1, 1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "ddot";
    void (*call)(void) = !strcmp(name, "ddot") ? dot : !strcmp(name, "dgemv") ? gemv : gemm;
    const int calls = call == gemm ? 10000 : 1000000;
    for (int i = 0; i < SIZE * SIZE; i++)
        a[i] = b[i] = 1;
    for (int i = 0; i < calls / 100; i++)
        call();
    double start = now();
    for (int i = 0; i < calls; i++)
        call();
    printf("%.3f\n", (now() - start) / calls);
    return 0;
}
