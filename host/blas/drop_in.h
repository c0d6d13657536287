/* SPDX-License-Identifier: BSD-3-Clause */
/* What the exported forwarders need beside those of route.h: originals that are looked for, and
 * calls that end in another way than by returning. */
#ifndef TREADLE_DROP_IN_H
#define TREADLE_DROP_IN_H

#include <treadle/treadle.h>

#include "forward.h"

/** A call in progress; the caller allocates it. */
struct drop_in_call {
    treadle_routine_fn fn; /* what to call */
    int32_t threads;       /* granted; 0: nobody took it */
    struct drop_in_call *outer;
    struct treadle_routine_call progress;
};

/**
 * Find the routine that would be called if this library were not there, and remember it.
 * @param caller  an address in the calling code
 * @return never NULL: without an original the process ends, as the dynamic linker ends it for a
 *         function that nobody has
 * [any thread]
 */
treadle_routine_fn drop_in_resolve(struct routine *routine, const void *caller);

/**
 * treadle_product_begin() and treadle_routine_end(), but a routine that is called by another one
 * under a grant goes straight to the original: LAPACK libraries call their BLAS by the names that
 * are exported here.
 */
void drop_in_begin(struct drop_in_call *call, const char *name, uint32_t int_bits, double flops,
                   double side, treadle_routine_fn original);
void drop_in_end(struct drop_in_call *call);

#endif
