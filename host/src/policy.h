/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_POLICY_H
#define TREADLE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "arrays.h"
#include "backend.h"
#include "op.h"
#include "fork_step.h"
#include "spec.h"
#include "steps.h"

/** One way to run an operation: a backend's kernel for these types. */
struct candidate {
    const struct backend *backend;
    struct treadle_kernel kernel;
    uint32_t threads_cap; /* from "openmp:2" and threads_useful; 0: none */
};

/** Everything known about one (op, dtypes) under one plan. Built once, then only read. */
struct entry {
    struct entry *next;
    const struct op *op;
    uint32_t nargs, nin;
    uint32_t dtypes[ARGS_MAX];
    double unit;   /* work of one element: bytes; 1 where elements are flops; 0: attrs say */
    double limit;  /* work below which the call stays on the caller, with `small`; 0 if graded */
    double stream; /* elements from which on the output is large beside the caches */
    struct candidate small;
    bool graded;   /* which backend is fastest on the caller depends on the size */
    bool measured; /* the steps come from the profile */
    uint32_t count;
    struct candidate candidates[CANDIDATES_MAX]; /* in the order in which they are asked */
    struct steps steps;
};

/** A parsed TREADLE_BACKEND. Never freed: calls may be using it. */
struct plan;

/** The plan of the calling thread; NULL before the library is ready. */
const struct plan *policy_plan(void);

/** The plan of threads without one of their own. */
const struct plan *policy_process_plan(void);

/** What it was parsed from. */
const char *policy_spec(const struct plan *plan);

/**
 * Parse `spec`; `source` ("TREADLE_BACKEND") names it in errors. NULL with a sentence if it is
 * wrong. The same spec gives the same plan until plugins are added.
 */
const struct plan *policy_parse(const char *spec, const char *source);

/** Use a plan for all threads, or for the calling one (NULL: for this thread no longer). */
void policy_use(const struct plan *plan);
void policy_use_in_thread(const struct plan *plan);

/** The plan given to the calling thread, NULL if none was. */
const struct plan *policy_in_thread(void);

/** Forget cached plans, because backends were added. [one thread at a time] */
void policy_refresh(void);

/**
 * The entry of an earlier call with this name and operands of these types, or NULL. Nothing but the
 * dtypes of the `nargs` operands, at least one, is looked at.
 */
const struct entry *policy_known(const struct plan *plan, const char *name,
                                 const struct treadle_array *args, uint32_t nargs, uint32_t nin);

/** Candidates for an op and these operands; NULL, with a sentence, if there are none. */
const struct entry *policy_entry(const struct plan *plan, const struct op *op,
                                 const struct treadle_array *args, uint32_t nargs, uint32_t nin);

/**
 * Backends to ask for a routine ("dgesdd_"), in order, for at most `threads_caps` threads each;
 * returns how many. A rule for "svd" holds for gesdd, and so on. `side` is the shorter one of a
 * product's result, of others HUGE_VAL.
 */
uint32_t policy_routine_order(const struct plan *plan, const char *name, double flops, double side,
                              const struct backend *order[CANDIDATES_MAX],
                              uint32_t threads_caps[CANDIDATES_MAX]);

/** TREADLE_MIN by number, 0 for none. */
void policy_set_min(int64_t elements);

/** Most threads of a product, or of linear algebra, on any backend; 0 for no limit. */
void policy_set_blas_threads(int32_t threads);

/** Work of a call with so many elements. */
double policy_work(const struct entry *entry, double elements, const void *attrs);

/**
 * Who carries the call out on the caller's thread; NULL if it is large. Products have several, by
 * size; the others are asked for one comparison.
 */
const struct candidate *policy_graded(const struct entry *entry, double work);
bool policy_is_small(const struct entry *entry, double elements, double work);

static inline const struct candidate *policy_small(const struct entry *entry, double elements,
                                                   double work)
{
    return policy_is_small(entry, elements, work) ? &entry->small : policy_graded(entry, work);
}

/** The number of elements below which a call of this kind is small. */
double policy_limit(const struct entry *entry, double elements, double work);

/** Threads that the work is worth while there are so many callers, at least 1. */
uint32_t policy_wanted(const struct entry *entry, double work, uint32_t callers);

/** The candidate to ask first, with so many threads. */
uint32_t policy_first(const struct entry *entry, double work, uint32_t callers, uint32_t threads);

/** The same for a routine of `flops`. */
bool policy_routine_is_small(double flops);
uint32_t policy_routine_wanted(const char *name, double flops);
double policy_routine_limit(void);

/** The lock of this file, at a fork. */
void policy_fork(enum fork_step step);

#endif
