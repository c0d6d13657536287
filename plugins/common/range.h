/* SPDX-License-Identifier: BSD-3-Clause */
/* Cut [0, n) into parts. */
#ifndef TREADLE_RANGE_H
#define TREADLE_RANGE_H

#include <stddef.h>

struct treadle_range {
    size_t begin, end;
};

/** Part `i` of `parts` nearly equal ones; all but the last end at a multiple of `grain`. */
static inline struct treadle_range treadle_range_of(size_t n, size_t i, size_t parts, size_t grain)
{
    const size_t grains = n / grain + (n % grain != 0);
    const size_t each = grains / parts, more = grains % parts;
    size_t begin = (i * each + (i < more ? i : more)) * grain;
    size_t end = begin + (each + (i < more)) * grain;
    return (struct treadle_range){begin < n ? begin : n, end < n ? end : n};
}

#endif /* TREADLE_RANGE_H */
