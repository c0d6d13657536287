/* SPDX-License-Identifier: BSD-3-Clause */
/* From which size on outputs are written past the caches, by the size that the system tells. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <treadle/treadle.h>
#include <unistd.h>

#include "cache.h"

long __real_sysconf(int name);
long __wrap_sysconf(int name);

enum { MIB = 1 << 20 };
static long told;
static int questions;

/* TSan, which is clang's here, asks before it is ready for what it puts into functions. */
#ifdef __clang__
__attribute__((disable_sanitizer_instrumentation))
#endif
long __wrap_sysconf(int name)
{
    if (name != _SC_LEVEL3_CACHE_SIZE)
        return __real_sysconf(name);
    questions++;
    return told;
}

Test(cache, a_twelfth_within_bounds)
{
    static const struct {
        int64_t cache, bytes;
    } rule[] = {
        {-1, 12},  {0, 12},   {1, 12},   {8, 12},   {32, 12},  {144, 12},
        {156, 13}, {256, 21}, {480, 40}, {576, 48}, {588, 48}, {1152, 48},
    };
    for (size_t i = 0; i < sizeof rule / sizeof *rule; i++) {
        uint64_t bytes = cache_stream_bytes(rule[i].cache * MIB);
        cr_assert_eq(bytes, (uint64_t)rule[i].bytes * MIB, "%lld MiB: %llu",
                     (long long)rule[i].cache, (unsigned long long)bytes);
    }
}

Test(cache, the_system_is_asked_once)
{
    told = 480L * MIB;
    cr_assert_eq(treadle_stream_bytes(), UINT64_C(40) * MIB);
    told = 32L * MIB;
    cr_assert_eq(treadle_stream_bytes(), UINT64_C(40) * MIB);
    cr_assert_eq(questions, 1);
}

Test(cache, not_told)
{
    told = -1;
    cr_assert_eq(treadle_stream_bytes(), UINT64_C(12) * MIB);
}
