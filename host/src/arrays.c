/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From what a user hands in to what ops.h promises a plugin. The order of axes follows NumPy's
 * nditer (numpy/_core/src/multiarray/nditer_constr.c, npyiter_find_best_axis_ordering), because the
 * order in which a sum is taken decides its bits.
 */
#include "arrays.h"

#include <stdlib.h>
#include <string.h>
#include <treadle/status.h>

#include "error.h"

enum { NDIM_MAX = TREADLE_NDIM_MAX };

/* ---- checks ------------------------------------------------------------------------------- */

static const char *role(uint32_t i, uint32_t nin)
{
    return i < nin ? "input" : "output";
}

static uint32_t rank(uint32_t i, uint32_t nin)
{
    return (i < nin ? i : i - nin) + 1;
}

#define BAD(i, format, ...)                                                                        \
    fail(TREADLE_E_INVALID, "%s: %s %u: " format, op->name, role(i, nin), rank(i, nin), __VA_ARGS__)

/* False if an extent is negative or the bytes are too many to count. */
static bool count_bytes(const struct treadle_array *a, int64_t *bytes)
{
    bool empty = false;
    *bytes = a->itemsize;
    for (int32_t d = 0; d < a->ndim; d++) {
        if (a->shape[d] < 0 ||
            (a->shape[d] > 0 && __builtin_mul_overflow(*bytes, a->shape[d], bytes)))
            return false;
        empty |= a->shape[d] == 0;
    }
    *bytes = empty ? 0 : *bytes;
    return true;
}

/* Do the strides stay within what an address can say? */
static bool reach_is_sane(const struct treadle_array *a)
{
    int64_t reach = 0, step;
    for (int32_t d = 0; d < a->ndim; d++)
        if (a->shape[d] > 1 &&
            (__builtin_mul_overflow(a->shape[d], a->strides[d], &step) || step == INT64_MIN ||
             __builtin_add_overflow(reach, llabs(step), &reach)))
            return false;
    return true;
}

static bool repeats_elements(const struct treadle_array *a)
{
    for (int32_t d = 0; d < a->ndim; d++)
        if (a->strides[d] == 0 && a->shape[d] > 1)
            return true;
    return false;
}

static int32_t check_one(const struct op *op, const struct treadle_array *a, uint32_t i,
                         uint32_t nin)
{
    if (a->ndim < 0 || a->ndim > NDIM_MAX)
        return BAD(i, "ndim is %d; allowed is 0 to %d", a->ndim, NDIM_MAX);
    if (a->ndim > 0 && (!a->shape || !a->strides))
        return BAD(i, "%s is NULL; an array with dimensions needs it",
                   a->shape ? "strides" : "shape");
    int64_t bytes;
    if (!count_bytes(a, &bytes))
        return BAD(i, "%s", "the shape has a negative extent or too many elements");
    if (bytes > 0 && !reach_is_sane(a))
        return BAD(i, "%s", "its strides lead out of the address space");
    if (!a->data && bytes > 0)
        return BAD(i, "%s", "data is NULL");
    bool opaque = op->class == OP_LOOP; /* moves bytes, whatever they mean */
    if (a->itemsize == 0 || (!opaque && (a->dtype.lanes != 1 || a->dtype.bits != a->itemsize * 8)))
        return BAD(i, "itemsize is %u; a dtype of %u lanes of %u bits needs another", a->itemsize,
                   a->dtype.lanes, a->dtype.bits);
    if (i >= nin && (a->flags & TREADLE_READONLY))
        return BAD(i, "%s", "it is read-only");
    if (i >= nin && !opaque && bytes > 0 && repeats_elements(a))
        return BAD(i, "%s", "a stride is 0, so that elements share memory; an output must not");
    return TREADLE_OK;
}

int32_t arrays_check(const struct op *op, const struct treadle_array *args, uint32_t nargs,
                     uint32_t nin)
{
    if (!args || nargs > ARGS_MAX || nin >= nargs)
        return fail(TREADLE_E_INVALID,
                    "%s: %u operands with %u inputs; allowed are up to %d, at least one output",
                    op->name, nargs, nin, ARGS_MAX);
    if ((op->nin && nin != op->nin) || (op->nout && nargs - nin != op->nout))
        return fail(TREADLE_E_INVALID, "%s: %u inputs and %u outputs; it takes %u and %u", op->name,
                    nin, nargs - nin, op->nin, op->nout);
    for (uint32_t i = 0; i < nargs; i++) {
        int32_t status = check_one(op, &args[i], i, nin);
        if (status)
            return status;
    }
    return TREADLE_OK;
}

/* ---- memory: ranges, overlap, copies ------------------------------------------------------- */

struct range {
    uintptr_t begin, end;
};

static struct range range_of(const struct treadle_array *a)
{
    uintptr_t low = (uintptr_t)a->data, high = low;
    for (int32_t d = 0; d < a->ndim; d++) {
        if (a->shape[d] == 0)
            return (struct range){low, low};
        int64_t reach = (a->shape[d] - 1) * a->strides[d];
        *(reach < 0 ? &low : &high) += (uintptr_t)reach;
    }
    return (struct range){low, high + a->itemsize};
}

static bool overlap(const struct treadle_array *a, const struct treadle_array *b)
{
    struct range x = range_of(a), y = range_of(b);
    return x.begin < y.end && y.begin < x.end && x.begin < x.end && y.begin < y.end;
}

static bool same_memory(const struct treadle_array *a, const struct treadle_array *b)
{
    if (a->data != b->data || a->ndim != b->ndim || a->itemsize != b->itemsize)
        return false;
    for (int32_t d = 0; d < a->ndim; d++)
        if (a->shape[d] != b->shape[d] || (a->shape[d] > 1 && a->strides[d] != b->strides[d]))
            return false;
    return true;
}

/* Bytes of a to C order at `to`; axis by axis from the outermost. */
static char *gather(char *to, const struct treadle_array *a, int32_t axis, const char *from)
{
    if (axis == a->ndim) {
        memcpy(to, from, a->itemsize);
        return to + a->itemsize;
    }
    bool last = axis == a->ndim - 1;
    if (last && a->strides[axis] == (int64_t)a->itemsize) {
        size_t bytes = (size_t)a->shape[axis] * a->itemsize;
        memcpy(to, from, bytes);
        return to + bytes;
    }
    for (int64_t i = 0; i < a->shape[axis]; i++)
        to = gather(to, a, axis + 1, from + i * a->strides[axis]);
    return to;
}

/* Replace argument i by a copy in C order. */
static int32_t copy_input(const struct op *op, struct prepared *p, uint32_t i)
{
    struct treadle_array *a = &p->args[i];
    int64_t bytes = 0;
    bool countable = count_bytes(a, &bytes);
    char *copy = countable ? aligned_alloc(64, ((size_t)bytes + 63) / 64 * 64) : NULL;
    if (!copy)
        return fail(TREADLE_E_NOMEM, "%s: no memory for %lld bytes: an input overlaps the output",
                    op->name, (long long)bytes);
    p->copies[p->ncopies++] = copy;
    gather(copy, a, 0, a->data);
    int64_t stride = a->itemsize;
    for (int32_t d = a->ndim - 1; d >= 0; d--) {
        p->strides[i][d] = stride;
        stride *= a->shape[d];
    }
    a->strides = p->strides[i];
    a->data = copy;
    return TREADLE_OK;
}

/*
 * In element-wise ops an output may be an input; in all others each touch calls for a copy. Before
 * inputs are broadcast: a row subtracted from its own matrix costs a row.
 */
static int32_t separate(const struct op *op, struct prepared *p, uint32_t nargs, uint32_t nin)
{
    for (uint32_t i = 0; i < nin && !p->dry; i++)
        for (uint32_t o = nin; o < nargs; o++) {
            const struct treadle_array *in = &p->args[i], *out = &p->args[o];
            if (!overlap(in, out) || (op->class == OP_ELEMENTWISE && same_memory(in, out)))
                continue;
            int32_t status = copy_input(op, p, i);
            if (status)
                return status;
            break;
        }
    return TREADLE_OK;
}

void prepared_finish(struct prepared *p)
{
    while (p->ncopies > 0)
        free(p->copies[--p->ncopies]);
}

/* ---- axes: one iteration space for all operands ---------------------------------------------- */

struct axes {
    int32_t ndim;
    uint32_t nargs;
    int64_t extent[NDIM_MAX];
    int64_t strides[ARGS_MAX][NDIM_MAX];
    uint64_t reduced; /* bit per axis */
};

/* Should the axis `outer` go inside of `inner`? 1 yes, 0 no, -1 the strides do not say. */
static int compare_axes(const struct axes *x, int32_t outer, int32_t inner)
{
    int verdict = -1;
    for (uint32_t i = 0; i < x->nargs; i++) {
        int64_t a = llabs(x->strides[i][outer]), b = llabs(x->strides[i][inner]);
        if (a == 0 || b == 0)
            continue;
        if (b <= a)
            verdict = 0; /* where operands disagree, C order wins */
        else if (verdict < 0)
            verdict = 1;
    }
    return verdict;
}

/* Insertion sort from the innermost axis outward; order[0] becomes the innermost. */
static void find_order(const struct axes *x, int32_t order[NDIM_MAX])
{
    for (int32_t i = 0; i < x->ndim; i++)
        order[i] = x->ndim - 1 - i;
    for (int32_t i = 1; i < x->ndim; i++) {
        int32_t axis = order[i], place = i;
        for (int32_t k = i - 1; k >= 0; k--) {
            int verdict = compare_axes(x, axis, order[k]);
            if (verdict == 0)
                break;
            if (verdict == 1)
                place = k;
        }
        memmove(&order[place + 1], &order[place], (size_t)(i - place) * sizeof *order);
        order[place] = axis;
    }
}

static void permute_row(int64_t *row, const int32_t *order, int32_t ndim)
{
    int64_t was[NDIM_MAX];
    memcpy(was, row, (size_t)ndim * sizeof *row);
    for (int32_t d = 0; d < ndim; d++)
        row[d] = was[order[ndim - 1 - d]];
}

static void permute(struct axes *x, const int32_t *order)
{
    uint64_t reduced = 0;
    for (int32_t d = 0; d < x->ndim; d++)
        reduced |= (x->reduced >> order[x->ndim - 1 - d] & 1) << d;
    x->reduced = reduced;
    permute_row(x->extent, order, x->ndim);
    for (uint32_t i = 0; i < x->nargs; i++)
        permute_row(x->strides[i], order, x->ndim);
}

/* An axis that all operands walk backwards (or not at all) is walked forwards. */
static void turn_forward(struct axes *x, struct treadle_array *args)
{
    for (int32_t d = 0; d < x->ndim; d++) {
        bool forward = false, backward = false;
        for (uint32_t i = 0; i < x->nargs; i++) {
            forward |= x->strides[i][d] > 0;
            backward |= x->strides[i][d] < 0;
        }
        if (forward || !backward || x->extent[d] == 0)
            continue;
        for (uint32_t i = 0; i < x->nargs; i++) {
            args[i].data = (char *)args[i].data + (x->extent[d] - 1) * x->strides[i][d];
            x->strides[i][d] = -x->strides[i][d];
        }
    }
}

static bool mergeable(const struct axes *x, int32_t outer, int32_t inner)
{
    if ((x->reduced >> outer & 1) != (x->reduced >> inner & 1))
        return false;
    for (uint32_t i = 0; i < x->nargs; i++)
        if (x->strides[i][outer] != x->strides[i][inner] * x->extent[inner])
            return false;
    return true;
}

static void drop_axis(struct axes *x, int32_t axis)
{
    uint64_t below = x->reduced & ((UINT64_C(1) << axis) - 1);
    x->reduced = (x->reduced >> axis >> 1) << axis | below;
    x->ndim--;
    size_t behind = (size_t)(x->ndim - axis) * sizeof(int64_t);
    memmove(&x->extent[axis], &x->extent[axis + 1], behind);
    for (uint32_t i = 0; i < x->nargs; i++)
        memmove(&x->strides[i][axis], &x->strides[i][axis + 1], behind);
}

/* A reduced axis of extent 1 still counts: sum([-0.0]) is +0.0, so the last one must stay. */
static bool droppable(const struct axes *x, int32_t axis)
{
    uint64_t bit = UINT64_C(1) << axis;
    return x->extent[axis] == 1 && (!(x->reduced & bit) || (x->reduced & ~bit));
}

static void merge(struct axes *x)
{
    for (int32_t d = x->ndim - 1; d >= 0; d--)
        if (droppable(x, d))
            drop_axis(x, d);
    for (int32_t d = x->ndim - 2; d >= 0; d--)
        if (mergeable(x, d, d + 1)) {
            for (uint32_t i = 0; i < x->nargs; i++)
                x->strides[i][d] = x->strides[i][d + 1];
            x->extent[d] *= x->extent[d + 1];
            drop_axis(x, d + 1);
        }
}

/* args: NULL if axes must not be turned. */
static void arrange(struct axes *x, struct treadle_array *args)
{
    for (int32_t d = 0; d < x->ndim; d++)
        for (uint32_t i = 0; x->extent[d] == 1 && i < x->nargs; i++)
            x->strides[i][d] = 0; /* a step that is never taken says nothing about the order */
    int32_t order[NDIM_MAX];
    order[0] = 0;
    find_order(x, order);
    permute(x, order);
    if (args)
        turn_forward(x, args);
    merge(x);
}

/* Point argument i to its part of the arranged axes. */
static void adopt(struct prepared *p, const struct axes *x, uint32_t i, bool is_reduced)
{
    for (int32_t d = 0; d < x->ndim; d++) {
        bool one = is_reduced && (x->reduced >> d & 1);
        p->shape[i][d] = one ? 1 : x->extent[d];
        p->strides[i][d] = x->strides[i][d];
    }
    p->args[i].ndim = x->ndim;
    p->args[i].shape = p->shape[i];
    p->args[i].strides = p->strides[i];
}

static double product(const int64_t *extent, int32_t ndim)
{
    double total = 1;
    for (int32_t d = 0; d < ndim; d++)
        total *= (double)extent[d];
    return total;
}

/* ---- by class of op ---------------------------------------------------------------------------
 */

/* Strides of `a` seen with the given extents, aligned at the last axis. */
static bool broadcast(const struct treadle_array *a, int32_t ndim, const int64_t *extent,
                      int64_t *strides)
{
    int32_t lead = ndim - a->ndim;
    if (lead < 0)
        return false;
    for (int32_t d = 0; d < ndim; d++) {
        int64_t mine = d < lead ? 1 : a->shape[d - lead];
        if (mine != 1 && mine != extent[d])
            return false;
        strides[d] = mine == 1 ? 0 : a->strides[d - lead];
    }
    return true;
}

static int32_t prepare_elementwise(const struct op *op, struct prepared *p, uint32_t nargs,
                                   uint32_t nin)
{
    int32_t status = separate(op, p, nargs, nin);
    if (status)
        return status;
    struct axes x;
    const struct treadle_array *out = &p->args[nin];
    x.ndim = out->ndim;
    x.nargs = nargs;
    x.reduced = 0;
    for (int32_t d = 0; d < x.ndim; d++)
        x.extent[d] = out->shape[d];
    for (uint32_t i = 0; i < nargs; i++) {
        const struct treadle_array *a = &p->args[i];
        if (!broadcast(a, x.ndim, x.extent, x.strides[i]))
            return BAD(i, "%s", "its shape cannot be broadcast to the output's");
        for (int32_t d = 0; i >= nin && d < x.ndim; d++) {
            if (a->ndim != x.ndim || a->shape[d] != x.extent[d])
                return BAD(i, "%s", "its shape differs from the first output's");
            x.strides[i][d] = a->strides[d];
        }
    }
    p->elements = product(x.extent, x.ndim);
    arrange(&x, p->args);
    for (uint32_t i = 0; i < nargs; i++)
        adopt(p, &x, i, false);
    return TREADLE_OK;
}

static int32_t prepare_reduction(const struct op *op, struct prepared *p, const void *attrs)
{
    const uint32_t nin = 1;
    const struct treadle_reduction *wish = attrs;
    const struct treadle_array *in = &p->args[0], *out = &p->args[1];
    if (!wish || wish->struct_size < sizeof *wish)
        return fail(TREADLE_E_INVALID, "%s: attrs must be a struct treadle_reduction", op->name);
    if (in->ndim < 64 && wish->axes >> in->ndim)
        return fail(TREADLE_E_INVALID, "%s: axes beyond the %d of the input", op->name, in->ndim);
    struct axes x; /* 8 KiB: only what is used is set */
    x.ndim = in->ndim;
    x.nargs = 2;
    x.reduced = wish->axes;
    int32_t kept = in->ndim - __builtin_popcountll(wish->axes);
    if (out->ndim != kept && out->ndim != in->ndim)
        return BAD(1, "ndim is %d; allowed is %d, or %d with extent 1 on the reduced axes",
                   out->ndim, kept, in->ndim);
    bool keepdims = out->ndim == in->ndim;
    int64_t reduced_elements = 1;
    for (int32_t d = 0, o = 0; d < in->ndim; d++) {
        bool reduce = wish->axes >> d & 1;
        x.extent[d] = in->shape[d];
        x.strides[0][d] = in->strides[d];
        x.strides[1][d] = reduce ? 0 : out->strides[o];
        if (reduce)
            reduced_elements *= in->shape[d];
        if (keepdims || !reduce) {
            int64_t should = reduce ? 1 : in->shape[d];
            if (out->shape[o] != should)
                return BAD(1, "extent %lld of axis %d; it must be %lld", (long long)out->shape[o],
                           o, (long long)should);
            o++;
        }
    }
    bool has_empty = strcmp(op->name, "sum") == 0 || strcmp(op->name, "prod") == 0;
    if (reduced_elements == 0 && !has_empty)
        return BAD(0, "%s of no elements is not defined", op->name);
    p->elements = product(x.extent, x.ndim);
    arrange(&x, NULL); /* NumPy sums an axis with a negative stride backwards */
    adopt(p, &x, 0, false);
    adopt(p, &x, 1, true);
    /* After the ordering, which a copy must not change; but a copy has no gaps between axes. */
    int32_t status = separate(op, p, 2, nin);
    if (p->ncopies > 0) {
        memcpy(x.strides[0], p->strides[0], (size_t)x.ndim * sizeof(int64_t));
        merge(&x);
        adopt(p, &x, 0, false);
        adopt(p, &x, 1, true);
    }
    p->reduction =
        (struct treadle_reduction){.struct_size = sizeof p->reduction, .axes = x.reduced};
    return status;
}

/* View argument i as a stack of matrices, an axis of extent 1 inserted where `insert` says. */
static void as_matrix(struct prepared *p, uint32_t i, int32_t insert)
{
    const struct treadle_array a = p->args[i];
    int32_t ndim = insert < 0 ? a.ndim : a.ndim + 1;
    for (int32_t d = 0, from = 0; d < ndim; d++) {
        bool inserted = d == insert;
        p->shape[i][d] = inserted ? 1 : a.shape[from];
        p->strides[i][d] = inserted ? (int64_t)a.itemsize : a.strides[from];
        from += !inserted;
    }
    p->args[i].ndim = ndim;
    p->args[i].shape = p->shape[i];
    p->args[i].strides = p->strides[i];
}

/* Give input i the leading axes of the output. */
static bool spread_stack(struct prepared *p, uint32_t i)
{
    const struct treadle_array *out = &p->args[2];
    int32_t stack = out->ndim - 2, own = p->args[i].ndim - 2;
    if (own > stack)
        return false;
    struct treadle_array lead = p->args[i];
    lead.ndim = own;
    int64_t strides[NDIM_MAX], shape[2] = {lead.shape[own], lead.shape[own + 1]},
                               last[2] = {lead.strides[own], lead.strides[own + 1]};
    if (!broadcast(&lead, stack, out->shape, strides))
        return false;
    memcpy(p->shape[i], out->shape, (size_t)stack * sizeof(int64_t));
    memcpy(p->strides[i], strides, (size_t)stack * sizeof(int64_t));
    memcpy(&p->shape[i][stack], shape, sizeof shape);
    memcpy(&p->strides[i][stack], last, sizeof last);
    p->args[i].ndim = out->ndim;
    return true;
}

static int32_t prepare_matmul(const struct op *op, struct prepared *p)
{
    const uint32_t nin = 2;
    bool row = p->args[0].ndim == 1, column = p->args[1].ndim == 1;
    if (p->args[0].ndim < 1 || p->args[1].ndim < 1)
        return BAD(p->args[0].ndim < 1 ? 0u : 1u, "%s",
                   "it has no dimension; at least 1 is needed");
    int32_t out_ndim = p->args[2].ndim + row + column;
    if (out_ndim < 2 || out_ndim > NDIM_MAX)
        return BAD(2, "ndim is %d; it must be that of the product", p->args[2].ndim);
    int32_t status = separate(op, p, 3, nin);
    if (status)
        return status;
    as_matrix(p, 0, row ? 0 : -1);
    as_matrix(p, 1, column ? 1 : -1);
    if (row)
        as_matrix(p, 2, p->args[2].ndim - (column ? 0 : 1));
    if (column)
        as_matrix(p, 2, p->args[2].ndim);
    const struct treadle_array *a = &p->args[0], *b = &p->args[1], *c = &p->args[2];
    int64_t m = a->shape[a->ndim - 2], k = a->shape[a->ndim - 1], n = b->shape[b->ndim - 1];
    if (b->shape[b->ndim - 2] != k)
        return BAD(1, "%lld rows; the %lld columns of input 1 need as many",
                   (long long)b->shape[b->ndim - 2], (long long)k);
    if (c->shape[c->ndim - 2] != m || c->shape[c->ndim - 1] != n)
        return BAD(2, "%lld x %lld; the product is %lld x %lld", (long long)c->shape[c->ndim - 2],
                   (long long)c->shape[c->ndim - 1], (long long)m, (long long)n);
    for (uint32_t i = 0; i < 2; i++)
        if (!spread_stack(p, i))
            return BAD(i, "%s", "its leading axes cannot be broadcast to the output's");
    double complex_factor = c->dtype.code == TREADLE_COMPLEX ? 4 : 1;
    p->elements = 2 * product(c->shape, c->ndim) * (double)k * complex_factor;
    return TREADLE_OK;
}

static int32_t prepare_dot(const struct op *op, struct prepared *p)
{
    const uint32_t nin = 2;
    for (uint32_t i = 0; i < 2; i++)
        if (p->args[i].ndim != 1)
            return BAD(i, "ndim is %d; dot takes vectors, matmul takes matrices", p->args[i].ndim);
    if (p->args[1].shape[0] != p->args[0].shape[0])
        return BAD(1, "%lld elements; input 1 has %lld", (long long)p->args[1].shape[0],
                   (long long)p->args[0].shape[0]);
    if (p->args[2].ndim != 0)
        return BAD(2, "ndim is %d; a dot product has none", p->args[2].ndim);
    p->elements = (double)p->args[0].shape[0];
    return separate(op, p, 3, nin);
}

/*
 * Core dimensions of the linear algebra ops, a word per operand. m and n are the first input's;
 * k is the lesser; p and q are k, or m and n with TREADLE_FULL_MATRICES; r is free.
 */
static const struct core {
    const char *op;
    uint32_t nargs;
    bool square;
    const char *dims[4];
} cores[] = {
    {"svd", 2, false, {"mn", "k"}},         {"svd", 4, false, {"mn", "mp", "k", "qn"}},
    {"qr", 3, false, {"mn", "mp", "pn"}},   {"eigh", 3, true, {"nn", "n", "nn"}},
    {"solve", 3, true, {"nn", "nr", "nr"}}, {"cholesky", 2, true, {"nn", "nn"}},
    {"inv", 2, true, {"nn", "nn"}},
};
static const struct core solve_vector = {"solve", 3, true, {"nn", "n", "n"}};

static const struct core *find_core(const struct op *op, const struct prepared *p, uint32_t nargs)
{
    if (strcmp(op->name, "solve") == 0 && p->args[1].ndim == 1)
        return &solve_vector;
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        if (strcmp(cores[i].op, op->name) == 0 && cores[i].nargs == nargs)
            return &cores[i];
    return NULL;
}

static int32_t prepare_linalg(const struct op *op, struct prepared *p, uint32_t nargs, uint32_t nin,
                              const void *attrs)
{
    const struct treadle_linalg *linalg = attrs;
    if (linalg && linalg->struct_size < sizeof *linalg)
        return fail(TREADLE_E_INVALID, "%s: attrs must be a struct treadle_linalg", op->name);
    const uint32_t known = TREADLE_FULL_MATRICES | TREADLE_UPPER;
    if (linalg && linalg->flags & ~known)
        return fail(TREADLE_E_INVALID, "%s: flags are 0x%x; allowed are those of 0x%x", op->name,
                    linalg->flags, known);
    const struct core *core = find_core(op, p, nargs);
    if (!core)
        return fail(TREADLE_E_INVALID, "%s: %u outputs; svd has 1 or 3", op->name, nargs - nin);
    const struct treadle_array *a = &p->args[0];
    if (a->ndim < 2)
        return BAD(0, "ndim is %d; at least 2 is needed", a->ndim);
    bool full = linalg && (linalg->flags & TREADLE_FULL_MATRICES);
    int32_t stack = a->ndim - 2;
    int64_t size['r' + 1] = {0};
    size['m'] = a->shape[stack];
    size['n'] = a->shape[stack + 1];
    size['k'] = size['m'] < size['n'] ? size['m'] : size['n'];
    size['p'] = full ? size['m'] : size['k'];
    size['q'] = full ? size['n'] : size['k'];
    if (core->square && size['m'] != size['n'])
        return BAD(0, "%lld x %lld; it must be square", (long long)size['m'], (long long)size['n']);
    size['r'] = nargs == 3 && p->args[1].ndim ? p->args[1].shape[p->args[1].ndim - 1] : 0;
    for (uint32_t i = 1; i < nargs; i++) {
        const struct treadle_array *b = &p->args[i];
        int32_t words = (int32_t)strlen(core->dims[i]);
        if (b->ndim != stack + words)
            return BAD(i, "ndim is %d; it must be %d", b->ndim, stack + words);
        for (int32_t d = 0; d < b->ndim; d++) {
            int64_t should = d < stack ? a->shape[d] : size[(int)core->dims[i][d - stack]];
            if (b->shape[d] != should)
                return BAD(i, "extent %lld of axis %d; it must be %lld", (long long)b->shape[d], d,
                           (long long)should);
        }
    }
    p->elements = op->flops_cubed * product(a->shape, a->ndim) * (double)size['k'];
    return separate(op, p, nargs, nin);
}

static int32_t prepare_loop(const struct op *op, struct prepared *p, uint32_t nargs, uint32_t nin,
                            const void *attrs)
{
    const struct treadle_loop *loop = attrs;
    if (!loop || loop->struct_size < sizeof *loop || !loop->fn || loop->grain < 1)
        return fail(TREADLE_E_INVALID,
                    "loop: attrs must be a struct treadle_loop with fn and grain");
    for (uint32_t i = 0; i < nargs; i++)
        if (p->args[i].ndim != 1 || p->args[i].shape[0] != p->args[0].shape[0])
            return BAD(i, "%s", "all operands must have one dimension of the same extent");
    p->elements = (double)p->args[0].shape[0];
    return TREADLE_OK;
}

static int32_t prepare(const struct op *op, struct prepared *p, uint32_t nargs, uint32_t nin,
                       const void *attrs)
{
    switch ((enum op_class)op->class) {
    case OP_ELEMENTWISE:
        return prepare_elementwise(op, p, nargs, nin);
    case OP_REDUCTION:
        return prepare_reduction(op, p, attrs);
    case OP_DOT:
        return prepare_dot(op, p);
    case OP_MATMUL:
        return prepare_matmul(op, p);
    case OP_LINALG:
        return prepare_linalg(op, p, nargs, nin, attrs);
    case OP_LOOP:
        return prepare_loop(op, p, nargs, nin, attrs);
    case OP_OTHER:
        break;
    }
    p->elements = product(p->args[nargs - 1].shape, p->args[nargs - 1].ndim);
    return TREADLE_OK;
}

int32_t arrays_prepare(const struct op *op, const struct treadle_array *args, uint32_t nargs,
                       uint32_t nin, const void *attrs, struct prepared *p)
{
    memcpy(p->args, args, nargs * sizeof *args);
    p->ncopies = 0;
    int32_t status = prepare(op, p, nargs, nin, attrs);
    if (status)
        prepared_finish(p);
    return status;
}
