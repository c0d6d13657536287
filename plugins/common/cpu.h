/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine can do, masked by TREADLE_CPU so that tests reach every level.
 * Needs _GNU_SOURCE, for secure_getenv().
 */
#ifndef TREADLE_CPU_H
#define TREADLE_CPU_H

#include <stdlib.h>
#include <string.h>

/** In ascending order; each level includes those below. */
enum treadle_cpu { TREADLE_CPU_BASELINE, TREADLE_CPU_AVX2, TREADLE_CPU_AVX512 };

static inline enum treadle_cpu treadle_cpu_found(void)
{
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return TREADLE_CPU_BASELINE;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return TREADLE_CPU_AVX512;
    return TREADLE_CPU_AVX2;
#else
    return TREADLE_CPU_BASELINE;
#endif
}

/** The level to use: what was found, or less if TREADLE_CPU says so. The host checks its value. */
static inline enum treadle_cpu treadle_cpu_level(void)
{
    static const char *const names[] = {"baseline", "avx2", "avx512"};
    enum treadle_cpu found = treadle_cpu_found();
    const char *wish = secure_getenv("TREADLE_CPU");
    for (int level = 0; wish && level < (int)found; level++)
        if (!strcmp(wish, names[level]))
            return (enum treadle_cpu)level;
    return found;
}

#endif /* TREADLE_CPU_H */
