/* SPDX-License-Identifier: BSD-3-Clause */
/* Nanoseconds of one tiny call from C: cost_c structs|flat. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <treadle/treadle.h>

enum { N = 8, CALLS = 300000 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double x[N], y[N], out[N];
static int64_t shape[] = {N}, strides[] = {sizeof(double)};

static int32_t structs(struct treadle_used *used)
{
    const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};
    const struct treadle_array first = {x, shape, strides, 1, 0, f64, sizeof(double), {0}};
    const struct treadle_array second = {y, shape, strides, 1, 0, f64, sizeof(double), {0}};
    const struct treadle_array to = {out, shape, strides, 1, 0, f64, sizeof(double), {0}};
    return treadle_binary("add", &first, &second, &to, used);
}

static int32_t flat(struct treadle_used *used)
{
    return treadle_binary_flat("add", x, TREADLE_TYPE_FLOAT64, 1, shape, strides, y,
                               TREADLE_TYPE_FLOAT64, 1, shape, strides, out, TREADLE_TYPE_FLOAT64,
                               1, shape, strides, used);
}

int main(int argc, char **argv)
{
    int32_t (*call)(struct treadle_used *) = argc > 1 && !strcmp(argv[1], "flat") ? flat : structs;
    struct treadle_used used;
    int32_t status = call(&used);
    double start = now();
    for (int i = 0; i < CALLS; i++)
        status |= call(&used);
    printf("%.2f\n", (now() - start) / CALLS);
    return status != TREADLE_OK;
}
