/* SPDX-License-Identifier: BSD-3-Clause */
#include "large.h"

#include <fenv.h>
#include <math.h>

#include "learn.h"
#include "operands.h"
#include "stream.h"

/* Ranges that begin at multiples of 64 elements share no cache line, whatever the item size. */
static const int64_t range_grain = 64;

static const struct treadle_reduction over_all = {.struct_size = sizeof(over_all), .axes = 1};

struct numpy_loop {
    const struct slot *slot;
    void *data;
    bool streams;
};

static void run_range(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    const struct numpy_loop *numpy = ctx;
    npy_intp dims = n;

    if (numpy->streams) {
        stream_run(numpy->slot, ptrs, n, strides, numpy->data);
        stream_end();
    } else {
        numpy->slot->loop(ptrs, &dims, strides, numpy->data);
    }
}

struct treadle_array large_operand(void *data, const int64_t *n, const int64_t *step,
                                   uint32_t itemsize)
{
    return (struct treadle_array){.data = data,
                                  .shape = n,
                                  .strides = step,
                                  .ndim = 1,
                                  .dtype = {TREADLE_UINT, 8, 1},
                                  .itemsize = itemsize};
}

static struct treadle_loop loop_attributes(const struct slot *slot, struct numpy_loop *numpy)
{
    return (struct treadle_loop){.struct_size = sizeof(struct treadle_loop),
                                 .fn = run_range,
                                 .ctx = numpy,
                                 .grain = range_grain,
                                 .element_ns = slot->element_ns};
}

static void describe(struct treadle_array *operands, const struct slot *slot, char *const *args,
                     const int64_t *n, const int64_t *steps)
{
    for (int i = 0; i < slot->nargs; i++)
        operands[i] = large_operand(args[i], n, &steps[i], slot->itemsize[i]);
}

static int32_t split_loop(const struct slot *slot, char *const *args, int64_t n,
                          const npy_intp *steps, void *data)
{
    struct treadle_array operands[SLOT_ARGS_MAX];
    struct numpy_loop numpy = {slot, data, stream_pays(slot, n)};
    struct treadle_loop attrs = loop_attributes(slot, &numpy);

    describe(operands, slot, args, &n, steps);
    return treadle_run("loop", operands, slot->nargs, slot->nin, &attrs, NULL);
}

static bool is_nan(const struct slot *slot, const char *value)
{
    return slot->type == NPY_FLOAT ? isnan(*(const float *)value) : isnan(*(const double *)value);
}

/* Treadle's kernels want contiguous operands or repeated scalars; NumPy's loop does the rest. It
 * also does NaN scalars: it swaps the operands of 'scalar + array', so that of two NaNs the
 * array's is the result. */
static bool suits_own_op(const struct slot *slot, char *const *args, const npy_intp *steps)
{
    if (!slot->op || steps[slot->nin] != slot->itemsize[slot->nin])
        return false;
    for (int i = 0; i < slot->nin; i++)
        if (steps[i] == 0 ? is_nan(slot, args[i]) : steps[i] != slot->itemsize[i])
            return false;
    return true;
}

static void give_dtype(struct treadle_array *operands, const struct slot *slot, int count)
{
    uint8_t bits = slot->type == NPY_FLOAT ? 32 : 64;

    for (int i = 0; i < count; i++)
        operands[i].dtype = (struct treadle_dtype){TREADLE_FLOAT, bits, 1};
}

int32_t large_run_op(const struct slot *slot, char *const *args, int64_t n, const npy_intp *steps)
{
    struct treadle_array operands[SLOT_ARGS_MAX];

    describe(operands, slot, args, &n, steps);
    give_dtype(operands, slot, slot->nargs);
    if (slot->swapped) {
        struct treadle_array first = operands[0];

        operands[0] = operands[1];
        operands[1] = first;
    }
    return treadle_run(slot->op, operands, slot->nargs, slot->nin, NULL, NULL);
}

static void describe_sum(struct treadle_array *operands, const struct slot *slot, char *x,
                         const int64_t *n, const int64_t *step, char *sum)
{
    static const int64_t one = 1, none = 0;

    operands[0] = large_operand(x, n, step, slot->itemsize[0]);
    operands[1] = large_operand(sum, &one, &none, slot->itemsize[0]);
    give_dtype(operands, slot, 2);
}

int32_t large_run_sum(const struct slot *slot, char *x, int64_t n, char *sum)
{
    const int64_t step = slot->itemsize[0];
    struct treadle_array operands[2];

    describe_sum(operands, slot, x, &n, &step, sum);
    return treadle_run("sum", operands, 2, 1, &over_all, NULL);
}

/* Whether NumPy's loop may still compute the whole call after the library gave it up. */
static bool can_start_again(int32_t status, enum operands_form form)
{
    return form != OPERANDS_IN_PLACE || (status != TREADLE_E_FAILED && status != TREADLE_E_NOMEM);
}

/* The inputs are gone. The same channel as NumPy's own errors from loops that run without the GIL.
 */
static void raise_lost(void)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    PyErr_Format(PyExc_RuntimeError, "treadle: an in-place call failed half way: %s",
                 treadle_last_error());
    PyGILState_Release(gil);
}

/* Run the call in several threads; TREADLE_E_DECLINED if it can't be. */
static int32_t run_split(const struct slot *slot, enum operands_form form, char **args, npy_intp n,
                         const npy_intp *steps, void *data)
{
    if (form == OPERANDS_REDUCE)
        return slot->reduce && slot->reduce(slot, args, n, steps, data) ? TREADLE_OK
                                                                        : TREADLE_E_DECLINED;
    if (form == OPERANDS_TANGLED)
        return TREADLE_E_DECLINED;
    return suits_own_op(slot, args, steps) ? large_run_op(slot, args, n, steps)
                                           : split_loop(slot, args, n, steps, data);
}

/* A cast before the loop has raised what the loop may clear at its end. Whether it does depends on
 * the strides: only NumPy's loop itself can tell. */
static bool has_to_clear(const struct slot *slot, void *data)
{
    return fetestexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID) &&
           slot_clears_exceptions(slot, data);
}

void large_run(struct slot *slot, char **args, const npy_intp *dims, const npy_intp *steps,
               void *data)
{
    enum operands_form form =
        operands_form(slot->nin, slot->nargs, slot->itemsize, dims[0], args, steps);
    int32_t status;

    if (form != OPERANDS_REDUCE && learn_from_call(slot, args, dims, steps, data))
        return;
    status = has_to_clear(slot, data) ? TREADLE_E_DECLINED
                                      : run_split(slot, form, args, dims[0], steps, data);

    if (status == TREADLE_OK)
        return;
    if (can_start_again(status, form))
        slot->loop(args, dims, steps, data);
    else
        raise_lost();
}

static int32_t explain_sum(const struct slot *slot, int64_t n, uint32_t callers,
                           struct treadle_decision *decision)
{
    const int64_t step = slot->itemsize[0];
    struct treadle_array operands[2];
    char *nowhere = (char *)&n;

    describe_sum(operands, slot, nowhere, &n, &step, nowhere);
    return treadle_explain("sum", operands, 2, 1, &over_all, callers, decision);
}

int32_t large_explain(const struct slot *slot, int64_t n, bool reduces, uint32_t callers,
                      struct treadle_decision *decision)
{
    struct treadle_array operands[SLOT_ARGS_MAX];
    struct numpy_loop numpy = {.slot = slot};
    struct treadle_loop attrs = loop_attributes(slot, &numpy);
    const char *op = reduces ? NULL : slot->op;
    int64_t steps[SLOT_ARGS_MAX] = {0};
    char *nowhere[SLOT_ARGS_MAX] = {NULL};

    if (reduces && slot->sums)
        return explain_sum(slot, n, callers, decision);
    for (int i = 0; i < slot->nargs; i++) {
        steps[i] = slot->itemsize[i];
        nowhere[i] = (char *)&n;
    }
    describe(operands, slot, nowhere, &n, steps);
    if (op)
        give_dtype(operands, slot, slot->nargs);
    return treadle_explain(op ? op : "loop", operands, slot->nargs, slot->nin, op ? NULL : &attrs,
                           callers, decision);
}

npy_intp large_limit(const struct slot *slot)
{
    struct treadle_decision decision;
    int32_t status = large_explain(slot, 1000000, false, 1, &decision);

    if (status != TREADLE_OK || decision.limit >= (double)NPY_MAX_INTP)
        return NPY_MAX_INTP;
    return decision.limit < 1.0 ? 1 : (npy_intp)decision.limit;
}
