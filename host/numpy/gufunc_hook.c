/* SPDX-License-Identifier: BSD-3-Clause */
#include "gufunc_hook.h"

#include <string.h>

#include "gufunc.h"
#include "gufunc_cost.h"

static bool is_number(int type)
{
    return type >= 0 && (type <= NPY_CLONGDOUBLE || type == NPY_HALF);
}

static bool has_numbers_only(const int *types, int nargs)
{
    for (int i = 0; i < nargs; i++)
        if (!is_number(types[i]))
            return false;
    return true;
}

static bool fits(const PyUFuncObject *ufunc)
{
    if (!ufunc->core_enabled || ufunc->nargs > GUFUNC_ARGS_MAX || !ufunc->functions ||
        ufunc->core_num_dim_ix >= GUFUNC_DIMS_MAX)
        return false;
    for (int i = 0; i < ufunc->nargs; i++)
        if (ufunc->core_num_dims[i] >= GUFUNC_DIMS_MAX)
            return false;
    return true;
}

static bool is_product(const char *name)
{
    return strcmp(name, "matmul") == 0 || strcmp(name, "vecdot") == 0 ||
           strcmp(name, "matvec") == 0 || strcmp(name, "vecmat") == 0;
}

static bool is_blas_type(int type)
{
    return type == NPY_FLOAT || type == NPY_DOUBLE || type == NPY_CFLOAT || type == NPY_CDOUBLE;
}

static void fill(struct gufunc_slot *slot, PyUFuncObject *ufunc, const int *types)
{
    slot->ufunc = (PyUFuncObject *)Py_NewRef((PyObject *)ufunc);
    memcpy(slot->types, types, (size_t)ufunc->nargs * sizeof(*types));
    slot->rate = gufunc_rate(ufunc->name, types[0]);
    slot->is_product = is_product(ufunc->name);
    slot->calls_blas = is_blas_type(types[0]);
    for (int i = 0; i < ufunc->nargs; i++) {
        PyArray_Descr *descr = PyArray_DescrFromType(types[i]);

        slot->itemsize[i] = (uint8_t)PyDataType_ELSIZE(descr);
        Py_DECREF(descr);
    }
}

static struct gufunc_slot *find(const PyUFuncObject *ufunc, const int *types)
{
    struct gufunc_slot *slot;

    for (int i = 0; (slot = gufunc_slot_at(i)); i++)
        if (slot->ufunc == ufunc &&
            memcmp(slot->types, types, (size_t)ufunc->nargs * sizeof(*types)) == 0)
            break;
    return slot;
}

const struct gufunc_slot *gufunc_find(const PyUFuncObject *ufunc, const int *types)
{
    return find(ufunc, types);
}

/* A slot never changes its loop, because threads may be inside its trampoline: a loop that somebody
 * else has put there since the slot was taken stays as it is. */
static bool hook_loop(PyUFuncObject *ufunc, const int *types, PyUFuncGenericFunction present)
{
    struct gufunc_slot *slot = find(ufunc, types);
    PyUFuncGenericFunction old;

    if (slot && present == gufunc_trampoline(slot))
        return true;
    if (!slot && (slot = gufunc_slot_take())) {
        slot->loop = present;
        fill(slot, ufunc, types);
    }
    return slot && slot->loop == present &&
           PyUFunc_ReplaceLoopBySignature(ufunc, gufunc_trampoline(slot), types, &old) == 0;
}

/* NumPy uses the first loop of a signature. */
static bool repeats_earlier(const PyUFuncObject *ufunc, int i)
{
    size_t nargs = (size_t)ufunc->nargs;

    for (int k = 0; k < i; k++)
        if (memcmp(ufunc->types + (size_t)k * nargs, ufunc->types + (size_t)i * nargs, nargs) == 0)
            return true;
    return false;
}

int gufunc_hook(PyUFuncObject *ufunc)
{
    int count = 0, types[GUFUNC_ARGS_MAX];

    if (!fits(ufunc))
        return 0;
    for (int i = 0; i < ufunc->ntypes; i++) {
        for (int k = 0; k < ufunc->nargs; k++)
            types[k] = ufunc->types[i * ufunc->nargs + k];
        if (ufunc->functions[i] && !repeats_earlier(ufunc, i) &&
            has_numbers_only(types, ufunc->nargs))
            count += hook_loop(ufunc, types, ufunc->functions[i]);
    }
    return count;
}

void gufunc_unhook_all(void)
{
    const struct gufunc_slot *slot;

    for (int i = 0; (slot = gufunc_slot_at(i)); i++) {
        PyUFuncGenericFunction old = NULL;

        PyUFunc_ReplaceLoopBySignature(slot->ufunc, slot->loop, slot->types, &old);
        if (old && old != gufunc_trampoline(slot) && old != slot->loop)
            PyUFunc_ReplaceLoopBySignature(slot->ufunc, old, slot->types, &old);
    }
}
