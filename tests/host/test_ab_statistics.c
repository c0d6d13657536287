/* SPDX-License-Identifier: BSD-3-Clause */
/* The statistics of `treadle ab` on samples whose truth is known. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "ab_statistics.h"

enum { RUNS = 2000 };

static const double level = 0.95;

/* Of 2000 runs at a true share of 5 %, more than 6.3 % come out in one of 200 tests. */
static const double share_most = 0.063;

/** Uniform in (0, 1); the seed is fixed so that a failure repeats. */
static double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(*state >> 11) + 0.5) * 0x1p-53;
}

/** A neighbour on the machine: symmetric small noise, and now and then a pair hit hard. */
static double noise(uint64_t *state, double scale)
{
    double bell = uniform(state) + uniform(state) + uniform(state) - 1.5;
    double hit = uniform(state) < 0.1 ? 20 * (uniform(state) - 0.5) : 0;

    return scale * (bell + hit);
}

/** Measure as the command does: look at the planned counts, stop when decided. */
static enum ab_verdict simulate(uint64_t *state, double effect, double scale, size_t comparisons)
{
    double samples[AB_PAIRS_MAX];
    enum ab_verdict verdict = AB_UNDECIDED;
    size_t n = 0;

    for (size_t look = 0; look < AB_LOOKS && verdict == AB_UNDECIDED; look++) {
        while (n < ab_pairs_at_look(look))
            samples[n++] = effect + noise(state, scale);
        struct ab_interval interval =
            ab_interval_of(samples, n, ab_alpha_of_look(level, comparisons));
        verdict = ab_judge(&interval, 0.0, 0.0);
    }
    return verdict;
}

Test(ab_statistics, false_alarms_stay_below_nominal)
{
    uint64_t state = 1;
    int alarms = 0;

    for (int run = 0; run < RUNS; run++)
        alarms += simulate(&state, 0, 0.01, 1) != AB_UNDECIDED;
    cr_assert_leq(alarms, share_most * RUNS, "%d of %d", alarms, RUNS);
    cr_assert_gt(alarms, 0, "no alarm at all: the intervals are far too wide");
}

Test(ab_statistics, false_alarms_of_five_sizes_together_stay_below_nominal)
{
    uint64_t state = 2;
    int alarms = 0;

    for (int run = 0; run < RUNS; run++) {
        int alarm = 0;
        for (int size = 0; size < 5; size++)
            alarm |= simulate(&state, 0, 0.01, 5) != AB_UNDECIDED;
        alarms += alarm;
    }
    cr_assert_leq(alarms, share_most * RUNS, "%d of %d", alarms, RUNS);
}

Test(ab_statistics, finds_a_planted_two_per_cent)
{
    uint64_t state = 3;
    int found = 0;

    for (int run = 0; run < 200; run++)
        found += simulate(&state, log(1.02), 0.01, 5) == AB_B_FASTER;
    cr_assert_geq(found, 198, "%d of 200", found);
    for (found = 0; found < 200; found++)
        cr_assert_eq(simulate(&state, -log(1.02), 0.01, 5), AB_A_FASTER);
}

Test(ab_statistics, interval_covers_the_true_median)
{
    uint64_t state = 4;
    int missed = 0;

    for (int run = 0; run < RUNS; run++) {
        double samples[25];
        for (int i = 0; i < 25; i++) /* log-normal by far: the mean is not the median */
            samples[i] = exp(3 * noise(&state, 1)) - 1;
        struct ab_interval interval = ab_interval_of(samples, 25, 0.05);
        missed += interval.low > 1 || interval.high < 1;
    }
    cr_assert_leq(missed, share_most * RUNS, "%d of %d", missed, RUNS);
    cr_assert_gt(missed, 0.02 * RUNS, "%d of %d: wider than it need be", missed, RUNS);
}

Test(ab_statistics, order_statistics_are_those_of_the_sign_test)
{
    /* Tables give ranks 2 and 9 for n = 10 (97.9 %), 6 and 15 for n = 20 (95.9 %). */
    double samples[20];

    for (int i = 0; i < 20; i++)
        samples[i] = log(20 - i);
    struct ab_interval interval = ab_interval_of(samples + 10, 10, 0.05);
    cr_assert_float_eq(interval.low, 2, 1e-9);
    cr_assert_float_eq(interval.high, 9, 1e-9);
    cr_assert_float_eq(interval.ratio, sqrt(5 * 6), 1e-9);
    interval = ab_interval_of(samples, 20, 0.05);
    cr_assert_float_eq(interval.low, 6, 1e-9);
    cr_assert_float_eq(interval.high, 15, 1e-9);
}

Test(ab_statistics, too_few_samples_decide_nothing)
{
    double samples[5] = {1, 1, 1, 1, 1};
    struct ab_interval interval = ab_interval_of(samples, 5, 0.05);

    cr_assert_eq(interval.low, 0);
    cr_assert(isinf(interval.high));
    cr_assert_eq(ab_judge(&interval, 0.01, 0), AB_UNDECIDED);
}

Test(ab_statistics, judges_by_interval_band_and_floor)
{
    struct ab_interval slower = {1.02, 1.015, 1.025}, faster = {0.98, 0.975, 0.985};
    struct ab_interval tight = {1.002, 1.001, 1.003}, wide = {1.02, 0.99, 1.05};

    cr_assert_eq(ab_judge(&slower, 0.01, 0.002), AB_B_FASTER);
    cr_assert_eq(ab_judge(&faster, 0.01, 0.002), AB_A_FASTER);
    cr_assert_eq(ab_judge(&tight, 0.01, 0.002), AB_SAME);
    cr_assert_eq(ab_judge(&wide, 0.01, 0.002), AB_UNDECIDED);
    cr_assert_eq(ab_judge(&slower, 0.01, 0.03), AB_UNDECIDED, "less than A against A showed");
}

Test(ab_statistics, orders_are_balanced_and_random)
{
    uint8_t orders[120], again[120];
    uint64_t seed = 7;
    int counts[6] = {0}, different = 0;

    ab_balanced_orders(orders, 120, 6, &seed);
    ab_balanced_orders(again, 120, 6, &seed);
    for (int i = 0; i < 120; i++) {
        counts[orders[i]]++;
        different += orders[i] != again[i];
    }
    for (int kind = 0; kind < 6; kind++)
        cr_assert_eq(counts[kind], 20);
    cr_assert_gt(different, 60);
}

Test(ab_statistics, looks_keep_six_orders_balanced)
{
    for (size_t look = 0; look < AB_LOOKS; look++)
        cr_assert_eq(ab_pairs_at_look(look) % 6, 0);
    cr_assert_eq(ab_pairs_at_look(AB_LOOKS), 0);
}
