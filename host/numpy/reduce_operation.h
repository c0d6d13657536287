/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REDUCE_OPERATION_H
#define TREADLE_NUMPY_REDUCE_OPERATION_H

#include "reduce_request.h"

/** A ufunc of NumPy's whose reductions may run in parts. */
struct operation {
    const char *name;
    enum parts_start start;
    bool bools, integers, floats; /* whether any order gives the same bits for these types */
    bool stops_early;
    bool has_identity;
    PyUFuncObject *ufunc;
    struct {
        const struct slot *slot; /* for (type, type) -> type, or NULL */
        int index;               /* of its loop in the ufunc's tables */
    } loops[NPY_HALF + 1];
};

/** Look for the ufuncs and their slots; again without effect. False with a Python exception. */
bool operations_find(PyObject *numpy);

/** The operation of that ufunc, or NULL. */
const struct operation *operation_of(const PyObject *ufunc);

/** How the operation's loop for that type may be taken apart. */
enum parts_order operation_order(const struct operation *operation, int type);

/** Whether a NaN does not count: fmax and fmin. */
bool operation_skips_nans(const struct operation *operation);

/** Whether that is minimum or fmin. */
bool operation_finds_least(const struct operation *operation);

/** The type of the loop that NumPy will choose, or -1; to be compared with the result's. */
int operation_type(const struct operation *operation, const struct request *request);

/** The slot in front of NumPy's own loop for that type; NULL if there is none, or if somebody has
 * put another loop there since. */
const struct slot *operation_slot(const struct operation *operation, int type, void **data);

/** About how many nanoseconds NumPy needs for an element of the request's array. */
double operation_element_ns(const struct operation *operation, const struct request *request,
                            const struct slot *slot);

#endif
