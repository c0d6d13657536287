/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_host.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SENTINEL_BYTES = 64, SENTINEL = 0xA5 };

static atomic_int allocations_left = -1;
static uint32_t call_flags;

static void *host_alloc(const struct treadle_host *host, uint64_t size, uint64_t align)
{
    (void)host;
    if (atomic_load(&allocations_left) >= 0 && atomic_fetch_sub(&allocations_left, 1) <= 0)
        return NULL;
    return aligned_alloc(align, size);
}

static void host_release(const struct treadle_host *host, void *memory)
{
    (void)host;
    free(memory);
}

static const struct treadle_host host = {
    .struct_size = sizeof(host), .name = "test", .alloc = host_alloc, .release = host_release};

void limit_allocations(int count)
{
    atomic_store(&allocations_left, count);
}

void use_flags(uint32_t flags)
{
    call_flags = flags;
}

const struct treadle_plugin *plugin(void)
{
    static const struct treadle_plugin *table;
    if (!table) {
        void *handle = dlopen(getenv("TREADLE_TEST_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
        cr_assert(handle, "%s", dlerror());
        treadle_plugin_fn entry;
        *(void **)&entry = dlsym(handle, TREADLE_ENTRY_NAME);
        void *state;
        cr_assert_eq(entry()->create(&host, "", &state, NULL), TREADLE_OK);
        table = entry();
    }
    return table;
}

int has_threads(void)
{
    return !strcmp(plugin()->id, "openmp");
}

int listed(uint32_t i, struct treadle_query *query)
{
    *query = (struct treadle_query){.struct_size = sizeof(*query)};
    return plugin()->list_kernel(NULL, i, query) == TREADLE_OK;
}

void operand_init(struct operand *o, struct treadle_dtype dtype, int ndim, const int64_t *shape,
                  int64_t step, size_t misalign)
{
    const int64_t item = dtype.bits / 8;
    int64_t stride = step * item, span = 0, first = 0;
    *o = (struct operand){.array = {.ndim = ndim, .dtype = dtype, .itemsize = (uint32_t)item}};
    for (int i = ndim - 1; i >= 0; i--) {
        o->shape[i] = shape[i];
        o->strides[i] = stride;
        if (shape[i] > 0) {
            int64_t length = (shape[i] - 1) * stride;
            first -= length < 0 ? length : 0;
            span += length < 0 ? -length : length;
        }
        stride *= shape[i];
    }
    o->bytes = (size_t)(span + item) + misalign + 2 * SENTINEL_BYTES;
    o->memory = malloc(o->bytes);
    memset(o->memory, SENTINEL, o->bytes);
    o->array.data = o->memory + SENTINEL_BYTES + misalign + first;
    o->array.shape = o->shape;
    o->array.strides = o->strides;
}

void operand_finish(struct operand *o)
{
    free(o->memory);
}

size_t operand_count(const struct operand *o)
{
    size_t count = 1;
    for (int i = 0; i < o->array.ndim; i++)
        count *= (size_t)o->shape[i];
    return count;
}

void *operand_item(const struct operand *o, size_t i)
{
    char *at = o->array.data;
    for (int axis = o->array.ndim - 1; axis >= 0; axis--) {
        at += (int64_t)(i % (size_t)o->shape[axis]) * o->strides[axis];
        i /= (size_t)o->shape[axis];
    }
    return at;
}

static double a_double(unsigned random, int bits)
{
    static const double special[] = {0.0, -0.0,     INFINITY, -INFINITY, NAN,
                                     1.0, 4.9e-324, 1e-45,    1e308,     -3.0};
    if (random % 5 == 0)
        return bits == 32 ? (double)(float)special[random / 5 % COUNT_OF(special)]
                          : special[random / 5 % COUNT_OF(special)];
    return ((double)(random % 20001) - 10000.0) / 7.0;
}

static void put(void *item, struct treadle_dtype dtype, unsigned random, int ones)
{
    double parts[2] = {ones ? 1.0 : a_double(random, dtype.bits), 1.0};
    int64_t whole = ones ? 1 : (int64_t)((uint64_t)random * 0x9E3779B97F4A7C15u);
    if (dtype.code == TREADLE_COMPLEX || (dtype.code == TREADLE_FLOAT && dtype.bits >= 32)) {
        int count = dtype.code == TREADLE_COMPLEX ? 2 : 1, bits = dtype.bits / count;
        for (int i = 0; i < count; i++) {
            float narrow = (float)parts[i];
            memcpy((char *)item + i * bits / 8, bits == 32 ? (void *)&narrow : (void *)&parts[i],
                   (size_t)bits / 8);
        }
    } else {
        memcpy(item, &whole, dtype.bits / 8);
    }
}

void operand_fill(struct operand *o, int seed)
{
    unsigned random = (unsigned)seed * 2654435761u + 1;
    for (size_t i = 0, n = operand_count(o); i < n; i++) {
        random = random * 1664525u + 1013904223u;
        put(operand_item(o, i), o->array.dtype, random >> 8, seed < 0);
    }
}

void operand_check_sentinels(const struct operand *o)
{
    char *touched = calloc(o->bytes, 1);
    for (size_t i = 0, n = operand_count(o); i < n; i++)
        memset(touched + ((char *)operand_item(o, i) - o->memory), 1, o->array.itemsize);
    for (size_t i = 0; i < o->bytes; i++)
        cr_assert(touched[i] || (unsigned char)o->memory[i] == SENTINEL, "byte %zu was written", i);
    free(touched);
}

int32_t run_op(const char *op, struct operand *const *operands, uint32_t nargs, uint32_t nin,
               const void *attrs, uint32_t threads, uint32_t *used)
{
    struct treadle_array args[ARGS_MAX];
    struct treadle_dtype dtypes[ARGS_MAX];
    for (uint32_t i = 0; i < nargs; i++) {
        args[i] = operands[i]->array;
        args[i].shape = operands[i]->shape;
        args[i].strides = operands[i]->strides;
        dtypes[i] = args[i].dtype;
    }
    struct treadle_query query = {sizeof(query), 0, op, dtypes, nargs, nin};
    struct treadle_kernel kernel = {.struct_size = sizeof(kernel)};
    cr_assert_eq(plugin()->find_kernel(NULL, &query, &kernel), TREADLE_OK, "no %s", op);
    char text[200] = "";
    struct treadle_error error = {sizeof(error), 0, text, sizeof(text)};
    struct treadle_call call = {.struct_size = sizeof(call),
                                .flags = call_flags,
                                .host = &host,
                                .kernel = kernel.kernel,
                                .args = args,
                                .nargs = nargs,
                                .nin = nin,
                                .attrs = attrs,
                                .threads_max = threads,
                                .threads_used = 1,
                                .error = &error};
    int32_t status = kernel.run(&call);
    cr_assert(status == TREADLE_OK || *text, "%s failed without a word", op);
    cr_assert_geq(call.threads_used, 1);
    cr_assert_leq(call.threads_used, threads, "%s used more threads than granted", op);
    if (used)
        *used = call.threads_used;
    return status;
}
