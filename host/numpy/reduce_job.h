/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_JOB_H
#define TREADLE_NUMPY_REDUCE_JOB_H

#include "reduce_parts.h"
#include "watch.h"

/* What the files of reduce_parts share: boxes of the array, and parts that run on threads. */

/** Part of the array, by axis. */
struct box {
    npy_intp first[PARTS_DIMS], count[PARTS_DIMS];
};

/** The whole array. */
struct box box_whole(const struct parts_call *call);

/**
 * NumPy's iterator over a box and what belongs to it of `result`, to be reset before use.
 * @param flags  in addition to those of NumPy's reductions
 * @return NULL if there is none that can run without the GIL, maybe with a Python exception
 */
NpyIter *box_iterate(const struct parts_call *call, struct box *box, PyArrayObject *result,
                     npy_uint32 flags);

enum { JOB_PARTS_MAX = 64 };

/** What one thread does at a time. */
struct part {
    NpyIter *iter;
    NpyIter_IterNextFunc *next;
    char **ptrs;
    npy_intp *steps, *count;
    npy_intp skip;          /* outputs that hold their first element */
    PyArrayObject *outcome; /* accumulators or outputs of its own, or NULL */
    char *memory;           /* or NULL; for reduce_outputs.c, as the next three */
    char *own, *place;
    size_t bytes;
    char *sums; /* with pieces: one accumulator each */
    npy_intp sums_max, sums_done;
    npy_intp begin, end; /* with pieces: of its elements, in the iterator's order */
    struct watch watch;
    bool failed; /* no memory for its buffers, or a signaling NaN */
};

/** All parts of a call, or of one of its outputs; zeros before the first part is added. */
struct job {
    const struct parts_call *call;
    void (*run)(const struct job *job, struct part *part);
    struct watch watch; /* over each part */
    char *decided;      /* NULL, or set once the outcome can't change any more */
    int count;
    struct part parts[JOB_PARTS_MAX];
};

/** Give the part its iterator; false if that is NULL or can't be used. [with the GIL] */
bool part_start(struct part *part, NpyIter *iter);

/** Call NumPy's loop for what the part's iterator has now, without a mask. */
void part_step(const struct job *job, struct part *part);

/** Run all parts; the GIL is given up meanwhile. False if any of them failed. */
bool job_run(struct job *job);

/** Let the parts go, if there are any; the job may be filled again. [with the GIL] */
void job_finish(struct job *job);

/** Write the array's first elements along the reduced axes to the result; false with a Python
 * exception. */
bool box_write_first(const struct parts_call *call);

/** Number of the result's elements. */
npy_intp job_outputs(const struct parts_call *call);

/** Reduce by the pieces in which NumPy adds; false as parts_reduce(). */
bool pieces_reduce(struct job *job);

/** Whether the call is one for pieces_reduce(). */
bool pieces_suit(const struct parts_call *call);

#endif
