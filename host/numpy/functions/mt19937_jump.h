/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_MT19937_JUMP_H
#define TREADLE_NUMPY_MT19937_JUMP_H

#include <stdint.h>

enum { MT19937_WORDS = 624, MT19937_LIMBS = 312, MT19937_ROOM = MT19937_WORDS + 19937 };

/** A polynomial over the field of two elements, of degree below 19937; coefficient i is bit i. */
struct mt19937_polynomial {
    uint64_t limbs[MT19937_LIMBS];
};

/** What takes a state `words` > 0 words further. About a millisecond. */
void mt19937_polynomial(struct mt19937_polynomial *polynomial, uint64_t words);

/**
 * The words that the generator has in its state after the `words` of the polynomial, from those it
 * has now. About a millisecond.
 * @param room  MT19937_ROOM words, more than some threads' stacks have
 */
void mt19937_jump(uint32_t *jumped, const uint32_t *key,
                  const struct mt19937_polynomial *polynomial, uint32_t *room);

#endif
