/* SPDX-License-Identifier: BSD-3-Clause */
#include "own_op.h"

#include <math.h>
#include <string.h>

#include "large.h"

/* maximum and minimum are not here: which of two zeros NumPy takes depends on its vector width. */
static const struct {
    const char *ufunc, *op;
} pairs[] = {
    {"add", "add"},        {"subtract", "subtract"}, {"multiply", "multiply"},
    {"divide", "divide"},  {"negative", "negative"}, {"absolute", "abs"},
    {"sqrt", "sqrt"},      {"square", "square"},     {"positive", "copy"},
    {"conjugate", "copy"},
};

static const char *op_named(const char *ufunc)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (strcmp(pairs[i].ufunc, ufunc) == 0)
            return pairs[i].op;
    return NULL;
}

static bool is_one_float(const int *types, int nargs)
{
    for (int i = 1; i < nargs; i++)
        if (types[i] != types[0])
            return false;
    return types[0] == NPY_FLOAT || types[0] == NPY_DOUBLE;
}

/* An odd number, so that what NumPy does after its last whole vector is seen too. */
enum { PROBE = 167 };

struct probe {
    alignas(64) char in[2][PROBE * sizeof(double)];
    char numpy[PROBE * sizeof(double)], treadle[PROBE * sizeof(double)];
};

/* Quiet NaNs, each with bits of its own, of both signs, and numbers between them. */
static void fill(char *to, size_t size, uint64_t salt)
{
    const uint64_t quiet = size == 4 ? UINT64_C(0x7fc00000) : UINT64_C(0x7ff8000000000000);
    const uint64_t one = size == 4 ? UINT64_C(0x3f800000) : UINT64_C(0x3ff0000000000000);

    for (uint64_t i = 0; i < PROBE; i++) {
        uint64_t bits = (i + salt) % 5 == 0 ? one : quiet + salt * 1000 + i + 1;

        bits |= ((i + salt) % 3 == 0 ? UINT64_C(1) : UINT64_C(0)) << (8 * size - 1);
        memcpy(to + i * size, &bits, size); /* little-endian */
    }
}

static bool agree(const struct slot *slot, struct probe *probe, void *data)
{
    npy_intp n = PROBE, size = slot->itemsize[0], steps[3] = {size, size, size};
    char *args[3] = {probe->in[0], slot->nin == 2 ? probe->in[1] : probe->numpy, probe->numpy};

    slot->loop(args, &n, steps, data);
    args[0] = probe->in[0];
    args[1] = slot->nin == 2 ? probe->in[1] : probe->treadle;
    args[2] = probe->treadle;
    return large_run_op(slot, args, n, steps) == TREADLE_OK &&
           memcmp(probe->numpy, probe->treadle, (size_t)(n * size)) == 0;
}

/* Several leaves of the tree and a rest; no two orders of these additions round alike. */
enum { SUMMANDS = 1003 };

static double summand(int i)
{
    return (i % 2 ? -1.0 : 1.0) * ldexp(1.0 + 1.0 / (3 + i), i * 7 % 23);
}

static bool sums_agree(const struct slot *slot, void *data)
{
    union {
        float f32[SUMMANDS];
        double f64[SUMMANDS];
        char bytes[1];
    } x;
    alignas(8) char numpy[8] = {0}, treadle[8];
    npy_intp n = SUMMANDS, steps[3] = {0, slot->itemsize[0], 0};
    char *args[3] = {numpy, x.bytes, numpy};

    for (int i = 0; i < SUMMANDS; i++)
        if (slot->type == NPY_FLOAT)
            x.f32[i] = (float)summand(i);
        else
            x.f64[i] = summand(i);
    slot->loop(args, &n, steps, data);
    return large_run_sum(slot, x.bytes, n, treadle) == TREADLE_OK &&
           memcmp(numpy, treadle, slot->itemsize[0]) == 0;
}

/*
 * The numbers are IEEE 754's. But of two NaNs the processor keeps the first, and which operand
 * comes first in a sum or product was the choice of the compiler that built NumPy (the wheels of
 * 1.26 and 2.5 differ): ask this NumPy.
 */
void own_op_choose(struct slot *slot, const char *ufunc, const int *types, void *data)
{
    struct probe probe;

    slot->swapped = slot->sums = false;
    slot->op = is_one_float(types, slot->nargs) ? op_named(ufunc) : NULL;
    if (!slot->op)
        return;
    fill(probe.in[0], slot->itemsize[0], 1);
    fill(probe.in[1], slot->itemsize[0], 7);
    slot->sums = strcmp(slot->op, "add") == 0 && sums_agree(slot, data);
    if (agree(slot, &probe, data))
        return;
    slot->swapped = strcmp(slot->op, "add") == 0 || strcmp(slot->op, "multiply") == 0;
    if (!slot->swapped || !agree(slot, &probe, data))
        slot->op = NULL;
}
