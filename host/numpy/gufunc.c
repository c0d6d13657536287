/* SPDX-License-Identifier: BSD-3-Clause */
#include "gufunc.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>

#include "gufunc_cost.h"
#include "operands.h"

static struct gufunc_slot slots[GUFUNC_SLOT_COUNT];
static int taken;

/* What a call must have to be cut: nanoseconds of work, and matrices. */
static _Atomic double least_ns;
static _Atomic npy_intp least_matrices;

/* ---- how the operands lie -------------------------------------------------------------------- */

/* One operand: its outer axis first, then those of the core. */
struct layout {
    char *data;
    int ndim;
    npy_intp shape[GUFUNC_DIMS_MAX], strides[GUFUNC_DIMS_MAX];
    npy_intp itemsize;
};

static struct layout layout_of(const struct gufunc_slot *slot, int operand, char *const *args,
                               const npy_intp *dims, const npy_intp *steps)
{
    const PyUFuncObject *ufunc = slot->ufunc;
    int first = ufunc->core_offsets[operand], ncore = ufunc->core_num_dims[operand];
    struct layout layout = {.data = args[operand],
                            .ndim = ncore + 1,
                            .shape = {dims[0]},
                            .strides = {steps[operand]},
                            .itemsize = slot->itemsize[operand]};

    for (int i = 0; i < ncore; i++) {
        layout.shape[i + 1] = dims[1 + ufunc->core_dim_ixs[first + i]];
        layout.strides[i + 1] = steps[ufunc->nargs + first + i];
    }
    return layout;
}

static bool is_empty(const struct layout *layout)
{
    for (int i = 0; i < layout->ndim; i++)
        if (layout->shape[i] == 0)
            return true;
    return false;
}

/* The bytes between the first and the last element. */
static void extent_of(const struct layout *layout, uintptr_t *first, uintptr_t *end)
{
    *first = (uintptr_t)layout->data;
    *end = *first + (uintptr_t)layout->itemsize;
    for (int i = 0; i < layout->ndim; i++) {
        uintptr_t reach = (uintptr_t)((layout->shape[i] - 1) * llabs(layout->strides[i]));

        if (layout->strides[i] < 0)
            *first -= reach;
        else
            *end += reach;
    }
}

static bool overlap(const struct layout *a, const struct layout *b)
{
    uintptr_t a_first, a_end, b_first, b_end;

    extent_of(a, &a_first, &a_end);
    extent_of(b, &b_first, &b_end);
    return a_first < b_end && b_first < a_end;
}

/* NumPy has copied what overlaps before it calls a loop; arrays made by as_strided may still
 * overlap themselves, and then the order of the matrices shows. */
static bool matrices_are_independent(const struct gufunc_slot *slot, char *const *args,
                                     const npy_intp *dims, const npy_intp *steps)
{
    int nin = slot->ufunc->nin, nargs = slot->ufunc->nargs;
    struct layout layouts[GUFUNC_ARGS_MAX];

    for (int i = 0; i < nargs; i++) {
        layouts[i] = layout_of(slot, i, args, dims, steps);
        if (is_empty(&layouts[i]))
            return false;
    }
    for (int out = nin; out < nargs; out++) {
        const struct layout *layout = &layouts[out];

        if (!operand_is_distinct(layout->ndim, layout->shape, layout->strides, layout->itemsize))
            return false;
        for (int i = 0; i < out; i++)
            if (overlap(&layouts[i], &layouts[out]))
                return false;
    }
    return true;
}

/* ---- a large call ---------------------------------------------------------------------------- */

struct stack {
    const struct gufunc_slot *slot;
    const npy_intp *dims, *steps;
    void *data;
    atomic_bool failed; /* a part has left results unwritten */
};

/* An element's bytes before a loop that writes it, and most unlikely ones afterwards. */
enum { UNWRITTEN = 0xa5 };

static bool is_unwritten(const char *element, uint8_t itemsize)
{
    for (int i = 0; i < itemsize; i++)
        if ((unsigned char)element[i] != UNWRITTEN)
            return false;
    return true;
}

/* A loop that gets no memory for BLAS's workspace raises MemoryError and writes nothing. A worker's
 * error would be lost, but the last result tells. */
static void run_part(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    struct stack *stack = ctx;
    const struct gufunc_slot *slot = stack->slot;
    int out = slot->ufunc->nin;
    char *last = ptrs[out] + (n - 1) * strides[out];
    npy_intp dims[GUFUNC_DIMS_MAX];

    if (slot->calls_blas)
        memset(last, UNWRITTEN, slot->itemsize[out]);
    memcpy(dims, stack->dims, (size_t)(1 + slot->ufunc->core_num_dim_ix) * sizeof(*dims));
    dims[0] = n;
    slot->loop(ptrs, dims, stack->steps, stack->data);
    if (slot->calls_blas && is_unwritten(last, slot->itemsize[out]))
        atomic_store(&stack->failed, true);
}

/* Large matrices, and fewer of them than cores: the library's own threads get further. */
static bool is_left_to_blas(const struct gufunc_slot *slot, npy_intp matrices, double matrix_ns)
{
    static const double long_ns = 1e6;

    return slot->calls_blas && matrix_ns > long_ns && matrices < treadle_get_num_threads();
}

/* Not on one core, and not by a backend that would run the parts one after another: it would only
 * keep the matrices from the threads they can have for themselves. */
static bool is_cut_by_policy(const struct treadle_array *operands, const struct stack *stack,
                             const struct treadle_loop *attrs)
{
    const PyUFuncObject *ufunc = stack->slot->ufunc;
    struct treadle_decision decision;

    return treadle_explain("loop", operands, (uint32_t)ufunc->nargs, (uint32_t)ufunc->nin, attrs, 1,
                           &decision) == TREADLE_OK &&
           decision.wanted > 1;
}

/* Threads that each call BLAS must not meet a BLAS that starts threads for each of them: one that
 * can't be kept to one thread runs the stack as it always did. */
static int32_t run_parts(const struct treadle_array *operands, const struct stack *stack,
                         const struct treadle_loop *attrs)
{
    const PyUFuncObject *ufunc = stack->slot->ufunc;
    struct treadle_routine_call hold;
    int32_t status = TREADLE_OK;

    if (stack->slot->calls_blas)
        status = treadle_routines_hold(&hold);
    if (status != TREADLE_OK)
        return status;
    status =
        treadle_run("loop", operands, (uint32_t)ufunc->nargs, (uint32_t)ufunc->nin, attrs, NULL);
    if (stack->slot->calls_blas)
        treadle_routines_release(&hold);
    return status;
}

/* NumPy keeps the GIL over a stack of few matrices, and a part that finds no memory asks for it. */
static int32_t run_parts_without_gil(const struct treadle_array *operands,
                                     const struct stack *stack, const struct treadle_loop *attrs)
{
    PyThreadState *thread = PyGILState_Check() ? PyEval_SaveThread() : NULL;
    int32_t status = run_parts(operands, stack, attrs);

    if (thread)
        PyEval_RestoreThread(thread);
    return status;
}

/* The caller's own part may have raised an error; all of the call is done again. */
static void forget_error(void)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    PyErr_Clear();
    PyGILState_Release(gil);
}

/* False: NumPy's loop has to do the whole call. */
static bool run_in_parallel(struct stack *stack, char *const *args, double matrix_ns)
{
    const struct gufunc_slot *slot = stack->slot;
    struct treadle_array operands[GUFUNC_ARGS_MAX];
    int64_t n = stack->dims[0];
    struct treadle_loop attrs = {.struct_size = sizeof(attrs),
                                 .fn = run_part,
                                 .ctx = stack,
                                 .grain = 1,
                                 .element_ns = matrix_ns};

    for (int i = 0; i < slot->ufunc->nargs; i++)
        operands[i] = (struct treadle_array){.data = args[i],
                                             .shape = &n,
                                             .strides = &stack->steps[i],
                                             .ndim = 1,
                                             .dtype = {TREADLE_UINT, 8, 1},
                                             .itemsize = slot->itemsize[i]};
    if (!is_cut_by_policy(operands, stack, &attrs) ||
        run_parts_without_gil(operands, stack, &attrs) != TREADLE_OK)
        return false;
    if (!atomic_load(&stack->failed))
        return true;
    forget_error();
    return false;
}

static bool is_small(npy_intp matrices, double matrix_ns)
{
    return matrices < atomic_load_explicit(&least_matrices, memory_order_relaxed) ||
           (double)matrices * matrix_ns < atomic_load_explicit(&least_ns, memory_order_relaxed);
}

static void run_stack(const struct gufunc_slot *slot, char **args, const npy_intp *dims,
                      const npy_intp *steps, void *data)
{
    double matrix_ns = gufunc_matrix_ns(slot, dims + 1);
    struct stack stack;

    if (!is_small(dims[0], matrix_ns) && !is_left_to_blas(slot, dims[0], matrix_ns) &&
        matrices_are_independent(slot, args, dims, steps)) {
        stack = (struct stack){slot, dims, steps, data, false};
        if (run_in_parallel(&stack, args, matrix_ns))
            return;
    }
    slot->loop(args, dims, steps, data);
}

static bool can_hold_blas(void)
{
    struct treadle_routine_call hold;
    bool held = treadle_routines_hold(&hold) == TREADLE_OK;

    if (held)
        treadle_routines_release(&hold);
    return held;
}

static int32_t ask_policy(int64_t n, double matrix_ns, uint32_t callers,
                          struct treadle_decision *decision)
{
    struct treadle_loop attrs = {
        .struct_size = sizeof(attrs), .fn = run_part, .grain = 1, .element_ns = matrix_ns};
    int64_t step = 1;
    struct treadle_array operand = {
        .data = &n, .shape = &n, .strides = &step, .ndim = 1, .itemsize = 1};

    return treadle_explain("loop", &operand, 1, 0, &attrs, callers, decision);
}

void gufunc_update_limit(void)
{
    static const double second = 1e9;
    struct treadle_decision decision;

    if (ask_policy(1, second, 1, &decision) != TREADLE_OK)
        decision.limit = (double)NPY_MAX_INT32;
    /* The policy's limit is less than a second: one of whole elements is the user's. */
    atomic_store(&least_ns, decision.limit < 1 ? decision.limit * second : 0);
    atomic_store(&least_matrices, decision.limit > 2 ? (npy_intp)decision.limit : 2);
}

int32_t gufunc_explain(const struct gufunc_slot *slot, npy_intp matrices, const npy_intp *core,
                       uint32_t callers, struct treadle_decision *decision)
{
    double matrix_ns = gufunc_matrix_ns(slot, core), worth = atomic_load(&least_ns) / matrix_ns;
    double least = (double)atomic_load(&least_matrices);
    int32_t status;

    if (is_left_to_blas(slot, matrices, matrix_ns) || (slot->calls_blas && !can_hold_blas()))
        return TREADLE_E_DECLINED;
    status = ask_policy(matrices, matrix_ns, callers, decision);
    decision->limit = worth > least ? worth : least;
    return status;
}

/* ---- slots and trampolines ------------------------------------------------------------------- */

/* One matrix goes on to NumPy's loop, whose BLAS and LAPACK calls are routed. Names start at 1000
 * because a number that is pasted together must not begin with 0. */
#define TRAMPOLINE(id)                                                                             \
    static void trampoline_##id(char **args, npy_intp const *dims, npy_intp const *steps,          \
                                void *data)                                                        \
    {                                                                                              \
        if (dims[0] < 2)                                                                           \
            slots[id - 1000].loop(args, dims, steps, data);                                        \
        else                                                                                       \
            run_stack(&slots[id - 1000], args, dims, steps, data);                                 \
    }
#define TEN(m, p) m(p##0) m(p##1) m(p##2) m(p##3) m(p##4) m(p##5) m(p##6) m(p##7) m(p##8) m(p##9)
#define HUNDRED(m, p)                                                                              \
    TEN(m, p##0)                                                                                   \
    TEN(m, p##1)                                                                                   \
    TEN(m, p##2)                                                                                   \
    TEN(m, p##3) TEN(m, p##4) TEN(m, p##5) TEN(m, p##6) TEN(m, p##7) TEN(m, p##8) TEN(m, p##9)
#define ALL(m) HUNDRED(m, 10) HUNDRED(m, 11) HUNDRED(m, 12)

ALL(TRAMPOLINE)

#define NAME(id) trampoline_##id,
static const PyUFuncGenericFunction trampolines[] = {ALL(NAME)};

static_assert(sizeof(trampolines) / sizeof(trampolines[0]) == GUFUNC_SLOT_COUNT,
              "a trampoline a slot");

struct gufunc_slot *gufunc_slot_take(void)
{
    return taken < GUFUNC_SLOT_COUNT ? &slots[taken++] : NULL;
}

struct gufunc_slot *gufunc_slot_at(int i)
{
    return i < taken ? &slots[i] : NULL;
}

PyUFuncGenericFunction gufunc_trampoline(const struct gufunc_slot *slot)
{
    return trampolines[slot - slots];
}
