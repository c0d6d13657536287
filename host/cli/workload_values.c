/* SPDX-License-Identifier: BSD-3-Clause */
#include "workload.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cli.h"

/* NumPy asks for huge pages from here on; what is measured should sit in the same memory. */
static const size_t huge_from = (size_t)1 << 22;

void *workload_memory(size_t size)
{
    void *memory;
    size_t align = size >= huge_from ? (size_t)1 << 21 : 64;

    if (posix_memalign(&memory, align, size ? size : 1))
        return NULL;
    if (size >= huge_from)
        madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

/** splitmix64: every seed is a good one. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/** In (-1, 1), positive if asked for; never 0, so that it can divide. */
static double next_value(uint64_t *state, bool positive)
{
    uint64_t bits = next_random(state);
    double value = ((double)(bits >> 12) + 0.5) * 0x1p-52;

    return positive || bits & 1 ? value : -value;
}

/** Element `at` of an array of floats; the parts of a complex number are two of them. */
static double get_part(const struct treadle_array *array, int64_t at, int64_t parts)
{
    return array->dtype.bits / parts == 32 ? (double)((float *)array->data)[at]
                                           : ((double *)array->data)[at];
}

static void set_part(const struct treadle_array *array, int64_t at, int64_t parts, double value)
{
    if (array->dtype.bits / parts == 32)
        ((float *)array->data)[at] = (float)value;
    else
        ((double *)array->data)[at] = value;
}

static void fill_floats(const struct treadle_array *array, int64_t n, uint64_t *state,
                        bool positive)
{
    int64_t parts = array->dtype.code == TREADLE_COMPLEX ? 2 : 1;

    for (int64_t i = 0; i < n * parts; i++)
        set_part(array, i, parts, next_value(state, positive));
}

/** Bits that are a small positive number in every integer type, in bool and in float16. */
static void fill_small(const struct treadle_array *array, int64_t n, uint64_t *state)
{
    memset(array->data, 0, (size_t)n * array->itemsize);
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = next_random(state);
        uint8_t *element = (uint8_t *)array->data + i * array->itemsize;
        if (array->dtype.code == TREADLE_FLOAT)
            *(uint16_t *)(void *)element = (uint16_t)(0x3800 | (bits & 0x3ff));
        else
            *element = array->dtype.code == TREADLE_BOOL ? bits & 1 : (uint8_t)(1 + bits % 100);
    }
}

static bool has_wide_floats(struct treadle_dtype dtype)
{
    return dtype.code == TREADLE_COMPLEX || (dtype.code == TREADLE_FLOAT && dtype.bits >= 32);
}

/** 1 and -1 stay what they are however often they are multiplied: no denormal number is reached. */
static void keep_size(const struct treadle_array *array, int64_t n)
{
    int64_t parts = array->dtype.code == TREADLE_COMPLEX ? 2 : 1;

    for (int64_t i = 0; i < n * parts; i++)
        set_part(array, i, parts, i % parts ? 0 : get_part(array, i, parts) < 0 ? -1 : 1);
}

/** Symmetric or Hermitian, and far from singular: what eigh, cholesky, solve and inv expect. */
static void condition(const struct treadle_array *array, int64_t matrices, int64_t n)
{
    int64_t parts = array->dtype.code == TREADLE_COMPLEX ? 2 : 1;

    for (int64_t base = 0; base < matrices * n * n; base += n * n)
        for (int64_t i = 0; i < n; i++) {
            int64_t diagonal = (base + i * n + i) * parts;
            for (int64_t j = 0; j < i; j++)
                for (int64_t part = 0; part < parts; part++) {
                    double value = get_part(array, (base + i * n + j) * parts + part, parts);
                    set_part(array, (base + j * n + i) * parts + part, parts,
                             part ? -value : value);
                }
            set_part(array, diagonal, parts, get_part(array, diagonal, parts) + (double)n);
            if (parts == 2)
                set_part(array, diagonal + 1, parts, 0);
        }
}

/** Operand i of a fresh workload, its items one after the other in `packed`. */
static void fill_input(const struct workload *load, uint32_t i, void *packed, uint64_t *state)
{
    struct treadle_array array = load->args[i];
    int64_t n = workload_elements(load, i);

    array.data = packed;
    if (has_wide_floats(load->dtype))
        fill_floats(&array, n, state, !strcmp(load->op, "sqrt"));
    else
        fill_small(&array, n, state);
    if (load->in_place && has_wide_floats(load->dtype) && strcmp(load->op, "add") &&
        strcmp(load->op, "subtract"))
        keep_size(&array, n);
    if (i == 0 && load->class >= WORKLOAD_EIGH && has_wide_floats(load->dtype)) {
        int64_t side = load->shapes[0][load->args[0].ndim - 1];
        condition(&array, side ? n / (side * side) : 0, side);
    }
}

static bool fill_inputs(struct workload *load, uint64_t seed)
{
    uint64_t state = seed;

    for (uint32_t i = 0; i < load->nin; i++) {
        bool direct = load->layout == WORKLOAD_CONTIGUOUS;
        void *packed = direct ? load->args[i].data : workload_memory(workload_bytes(load, i));
        if (!packed)
            return false;
        fill_input(load, i, packed, &state);
        if (!direct) {
            workload_unpack(load, i, packed);
            free(packed);
        }
    }
    return true;
}

static bool allocate_operands(struct workload *load)
{
    for (uint32_t i = 0; i < load->nargs; i++) {
        if (load->in_place && i == load->nin) {
            load->args[i].data = load->args[0].data;
            continue;
        }
        load->args[i].data = workload_operand_memory(load, i, &load->memory[i]);
        if (!load->args[i].data)
            return false;
        if (i >= load->nin)
            memset(load->args[i].data, 0, workload_span(load, i));
    }
    return true;
}

bool workload_allocate(struct workload *load, uint64_t seed)
{
    load->allocated = true;
    if (allocate_operands(load) && fill_inputs(load, seed))
        return true;
    cli_fail(CLI_FAILED, "%s: no memory for %.3g GB", load->op, load->bytes * 1e-9);
    return false;
}

void workload_finish(struct workload *load)
{
    if (!load->allocated)
        return;
    for (uint32_t i = 0; i < load->nargs; i++)
        free(load->memory[i]);
    load->allocated = false;
}
