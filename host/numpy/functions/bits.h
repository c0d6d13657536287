/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_BITS_H
#define TREADLE_NUMPY_BITS_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

/* Elements as bits, by their size in bytes. NumPy aligns them to their parts: two 64-bit numbers to
 * 8 bytes. */
typedef uint8_t bits_1;
typedef uint16_t bits_2 __attribute__((may_alias));
typedef uint32_t bits_4 __attribute__((may_alias));
typedef uint64_t bits_8 __attribute__((may_alias));
__extension__ typedef unsigned __int128 bits_16 __attribute__((may_alias, aligned(8)));

/* Whether bits tell which numbers are equal: not where the program, or a library it has loaded,
 * made the processor take denormal numbers as zeros. */
static inline bool bits_tell(void)
{
    volatile double least = DBL_TRUE_MIN;

    return least > 0.0;
}

#endif
