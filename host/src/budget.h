/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_BUDGET_H
#define TREADLE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/** Cores held by one call. */
struct grant {
    uint32_t threads; /* now, >= 1, the caller included */
    uint32_t first;   /* at the beginning */
    uint32_t most;    /* so far */
    uint32_t wanted;  /* more are of no use */
    uint32_t callers; /* among how many the cores were shared, this one included */
    uint32_t cores;   /* of this process */
    uint32_t left;    /* of them, those that other processes leave */
    uint32_t nested;  /* a call inside another's: not counted, one thread */
    uint32_t met;     /* calls in flight when it was given, this one included */
    double work;      /* in any unit, for a comparison with the thread's next calls */
    int64_t begin;    /* nanoseconds of trace_clock() */
    int64_t since;    /* the same: when `threads` changed */
    int64_t core_ns;  /* of all its threads, until then */
};

/** TREADLE_BUDGET: share with other processes, only among own calls, or not at all. */
enum budget_mode { BUDGET_MACHINE, BUDGET_PROCESS, BUDGET_OFF };

/** The mode of a name, or -1. */
int32_t budget_mode(const char *name);
const char *budget_mode_name(enum budget_mode mode);

/** From now on. "process" before the first time. */
void budget_use(enum budget_mode mode);
enum budget_mode budget_used(void);

/**
 * Take cores for a call that would like `wanted` threads. Never waits: the caller's own thread
 * always runs. A grant is at most what is free, and at most the fair share cores / callers,
 * where callers are those in flight or, for a moment, those that met lately or, unless this call is
 * much larger, those that this thread's last one met; and cores are those that other processes
 * leave (machine.h). With BUDGET_OFF it is what is wanted, up to the cores. Until budget_give() the
 * grant stays where it is: a fork asks what this thread holds.
 */
void budget_take(struct grant *grant, uint32_t wanted, double work);

/**
 * Before the next region of a long call: give back what others want by now, take what has become
 * free; what callers held who have just gone stays free for a moment, as they may come back.
 * Returns grant->threads. On any thread, one at a time for one grant.
 */
uint32_t budget_retake(struct grant *grant);

/** What budget_take() would answer with `callers` callers (0: as it is now), taking nothing. */
struct grant budget_preview(uint32_t wanted, double work, uint32_t callers);

/** Why a call that wanted so many threads got these: a sentence for people. */
const char *grant_reason(const struct grant *grant);

/** Give back. On the thread that took it. Returns the time. */
int64_t budget_give(struct grant *grant);

/**
 * The calling thread works on a part of a call whose grant another thread holds: until
 * budget_part(), calls that it makes are nested. Returns what budget_part() wants.
 */
bool budget_join(void);
void budget_part(bool before);

/**
 * The share of one caller now, at most `most`: fewer when callers have come since the grant. For
 * calls that can't take more than they were given first.
 */
uint32_t budget_share(uint32_t most);

/** The cores of this process beside the others, as last reckoned. A few relaxed loads. */
uint32_t budget_cores(void);

/** Calls in flight. */
uint32_t budget_callers(void);

/** With one more, or as many as met lately: the callers of a grant that is taken now. */
uint32_t budget_callers_at(int64_t now);

/** Is the calling thread inside another call's grant? */
bool budget_nested(void);

/** From now on each call of this thread is nested: it works inside the calls of others. */
void budget_be_nested(void);

/** In a forked child: the other threads, and their grants, are gone. */
void budget_after_fork(void);

#endif
