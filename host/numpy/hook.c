/* SPDX-License-Identifier: BSD-3-Clause */
#include "hook.h"

#include <string.h>

#include "cost.h"
#include "gufunc.h"
#include "limit.h"
#include "own_op.h"
#include "reduce.h"
#include "slot.h"
#include "whole.h"

/* Where each slot's trampoline was put; the strong reference keeps the ufunc's tables alive. */
static struct {
    PyUFuncObject *ufunc;
    struct slot *slot;
    int types[SLOT_ARGS_MAX];
} hooks[SLOT_COUNT];

/* Numbers only. The loops on dates and strings, and integer powers, raise Python errors, which a
 * worker thread would lose. */
static bool is_safe(const char *ufunc, const int *types, int nargs)
{
    for (int i = 0; i < nargs; i++)
        if (types[i] < 0 || (types[i] > NPY_CLONGDOUBLE && types[i] != NPY_HALF))
            return false;
    return strcmp(ufunc, "power") != 0 || types[0] > NPY_ULONGLONG;
}

static const uint8_t item_sizes[] = {
    [NPY_BOOL] = 1,
    [NPY_BYTE] = 1,
    [NPY_UBYTE] = 1,
    [NPY_SHORT] = sizeof(short),
    [NPY_USHORT] = sizeof(short),
    [NPY_INT] = sizeof(int),
    [NPY_UINT] = sizeof(int),
    [NPY_LONG] = sizeof(long),
    [NPY_ULONG] = sizeof(long),
    [NPY_LONGLONG] = sizeof(long long),
    [NPY_ULONGLONG] = sizeof(long long),
    [NPY_HALF] = 2,
    [NPY_FLOAT] = sizeof(float),
    [NPY_DOUBLE] = sizeof(double),
    [NPY_LONGDOUBLE] = sizeof(long double),
    [NPY_CFLOAT] = 2 * sizeof(float),
    [NPY_CDOUBLE] = 2 * sizeof(double),
    [NPY_CLONGDOUBLE] = 2 * sizeof(long double),
};

static void fill(struct slot *slot, const PyUFuncObject *ufunc, const int *types)
{
    int bytes = 0;

    slot->nin = (uint8_t)ufunc->nin;
    slot->nargs = (uint8_t)ufunc->nargs;
    slot->type = (int8_t)types[0];
    for (int i = 0; i < ufunc->nargs; i++) {
        slot->itemsize[i] = item_sizes[types[i]];
        bytes += slot->itemsize[i];
    }
    slot->reduce = ufunc->nin == 2 && ufunc->nout == 1 ? reduce_of(ufunc->name, types) : NULL;
    slot->element_ns = cost_element_ns(ufunc->name, types, bytes);
    /* Until slots_update_limits(): straight on. */
    slot->min = NPY_MAX_INTP;
    slot->worth = SLOT_NEVER;
}

/* Replaces the first loop of that signature, which is the one NumPy uses. */
static int swap_loop(PyUFuncObject *ufunc, const int *types, PyUFuncGenericFunction loop,
                     PyUFuncGenericFunction *old)
{
    return PyUFunc_ReplaceLoopBySignature(ufunc, loop, types, old);
}

struct slot *hook_find(const PyUFuncObject *ufunc, const int *types)
{
    for (int i = 0; i < slots_taken(); i++)
        if (hooks[i].ufunc == ufunc &&
            memcmp(hooks[i].types, types, (size_t)ufunc->nargs * sizeof(int)) == 0)
            return hooks[i].slot;
    return NULL;
}

static struct slot *new_hook(PyUFuncObject *ufunc, const int *types, PyUFuncGenericFunction loop,
                             void *data)
{
    int i = slots_taken();
    struct slot *slot = slot_take();

    if (!slot)
        return NULL;
    hooks[i].ufunc = (PyUFuncObject *)Py_NewRef((PyObject *)ufunc);
    hooks[i].slot = slot;
    memcpy(hooks[i].types, types, (size_t)ufunc->nargs * sizeof(int));
    slot->loop = loop;
    fill(slot, ufunc, types);
    own_op_choose(slot, ufunc->name, types, data);
    return slot;
}

/* A slot never changes its loop, because threads may be inside its trampoline: a loop that somebody
 * else has put there since the slot was taken stays as it is. */
static bool hook_loop(PyUFuncObject *ufunc, const int *types, PyUFuncGenericFunction present,
                      void *data)
{
    struct slot *slot = hook_find(ufunc, types);
    PyUFuncGenericFunction old;

    if (slot && present == slot_trampoline(slot))
        return true;
    if (!slot)
        slot = new_hook(ufunc, types, present, data);
    if (!slot || slot->loop != present)
        return false;
    return swap_loop(ufunc, types, slot_trampoline(slot), &old) == 0;
}

static bool repeats_earlier(const PyUFuncObject *ufunc, int i)
{
    const char *types = ufunc->types;
    size_t nargs = (size_t)ufunc->nargs;

    for (int k = 0; k < i; k++)
        if (memcmp(types + (size_t)k * nargs, types + (size_t)i * nargs, nargs) == 0)
            return true;
    return false;
}

int hook_ufunc(PyUFuncObject *ufunc)
{
    int count = 0, types[SLOT_ARGS_MAX];

    if (ufunc->core_enabled || ufunc->nargs > SLOT_ARGS_MAX || !ufunc->functions)
        return 0;
    for (int i = 0; i < ufunc->ntypes; i++) {
        for (int k = 0; k < ufunc->nargs; k++)
            types[k] = ufunc->types[i * ufunc->nargs + k];
        if (ufunc->functions[i] && !repeats_earlier(ufunc, i) &&
            is_safe(ufunc->name, types, ufunc->nargs))
            count +=
                hook_loop(ufunc, types, ufunc->functions[i], ufunc->data ? ufunc->data[i] : NULL);
    }
    return count;
}

const struct slot *hook_slot(const PyUFuncObject *ufunc, int i)
{
    int types[SLOT_ARGS_MAX];

    for (int k = 0; k < ufunc->nargs; k++)
        types[k] = ufunc->types[i * ufunc->nargs + k];
    return hook_find(ufunc, types);
}

void hook_update_limits(void)
{
    slots_update_limits();
    whole_update_limits();
    gufunc_update_limit();
    limit_update();
}

void unhook_all(void)
{
    for (int i = 0; i < slots_taken(); i++) {
        struct slot *slot = hooks[i].slot;
        PyUFuncGenericFunction old = NULL;

        swap_loop(hooks[i].ufunc, hooks[i].types, slot->loop, &old);
        if (old && old != slot_trampoline(slot) && old != slot->loop)
            swap_loop(hooks[i].ufunc, hooks[i].types, old, &old);
    }
}
