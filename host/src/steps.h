/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_STEPS_H
#define TREADLE_STEPS_H

#include <stdint.h>
#include <string.h>

/**
 * What a call of so much work costs on one backend, in nanoseconds:
 *
 *     T(1) = call + unit * work
 *     T(p) = start + each * (p - 1) + unit * work / min(p, spread)
 */
struct cost {
    double call, start, each;
    double unit;   /* of one unit of work: a byte, a flop, a nanosecond */
    double spread; /* more threads than this do not make the work itself faster */
};

/** What to do with a call: which of the candidates comes first, with how many threads. */
struct step {
    uint16_t threads; /* that the work is worth */
    uint8_t first;    /* candidate, with that many */
    uint8_t alone;    /* candidate, if there is only one thread to be had */
};

/* Work from 1 to 2^40, four steps an octave; callers 1, 2 to 3, 4 to 7, 8 and more. */
enum { STEPS = 160, STEP_LEVELS = 4 };

/** The costs of an operation compiled into what each call looks up. */
struct steps {
    double limit; /* less work than this stays on the caller */
    struct step at[STEP_LEVELS][STEPS];
};

/** One backend that could run the calls, at each level of callers. */
struct option {
    uint8_t candidate;
    uint32_t threads_cap; /* 0: none */
    struct cost costs[STEP_LEVELS];
};

/** Choose for all amounts of work and numbers of callers. */
void steps_compile(struct steps *steps, const struct option *options, uint32_t count);

/** Callers of a level, at least. */
static inline uint32_t steps_callers(uint32_t level)
{
    return 1u << level;
}

/* A double's bits are its exponent, then the leading digits: four steps an octave without log(). */
static inline const struct step *steps_find(const struct steps *steps, double work,
                                            uint32_t callers)
{
    uint64_t bits;
    memcpy(&bits, &work, sizeof bits);
    int64_t at = (int64_t)(bits >> 50) - (1023 << 2);
    uint32_t level = callers >= 8 ? 3 : callers >= 4 ? 2 : callers >= 2;
    return &steps->at[level][at < 0 ? 0 : at < STEPS ? at : STEPS - 1];
}

#endif
