/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce.h"

#include <math.h>
#include <string.h>

#include "functions/bits.h"
#include "large.h"

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
    LEAF_MIN = 2048,
    VECTOR = 64,   /* bytes; several of the processor's, so that none waits for another */
    WATCHED = 2048 /* numbers that are still in the first-level cache when they are read again */
};

struct leaf {
    char *first;
    npy_intp n;
    bool failed;
    alignas(16) char accumulator[ACCUMULATOR_MAX];
};

struct reduction {
    const struct slot *slot;
    npy_intp step;
    void *data;
    bool watched;
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

        if (r->watched)
            leaf->failed = !reduce_watched(r->slot, args, leaf->n, steps, r->data);
        else
            r->slot->loop(args, &leaf->n, steps, r->data);
    }
}

static bool has_failed(const struct reduction *r)
{
    for (int i = 0; i < r->count; i++)
        if (r->leaves[i].failed)
            return true;
    return false;
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

    return treadle_run("loop", &leaves, 1, 0, &attrs, NULL) == TREADLE_OK && !has_failed(r);
}

static void add_leaf(struct reduction *r, char *first, npy_intp n, const void *start)
{
    struct leaf *leaf = &r->leaves[r->count++];

    leaf->first = first;
    leaf->n = n;
    leaf->failed = false;
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

/* ---- signaling NaNs ------------------------------------------------------------------------ */

/* Their highest bit of the fraction is 0, as in infinities. */
static bool signals_4(const char *x, npy_intp n, npy_intp step)
{
    bool found = false;

    for (npy_intp i = 0; i < n; i++) {
        bits_4 bits = *(const bits_4 *)(x + i * step) & ~(UINT32_C(1) << 31);

        found |= (bits > UINT32_C(0xff) << 23) & (bits < UINT32_C(0x1ff) << 22);
    }
    return found;
}

static bool signals_8(const char *x, npy_intp n, npy_intp step)
{
    bool found = false;

    for (npy_intp i = 0; i < n; i++) {
        bits_8 bits = *(const bits_8 *)(x + i * step) & ~(UINT64_C(1) << 63);

        found |= (bits > UINT64_C(0x7ff) << 52) & (bits < UINT64_C(0xfff) << 51);
    }
    return found;
}

/* Numbers without gaps, of which there are a multiple of four: whether there is one of these or an
 * infinity. With what compilers make of the loops above, reductions take three times as long. */
#if defined(__SSE2__)

#include <emmintrin.h>

static bool may_signal_4(const char *x, npy_intp n)
{
    const __m128i mask = _mm_set1_epi32(0x7fc00000), exponent = _mm_set1_epi32(0x7f800000);
    __m128i seen = _mm_setzero_si128();

    for (const char *end = x + 4 * n; x < end; x += sizeof(seen)) {
        __m128i bits = _mm_loadu_si128((const __m128i *)x);

        seen = _mm_or_si128(seen, _mm_cmpeq_epi32(_mm_and_si128(bits, mask), exponent));
    }
    return _mm_movemask_epi8(seen);
}

static bool may_signal_8(const char *x, npy_intp n)
{
    const __m128i mask = _mm_set1_epi32(0x7ff80000), exponent = _mm_set1_epi32(0x7ff00000);
    __m128i seen = _mm_setzero_si128();

    for (const char *end = x + 8 * n; x < end; x += 2 * sizeof(seen)) {
        __m128 first = _mm_loadu_ps((const float *)x);
        __m128 second = _mm_loadu_ps((const float *)(x + sizeof(seen)));
        __m128i upper = _mm_castps_si128(_mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1)));

        seen = _mm_or_si128(seen, _mm_cmpeq_epi32(_mm_and_si128(upper, mask), exponent));
    }
    return _mm_movemask_epi8(seen);
}

#else

static bool may_signal_4(const char *x, npy_intp n)
{
    return signals_4(x, n, 4);
}

static bool may_signal_8(const char *x, npy_intp n)
{
    return signals_8(x, n, 8);
}

#endif

bool reduce_has_signaling(int type, const char *x, npy_intp n, npy_intp step)
{
    npy_intp fours = n / 4 * 4;

    if (type == NPY_FLOAT)
        return step == 4 && !may_signal_4(x, fours) ? signals_4(x + fours * step, n - fours, step)
                                                    : signals_4(x, n, step);
    if (type == NPY_DOUBLE)
        return step == 8 && !may_signal_8(x, fours) ? signals_8(x + fours * step, n - fours, step)
                                                    : signals_8(x, n, step);
    return false;
}

bool reduce_watched(const struct slot *slot, char *const *args, npy_intp n, const npy_intp *steps,
                    void *data)
{
    for (npy_intp at = 0, count; at < n; at += count) {
        char *out = args[0] + at * steps[0], *x = args[1] + at * steps[1];

        count = n - at < WATCHED ? n - at : WATCHED;
        if (reduce_has_signaling(slot->type, x, count, steps[1]))
            return false;
        slot->loop((char *[]){out, x, out}, &count, steps, data);
    }
    return true;
}

/* ---- in any order: integers, minimum and maximum ------------------------------------------- */

static bool reduce_numbers(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                           void *data);

static bool reduce_chunks(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                          void *data, const void *start, char *result)
{
    struct reduction r = {
        .slot = slot, .step = steps[1], .data = data, .watched = slot->reduce == reduce_numbers};
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

bool reduce_has_nan(int type, const char *value)
{
    npy_half half;

    switch (type) {
    case NPY_HALF:
        memcpy(&half, value, sizeof(half));
        return (half & 0x7fff) > 0x7c00;
    case NPY_FLOAT:
        return isnan(*(const float *)value);
    case NPY_DOUBLE:
        return isnan(*(const double *)value);
    case NPY_LONGDOUBLE:
        return isnan(*(const npy_longdouble *)value);
    case NPY_CFLOAT:
        return isnan(((const float *)value)[0]) || isnan(((const float *)value)[1]);
    case NPY_CDOUBLE:
        return isnan(((const double *)value)[0]) || isnan(((const double *)value)[1]);
    case NPY_CLONGDOUBLE:
        return isnan(((const npy_longdouble *)value)[0]) ||
               isnan(((const npy_longdouble *)value)[1]);
    default:
        return false;
    }
}

bool reduce_shows_order(int type, const char *value)
{
    npy_half half;

    switch (type) {
    case NPY_HALF:
        memcpy(&half, value, sizeof(half));
        return (half & 0x7fff) == 0 || reduce_has_nan(type, value);
    case NPY_FLOAT:
        return *(const float *)value == 0.0f || reduce_has_nan(type, value);
    case NPY_DOUBLE:
        return *(const double *)value == 0.0 || reduce_has_nan(type, value);
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
        reduce_shows_order(slot->type, result))
        return false;
    memcpy(args[0], result, slot->itemsize[0]);
    return true;
}

/* As the others, but for signaling NaNs. */
static bool reduce_numbers(const struct slot *slot, char **args, npy_intp n, const npy_intp *steps,
                           void *data)
{
    return !reduce_has_signaling(slot->type, args[0], 1, 0) &&
           reduce_idempotent(slot, args, n, steps, data);
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
        if (reduce_has_nan(r->slot->type, r->leaves[i].accumulator))
            return true;
    return reduce_has_nan(r->slot->type, start);
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

    if (large_run_sum(slot, args[1], n, sum) != TREADLE_OK || reduce_has_nan(slot->type, sum) ||
        reduce_has_nan(slot->type, args[0]))
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
        return is_integer(type) ? reduce_idempotent : reduce_numbers;
    if (!is_integer(type))
        return NULL;
    if (is_any_of(name, idempotent_bits))
        return reduce_idempotent;
    if (is_any_of(name, from_zero))
        return reduce_from_zero;
    return strcmp(name, "multiply") == 0 ? reduce_from_one : NULL;
}
