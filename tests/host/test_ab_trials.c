/* SPDX-License-Identifier: BSD-3-Clause */
/* TREADLE_AB on simulated programs: how often it is wrong, and what it takes from them. */
#include <criterion/criterion.h>
#include <math.h>

#include "ab_trials.h"

/** A program that makes calls, and what it saw. */
struct program {
    double share, of_b; /* time of B over time of A */
    int calls;
    uint64_t seed;
    double seconds, lost; /* in all, and by B */
    int on_b, checks;
    enum ab_verdict verdict;
};

static double random_of(uint64_t *seed)
{
    return (double)(ab_random(seed) >> 11) * 0x1p-53;
}

/* Calls get slower all the time, every third one is twice as long, and neighbours disturb one in
 * ten. */
static double seconds_of(int call, uint64_t *seed)
{
    double disturbed = random_of(seed) < 0.1 ? 3 * random_of(seed) : 0;
    return 1e-4 * (1 + call * 1e-5) * (call % 3 ? 1 : 2) * (1 + 0.02 * random_of(seed) + disturbed);
}

static void run(struct program *program)
{
    struct ab_trials trials = {.number = 1, .checkable = true, .row.size = 1};
    struct ab_schedule schedule = ab_schedule_of(program->share);
    uint64_t noise = program->seed * 7919 + 1;

    for (int i = 0; i < program->calls; i++) {
        double left = program->share * program->seconds - program->lost;
        struct ab_turn turn = ab_trials_begin(&trials, &schedule, left, &program->seed);
        double seconds = seconds_of(i, &noise);
        if (turn.part == AB_CHECKED) {
            trials.row.checks++;
            program->checks++;
            program->seconds += 2 * seconds;
            program->lost += 2 * seconds;
        } else if (turn.b)
            seconds *= program->of_b;
        program->seconds += seconds;
        program->on_b += turn.b;
        if (turn.part == AB_TIMED)
            program->lost += ab_trials_end(&trials, &turn, seconds, &program->seed);
    }
    if (trials.row.count > 0)
        ab_trials_judge(&trials);
    program->verdict = trials.row.verdict;
    ab_trials_finish(&trials);
}

static int count_faster(double of_b, int programs, int calls)
{
    int found = 0;

    for (int i = 0; i < programs; i++) {
        struct program program = {.share = 0.2, .of_b = of_b, .calls = calls, .seed = i + 1};
        run(&program);
        found += program.verdict == AB_A_FASTER || (of_b == 1 && program.verdict == AB_B_FASTER);
    }
    return found;
}

/* The first kind of calls may be wrong in 2.5 per cent of programs. */
Test(trials, equal_backends_are_seldom_called_different)
{
    int found = count_faster(1, 400, 3000);
    cr_assert_leq(found, 10, "%d of 400", found);
}

Test(trials, a_planted_slow_down_is_found)
{
    int found = count_faster(1.05, 50, 20000);
    cr_assert_eq(found, 50, "%d of 50", found);
}

Test(trials, b_gets_its_share_of_the_calls)
{
    static const double shares[] = {0.01, 0.1, 0.25, 0.4, 0.5};

    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        /* Before it is decided, which it never is with so much noise and so few calls. */
        struct program program = {
            .share = shares[i], .of_b = 1, .calls = 20 / shares[i], .seed = 9};
        int on_b = 0, calls = 0;
        for (int k = 0; k < 200; k++) {
            program.on_b = 0;
            program.seconds = 1000; /* it can afford everything */
            run(&program);
            on_b += program.on_b;
            calls += program.calls;
        }
        double share = (double)on_b / calls;
        cr_assert(share > 0.6 * shares[i] && share < 1.1 * shares[i], "%g: %g", shares[i], share);
    }
}

Test(trials, a_slow_backend_costs_no_more_than_the_share)
{
    for (int i = 0; i < 50; i++) {
        struct program program = {.share = 0.01, .of_b = 300, .calls = 100000, .seed = i + 1};
        run(&program);
        /* And one surprise of two calls, before B is known. A share of the calls would be 45 s. */
        cr_assert_lt(program.lost, 0.01 * program.seconds + 2 * 300 * 10e-4, "%g of %g",
                     program.lost, program.seconds);
        cr_assert_geq(program.checks, 1);
    }
}

Test(trials, nothing_runs_on_b_before_a_check)
{
    struct ab_trials trials = {.number = 1, .checkable = true, .row.size = 1};
    struct ab_schedule schedule = ab_schedule_of(0.5);
    uint64_t seed = 1;

    for (int i = 0; i < 1000; i++) {
        struct ab_turn turn = ab_trials_begin(&trials, &schedule, 1e9, &seed);
        cr_assert_not(turn.b);
        if (turn.part == AB_TIMED)
            ab_trials_end(&trials, &turn, 1e-3, &seed);
    }
    trials.row.checks = 1;
    for (int i = 0; i < 1000 && trials.row.count == 0; i++) {
        struct ab_turn turn = ab_trials_begin(&trials, &schedule, 1e9, &seed);
        if (turn.part == AB_TIMED)
            ab_trials_end(&trials, &turn, 1e-3, &seed);
    }
    cr_assert_eq(trials.row.count, 1);
    ab_trials_finish(&trials);
}
