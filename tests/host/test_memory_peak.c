/* SPDX-License-Identifier: BSD-3-Clause */
/* How much of freed memory may be kept: the peak of the process stays what it would be without. */
#include "memory_peak.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { MB = 1 << 20 };

/* A process that has `others` beside `live` of arrays, and what is kept. */
static int64_t look(struct memory_peak *peak, int64_t others, size_t kept)
{
    return memory_peak_look(peak, others + (int64_t)(peak->live + kept), kept);
}

Test(memory_peak, before_the_first_look_arrays_count_alone)
{
    struct memory_peak peak = MEMORY_PEAK_INITIALIZER;

    cr_assert(eq(sz, memory_peak_spare(&peak), 0));
    memory_peak_count(&peak, 0, 100 * MB);
    memory_peak_count(&peak, 60 * MB, 0);
    cr_assert(eq(sz, memory_peak_spare(&peak), 60 * MB));
    memory_peak_count(&peak, 0, 25 * MB);
    cr_assert(eq(sz, memory_peak_spare(&peak), 35 * MB));
}

Test(memory_peak, what_others_take_is_not_kept)
{
    struct memory_peak peak = MEMORY_PEAK_INITIALIZER;

    memory_peak_count(&peak, 0, 100 * MB);
    memory_peak_count(&peak, 100 * MB, 0);
    memory_peak_begin(&peak, 120 * MB); /* 100 of arrays */
    cr_assert(eq(i64, look(&peak, 20 * MB, 100 * MB), 120 * MB / 32));
    cr_assert(eq(sz, memory_peak_spare(&peak), 100 * MB));
    look(&peak, 80 * MB, 100 * MB);
    cr_assert(eq(sz, memory_peak_spare(&peak), 40 * MB + 120 * MB / 32));
    look(&peak, 200 * MB, 0);
    cr_assert(eq(sz, memory_peak_spare(&peak), 200 * MB / 32));
}

Test(memory_peak, what_others_had_and_freed_is_room)
{
    struct memory_peak peak = MEMORY_PEAK_INITIALIZER;

    memory_peak_count(&peak, 0, 100 * MB);
    memory_peak_count(&peak, 100 * MB, 0);
    memory_peak_begin(&peak, 300 * MB);
    look(&peak, 20 * MB, 100 * MB);
    cr_assert(eq(sz, memory_peak_spare(&peak), 100 * MB));
    cr_assert(eq(i64, look(&peak, 150 * MB, 100 * MB), 50 * MB + 300 * MB / 32));
    cr_assert(eq(sz, memory_peak_spare(&peak), 100 * MB));
}

Test(memory_peak, arrays_between_two_looks_are_part_of_the_peak)
{
    struct memory_peak peak = MEMORY_PEAK_INITIALIZER;

    memory_peak_begin(&peak, 0);
    look(&peak, 20 * MB, 0);
    memory_peak_count(&peak, 0, 100 * MB);
    memory_peak_count(&peak, 100 * MB, 0);
    look(&peak, 20 * MB, 100 * MB);
    cr_assert(eq(i64, peak.peak, 120 * MB));
}

/* While something is kept the process may have more than it would have: that is not its peak. */
Test(memory_peak, only_what_was_highest_without_kept_blocks_counts)
{
    struct memory_peak peak = MEMORY_PEAK_INITIALIZER;

    memory_peak_begin(&peak, 50 * MB);
    memory_peak_end(&peak, 90 * MB);
    memory_peak_begin(&peak, 90 * MB);
    cr_assert(eq(i64, peak.peak, 50 * MB));
    memory_peak_begin(&peak, 95 * MB);
    cr_assert(eq(i64, peak.peak, 95 * MB));
    memory_peak_forget(&peak);
    cr_assert(eq(i64, peak.peak, 0));
}

Test(memory_peak, blocks_that_nobody_gave_out_do_not_count_below_zero)
{
    struct memory_peak peak = MEMORY_PEAK_INITIALIZER;

    memory_peak_count(&peak, 0, 10 * MB);
    memory_peak_count(&peak, 30 * MB, 0);
    cr_assert(eq(sz, peak.live, 0));
    cr_assert(eq(sz, memory_peak_spare(&peak), 10 * MB));
}
