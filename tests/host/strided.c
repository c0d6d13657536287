/* SPDX-License-Identifier: BSD-3-Clause */
#include "strided.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void strided_init(struct strided *s, void *data, uint32_t type, int32_t ndim, const int64_t *shape)
{
    uint32_t itemsize = (type >> 8 & 0xff) / 8;
    int64_t stride = itemsize;
    for (int32_t d = ndim - 1; d >= 0; d--) {
        s->shape[d] = shape[d];
        s->strides[d] = stride;
        stride *= shape[d];
    }
    s->a = (struct treadle_array){
        .data = data,
        .shape = s->shape,
        .strides = s->strides,
        .ndim = ndim,
        .dtype = {(uint8_t)type, (uint8_t)(type >> 8), (uint16_t)(type >> 16)},
        .itemsize = itemsize,
    };
}

void strided_f64(struct strided *s, double *data, int32_t ndim, const int64_t *shape)
{
    strided_init(s, data, TREADLE_TYPE_FLOAT64, ndim, shape);
}

void strided_vector(struct strided *s, double *data, int64_t n, int64_t step)
{
    strided_f64(s, data, 1, &n);
    s->strides[0] = step * (int64_t)sizeof(double);
}

bool strided_random(struct strided *s, double *memory, size_t room, int32_t ndim,
                    const int64_t *shape)
{
    int32_t order[TREADLE_NDIM_MAX];
    strided_f64(s, memory, ndim, shape);
    for (int32_t d = 0; d < ndim; d++) {
        int32_t other = (int32_t)random_below((uint32_t)d + 1);
        order[d] = order[other];
        order[other] = d;
    }
    int64_t stride = 1 + (random_below(3) == 0), first = 0;
    for (int32_t i = 0; i < ndim; i++) {
        int32_t d = order[i];
        int64_t reach = shape[d] > 0 ? (shape[d] - 1) * stride : 0;
        bool backwards = random_below(4) == 0;
        s->strides[d] = (backwards ? -stride : stride) * (int64_t)sizeof(double);
        first += backwards ? reach : 0;
        stride *= (shape[d] > 0 ? shape[d] : 1) + (random_below(3) == 0);
    }
    if ((uint64_t)stride > room)
        return false;
    s->a.data = memory + first + random_below((uint32_t)(room - (size_t)stride + 1));
    return true;
}

bool next_index(int64_t *index, int32_t ndim, const int64_t *shape)
{
    for (int32_t d = ndim - 1; d >= 0; d--) {
        if (++index[d] < shape[d])
            return true;
        index[d] = 0;
    }
    return false;
}

bool has_elements(int32_t ndim, const int64_t *shape)
{
    for (int32_t d = 0; d < ndim; d++)
        if (shape[d] == 0)
            return false;
    return true;
}

double *element(const struct treadle_array *a, const int64_t *index, int32_t ndim)
{
    char *at = a->data;
    for (int32_t d = 0; d < a->ndim; d++)
        at += (a->shape[d] == 1 ? 0 : index[ndim - a->ndim + d]) * a->strides[d];
    return (double *)at;
}

static uint64_t state;

void seed_once(void)
{
    const char *given = getenv("TREADLE_SEED");
    state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    fprintf(stderr, "TREADLE_SEED=%llu\n", (unsigned long long)state);
    state = state * 2 + 1;
}

uint32_t random_below(uint32_t limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % limit);
}

double random_value(void)
{
    return (double)random_below(17) - 8;
}

void fill(double *memory, size_t n, double value)
{
    for (size_t i = 0; i < n; i++)
        memory[i] = value;
}

void fill_random(double *memory, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memory[i] = random_value();
}

void expect_status(int32_t status, int32_t expected, const char *words)
{
    cr_assert_eq(status, expected, "status %d: %s", status, treadle_last_error());
    char copy[512];
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|"))
        cr_assert(strstr(treadle_last_error(), word), "\"%s\" lacks \"%s\"", treadle_last_error(),
                  word);
}

void expect_invalid(int32_t status, const char *words)
{
    expect_status(status, TREADLE_E_INVALID, words);
}
