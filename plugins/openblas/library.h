/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OPENBLAS_LIBRARY_H
#define TREADLE_OPENBLAS_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>
#include <treadle/plugin.h>

/**
 * An OpenBLAS that somebody else has loaded into this process. It is never loaded here, and never
 * unloaded once adopted.
 */
struct library {
    void *handle;
    const char *prefix; /* symbols are prefix + name + suffix: "scipy_" "dgesdd_" "64_" */
    const char *suffix;
    uint32_t int_bits;
    void (*set_num_threads)(int count);
    int (*get_num_threads)(void);
};

/**
 * Find a loaded OpenBLAS whose integers have int_bits bits. Builds that run on OpenMP are passed
 * over: their thread count belongs to each calling thread, not to the process.
 * @return false if there is none, at once if nothing has been loaded since *seen
 * @param seen  state between calls, zero at first
 */
bool library_adopt(struct library *library, uint32_t int_bits, uint64_t *seen);

/** A routine by the name that plugin.h describes, or NULL. */
treadle_routine_fn library_find(const struct library *library, const char *name);

#endif
