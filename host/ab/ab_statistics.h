/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_STATISTICS_H
#define TREADLE_AB_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The statistics of `treadle ab` and TREADLE_AB: no clock, no backend, no output.
 *
 * A sample is the logarithm of (time of A) / (time of B) of one pair measured back to back. Nothing
 * is assumed about how the samples are distributed, only that each lies above the true median as
 * often as below.
 */

/** Ratios are time of A over time of B: above 1, B is faster. */
struct ab_interval {
    double ratio; /* median */
    double low;
    double high; /* low 0 and high infinite: too few samples for the level */
};

enum ab_verdict { AB_UNDECIDED, AB_A_FASTER, AB_B_FASTER, AB_SAME };

/** "A faster", "B faster", "same" or "undecided" */
const char *ab_verdict_text(enum ab_verdict verdict);

/**
 * Median ratio, and the order statistics around it that miss the true median with a probability
 * of at most `alpha` (sign test).
 *
 * @param samples  n >= 1 log ratios; sorted on return
 */
struct ab_interval ab_interval_of(double *samples, size_t n, double alpha);

/**
 * "same" if the interval lies within a factor of 1 + same; else "faster" if it lies on one side of
 * 1 and beyond the noise floor; else undecided.
 *
 * @param same   difference that does not matter, e.g. 0.01
 * @param floor  how far from 1 the median ratio of A to itself was in the same run, e.g. 0.002
 */
enum ab_verdict ab_judge(const struct ab_interval *interval, double same, double floor);

/**
 * The pair counts, multiples of six, after which the samples may be looked at: 12, 24, 48, ...
 * 1536. Looking more often would find a difference by chance.
 * @return 0 for look >= AB_LOOKS
 */
size_t ab_pairs_at_look(size_t look);

enum { AB_LOOKS = 8, AB_PAIRS_MAX = 1536 };

/**
 * Error probability of one look, so that all looks at all `comparisons` together are wrong with a
 * probability of at most 1 - level (Bonferroni).
 */
double ab_alpha_of_look(double level, size_t comparisons);

/** Random bits, of which the upper ones are the better. */
uint64_t ab_random(uint64_t *seed);

/** `kinds` orders in n rounds: random, each kind as often as the others (to within one). */
void ab_balanced_orders(uint8_t *orders, size_t n, uint8_t kinds, uint64_t *seed);

#endif /* TREADLE_AB_STATISTICS_H */
