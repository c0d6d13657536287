/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory_peak.h"

/* What others allocate between two looks comes on top of it. */
enum { MORE_SHARE = 32 };

/* As long as nobody knows better, what others have stays: then a new peak of ours is one of the
 * process. */
void memory_peak_count(struct memory_peak *peak, size_t less, size_t more)
{
    peak->live -= less < peak->live ? less : peak->live;
    peak->live += more;
    if (peak->live > peak->live_top)
        peak->live_top = peak->live;
    if (peak->live > peak->live_most) {
        peak->live_most = peak->live;
        if (peak->room < (int64_t)peak->live)
            peak->room = (int64_t)peak->live;
    }
}

size_t memory_peak_spare(const struct memory_peak *peak)
{
    size_t roof = (int64_t)peak->live_most < peak->room ? peak->live_most : (size_t)peak->room;

    return roof > peak->live ? roof - peak->live : 0;
}

/* If the highest is new it is that of the program alone. */
void memory_peak_begin(struct memory_peak *peak, int64_t highest)
{
    if (highest > peak->highest && highest > peak->peak)
        peak->peak = highest;
    peak->others = INT64_MAX;
    peak->live_top = peak->live;
}

int64_t memory_peak_look(struct memory_peak *peak, int64_t resident, size_t kept)
{
    int64_t live = (int64_t)peak->live, others = resident - (int64_t)kept - live;
    int64_t least = others < peak->others ? others : peak->others;
    int64_t most;

    if (peak->peak < live + others)
        peak->peak = live + others;
    if (peak->peak < (int64_t)peak->live_top + least)
        peak->peak = (int64_t)peak->live_top + least;
    most = peak->peak + peak->peak / MORE_SHARE;
    peak->others = others;
    peak->live_top = peak->live;
    peak->room = most > others ? most - others : 0;
    return most - resident;
}

void memory_peak_end(struct memory_peak *peak, int64_t highest)
{
    peak->highest = highest;
}

void memory_peak_forget(struct memory_peak *peak)
{
    peak->peak = peak->highest = 0;
}
