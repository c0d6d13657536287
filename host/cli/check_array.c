/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_array.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

enum { SENTINEL_BYTES = 64, SENTINEL = 0xa5, ALIGNMENT = 64 };

/* ---- memory --------------------------------------------------------------------------------- */

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/** Memory between two pages that cannot be touched. */
static void map(struct check_array *a, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = round_up(bytes, page);

    a->mapped = inner + 2 * page;
    a->pages = mmap(NULL, a->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (a->pages == MAP_FAILED || mprotect(a->pages + page, inner, PROT_READ | PROT_WRITE)) {
        check_fail("no memory for an operand of %zu bytes", bytes);
        exit(EXIT_FAILURE);
    }
    a->memory = a->pages + page;
    a->bytes = inner;
}

/** The strides are set: memory for all items, and the address of the first one. */
static void place_items(struct check_array *a, enum check_place place)
{
    int64_t low = 0, high = a->array.itemsize;

    for (int32_t i = 0; i < a->array.ndim; i++) {
        int64_t length = a->shape[i] > 0 ? (a->shape[i] - 1) * a->strides[i] : 0;
        *(length < 0 ? &low : &high) += length;
    }
    size_t span = (size_t)(high - low), before = SENTINEL_BYTES + (place == CHECK_MISALIGNED);
    map(a, before + round_up(span, ALIGNMENT) + SENTINEL_BYTES);
    if (place == CHECK_AT_THE_END)
        before = a->bytes - span;
    a->array.data = a->memory + before - low;
    a->array.shape = a->shape;
    a->array.strides = a->strides;
    memset(a->memory, SENTINEL, a->bytes);
}

void check_array_init(struct check_array *a, struct treadle_dtype dtype, int32_t ndim,
                      const int64_t *shape, int64_t step, enum check_place place)
{
    int64_t item = dtype.bits / 8, stride = step * item;

    *a = (struct check_array){.array = {.ndim = ndim, .dtype = dtype, .itemsize = (uint32_t)item}};
    for (int32_t i = ndim - 1; i >= 0; i--) {
        a->shape[i] = shape[i];
        a->strides[i] = stride;
        /* One item between the lines, or a host would have merged the axes. */
        stride = stride * (shape[i] > 1 ? shape[i] : 1) + item * ((step > 0) - (step < 0));
    }
    place_items(a, place);
}

void check_array_init_columns(struct check_array *a, struct treadle_dtype dtype, int32_t ndim,
                              const int64_t *shape)
{
    int64_t item = dtype.bits / 8, stride = item;

    *a = (struct check_array){.array = {.ndim = ndim, .dtype = dtype, .itemsize = (uint32_t)item}};
    for (int32_t i = 0; i < ndim; i++) {
        a->shape[i] = shape[i];
        a->strides[i] = stride;
        stride *= shape[i] > 1 ? shape[i] : 1;
    }
    place_items(a, CHECK_ALIGNED);
}

void check_array_finish(struct check_array *a)
{
    munmap(a->pages, a->mapped);
}

int64_t check_array_count(const struct check_array *a)
{
    int64_t count = 1;

    for (int32_t i = 0; i < a->array.ndim; i++)
        count *= a->shape[i];
    return count;
}

void *check_array_item(const struct check_array *a, int64_t i)
{
    char *at = a->array.data;

    for (int32_t axis = a->array.ndim - 1; axis >= 0; axis--) {
        at += i % a->shape[axis] * a->strides[axis];
        i /= a->shape[axis];
    }
    return at;
}

void check_array_reset(struct check_array *a)
{
    memset(a->memory, SENTINEL, a->bytes);
}

bool check_array_is_untouched(const struct check_array *a)
{
    for (size_t i = 0; i < a->bytes; i++)
        if ((unsigned char)a->memory[i] != SENTINEL)
            return false;
    return true;
}

bool check_array_sentinels(const struct check_array *a)
{
    char *ours = calloc(a->bytes, 1);
    bool whole = ours != NULL;

    for (int64_t i = 0, n = check_array_count(a); i < n && ours; i++)
        memset(ours + ((char *)check_array_item(a, i) - a->memory), 1, a->array.itemsize);
    for (size_t i = 0; i < a->bytes && whole; i++)
        if (!ours[i] && (unsigned char)a->memory[i] != SENTINEL) {
            check_fail_here("wrote outside the output, %td bytes from its first item",
                            a->memory + i - (char *)a->array.data);
            whole = false;
        }
    free(ours);
    return whole;
}

/* ---- numbers -------------------------------------------------------------------------------- */

bool check_is_number(struct treadle_dtype dtype)
{
    switch (dtype.code) {
    case TREADLE_FLOAT:
        return dtype.bits == 32 || dtype.bits == 64;
    case TREADLE_COMPLEX:
        return dtype.bits == 64 || dtype.bits == 128;
    case TREADLE_INT:
    case TREADLE_UINT:
        return dtype.bits >= 8 && dtype.bits <= 64;
    default:
        return dtype.code == TREADLE_BOOL && dtype.bits == 8;
    }
}

static int parts_of(struct treadle_dtype dtype)
{
    return dtype.code == TREADLE_COMPLEX ? 2 : 1;
}

static bool is_single(struct treadle_dtype dtype)
{
    return dtype.bits / parts_of(dtype) == 32;
}

long double check_epsilon(struct treadle_dtype dtype)
{
    if (dtype.code != TREADLE_FLOAT && dtype.code != TREADLE_COMPLEX)
        return 0;
    return is_single(dtype) ? FLT_EPSILON : DBL_EPSILON;
}

static long double get_float(bool single, const void *part)
{
    float f;
    double d;

    if (single) {
        memcpy(&f, part, sizeof f);
        return f;
    }
    memcpy(&d, part, sizeof d);
    return d;
}

static void set_float(bool single, void *part, long double value)
{
    float f = (float)value;
    double d = (double)value;

    memcpy(part, single ? (void *)&f : (void *)&d, single ? sizeof f : sizeof d);
}

/** Not a + b I, which makes a NaN of an infinity. clang has no CMPLXL(). */
static long double complex make_complex(long double real, long double imaginary)
{
    long double parts[2] = {real, imaginary};
    long double complex value;

    memcpy(&value, parts, sizeof value);
    return value;
}

long double complex check_get(struct treadle_dtype dtype, const void *item)
{
    uint64_t bits = 0;
    int unused = 64 - dtype.bits;
    bool single = is_single(dtype);

    if (dtype.code == TREADLE_COMPLEX)
        return make_complex(get_float(single, item),
                            get_float(single, (const char *)item + dtype.bits / 16));
    if (dtype.code == TREADLE_FLOAT)
        return get_float(single, item);
    memcpy(&bits, item, dtype.bits / 8); /* little-endian, as all that is supported */
    return dtype.code == TREADLE_INT ? (long double)((int64_t)(bits << unused) >> unused)
                                     : (long double)bits;
}

void check_set(struct treadle_dtype dtype, void *item, long double complex value)
{
    bool single = is_single(dtype);
    long double real = creall(value);

    if (dtype.code == TREADLE_COMPLEX)
        set_float(single, (char *)item + dtype.bits / 16, cimagl(value));
    if (dtype.code == TREADLE_COMPLEX || dtype.code == TREADLE_FLOAT) {
        set_float(single, item, real);
        return;
    }
    uint64_t bits = real < 0 ? (uint64_t)(int64_t)real : (uint64_t)real;
    memcpy(item, &bits, dtype.bits / 8);
}

const char *check_item_text(struct treadle_dtype dtype, const void *item)
{
    static char texts[4][96];
    static unsigned next;
    char *text = texts[next++ % 4];

    if (!check_is_number(dtype)) {
        uint64_t bits = 0;
        memcpy(&bits, item, dtype.bits / 8 < 8 ? dtype.bits / 8 : 8);
        snprintf(text, sizeof texts[0], "0x%llx", (unsigned long long)bits);
        return text;
    }
    long double complex value = check_get(dtype, item);
    int digits = check_epsilon(dtype) == 0 ? 20 : is_single(dtype) ? 9 : 17;
    if (dtype.code == TREADLE_COMPLEX)
        snprintf(text, sizeof texts[0], "%.*Lg%+.*Lgi", digits, creall(value), digits,
                 cimagl(value));
    else
        snprintf(text, sizeof texts[0], "%.*Lg", digits, creall(value));
    return text;
}

/* ---- values --------------------------------------------------------------------------------- */

/** splitmix64 */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static long double a_float(bool single, enum check_values values, uint64_t random)
{
    static const double doubles[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 4.9e-324, DBL_MAX, -3};
    static const float floats[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f, FLT_MAX, -3};

    if (values == CHECK_ONES)
        return 1;
    if (values == CHECK_SMALL)
        return (long double)(random % 5) - 2;
    if (values == CHECK_SPECIAL && random % 4 == 0)
        return single ? (long double)floats[random / 4 % 8] : (long double)doubles[random / 4 % 8];
    /* In 1 to 2 or -2 to -1, with all digits of the type used. */
    long double value = 1 + (long double)(random >> 12) * 0x1p-52L;
    return random & 8 ? -value : value;
}

static void fill_item(struct treadle_dtype dtype, void *item, enum check_values values,
                      uint64_t *seed)
{
    uint64_t random = next_random(seed);
    bool single = is_single(dtype);

    if (check_is_number(dtype) && check_epsilon(dtype) > 0) {
        for (int part = 0; part < parts_of(dtype); part++, random = next_random(seed))
            set_float(single, (char *)item + part * (single ? 4 : 8),
                      a_float(single, values, random));
        return;
    }
    if (dtype.code == TREADLE_BOOL)
        random = values == CHECK_ONES ? 1 : random & 1;
    else if (values == CHECK_ONES || values == CHECK_SMALL)
        random = values == CHECK_ONES ? 1 : random % 3;
    if (dtype.code == TREADLE_FLOAT && values != CHECK_SPECIAL)
        random &= 0x3bff; /* a finite float16 */
    for (size_t at = 0; at < dtype.bits / 8u; at += sizeof random)
        memcpy((char *)item + at, &random,
               dtype.bits / 8u - at < sizeof random ? dtype.bits / 8u - at : sizeof random);
}

void check_array_fill(struct check_array *a, enum check_values values, uint64_t seed)
{
    for (int64_t i = 0, n = check_array_count(a); i < n; i++)
        fill_item(a->array.dtype, check_array_item(a, i), values, &seed);
}
