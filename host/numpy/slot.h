/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_SLOT_H
#define TREADLE_NUMPY_SLOT_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>

#include "api.h"

struct slot;

/** Reduce the call's second input into its output; false: nothing was written. */
typedef bool (*slot_reduce_fn)(const struct slot *slot, char **args, npy_intp n,
                               const npy_intp *steps, void *data);

enum { SLOT_COUNT = 1200, SLOT_ARGS_MAX = 8 };
#define SLOT_NEVER UINT32_MAX

/**
 * One inner loop of NumPy's that has a trampoline in its place.
 *
 * NumPy hands a loop the ufunc's data, not ours, so each loop needs a function of its own that
 * knows its slot. A slot is taken once and kept for ever: threads may be inside its trampoline, and
 * NumPy may have kept a copy of the pointer. One cache line, of which only the limit changes
 * once the trampoline is in place and the cost of an element is learned.
 */
struct slot {
    alignas(64) PyUFuncGenericFunction loop; /* NumPy's own */
    npy_intp min;                            /* calls of fewer elements go straight to `loop` */
    const char *op;                          /* of Treadle's with the same bits, or NULL */
    slot_reduce_fn reduce;                   /* NULL: reductions go to `loop` */
    double element_ns;                       /* of `loop` */
    uint8_t nin, nargs;
    int8_t type;      /* NumPy's type number of the first operand */
    bool swapped;     /* `op` takes the two inputs in the other order */
    bool sums;        /* op "sum" has the bits of `loop` where that reduces */
    uint8_t timed;    /* calls from which element_ns is learned (learn.h), ... */
    float fastest_ns; /* ... and what an element took in the fastest */
    uint8_t itemsize[SLOT_ARGS_MAX];
    uint32_t worth; /* the policy's limit, or SLOT_NEVER; `min` is less while it is learned */
};

/** A free slot, or NULL if all are taken. */
struct slot *slot_take(void);

/** The function to put in the place of slot->loop. */
PyUFuncGenericFunction slot_trampoline(const struct slot *slot);

/** Ask the policy again from which size on a call is worth more than its own loop. */
void slot_update_limits(struct slot *slot);
void slots_update_limits(void);

/**
 * Whether slot->loop, called with `data`, may clear the floating-point exceptions when it ends.
 * NumPy's maximum, comparisons and others do so on the caller's thread, which sees nothing of it
 * where they run on another. Tried out on a few elements: NumPy's build decides.
 */
bool slot_clears_exceptions(const struct slot *slot, void *data);

/** Number of slots taken. */
int slots_taken(void);

#endif
