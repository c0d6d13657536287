/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 4 };
enum { LOOKS = 3 }; /* calls that are timed first: they make pages and threads */
static const double trials_per_check = 8;

/*
 * Of the four calls of a trial with B two are B's. Up to a quarter of all calls there are as many
 * trials without B; then these give way. With the chance s to start, trials take 4 s calls of
 * 1 + 3 s.
 */
struct ab_schedule ab_schedule_of(double share)
{
    double with_b = share <= 0.25 ? 0.5 : 2 * share;

    return (struct ab_schedule){share, share / (2 * with_b - 3 * share), 1 - with_b};
}

static double chance(uint64_t *seed)
{
    return (double)(ab_random(seed) >> 11) * 0x1p-53;
}

/** Two calls of B in the place of A's. While B is unknown it is taken for half as fast. */
static double cost_of_trial(const struct ab_trials *trials)
{
    double of_b = trials->of_b > 0 ? trials->of_b : 2 * trials->of_a;

    return 2 * fmax(0, of_b - trials->of_a);
}

/** A call of B, and as long to compare what came out. */
static double cost_of_check(const struct ab_trials *trials)
{
    return trials->of_a + fmax(trials->of_a, trials->of_b);
}

static void start(struct ab_trials *trials, const struct ab_schedule *schedule, uint64_t *seed)
{
    bool coin = chance(seed) < 0.5;

    trials->order = chance(seed) < schedule->again ? AB_A_TWICE : coin ? AB_A_FIRST : AB_B_FIRST;
    trials->trial++;
    trials->next = 0;
    trials->missing = 2;
}

static struct ab_turn next_place(struct ab_trials *trials)
{
    struct ab_turn turn = {.part = AB_TIMED, .trial = trials->trial};

    turn.place = (int8_t)trials->next++;
    turn.b = trials->order == (turn.place < PLACES / 2 ? AB_B_FIRST : AB_A_FIRST);
    return turn;
}

struct ab_turn ab_trials_begin(struct ab_trials *trials, const struct ab_schedule *schedule,
                               double seconds, uint64_t *seed)
{
    const struct ab_turn none = {.place = -1}, timed = {.part = AB_TIMED, .place = -1},
                         checked = {.part = AB_CHECKED, .place = -1};

    if (trials->over)
        return none;
    if (trials->looks < LOOKS)
        return timed;
    if (trials->order == AB_NO_TRIAL) {
        if (chance(seed) >= schedule->start)
            return none;
        bool first = trials->checkable && trials->row.checks == 0;
        bool check = first || (trials->checkable && chance(seed) * trials_per_check < 1);
        double cost = check ? cost_of_check(trials) : 0;
        /* Who costs less must not take what the other one is waiting for. */
        if (!first)
            cost = fmax(cost, cost_of_trial(trials));
        if (cost > seconds)
            return none;
        if (check)
            return checked;
        start(trials, schedule, seed);
    }
    /* The last calls of a trial may still be running. */
    return trials->next < PLACES ? next_place(trials) : none;
}

/* ---- times ---------------------------------------------------------------------------------- */

static bool is_look(size_t count)
{
    for (size_t look = 0; look < AB_LOOKS; look++)
        if (count == ab_pairs_at_look(look))
            return true;
    return false;
}

/** Room for one more, which grows at the looks; NULL if there is none. */
static void *room(void *list, size_t count, size_t size)
{
    if (count > 0 && !is_look(count))
        return list;
    size_t more = count > 0 ? 2 * count : ab_pairs_at_look(0);
    return count < AB_PAIRS_MAX ? realloc(list, more * size) : NULL;
}

static void add_again(struct ab_live_row *row, double ratio)
{
    double *list = room(row->again, row->again_count, sizeof *list);

    if (!list)
        return;
    row->again = list;
    list[row->again_count++] = ratio;
}

static void add_pair(struct ab_trials *trials, double a, double b)
{
    struct ab_live_row *row = &trials->row;
    struct ab_live_pair *list = room(row->pairs, row->count, sizeof *list);

    if (!list) {
        trials->over = true;
        return;
    }
    row->pairs = list;
    list[row->count++] = (struct ab_live_pair){a, b, trials->order == AB_A_FIRST};
    if (is_look(row->count)) {
        ab_trials_judge(trials);
        trials->over = row->verdict != AB_UNDECIDED || row->count == AB_PAIRS_MAX;
    }
}

static void end_trial(struct ab_trials *trials, uint64_t *seed)
{
    double first = trials->first, second = trials->second;

    if (trials->order == AB_A_TWICE)
        add_again(&trials->row, (chance(seed) < 0.5 ? 1 : -1) * log(first / second));
    else if (trials->order == AB_A_FIRST)
        add_pair(trials, first, second);
    else
        add_pair(trials, second, first);
    trials->order = AB_NO_TRIAL;
}

static void note_place(struct ab_trials *trials, const struct ab_turn *turn, double seconds,
                       uint64_t *seed)
{
    bool warms_up = turn->place % 2 == 0;

    if (trials->order == AB_NO_TRIAL || turn->trial != trials->trial || warms_up)
        return;
    *(turn->place == 1 ? &trials->first : &trials->second) = seconds;
    if (--trials->missing == 0)
        end_trial(trials, seed);
}

double ab_trials_end(struct ab_trials *trials, const struct ab_turn *turn, double seconds,
                     uint64_t *seed)
{
    if (turn->b) /* one that a neighbour held up says little about the next */
        trials->of_b = trials->of_b > 0 ? fmin(seconds, 2 * trials->of_b) : seconds;
    else if (trials->looks == 0 || trials->looks >= LOOKS || seconds < trials->of_a)
        trials->of_a = seconds;
    trials->looks += trials->looks < LOOKS;
    if (turn->place >= 0)
        note_place(trials, turn, seconds, seed);
    return turn->b ? fmax(0, seconds - trials->of_a) : 0;
}

void ab_trials_lose(struct ab_trials *trials, const struct ab_turn *turn)
{
    trials->over |= turn->b;
    if (turn->place >= 0 && turn->trial == trials->trial)
        trials->order = AB_NO_TRIAL;
}

/* ---- verdicts ------------------------------------------------------------------------------- */

void ab_trials_judge(struct ab_trials *trials)
{
    struct ab_live_row *row = &trials->row;
    double samples[AB_PAIRS_MAX];
    /* How many kinds there will be is not known: the k-th may err with a share of 1 / (k (k + 1)),
     * and all of these together make 1. */
    double alpha = ab_alpha_of_look(ab_trials_level, (size_t)trials->number * (trials->number + 1));

    row->floor = 0;
    if (row->again_count > 0) {
        memcpy(samples, row->again, sizeof *samples * row->again_count);
        row->floor = expm1(fabs(log(ab_interval_of(samples, row->again_count, alpha).ratio)));
    }
    for (size_t i = 0; i < row->count; i++)
        samples[i] = log(row->pairs[i].a / row->pairs[i].b);
    row->interval = ab_interval_of(samples, row->count, alpha);
    row->verdict = ab_judge(&row->interval, ab_trials_same, row->floor);
}

void ab_trials_finish(struct ab_trials *trials)
{
    free(trials->row.pairs);
    free(trials->row.again);
}
