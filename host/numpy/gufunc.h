/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_GUFUNC_H
#define TREADLE_NUMPY_GUFUNC_H

#include <stdbool.h>
#include <treadle/treadle.h>

#include "api.h"

enum { GUFUNC_SLOT_COUNT = 300, GUFUNC_ARGS_MAX = 8, GUFUNC_DIMS_MAX = 8 };

/**
 * One loop of a generalised ufunc (matmul, inv, svd, ...) that has a trampoline in its place. Its
 * outer dimension counts the matrices of a stack, which are independent of each other: a large
 * call is cut there, and NumPy's own loop does each part.
 *
 * Taken once and kept for ever, as struct slot.
 */
struct gufunc_slot {
    PyUFuncGenericFunction loop; /* NumPy's own */
    PyUFuncObject *ufunc;        /* kept alive; says how the core dimensions lie in the operands */
    int types[GUFUNC_ARGS_MAX];
    double rate;     /* for gufunc_matrix_ns() */
    bool is_product; /* matmul and its kin, not a factorisation */
    bool calls_blas;
    uint8_t itemsize[GUFUNC_ARGS_MAX];
};

/** A free slot, or NULL if all are taken. */
struct gufunc_slot *gufunc_slot_take(void);

/** The i-th slot taken, or NULL past the end. */
struct gufunc_slot *gufunc_slot_at(int i);

/** The function to put in the place of slot->loop. */
PyUFuncGenericFunction gufunc_trampoline(const struct gufunc_slot *slot);

/**
 * What would be done with a stack: its size is the number of matrices.
 * @param core  the core dimensions
 * @return a treadle_status; TREADLE_E_DECLINED if the stack is left to BLAS and its threads
 */
int32_t gufunc_explain(const struct gufunc_slot *slot, npy_intp matrices, const npy_intp *core,
                       uint32_t callers, struct treadle_decision *decision);

/** Ask the policy again from which size on a call is worth cutting. */
void gufunc_update_limit(void);

#endif
