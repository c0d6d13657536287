/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce.h"

#include <math.h>
#include <string.h>

#include "large.h"
#include "watch.h"

/*
 * A reduction is cut into leaves, NumPy's own loop reduces each leaf into an accumulator of its
 * own, and NumPy's own loop joins the accumulators. Where the cuts are never depends on the number
 * of threads.
 */
enum {
    LEAVES_MAX = 256,
    ACCUMULATOR_MAX = 32,
    /* NumPy adds up to 128 numbers in one go (loops_utils.h.src); its tree has no node below. */
    PAIRWISE_BLOCK = 128,
    LEAF_MIN = 2048
};

struct leaf {
    char *first;
    npy_intp n;
    struct watch watch;
    alignas(16) char accumulator[ACCUMULATOR_MAX];
};

struct reduction {
    const struct slot *slot;
    npy_intp step;
    void *data;
    struct watch watch; /* over each leaf */
    npy_intp leaf_max;  /* elements; the tree counts the numbers of a complex as two */
    int count;
    struct leaf leaves[LEAVES_MAX];
};

static void run_leaves(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    const struct reduction *r = ctx;
    const npy_intp steps[3] = {0, r->step, 0};

    for (int64_t i = 0; i < n; i++) {
        struct leaf *leaf = (struct leaf *)(ptrs[0] + i * strides[0]);
        char *args[3] = {leaf->accumulator, leaf->first, leaf->accumulator};

        watch_loop(&leaf->watch, r->slot, args, leaf->n, steps, r->data);
    }
}

static struct watch what_was_seen(const struct reduction *r)
{
    struct watch seen = {0};

    for (int i = 0; i < r->count; i++)
        watch_join(&seen, &r->leaves[i].watch);
    return seen;
}

static bool reduce_leaves(struct reduction *r)
{
    int64_t n = r->count, stride = sizeof(struct leaf);
    struct treadle_array leaves = large_operand(r->leaves, &n, &stride, sizeof(struct leaf));
    struct treadle_loop attrs = {.struct_size = sizeof(attrs),
                                 .fn = run_leaves,
                                 .ctx = r,
                                 .grain = 1,
                                 .element_ns = r->slot->element_ns * (double)(r->leaf_max)};

    return treadle_run("loop", &leaves, 1, 0, &attrs, NULL) == TREADLE_OK;
}

static void add_leaf(struct reduction *r, char *first, npy_intp n, const void *start)
{
    struct leaf *leaf = &r->leaves[r->count++];

    leaf->first = first;
    leaf->n = n;
    leaf->watch = r->watch;
    memcpy(leaf->accumulator, start, r->slot->itemsize[0]);
}

/* left = left (op) right, as NumPy's loop does it for one element. */
static void join(const struct reduction *r, char *left, char *right)
{
    char *args[3] = {left, right, left};
    npy_intp one = 1, size = r->slot->itemsize[0];
    npy_intp steps[3] = {size, size, size};

    r->slot->loop(args, &one, steps, r->data);
}

static npy_intp leaf_size(const struct slot *slot, npy_intp n)
{
    npy_intp least = slot->min < LEAF_MIN ? slot->min : LEAF_MIN;
    npy_intp size = n / LEAVES_MAX + 16;

    if (size < least)
        size = least;
    return size < PAIRWISE_BLOCK ? PAIRWISE_BLOCK : size;
}

/* ---- in any order: integers, minimum and maximum ------------------------------------------- */

static bool reduce_chunks(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                          void *data, const void *start, struct watch *watch, char *result)
{
    struct reduction r = {.slot = slot, .step = steps[1], .data = data, .watch = *watch};
    npy_intp joining[3] = {0, sizeof(struct leaf), 0};

    r.leaf_max = leaf_size(slot, n);
    for (npy_intp i = 0; i < n; i += r.leaf_max)
        add_leaf(&r, args[1] + i * steps[1], n - i < r.leaf_max ? n - i : r.leaf_max, start);
    if (!reduce_leaves(&r))
        return false;
    memcpy(result, args[0], slot->itemsize[0]);
    n = r.count;
    slot->loop((char *[]){result, r.leaves[0].accumulator, result}, &n, joining, data);
    *watch = what_was_seen(&r);
    return true;
}

#define HAS_NAN(name, type)                                                                        \
    static bool has_nan_##name(const char *values, npy_intp n)                                     \
    {                                                                                              \
        const type *x = (const type *)values;                                                      \
        bool found = false;                                                                        \
                                                                                                   \
        for (npy_intp i = 0; i < n; i++)                                                           \
            found |= x[i] != x[i];                                                                 \
        return found;                                                                              \
    }

HAS_NAN(f32, float)
HAS_NAN(f64, double)
HAS_NAN(long_double, npy_longdouble)

static bool has_nan_f16(const char *values, npy_intp n)
{
    const npy_half *x = (const npy_half *)values;
    bool found = false;

    for (npy_intp i = 0; i < n; i++)
        found |= (x[i] & 0x7fff) > 0x7c00;
    return found;
}

bool reduce_has_nan(int type, const char *values, npy_intp n)
{
    switch (type) {
    case NPY_HALF:
        return has_nan_f16(values, n);
    case NPY_FLOAT:
        return has_nan_f32(values, n);
    case NPY_DOUBLE:
        return has_nan_f64(values, n);
    case NPY_LONGDOUBLE:
        return has_nan_long_double(values, n);
    case NPY_CFLOAT:
        return has_nan_f32(values, 2 * n);
    case NPY_CDOUBLE:
        return has_nan_f64(values, 2 * n);
    case NPY_CLONGDOUBLE:
        return has_nan_long_double(values, 2 * n);
    default:
        return false;
    }
}

static bool reduce_from_identity(const struct slot *slot, char **args, npy_intp n,
                                 const npy_intp *steps, void *data, npy_int64 identity)
{
    struct watch nothing = {0};
    char result[ACCUMULATOR_MAX];

    if (!reduce_chunks(slot, args, n, steps, data, &identity, &nothing, result))
        return false;
    memcpy(args[0], result, slot->itemsize[0]);
    return true;
}

/* Little-endian: the first bytes of a 64-bit 0 or 1 are the 0 or 1 of every smaller integer. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "identities are cut to size");

static bool reduce_from_zero(const struct slot *slot, char **args, npy_intp n,
                             const npy_intp *steps, void *data)
{
    return reduce_from_identity(slot, args, n, steps, data, 0);
}

static bool reduce_from_one(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                            void *data)
{
    return reduce_from_identity(slot, args, n, steps, data, 1);
}

/* x op x == x: each leaf starts with what the whole starts with. */
static bool reduce_watching(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                            void *data, struct watch watch)
{
    char result[ACCUMULATOR_MAX];

    watch_look(&watch, slot, args[0], 1, 0);
    if (watch.signaled || !reduce_chunks(slot, args, n, steps, data, args[0], &watch, result) ||
        watch.signaled || watch_tells_order(&watch, slot->type, result, 1))
        return false;
    memcpy(args[0], result, slot->itemsize[0]);
    return true;
}

static bool reduce_idempotent(const struct slot *slot, char **args, npy_intp n,
                              const npy_intp *steps, void *data)
{
    return reduce_watching(slot, args, n, steps, data, watch_for(slot->type, false));
}

/* Of numbers, where there are NaNs too. */
static bool reduce_numbers(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                           void *data)
{
    return reduce_watching(slot, args, n, steps, data, watch_for(slot->type, true));
}

/* ---- in NumPy's order: sums of floats ------------------------------------------------------- */

static int numbers_per_element(const struct slot *slot)
{
    return PyTypeNum_ISCOMPLEX(slot->type) ? 2 : 1;
}

/* Elements in the left half of a node, or 0 if the node is a leaf of ours. */
static npy_intp left_half(const struct reduction *r, npy_intp n)
{
    npy_intp numbers = n * numbers_per_element(r->slot), half = numbers / 2;

    if (numbers <= r->leaf_max)
        return 0;
    half -= half % 8;
    return half / numbers_per_element(r->slot);
}

bool reduce_has_neutral(void)
{
    volatile double zero = 0.0;
    volatile long double wide = 0.0L; /* x87 has a mode of its own */

    return !signbit(zero - zero) && !signbit(wide - wide);
}

void reduce_minus_zero(int type, char *value)
{
    static const float single[2] = {-0.0f, -0.0f};
    static const double number[2] = {-0.0, -0.0};
    static const npy_longdouble wide[2] = {-0.0L, -0.0L};

    switch (type) {
    case NPY_FLOAT:
        memcpy(value, single, sizeof(*single));
        break;
    case NPY_CFLOAT:
        memcpy(value, single, sizeof(single));
        break;
    case NPY_DOUBLE:
        memcpy(value, number, sizeof(*number));
        break;
    case NPY_CDOUBLE:
        memcpy(value, number, sizeof(number));
        break;
    case NPY_LONGDOUBLE:
        memcpy(value, wide, sizeof(*wide));
        break;
    default:
        memcpy(value, wide, sizeof(wide));
    }
}

/* Accumulators end as exactly the sums of their nodes. */
static void cut(struct reduction *r, char *first, npy_intp n)
{
    alignas(16) char start[ACCUMULATOR_MAX];
    npy_intp left = left_half(r, n);

    if (!left) {
        reduce_minus_zero(r->slot->type, start);
        add_leaf(r, first, n, start);
        return;
    }
    cut(r, first, left);
    cut(r, first + left * r->step, n - left);
}

/* Add up the node of n elements whose first leaf is *leaf; returns its accumulator. */
static char *join_tree(struct reduction *r, npy_intp n, int *leaf)
{
    npy_intp left = left_half(r, n);
    char *sum, *right;

    if (!left)
        return r->leaves[(*leaf)++].accumulator;
    sum = join_tree(r, left, leaf);
    right = join_tree(r, n - left, leaf);
    join(r, sum, right);
    return sum;
}

/* x + y of two NaNs has the bits of either, as the compiler of NumPy's loop happened to order it;
 * and it orders a node that it adds within a larger one in another way than one by itself. Only
 * NaNs of one kind, those that come from infinities when leaves are joined, can't tell. */
static bool has_nans(const struct reduction *r, const char *start)
{
    for (int i = 0; i < r->count; i++)
        if (reduce_has_nan(r->slot->type, r->leaves[i].accumulator, 1))
            return true;
    return reduce_has_nan(r->slot->type, start, 1);
}

/* Op "sum" starts from 0, and so does not tell a sum of -0.0 alone. */
static bool may_be_minus_zero(const struct slot *slot, const char *first)
{
    alignas(16) char minus_zero[ACCUMULATOR_MAX];

    reduce_minus_zero(slot->type, minus_zero);
    return memcmp(first, minus_zero, slot->itemsize[0]) == 0;
}

/* Treadle's kernel has the same tree, and reads it in two places at a time. */
static bool reduce_by_op(const struct slot *slot, char **args, npy_intp n, void *data)
{
    const struct reduction r = {.slot = slot, .data = data};
    alignas(16) char sum[ACCUMULATOR_MAX];

    if (large_run_sum(slot, args[1], n, sum) != TREADLE_OK || reduce_has_nan(slot->type, sum, 1) ||
        reduce_has_nan(slot->type, args[0], 1))
        return false;
    join(&r, args[0], sum);
    return true;
}

static bool reduce_pairwise(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                            void *data)
{
    struct reduction r = {.slot = slot, .step = steps[1], .data = data};
    int first = 0;

    if (!reduce_has_neutral())
        return false;
    if (slot->sums && steps[1] == slot->itemsize[1] && !may_be_minus_zero(slot, args[1]))
        return reduce_by_op(slot, args, n, data);
    r.leaf_max = leaf_size(slot, n * numbers_per_element(slot));
    cut(&r, args[1], n);
    if (!reduce_leaves(&r) || has_nans(&r, args[0]))
        return false;
    join(&r, args[0], join_tree(&r, n, &first));
    return true;
}

/* ---- which ----------------------------------------------------------------------------------- */

static bool is_integer(int type)
{
    return type >= NPY_BYTE && type <= NPY_ULONGLONG;
}

static bool is_pairwise(int type)
{
    return type >= NPY_FLOAT && type <= NPY_CLONGDOUBLE;
}

static bool is_ordered(int type)
{
    return is_integer(type) || type == NPY_HALF || type == NPY_FLOAT || type == NPY_DOUBLE;
}

static bool is_any_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

slot_reduce_fn reduce_of(const char *name, const int *types)
{
    static const char *const idempotent_bits[] = {"bitwise_and", "bitwise_or", NULL};
    static const char *const idempotent[] = {"minimum", "maximum", NULL};
    static const char *const numbers[] = {"fmin", "fmax", NULL};
    static const char *const from_zero[] = {"add", "bitwise_xor", NULL};
    int type = types[0];

    if (types[1] != type || types[2] != type)
        return NULL;
    if (strcmp(name, "add") == 0 && is_pairwise(type))
        return reduce_pairwise;
    if (is_any_of(name, idempotent) && is_ordered(type))
        return reduce_idempotent;
    if (is_any_of(name, numbers) && is_ordered(type))
        return reduce_numbers;
    if (!is_integer(type))
        return NULL;
    if (is_any_of(name, idempotent_bits))
        return reduce_idempotent;
    if (is_any_of(name, from_zero))
        return reduce_from_zero;
    return strcmp(name, "multiply") == 0 ? reduce_from_one : NULL;
}
