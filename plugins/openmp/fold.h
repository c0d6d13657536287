/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OPENMP_FOLD_H
#define TREADLE_OPENMP_FOLD_H

#include <treadle/plugin.h>

/** Run a reduction with the bits that serial gives, whatever the number of threads. */
int32_t fold_run(struct treadle_call *call);

#endif /* TREADLE_OPENMP_FOLD_H */
