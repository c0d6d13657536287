/* SPDX-License-Identifier: BSD-3-Clause */
/* libblas.so.3 and liblapack.so.3 for programs that are not to be preloaded: see alternative.S. */
#include <stdatomic.h>

#include "original.h"

struct entry {
    _Atomic(treadle_routine_fn) fn;
    const char *name;
};

/* As in libtreadle_blas: no copy of the library is an original. */
TREADLE_EXPORT extern const char treadle_blas_is_here;
const char treadle_blas_is_here = 1;

treadle_routine_fn alternative_bind(struct entry *entry, const void *caller);

/* From alternative.S. Threads that come here at the same time find the same. */
treadle_routine_fn alternative_bind(struct entry *entry, const void *caller)
{
    treadle_routine_fn fn = treadle_blas_original(entry->name, caller);
    atomic_store_explicit(&entry->fn, fn, memory_order_release);
    return fn;
}
