/* SPDX-License-Identifier: BSD-3-Clause */
/* Plain loops over float64 that first look whether the host kept what ops.h promises a plugin. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fakes.h"
#include "strided.h"

static const char *_Atomic broken;

const char *broken_promise(void)
{
    return broken;
}

#define PROMISE(condition, text)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            broken = text;                                                                         \
    } while (0)

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* Do all operands that walk both axes walk the outer one in smaller steps? */
static bool wrong_order(const struct treadle_call *call, int32_t outer)
{
    bool smaller = false, larger = false;
    for (uint32_t i = 0; i < call->nargs; i++) {
        int64_t a = magnitude(call->args[i].strides[outer]);
        int64_t b = magnitude(call->args[i].strides[outer + 1]);
        if (a == 0 || b == 0)
            continue;
        smaller |= a < b;
        larger |= a >= b;
    }
    return smaller && !larger;
}

static bool one_axis(const struct treadle_call *call, int32_t outer, int64_t inner_extent)
{
    for (uint32_t i = 0; i < call->nargs; i++)
        if (call->args[i].strides[outer] != call->args[i].strides[outer + 1] * inner_extent)
            return false;
    return true;
}

struct span {
    const char *begin, *end;
};

static struct span span_of(const struct treadle_array *a)
{
    const char *low = a->data, *high = a->data;
    for (int32_t d = 0; d < a->ndim; d++) {
        if (a->shape[d] == 0)
            return (struct span){low, low};
        int64_t reach = (a->shape[d] - 1) * a->strides[d];
        low += reach < 0 ? reach : 0;
        high += reach > 0 ? reach : 0;
    }
    return (struct span){low, high + a->itemsize};
}

static bool apart(const struct treadle_array *a, const struct treadle_array *b)
{
    struct span x = span_of(a), y = span_of(b);
    return x.begin == x.end || y.begin == y.end || x.end <= y.begin || y.end <= x.begin;
}

static bool same(const struct treadle_array *a, const struct treadle_array *b)
{
    return a->data == b->data && a->ndim == b->ndim &&
           memcmp(a->strides, b->strides, (size_t)a->ndim * sizeof *a->strides) == 0;
}

static void check_elementwise(const struct treadle_call *call)
{
    const struct treadle_array *out = &call->args[call->nargs - 1];
    for (uint32_t i = 0; i < call->nargs; i++) {
        const struct treadle_array *a = &call->args[i];
        PROMISE(a->ndim == out->ndim, "equal ndim");
        for (int32_t d = 0; d < out->ndim; d++)
            PROMISE(a->shape[d] == out->shape[d], "equal shapes");
        PROMISE(i >= call->nin || same(a, out) || apart(a, out), "same memory or apart");
    }
    for (int32_t d = 0; d + 1 < out->ndim; d++) {
        PROMISE(!wrong_order(call, d), "the last axis varies fastest");
        PROMISE(!one_axis(call, d, out->shape[d + 1]), "neighbours are merged");
    }
    for (int32_t d = 0; out->ndim > 1 && d < out->ndim; d++)
        PROMISE(out->shape[d] != 1, "an axis of extent 1 is no axis");
}

/* The kernel does not know its op: two operands subtract, one is copied. */
int32_t naive_elementwise(struct treadle_call *call)
{
    check_elementwise(call);
    const struct treadle_array *out = &call->args[call->nargs - 1];
    int64_t index[TREADLE_NDIM_MAX] = {0};
    if (!has_elements(out->ndim, out->shape))
        return TREADLE_OK;
    do {
        double x = *element(&call->args[0], index, out->ndim);
        double y = call->nin > 1 ? *element(&call->args[1], index, out->ndim) : 0;
        *element(out, index, out->ndim) = call->nin > 1 ? x - y : x;
    } while (next_index(index, out->ndim, out->shape));
    return TREADLE_OK;
}

static void check_reduction(const struct treadle_call *call)
{
    const struct treadle_array *x = &call->args[0], *out = &call->args[1];
    const struct treadle_reduction *attrs = call->attrs;
    PROMISE(attrs && attrs->struct_size >= sizeof *attrs, "attrs are there");
    PROMISE(x->ndim == out->ndim, "equal ndim");
    PROMISE(x->ndim == 64 || attrs->axes >> x->ndim == 0, "axes within ndim");
    PROMISE(apart(x, out), "the output touches no input");
    for (int32_t d = 0; d < x->ndim; d++) {
        bool reduced = attrs->axes >> d & 1;
        PROMISE(!reduced || (out->shape[d] == 1 && out->strides[d] == 0), "1 and 0 where reduced");
        PROMISE(reduced || out->shape[d] == x->shape[d], "equal extents where kept");
        PROMISE(reduced || x->ndim == 1 || x->shape[d] != 1, "an axis of extent 1 is no axis");
        if (d + 1 == x->ndim)
            break;
        PROMISE(!wrong_order(call, d), "the last axis varies fastest");
        bool next_reduced = attrs->axes >> (d + 1) & 1;
        PROMISE(reduced != next_reduced || !one_axis(call, d, x->shape[d + 1]),
                "neighbours are merged");
    }
}

/* A sum, whatever the op. */
int32_t naive_reduction(struct treadle_call *call)
{
    check_reduction(call);
    const struct treadle_array *x = &call->args[0], *out = &call->args[1];
    int64_t index[TREADLE_NDIM_MAX] = {0};
    if (has_elements(out->ndim, out->shape))
        do {
            *element(out, index, out->ndim) = 0;
        } while (next_index(index, out->ndim, out->shape));
    memset(index, 0, sizeof index);
    if (has_elements(x->ndim, x->shape))
        do {
            *element(out, index, x->ndim) += *element(x, index, x->ndim);
        } while (next_index(index, x->ndim, x->shape));
    return TREADLE_OK;
}
