/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_statistics.h"

#include <math.h>
#include <stdlib.h>

static const size_t pairs_at_first_look = 12;

const char *ab_verdict_text(enum ab_verdict verdict)
{
    static const char *const texts[] = {[AB_UNDECIDED] = "undecided",
                                        [AB_A_FASTER] = "A faster",
                                        [AB_B_FASTER] = "B faster",
                                        [AB_SAME] = "same"};

    return texts[verdict];
}

static int compare_samples(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/**
 * How many samples to leave out on each side: the largest k with 2 P(Binomial(n, 1/2) < k) <=
 * alpha. 0 means that even the extremes are too close together.
 */
static size_t outside(size_t n, double alpha)
{
    double log_choose = 0, log_half_n = (double)n * log(0.5), tail = 0;
    size_t k = 0;

    while (k < n / 2) {
        tail += exp(log_choose + log_half_n);
        if (2 * tail > alpha)
            break;
        log_choose += log((double)(n - k)) - log((double)(k + 1));
        k++;
    }
    return k;
}

struct ab_interval ab_interval_of(double *samples, size_t n, double alpha)
{
    size_t k = outside(n, alpha);
    struct ab_interval interval = {.low = 0, .high = INFINITY};

    qsort(samples, n, sizeof *samples, compare_samples);
    interval.ratio = exp(n % 2 ? samples[n / 2] : 0.5 * (samples[n / 2 - 1] + samples[n / 2]));
    if (k > 0) {
        interval.low = exp(samples[k - 1]);
        interval.high = exp(samples[n - k]);
    }
    return interval;
}

enum ab_verdict ab_judge(const struct ab_interval *interval, double same, double floor)
{
    if (interval->low >= 1 / (1 + same) && interval->high <= 1 + same)
        return AB_SAME;
    if (interval->high < 1 && interval->ratio < 1 / (1 + floor))
        return AB_A_FASTER;
    if (interval->low > 1 && interval->ratio > 1 + floor)
        return AB_B_FASTER;
    return AB_UNDECIDED;
}

size_t ab_pairs_at_look(size_t look)
{
    return look < AB_LOOKS ? pairs_at_first_look << look : 0;
}

double ab_alpha_of_look(double level, size_t comparisons)
{
    return (1 - level) / (AB_LOOKS * (double)comparisons);
}

/** xorshift64*: enough for orders. */
uint64_t ab_random(uint64_t *seed)
{
    *seed = *seed ? *seed : 1; /* 0 would stay 0 */
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

void ab_balanced_orders(uint8_t *orders, size_t n, uint8_t kinds, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++)
        orders[i] = (uint8_t)(i % kinds);
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(ab_random(seed) >> 11) % i;
        uint8_t swap = orders[i - 1];
        orders[i - 1] = orders[j];
        orders[j] = swap;
    }
}
