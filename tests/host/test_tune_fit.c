/* SPDX-License-Identifier: BSD-3-Clause */
/* Costs that made the samples are found again. */
#include <criterion/criterion.h>
#include <math.h>

#include "tune_fit.h"

enum { SIZES = 5, TEAMS = 4 };
static const int32_t teams[TEAMS] = {1, 2, 4, 8};

/* 50 ns a call and 0.02 ns a byte; a team takes 3 us and 500 ns for each thread more, and no more
 * than five threads make the work faster. */
static size_t make(struct tune_sample *samples)
{
    size_t count = 0;
    for (int i = 0; i < SIZES; i++)
        for (int t = 0; t < TEAMS; t++) {
            double work = 1e4 * pow(10, i), alone = 50 + 0.02 * work;
            double team = 3000 + 500 * (teams[t] - 1) + alone / fmin(teams[t], 5);
            samples[count++] =
                (struct tune_sample){work, 1e-9 * (teams[t] == 1 ? alone : team), teams[t]};
        }
    return count;
}

static void expect_near(double found, double expected, const char *what)
{
    cr_assert_lt(fabs(found - expected), 1e-6 * expected, "%s: %g, not %g", what, found, expected);
}

Test(tune_fit, finds_the_costs_again)
{
    struct tune_sample samples[SIZES * TEAMS];
    struct tune_cost cost;
    cr_assert(tune_fit(samples, make(samples), &cost));
    expect_near(cost.call, 50, "call");
    expect_near(cost.unit, 0.02, "unit");
    expect_near(cost.start, 3000 + 1200, "start"); /* and the threads that may be asleep */
    expect_near(cost.each, 500, "each");
    expect_near(cost.spread, 5, "spread");
}

Test(tune_fit, one_thread_only_has_no_team)
{
    struct tune_sample samples[SIZES * TEAMS], alone[SIZES];
    struct tune_cost cost;
    make(samples);
    for (int i = 0; i < SIZES; i++)
        alone[i] = samples[i * TEAMS];
    cr_assert(tune_fit(alone, SIZES, &cost));
    cr_assert_eq(cost.spread, 1);
    cr_assert_eq(cost.start, 0);
    cr_assert_not(tune_fit(alone, 1, &cost), "no line through one point");
    cr_assert_not(tune_fit(samples + 1, 1, &cost), "none for one thread");
}

/* A team that is slower than one thread does not make a thread count below one pay. */
Test(tune_fit, a_team_that_never_pays)
{
    struct tune_sample samples[2 * SIZES];
    struct tune_cost cost;
    for (int i = 0; i < SIZES; i++) {
        double seconds = 1e-6 * pow(10, i);
        samples[2 * i] = (struct tune_sample){1e12 * seconds, seconds, 1};
        samples[2 * i + 1] = (struct tune_sample){1e12 * seconds, 3 * seconds, 2};
    }
    cr_assert(tune_fit(samples, sizeof samples / sizeof *samples, &cost));
    cr_assert_eq(cost.spread, 1);
    cr_assert_geq(cost.start, 0);
    cr_assert_geq(cost.call, 0);
    cr_assert_gt(cost.unit, 0);
}
