/* SPDX-License-Identifier: BSD-3-Clause */
/* One call twice: the outputs are copied, and afterwards compared. */
#include "beside.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_same.h"
#include "ab_statistics.h"
#include "trace.h"

/* Outputs are at most so large; of larger element-wise calls a part is compared. */
static const double BYTES_MAX = 16 << 20;

/* The bits of a half's product are nobody's promise, and loops may do more than fill arrays. */
bool beside_can_tell(const struct op *op, uint32_t dtype)
{
    uint32_t code = dtype & 0xff, bits = dtype >> 8 & 0xff;
    bool rounds = code == TREADLE_FLOAT || code == TREADLE_COMPLEX || code == TREADLE_BFLOAT;
    if (op_is_exact(op))
        return true;
    return (op->class == OP_DOT || op->class == OP_MATMUL) &&
           (!rounds || (code != TREADLE_BFLOAT && bits >= 32));
}

/* Where the elements lie, in bytes from the first one. */
static double span_of(const struct treadle_array *array, double *low)
{
    double high = array->itemsize;
    *low = 0;
    for (int32_t d = 0; d < array->ndim; d++) {
        double far = (double)(array->shape[d] - 1) * (double)array->strides[d];
        *(far < 0 ? low : &high) += far;
    }
    return high - *low;
}

/* Element-wise operands have one shape, and any rows of them are a call as well. */
static bool cut(struct beside *beside, double bytes)
{
    const struct treadle_array *first = &beside->own[0];
    if (beside->entry->op->class != OP_ELEMENTWISE || first->ndim == 0)
        return false;
    int64_t all = first->shape[0], rows = (int64_t)((double)all * (BYTES_MAX / bytes));
    if (rows == 0)
        return false;
    uint64_t seed = (uint64_t)trace_clock();
    int64_t from = (int64_t)(ab_random(&seed) >> 1) % (all - rows + 1);
    memcpy(beside->shape, first->shape, sizeof *first->shape * (size_t)first->ndim);
    beside->shape[0] = rows;
    beside->before = from;
    for (int32_t d = 1; d < first->ndim; d++)
        beside->before *= first->shape[d];
    for (uint32_t i = 0; i < beside->entry->nargs; i++) {
        struct treadle_array *own = &beside->own[i];
        own->data = (char *)own->data + from * own->strides[0];
        own->shape = beside->shape;
    }
    return true;
}

/* Strides stay as they are: a plugin relies on their order. */
static bool copy_output(struct beside *beside, uint32_t i)
{
    struct treadle_array *out = &beside->args[i];
    double low, bytes = span_of(out, &low);
    if (posix_memalign(&beside->copies[i], 64, (size_t)bytes) != 0)
        return false;
    out->data = (char *)beside->copies[i] - (int64_t)low;
    return true;
}

void beside_destroy(struct beside *beside)
{
    for (uint32_t i = 0; i < beside->entry->nargs; i++)
        free(beside->copies[i]);
    free(beside);
}

struct beside *beside_create(const struct entry *entry, const struct treadle_array *args)
{
    struct beside *beside = calloc(1, sizeof *beside);
    if (!beside)
        return NULL;
    beside->entry = entry;
    double bytes = 0, low;
    for (uint32_t i = entry->nin; i < entry->nargs; i++)
        bytes += span_of(&args[i], &low);
    memcpy(beside->own, args, sizeof *args * entry->nargs);
    bool fits = bytes <= BYTES_MAX || cut(beside, bytes);
    memcpy(beside->args, beside->own, sizeof *args * entry->nargs);
    for (uint32_t i = entry->nin; i < entry->nargs && fits; i++)
        fits = copy_output(beside, i);
    if (fits)
        return beside;
    beside_destroy(beside);
    return NULL;
}

/*
 * Sums of k products differ by at most 2 k epsilon times the sum of the products' absolute values,
 * in whatever order they are added.
 */
static double allowed_difference(const struct beside *beside)
{
    const struct treadle_array *x = &beside->own[0], *y = &beside->own[1];
    if (op_is_exact(beside->entry->op) ||
        (x->dtype.code != TREADLE_FLOAT && x->dtype.code != TREADLE_COMPLEX))
        return 0;
    double terms = x->ndim > 0 ? (double)x->shape[x->ndim - 1] : 1;
    bool single = x->dtype.bits == (x->dtype.code == TREADLE_COMPLEX ? 64 : 32);
    double epsilon = single ? FLT_EPSILON : DBL_EPSILON;
    return 8 * (terms + 1) * epsilon * terms * ab_largest(x) * ab_largest(y);
}

bool beside_agrees(const struct beside *beside, int32_t status, char *text, size_t capacity)
{
    const struct entry *entry = beside->entry;
    if (status != beside->status) {
        snprintf(text, capacity, "A ends with status %d, B with %d", status, beside->status);
        return false;
    }
    double allowed = status ? 0 : allowed_difference(beside);
    for (uint32_t i = entry->nin; i < entry->nargs && !status; i++)
        if (!isinf(allowed) &&
            !ab_same(&beside->own[i], &beside->args[i], allowed, beside->before, text, capacity))
            return false;
    return true;
}
