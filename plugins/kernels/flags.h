/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Floating-point exception flags around loops that must raise none: comparing NaN raises "invalid",
 * but maximum and minimum of NaN are no error. By MXCSR, since fenv.h costs more than a short loop.
 */
#ifndef TREADLE_FLAGS_H
#define TREADLE_FLAGS_H

#if defined(__SSE2__)
#include <immintrin.h>
typedef unsigned treadle_flags;
#else
#include <fenv.h>
typedef fexcept_t treadle_flags;
#endif

static inline treadle_flags treadle_flags_save(void)
{
    treadle_flags flags;
#if defined(__SSE2__)
    flags = _mm_getcsr();
#else
    fegetexceptflag(&flags, FE_ALL_EXCEPT);
#endif
    __asm__ volatile("" ::: "memory"); /* the loop starts after this */
    return flags;
}

static inline void treadle_flags_restore(treadle_flags flags)
{
    __asm__ volatile("" ::: "memory"); /* and has stored all its results before this */
#if defined(__SSE2__)
    if (_mm_getcsr() != flags)
        _mm_setcsr(flags);
#else
    fesetexceptflag(&flags, FE_ALL_EXCEPT);
#endif
}

#endif /* TREADLE_FLAGS_H */
