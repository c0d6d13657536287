/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include "functions/bits.h"
#include "reduce.h"

/* Numbers are read again while they are in the first-level cache. */
enum { AT_ONCE = 2048 };

/* ---- signaling NaNs ------------------------------------------------------------------------ */

/* The highest bit of their fraction is 0, as in infinities. */
#define SIGNALS(size, sign, infinity, quiet)                                                       \
    static bool signals_##size(const char *x, npy_intp n, npy_intp step)                           \
    {                                                                                              \
        bool found = false;                                                                        \
                                                                                                   \
        for (npy_intp i = 0; i < n; i++) {                                                         \
            bits_##size bits = *(const bits_##size *)(x + i * step) & ~(sign);                     \
                                                                                                   \
            found |= (bits > (infinity)) & (bits < (quiet));                                       \
        }                                                                                          \
        return found;                                                                              \
    }

SIGNALS(4, UINT32_C(1) << 31, UINT32_C(0xff) << 23, UINT32_C(0x1ff) << 22)
SIGNALS(8, UINT64_C(1) << 63, UINT64_C(0x7ff) << 52, UINT64_C(0xfff) << 51)

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

static bool has_signaling(int type, const char *x, npy_intp n, npy_intp step)
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

/* ---- minus signs --------------------------------------------------------------------------- */

enum { LINE = 64 };

typedef uint64_t vector __attribute__((vector_size(LINE / 4), aligned(1), may_alias));

/* By four accumulators, so that none waits for another. */
static uint64_t bits_of_all(const char *x, npy_intp lines)
{
    vector a = {0}, b = {0}, c = {0}, d = {0};

    for (const vector *at = (const vector *)x; lines > 0; lines--, at += 4) {
        a |= at[0];
        b |= at[1];
        c |= at[2];
        d |= at[3];
    }
    a |= b | c | d;
    return a[0] | a[1];
}

static uint64_t signs_of(int type)
{
    return type == NPY_HALF     ? UINT64_C(0x8000800080008000)
           : type == NPY_FLOAT  ? UINT64_C(0x8000000080000000)
           : type == NPY_DOUBLE ? UINT64_C(0x8000000000000000)
                                : 0;
}

/* Little-endian: the sign is in the last byte. Not known of other types. */
static bool has_minus(const struct slot *slot, const char *x, npy_intp n, npy_intp step)
{
    npy_intp size = slot->itemsize[0], lines = step == size ? n * size / LINE : 0;
    uint64_t signs = signs_of(slot->type);

    if (!signs || bits_of_all(x, lines) & signs)
        return true;
    for (npy_intp i = lines > 0 ? lines * LINE / size : 0; i < n; i++)
        if (x[i * step + size - 1] & 0x80)
            return true;
    return false;
}

/* ---- both ----------------------------------------------------------------------------------
 *
 * A watch is written to only if there is something new: others' may lie in the same cache line.
 */

struct watch watch_for(int type, bool skips_nans)
{
    bool floats = PyTypeNum_ISFLOAT(type);

    return (struct watch){.for_signaling = floats && skips_nans,
                          .for_minus = floats && bits_tell()};
}

static bool has_zero(int type, const char *values, npy_intp n)
{
    bool found = false;

    for (npy_intp i = 0; i < n; i++)
        found |= type == NPY_DOUBLE  ? ((const double *)values)[i] == 0.0
                 : type == NPY_FLOAT ? ((const float *)values)[i] == 0.0f
                 : type == NPY_HALF  ? (((const bits_2 *)values)[i] & 0x7fff) == 0
                                     : false;
    return found;
}

void watch_look(struct watch *watch, const struct slot *slot, const char *x, npy_intp n,
                npy_intp step)
{
    if (watch->for_signaling && has_signaling(slot->type, x, n, step))
        watch->signaled = true;
    if (watch->for_minus && !watch->minus && has_minus(slot, x, n, step))
        watch->minus = true;
}

/* Of one accumulator that is not zero nothing has to be known: what it has seen had no zero, or
 * can't matter any more. */
void watch_loop(struct watch *watch, const struct slot *slot, char *const *args, npy_intp n,
                const npy_intp *steps, void *data)
{
    for (npy_intp at = 0, count; at < n && !watch->signaled; at += count) {
        char *out = args[0] + at * steps[0], *x = args[1] + at * steps[1];

        count = watch_is_over(watch) || n - at < AT_ONCE ? n - at : AT_ONCE;
        if (watch->for_signaling && has_signaling(slot->type, x, count, steps[1]))
            watch->signaled = true;
        slot->loop((char *[]){out, x, out}, &count, steps, data);
        if (watch->for_minus && !watch->minus && (steps[0] != 0 || has_zero(slot->type, out, 1)) &&
            has_minus(slot, x, count, steps[1]))
            watch->minus = true;
    }
}

void watch_join(struct watch *watch, const struct watch *other)
{
    watch->for_minus |= other->for_minus;
    watch->signaled |= other->signaled;
    watch->minus |= other->minus;
}

bool watch_tells_order(const struct watch *watch, int type, const char *values, npy_intp n)
{
    return reduce_has_nan(type, values, n) ||
           ((watch->minus || !watch->for_minus) && has_zero(type, values, n));
}
