/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_MEMORY_PEAK_H
#define TREADLE_MEMORY_PEAK_H

#include <stddef.h>
#include <stdint.h>

/*
 * How much memory may be kept so that the process's peak stays what it would be without.
 *
 * Only arrays are counted as they come and go. What else the process allocates is seen by looking
 * at its memory. The peak between two looks is taken to be that of the arrays, beside the least
 * that others had. All in bytes; the caller sees to it that one thread at a time is here.
 */

struct memory_peak {
    /* Of the big blocks that we gave out and did not see freed; blocks that others free make it
     * drift, which only moves the point at which something is kept. */
    size_t live;
    size_t live_most;
    size_t live_top; /* the most of `live` since the last look */
    int64_t others;  /* what the process had beside big blocks then; below 0 if they are not full */
    int64_t peak;    /* the most that it would have had without what is kept */
    int64_t highest; /* what it had at most when looking ended the last time */
    int64_t room;    /* for used and kept blocks, beside `others` and below `peak` */
};

/** Before the first look, the most that arrays had counts alone. */
#define MEMORY_PEAK_INITIALIZER                                                                    \
    {                                                                                              \
        .room = INT64_MAX                                                                          \
    }

/** Some blocks were freed, or are kept, and others given out. */
void memory_peak_count(struct memory_peak *peak, size_t less, size_t more);

/** What may be kept now. */
size_t memory_peak_spare(const struct memory_peak *peak);

/**
 * Looking begins. Nothing was kept before.
 * @param highest  the most that the process ever had
 */
void memory_peak_begin(struct memory_peak *peak, int64_t highest);

/**
 * One look.
 * @param resident  what the process has
 * @param kept      what of it is kept
 * @return what others may take before something must be given back; may be negative
 */
int64_t memory_peak_look(struct memory_peak *peak, int64_t resident, size_t kept);

/** Looking ends. Nothing is kept any longer. */
void memory_peak_end(struct memory_peak *peak, int64_t highest);

/** This is a forked child. */
void memory_peak_forget(struct memory_peak *peak);

#endif
