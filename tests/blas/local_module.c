/* SPDX-License-Identifier: BSD-3-Clause */
/* A module that a program opens with RTLD_LOCAL, as Python does, with a BLAS of its own behind. */
#include <stdlib.h>

#include "old_blas.h"

__attribute__((visibility("default"))) int check_local(int n);

/* The number of wrong elements of an n x n product. */
int check_local(int n)
{
    double *a = calloc((size_t)(3 * n * n), sizeof *a), *b = a + n * n, *c = b + n * n;
    const double one = 1, zero = 0;
    int wrong = 0;
    for (int i = 0; i < 2 * n * n; i++)
        a[i] = i % 7 - 3;
    OLD(dgemm_)("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += a[i + k * n] * b[k + j * n];
            wrong += c[i + j * n] != sum;
        }
    free(a);
    return wrong;
}
