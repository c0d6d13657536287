/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FAKES_H
#define FAKES_H

#include <stdatomic.h>
#include <stdint.h>
#include <treadle/treadle.h>

enum { FAKE_NDIM = TREADLE_NDIM_MAX, FAKE_ARGS = 16 };

/** What a fake backend does when it is asked; the test owns it and reads what was seen. */
struct fake {
    const char *id;
    const char *op;                             /* the only one it has; NULL: all */
    int32_t create_status;                      /* of create() */
    int32_t status;                             /* of run(), after work() */
    const char *message;                        /* of the error that goes with it */
    int32_t (*work)(struct treadle_call *call); /* NULL: status at once */
    uint32_t threads_used; /* what it claims; 0: threads_max, UINT32_MAX: none */
    uint32_t threads_useful;
    uint64_t flags;      /* of the table */
    int32_t fork_status; /* of after_fork_child() */
    atomic_uint runs;
    _Atomic uint32_t threads_max; /* of the last run */
    _Atomic uint32_t flags_seen;  /* of the last run's call */
};

/** Register it with the library; up to 20. Returns what treadle_register() did. */
int32_t fake_register(struct fake *fake);

/** A plain loop over float64 for the operations of ops.h that tests need; checks its promises. */
int32_t naive_elementwise(struct treadle_call *call);
int32_t naive_reduction(struct treadle_call *call);

/** The last promise of ops.h that a call did not keep, or NULL. */
const char *broken_promise(void);

#endif
