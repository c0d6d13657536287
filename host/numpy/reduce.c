/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce.h"

#include <math.h>
#include <string.h>

#include "large.h"

/*
 * A reduction is cut into leaves, NumPy's own loop reduces each leaf into an accumulator of its
 * own, and NumPy's own loop joins the accumulators. Where the cuts are never depends on the number
 * of threads.
 */
enum {
    LEAVES_MAX = 256,
    ACCUMULATOR_MAX = 16,
    /* NumPy adds up to 128 numbers in one go (loops_utils.h.src); its tree has no node below. */
    PAIRWISE_BLOCK = 128,
    LEAF_MIN = 2048
};

struct leaf {
    char *first;
    npy_intp n;
    alignas(16) char accumulator[ACCUMULATOR_MAX];
};

struct reduction {
    const struct slot *slot;
    npy_intp step;
    void *data;
    npy_intp leaf_max; /* elements; the tree counts the numbers of a complex as two */
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

        r->slot->loop(args, &leaf->n, steps, r->data);
    }
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
                          void *data, const void *start, char *result)
{
    struct reduction r = {.slot = slot, .step = steps[1], .data = data};
    npy_intp joining[3] = {0, sizeof(struct leaf), 0};

    r.leaf_max = leaf_size(slot, n);
    for (npy_intp i = 0; i < n; i += r.leaf_max)
        add_leaf(&r, args[1] + i * steps[1], n - i < r.leaf_max ? n - i : r.leaf_max, start);
    if (!reduce_leaves(&r))
        return false;
    memcpy(result, args[0], slot->itemsize[0]);
    n = r.count;
    slot->loop((char *[]){result, r.leaves[0].accumulator, result}, &n, joining, data);
    return true;
}

/* True where the order of the operands shows: zeros have signs, NaNs have payloads. */
static bool shows_order(int type, const char *value)
{
    npy_half half;
    float single;
    double number;

    switch (type) {
    case NPY_HALF:
        memcpy(&half, value, sizeof(half));
        return (half & 0x7fff) == 0 || (half & 0x7fff) > 0x7c00;
    case NPY_FLOAT:
        memcpy(&single, value, sizeof(single));
        return single == 0.0f || isnan(single);
    case NPY_DOUBLE:
        memcpy(&number, value, sizeof(number));
        return number == 0.0 || isnan(number);
    default:
        return false;
    }
}

static bool reduce_from_identity(const struct slot *slot, char **args, npy_intp n,
                                 const npy_intp *steps, void *data, npy_int64 identity)
{
    char result[ACCUMULATOR_MAX];

    if (!reduce_chunks(slot, args, n, steps, data, &identity, result))
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
static bool reduce_idempotent(const struct slot *slot, char **args, npy_intp n,
                              const npy_intp *steps, void *data)
{
    char result[ACCUMULATOR_MAX];

    if (!reduce_chunks(slot, args, n, steps, data, args[0], result) ||
        shows_order(slot->type, result))
        return false;
    memcpy(args[0], result, slot->itemsize[0]);
    return true;
}

/* ---- in NumPy's order: sums of floats ------------------------------------------------------- */

static int numbers_per_element(const struct slot *slot)
{
    return slot->type == NPY_CFLOAT || slot->type == NPY_CDOUBLE ? 2 : 1;
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

/* x + -0.0 is x, also for x = -0.0: a leaf's accumulator ends as exactly the node's sum. */
static void cut(struct reduction *r, char *first, npy_intp n)
{
    static const float single[2] = {-0.0f, -0.0f};
    static const double number[2] = {-0.0, -0.0};
    npy_intp left = left_half(r, n);
    bool is_single = r->slot->type == NPY_FLOAT || r->slot->type == NPY_CFLOAT;

    if (!left) {
        add_leaf(r, first, n, is_single ? (const void *)single : (const void *)number);
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

/* The one NaN met so far. */
struct nan_seen {
    uint64_t bits;
    bool any;
};

/* Note the NaNs of one value; false if it has one with other bits than those before. */
static bool same_nan(struct nan_seen *seen, const struct slot *slot, const char *value)
{
    size_t size = slot->itemsize[0] / (size_t)numbers_per_element(slot);

    for (size_t at = 0; at < slot->itemsize[0]; at += size) {
        uint64_t bits = 0;

        if (!shows_order(size == 4 ? NPY_FLOAT : NPY_DOUBLE, value + at))
            continue;
        memcpy(&bits, value + at, size);
        if (!(bits & ~(UINT64_C(1) << (8 * size - 1)))) /* a zero */
            continue;
        if (seen->any && seen->bits != bits)
            return false;
        *seen = (struct nan_seen){bits, true};
    }
    return true;
}

/* x + y of two NaNs has the bits of either, as the compiler of NumPy's loop happened to order it.
 */
static bool same_nans(const struct reduction *r, const char *start, struct nan_seen *seen)
{
    for (int i = 0; i < r->count; i++)
        if (!same_nan(seen, r->slot, r->leaves[i].accumulator))
            return false;
    return same_nan(seen, r->slot, start);
}

static bool reduce_pairwise(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                            void *data)
{
    struct reduction r = {.slot = slot, .step = steps[1], .data = data};
    struct nan_seen seen = {0, false};
    char result[ACCUMULATOR_MAX];
    int first = 0;

    r.leaf_max = leaf_size(slot, n * numbers_per_element(slot));
    cut(&r, args[1], n);
    if (!reduce_leaves(&r) || !same_nans(&r, args[0], &seen))
        return false;
    memcpy(result, args[0], slot->itemsize[0]);
    join(&r, result, join_tree(&r, n, &first));
    if (!same_nan(&seen, slot, result))
        return false;
    memcpy(args[0], result, slot->itemsize[0]);
    return true;
}

/* ---- which ----------------------------------------------------------------------------------- */

static bool is_integer(int type)
{
    return type >= NPY_BYTE && type <= NPY_ULONGLONG;
}

static bool is_pairwise(int type)
{
    return type == NPY_FLOAT || type == NPY_DOUBLE || type == NPY_CFLOAT || type == NPY_CDOUBLE;
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
    static const char *const idempotent[] = {"minimum", "maximum", "fmin", "fmax", NULL};
    static const char *const from_zero[] = {"add", "bitwise_xor", NULL};
    int type = types[0];

    if (types[1] != type || types[2] != type)
        return NULL;
    if (strcmp(name, "add") == 0 && is_pairwise(type))
        return reduce_pairwise;
    if (is_any_of(name, idempotent) && is_ordered(type))
        return reduce_idempotent;
    if (!is_integer(type))
        return NULL;
    if (is_any_of(name, idempotent_bits))
        return reduce_idempotent;
    if (is_any_of(name, from_zero))
        return reduce_from_zero;
    return strcmp(name, "multiply") == 0 ? reduce_from_one : NULL;
}
