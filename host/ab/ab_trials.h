/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_TRIALS_H
#define TREADLE_AB_TRIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "ab_live.h"

/*
 * Which of a program's calls of one kind run on B, and what comes of it: no clock, no backend, no
 * lock.
 *
 * Trials start at random. One is four calls in a row: two on A and then two on B, or B before A, by
 * the toss of a coin. The second calls of both are the pair that is compared; the first ones warm
 * up. So whatever the program does meanwhile, equal backends are as likely to look faster as
 * slower. Some trials have A on both sides, and show the noise. Before the first one, and now and
 * then between them, the results of one call are to be compared. What is decided is left alone.
 */

/** All verdicts of a program together are right with this confidence; what does not matter. */
static const double ab_trials_level = 0.95, ab_trials_same = 0.01;

/** How often. */
struct ab_schedule {
    double share; /* of B's calls: 0 to a half */
    double start; /* chance that a call begins a trial */
    double again; /* chance that it is one without B */
};

enum ab_trial_order { AB_NO_TRIAL, AB_A_FIRST, AB_B_FIRST, AB_A_TWICE };

/** Calls of one kind; `row` has what was found. Zero but for row's name and `number`. */
struct ab_trials {
    struct ab_live_row row;
    uint32_t number; /* 1 for the first kind: all are judged together */
    bool checkable;  /* results can be compared */
    bool over;       /* to be set if B can't go on here */
    uint32_t looks, trial;
    enum ab_trial_order order;
    uint8_t next, missing; /* places given away; times that are still to come */
    double first, second;  /* seconds of the pair */
    double of_a, of_b;     /* of the last calls; 0: not yet */
};

/** What a call is to do. */
enum ab_part { AB_NO_PART, AB_TIMED, AB_CHECKED };

struct ab_turn {
    enum ab_part part;
    bool b; /* runs on B */
    int8_t place;
    uint32_t trial;
};

struct ab_schedule ab_schedule_of(double share);

/**
 * A call begins.
 * @param seconds  that the comparison may still cost the program
 */
struct ab_turn ab_trials_begin(struct ab_trials *trials, const struct ab_schedule *schedule,
                               double seconds, uint64_t *seed);

/**
 * It has ended after so many seconds, reckoned for a call of row.size. Returns by how many of them
 * it was slower than it would have been on A.
 */
double ab_trials_end(struct ab_trials *trials, const struct ab_turn *turn, double seconds,
                     uint64_t *seed);

/** It has failed, or somebody else has answered for B. */
void ab_trials_lose(struct ab_trials *trials, const struct ab_turn *turn);

/** Fill in interval, floor and verdict of at least one pair. */
void ab_trials_judge(struct ab_trials *trials);

/** Free what row holds. */
void ab_trials_finish(struct ab_trials *trials);

#endif /* TREADLE_AB_TRIALS_H */
