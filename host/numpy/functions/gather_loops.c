/* SPDX-License-Identifier: BSD-3-Clause */
#include "gather_loops.h"

#include <string.h>

#include "bits.h"

/* Elements looked at in one go: so many are hardly ever all of a kind unless masks come in blocks.
 */
enum { STRETCH = 16, WORDS = STRETCH / 8 };

enum chosen { NONE, SOME, ALL };

static inline enum chosen kind_of(const npy_bool *chosen)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t words[WORDS], any = 0, every = ones;

    memcpy(words, chosen, STRETCH);
    for (int i = 0; i < WORDS; i++) {
        any |= words[i];
        every &= words[i];
    }
    return any == 0 ? NONE : every == ones && any == ones ? ALL : SOME;
}

/* choose_ has no branch that depends on one element of a mask, which nobody can foretell: it writes
 * each element to the next place, and stays there if the element was not chosen. */
#define LOOPS(size)                                                                                \
    static bool take_##size(void *out, const void *x, npy_intp length, const npy_intp *at,         \
                            npy_intp n)                                                            \
    {                                                                                              \
        const bits_##size *from = x;                                                               \
        bits_##size *to = out;                                                                     \
                                                                                                   \
        for (npy_intp i = 0; i < n; i++) {                                                         \
            npy_intp place = at[i] < 0 ? at[i] + length : at[i];                                   \
                                                                                                   \
            if (place < 0 || place >= length)                                                      \
                return false;                                                                      \
            to[i] = from[place];                                                                   \
        }                                                                                          \
        return true;                                                                               \
    }                                                                                              \
    static void choose_##size(void *out, npy_intp room, const void *x, const npy_bool *chosen,     \
                              npy_intp n)                                                          \
    {                                                                                              \
        const bits_##size *from = x;                                                               \
        bits_##size *to = out;                                                                     \
        npy_intp count = 0, i = 0;                                                                 \
                                                                                                   \
        for (; n - i >= STRETCH && room - count >= STRETCH; i += STRETCH) {                        \
            enum chosen kind = kind_of(chosen + i);                                                \
                                                                                                   \
            if (kind == ALL)                                                                       \
                memcpy(to + count, from + i, STRETCH * sizeof(*to));                               \
            for (int k = 0; kind == SOME && k < STRETCH; k++) {                                    \
                to[count] = from[i + k];                                                           \
                count += chosen[i + k] != 0;                                                       \
            }                                                                                      \
            count += kind == ALL ? STRETCH : 0;                                                    \
        }                                                                                          \
        for (; i < n && count < room; i++) {                                                       \
            to[count] = from[i];                                                                   \
            count += chosen[i] != 0;                                                               \
        }                                                                                          \
    }

LOOPS(1)
LOOPS(2)
LOOPS(4)
LOOPS(8)
LOOPS(16)

const struct gather_loops *gather_loops(npy_intp size)
{
    static const struct gather_loops loops[] = {
        [1] = {take_1, choose_1}, [2] = {take_2, choose_2},    [4] = {take_4, choose_4},
        [8] = {take_8, choose_8}, [16] = {take_16, choose_16},
    };
    bool known = size > 0 && (size_t)size < sizeof(loops) / sizeof(loops[0]);

    return known && loops[size].take ? &loops[size] : NULL;
}
