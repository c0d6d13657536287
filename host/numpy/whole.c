/* SPDX-License-Identifier: BSD-3-Clause */
#include "whole.h"

#include "hook.h"
#include "repeat.h"
#include "whole_call.h"
#include "whole_report.h"
#include "whole_types.h"
#include "whole_walk.h"

enum { WHOLE_COUNT = 130 };

static struct whole wholes[WHOLE_COUNT];
static int taken;

#define LEAST(whole) __atomic_load_n(&(whole).least, __ATOMIC_RELAXED)

/* Widen rows x columns to what x broadcasts to. False: too many axes for a quick answer. */
static inline bool widen(const struct whole *whole, PyObject *x, npy_intp *rows, npy_intp *columns)
{
    const npy_intp *shape;
    int ndim;

    if (Py_TYPE(x) != whole->array || PyArray_NDIM((PyArrayObject *)x) == 0)
        return true;
    ndim = PyArray_NDIM((PyArrayObject *)x);
    shape = PyArray_DIMS((PyArrayObject *)x);
    if (shape[ndim - 1] > *columns)
        *columns = shape[ndim - 1];
    if (ndim == 2 && shape[0] > *rows)
        *rows = shape[0];
    return ndim <= 2;
}

static inline bool is_small(const struct whole *whole, PyObject *const *args, Py_ssize_t nargs)
{
    npy_intp rows = 1, columns = 1;

    return widen(whole, args[0], &rows, &columns) &&
           (nargs < 2 || widen(whole, args[1], &rows, &columns)) &&
           (size_t)rows * (size_t)columns < (size_t)LEAST(*whole);
}

/* Out of line, so that the trampolines save no registers. */
static HOT __attribute__((noinline)) PyObject *
look(const struct whole *whole, PyObject *const *args, size_t nargsf, PyObject *names)
{
    if (LIKELY(is_small(whole, args, PyVectorcall_NARGS(nargsf))))
        return whole->numpy((PyObject *)whole->ufunc, args, nargsf, names);
    return whole_call(whole, args, nargsf, names);
}

/* Short vectors and scalars broadcast to no more; everything else gets a closer look. */
static inline bool is_short(const struct whole *whole, PyObject *x)
{
    PyArrayObject *array = (PyArrayObject *)x;

    if (!LIKELY(Py_TYPE(x) == whole->array))
        return true;
    if (LIKELY(PyArray_NDIM(array) == 1))
        return PyArray_DIMS(array)[0] < LEAST(*whole);
    return PyArray_NDIM(array) == 0;
}

static inline bool are_short(const struct whole *whole, PyObject *const *args, Py_ssize_t nargs)
{
    if (!LIKELY(nargs > 0))
        return true;
    return LIKELY(is_short(whole, args[0])) && (nargs == 1 || LIKELY(is_short(whole, args[1])));
}

#define TRAMPOLINE(id)                                                                             \
    static HOT PyObject *trampoline_##id(PyObject *ufunc, PyObject *const *args, size_t nargsf,    \
                                         PyObject *names)                                          \
    {                                                                                              \
        const struct whole *whole = &wholes[id - 1000];                                            \
                                                                                                   \
        if (LIKELY(are_short(whole, args, PyVectorcall_NARGS(nargsf))))                            \
            return whole->numpy(ufunc, args, nargsf, names);                                       \
        return look(whole, args, nargsf, names);                                                   \
    }
#define ALL(m) REPEAT_HUNDRED(m, 10) REPEAT_TEN(m, 110) REPEAT_TEN(m, 111) REPEAT_TEN(m, 112)

ALL(TRAMPOLINE)

#define NAME(id) trampoline_##id,
static const vectorcallfunc trampolines[] = {ALL(NAME)};

static_assert(sizeof(trampolines) / sizeof(trampolines[0]) == WHOLE_COUNT, "a trampoline each");

static vectorcallfunc trampoline_of(const struct whole *whole)
{
    return trampolines[whole - wholes];
}

static struct whole *find(const PyUFuncObject *ufunc)
{
    for (int i = 0; i < taken; i++)
        if (wholes[i].ufunc == ufunc)
            return &wholes[i];
    return NULL;
}

static bool has_one_type(const char *types, int nin)
{
    for (int i = 1; i < nin; i++)
        if (types[i] != types[0])
            return false;
    return types[0] < WHOLE_TYPES;
}

/* Returns the number of loops that are hooked. */
static int fill_slots(struct whole *whole)
{
    PyUFuncObject *ufunc = whole->ufunc;
    int count = 0;

    for (int i = 0; i < ufunc->ntypes; i++) {
        const char *types = ufunc->types + i * ufunc->nargs;
        const struct slot *slot = hook_slot(ufunc, i);

        whole->slots[i] = slot;
        if (!slot)
            continue;
        count++;
        if (has_one_type(types, ufunc->nin) && !whole->uniform[(int)types[0]])
            whole->uniform[(int)types[0]] = slot;
    }
    return count;
}

static struct whole *take(PyUFuncObject *ufunc)
{
    struct whole *whole = &wholes[taken];
    size_t ntypes = (size_t)ufunc->ntypes;

    if (taken == WHOLE_COUNT || ufunc->ntypes < 1)
        return NULL;
    whole->slots = PyMem_RawCalloc(ntypes, sizeof(struct slot *));
    if (!whole->slots)
        return NULL;
    whole->ufunc = ufunc;
    whole->numpy = ufunc->vectorcall;
    whole->array = &PyArray_Type;
    whole->least = NPY_MAX_INTP; /* until whole_update_limits(): straight on */
    if (fill_slots(whole) == 0) {
        PyMem_RawFree(whole->slots);
        *whole = (struct whole){.numpy = NULL};
        return NULL;
    }
    Py_INCREF((PyObject *)ufunc);
    taken++;
    return whole;
}

/* Flags of their own would change how NumPy walks the operands. */
static bool walks_as_usual(const PyUFuncObject *ufunc)
{
    for (int i = 0; i < ufunc->nargs; i++)
        if (ufunc->op_flags[i])
            return false;
    return ufunc->iter_flags == 0;
}

static int check_numpy(const PyUFuncObject *ufunc)
{
    if (Py_TYPE((PyObject *)ufunc)->tp_vectorcall_offset != offsetof(PyUFuncObject, vectorcall)) {
        PyErr_SetString(PyExc_RuntimeError, "this NumPy's ufuncs have another layout");
        return -1;
    }
    return report_find() < 0 || types_find() < 0 || walk_learn() < 0 ? -1 : 0;
}

/* Somebody may have put a function of their own there since: then it stays. */
int whole_hook(PyUFuncObject *ufunc)
{
    struct whole *whole = find(ufunc);

    if (check_numpy(ufunc) < 0)
        return -1;
    if (ufunc->core_enabled || ufunc->nargs > SLOT_ARGS_MAX || !walks_as_usual(ufunc))
        return 0;
    if (!whole)
        whole = take(ufunc);
    if (!whole)
        return 0;
    if (ufunc->vectorcall == whole->numpy)
        __atomic_store_n(&ufunc->vectorcall, trampoline_of(whole), __ATOMIC_RELEASE);
    return ufunc->vectorcall == trampoline_of(whole);
}

void whole_unhook_all(void)
{
    for (int i = 0; i < taken; i++)
        if (wholes[i].ufunc->vectorcall == trampoline_of(&wholes[i]))
            __atomic_store_n(&wholes[i].ufunc->vectorcall, wholes[i].numpy, __ATOMIC_RELEASE);
}

static npy_intp least_of(const struct whole *whole)
{
    npy_intp least = NPY_MAX_INTP;

    for (int i = 0; i < whole->ufunc->ntypes; i++) {
        const struct slot *slot = whole->slots[i];
        npy_intp min = slot ? whole_call_min(slot) : least;

        if (min < least)
            least = min;
    }
    return least;
}

void whole_update_limits(void)
{
    for (int i = 0; i < taken; i++)
        __atomic_store_n(&wholes[i].least, least_of(&wholes[i]), __ATOMIC_RELAXED);
}
