/* SPDX-License-Identifier: BSD-3-Clause */
/* find_kernel() for plugins that run the shared kernels, each family in a function of their own. */
#ifndef TREADLE_ANSWER_H
#define TREADLE_ANSWER_H

#include "kernels.h"

typedef int32_t (*treadle_run_fn)(struct treadle_call *call);

/** `run` is indexed by enum treadle_family. */
static inline int32_t treadle_answer(const struct treadle_query *query,
                                     struct treadle_kernel *kernel, const treadle_run_fn *run)
{
    struct treadle_found found;
    int32_t status = treadle_kernels_find(query, &found);
    if (status != TREADLE_OK)
        return status;
    kernel->run = run[found.family];
    kernel->kernel = found.row;
    kernel->variant = found.isa;
    kernel->flags = found.exact ? TREADLE_KERNEL_EXACT : 0;
    return TREADLE_OK;
}

#endif /* TREADLE_ANSWER_H */
