/* SPDX-License-Identifier: BSD-3-Clause */
#include "whole_walk.h"

#include <fenv.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <treadle/treadle.h>

#include "large.h"
#include "mask.h"
#include "operands.h"
#include "stream.h"
#include "whole_rows.h"
#include "whole_report.h"
#include "whole_types.h"

enum {
    ITERATORS_MAX = 64,
    AXES_MAX = 64, /* NPY_MAXDIMS of any NumPy */
    /* Where a long line is cut: a multiple of all vectors' widths. */
    LINE_PART = 8192,
    REPORTED = FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID
};

/* Copying an element into a buffer and back, and stepping over a mask. */
static const double copy_ns = 0.4, mask_ns = 0.5;

/* Lines are copied whole. NumPy 2.5 on a Xeon with AVX-512, a slice beside a contiguous operand, ns
 * an element more: of 1 byte in lines of 5, 20, 100, 398 elements 0.88, 0.23, 0.05, 0.03; of 4
 * bytes 0.92, 0.32, 0.28, 0.20. */
static const double line_ns = 4.5, line_byte_ns = 0.03;

double walk_element_ns(const struct slot *slot, int copied)
{
    return slot->element_ns + copied * copy_ns;
}

npy_intp walk_line(PyArrayObject *const *op, int count)
{
    npy_intp line = 1;

    for (int i = 0; i < count; i++) {
        int last = op[i] ? PyArray_NDIM(op[i]) - 1 : -1;

        if (last >= 0 && PyArray_DIM(op[i], last) > line)
            line = PyArray_DIM(op[i], last);
    }
    return line;
}

/* As one line, a number, or an output that NumPy makes. */
static bool lies_straight(PyArrayObject *op, npy_intp size)
{
    return !op || PyArray_NDIM(op) == 0 ||
           (PyArray_IS_C_CONTIGUOUS(op) && PyArray_SIZE(op) == size);
}

static bool has_straight_lines(PyArrayObject *op)
{
    int last = PyArray_NDIM(op) - 1;

    return PyArray_DIM(op, last) == 1 || PyArray_STRIDE(op, last) == PyArray_ITEMSIZE(op);
}

double walk_uneven_ns(PyArrayObject *op, npy_intp size, npy_intp line)
{
    double ns;

    if (lies_straight(op, size))
        return 0.0;
    ns = line_byte_ns * (double)PyArray_ITEMSIZE(op) + line_ns / (double)line;
    return ns < copy_ns && has_straight_lines(op) ? ns : copy_ns;
}

/* ---- where NumPy's pieces begin --------------------------------------------------------- */

/*
 * The iterator's elements fall into equal periods, and each period into pieces of one length, but
 * for its last.
 */
struct pieces {
    npy_intp size, period, length;
    npy_intp per_period, count;
    bool cut; /* the pieces are parts of NumPy's, which are the periods */
};

static enum { UNKNOWN, FIXED, BY_AXES } way = UNKNOWN;

static struct pieces pieces_of(npy_intp size, npy_intp period, npy_intp length)
{
    struct pieces pieces = {.size = size, .period = period, .length = length};

    pieces.per_period = (period + length - 1) / length;
    pieces.count = size / period * pieces.per_period;
    return pieces;
}

static npy_intp piece_begin(const struct pieces *pieces, npy_intp i)
{
    return i / pieces->per_period * pieces->period + i % pieces->per_period * pieces->length;
}

/* Up to 2.2: as many elements as the buffers hold, whatever the axes; but whole lines if they are
 * longer and nothing has to be cast. */
static struct pieces pieces_fixed(NpyIter *iter, npy_intp size, npy_intp line)
{
    npy_intp buffer = NpyIter_GetBufferSize(iter);

    if (!NpyIter_RequiresBuffering(iter) && line >= buffer)
        return pieces_of(size, line, line);
    return pieces_of(size, size, buffer < size ? buffer : size);
}

/* From 2.3 on: as many lines, planes ... as the buffers hold, never across the end of the next
 * axis; GetBufferSize() is what the iterator has made of the caller's. */
static struct pieces pieces_by_axes(NpyIter *iter, npy_intp size, const npy_intp *shape)
{
    npy_intp length = NpyIter_GetBufferSize(iter), period = 1;

    for (int i = 0; i < NpyIter_GetNDim(iter) && period < length; i++)
        period *= shape[i];
    return pieces_of(size, period, length < period ? length : period);
}

static struct pieces natural_pieces(NpyIter *iter)
{
    npy_intp shape[AXES_MAX] = {1}, size = NpyIter_GetIterSize(iter);

    NpyIter_GetShape(iter, shape); /* without a multi-index: the fastest axis first */
    return way == FIXED ? pieces_fixed(iter, size, shape[0]) : pieces_by_axes(iter, size, shape);
}

/* A piece longer than the buffers lies in memory as one line, which may be cut further. */
static struct pieces find_pieces(NpyIter *iter, npy_intp bufsize)
{
    struct pieces pieces = natural_pieces(iter);

    if (pieces.length <= bufsize || pieces.length <= 2 * (npy_intp)LINE_PART)
        return pieces;
    pieces = pieces_of(pieces.size, pieces.length, LINE_PART);
    pieces.cut = true;
    return pieces;
}

/* ---- learning it ------------------------------------------------------------------------ */

static npy_uint32 iterator_flags(npy_uint32 more)
{
    return NPY_ITER_EXTERNAL_LOOP | NPY_ITER_REFS_OK | NPY_ITER_ZEROSIZE_OK | NPY_ITER_BUFFERED |
           NPY_ITER_GROWINNER | NPY_ITER_DELAY_BUFALLOC | NPY_ITER_COPY_IF_OVERLAP | more;
}

static const npy_uint32 input_flags =
    NPY_ITER_READONLY | NPY_ITER_ALIGNED | NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE;
static const npy_uint32 output_flags = NPY_ITER_ALIGNED | NPY_ITER_ALLOCATE |
                                       NPY_ITER_NO_BROADCAST | NPY_ITER_NO_SUBTYPE |
                                       NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE;

/* Whether a plain walk makes the steps that are foreseen. */
static bool walks_as_foreseen(NpyIter *iter)
{
    struct pieces pieces = natural_pieces(iter);
    NpyIter_IterNextFunc *next = NpyIter_GetIterNext(iter, NULL);
    npy_intp at = 0, piece = 0;

    if (!next || NpyIter_Reset(iter, NULL) != NPY_SUCCEED)
        return false;
    do {
        if (piece >= pieces.count || piece_begin(&pieces, piece) != at)
            return false;
        at += *NpyIter_GetInnerLoopSizePtr(iter);
        piece++;
    } while (next(iter));
    return piece == pieces.count && at == pieces.size;
}

/* Two inputs that share one small buffer: rows of which the second operand repeats the first. */
static bool try_shape(const npy_intp *shape, int ndim, int type)
{
    static npy_float32 buffer[1 << 15];
    npy_intp strides[2][3] = {{12, 12, 4}, {4, 0, 4}};
    npy_uint32 flags[2] = {input_flags, input_flags};
    PyArray_Descr *types[2] = {PyArray_DescrFromType(NPY_FLOAT), PyArray_DescrFromType(type)};
    PyArrayObject *op[2];
    NpyIter *iter = NULL;
    bool as_foreseen = false;

    for (int i = 0; i < 2; i++)
        op[i] =
            (PyArrayObject *)PyArray_New(&PyArray_Type, ndim, (npy_intp *)shape, NPY_FLOAT,
                                         &strides[i][3 - ndim], buffer, 0, NPY_ARRAY_ALIGNED, NULL);
    if (op[0] && op[1])
        iter = NpyIter_AdvancedNew(2, op, iterator_flags(0), NPY_KEEPORDER, NPY_UNSAFE_CASTING,
                                   flags, types, -1, NULL, NULL, NPY_BUFSIZE);
    if (iter)
        as_foreseen = walks_as_foreseen(iter);
    if (iter && NpyIter_Deallocate(iter) != NPY_SUCCEED)
        as_foreseen = false;
    Py_XDECREF((PyObject *)op[0]);
    Py_XDECREF((PyObject *)op[1]);
    Py_DECREF((PyObject *)types[0]);
    Py_DECREF((PyObject *)types[1]);
    PyErr_Clear();
    return as_foreseen;
}

static bool all_as_foreseen(void)
{
    static const npy_intp shapes[][3] = {
        {3, 50, 201}, {2, 300, 77}, {1, 700, 30}, {2, 5, 9001}, {40, 40, 7}, {1, 4, 20000},
    };

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        for (int ndim = 2; ndim <= 3; ndim++)
            if (!try_shape(&shapes[i][3 - ndim], ndim, NPY_FLOAT) ||
                !try_shape(&shapes[i][3 - ndim], ndim, NPY_DOUBLE))
                return false;
    return true;
}

int walk_learn(void)
{
    if (way != UNKNOWN)
        return 0;
    way = BY_AXES;
    if (all_as_foreseen())
        return 0;
    way = FIXED;
    if (all_as_foreseen())
        return 0;
    way = UNKNOWN;
    PyErr_SetString(PyExc_RuntimeError, "this NumPy walks through its operands in an unknown way");
    return -1;
}

/* ---- one thread's part ------------------------------------------------------------------ */

/* Iterators are taken by a thread for one part and then given back. */
struct walk {
    const struct call *call;
    struct pieces pieces;
    NpyIter *iterators[ITERATORS_MAX];
    atomic_bool busy[ITERATORS_MAX];
    int count;
    bool streams, has_rows;
    struct rows rows;
    atomic_bool begun, out_of_memory;
};

/* There are as many as threads, unless their number has grown this very moment. */
static int take_iterator(struct walk *walk)
{
    for (;;) {
        for (int i = 0; i < walk->count; i++)
            if (!atomic_exchange_explicit(&walk->busy[i], true, memory_order_acquire))
                return i;
        sched_yield();
    }
}

static void give_iterator(struct walk *walk, int i)
{
    atomic_store_explicit(&walk->busy[i], false, memory_order_release);
}

/* Part of a line, or a piece of NumPy's own: then nothing lies before or after it. */
struct part {
    npy_intp before, n, after;
};

static struct part part_at(const struct pieces *pieces, npy_intp at, npy_intp n)
{
    struct part part = {.n = n};

    if (pieces->cut) {
        part.before = at % pieces->period;
        part.after = pieces->period - (at + n - 1) % pieces->period - 1;
    }
    return part;
}

/* The loop gets each run of True, as from NumPy's generic_masked_strided_loop(): a run that goes
 * beyond the end of a part belongs to that part as a whole. */
static void run_masked(const struct call *call, char *const *data, struct part part,
                       const npy_intp *strides)
{
    const char *mask = data[call->nargs];
    npy_intp stride = strides[call->nargs], at = 0;

    if (part.before && mask[-stride])
        at = mask_run(mask, stride, part.n, true);
    while (at < part.n) {
        char *args[SLOT_ARGS_MAX];
        npy_intp length;

        at += mask_run(mask + at * stride, stride, part.n - at, false);
        if (at == part.n)
            return;
        length = mask_run(mask + at * stride, stride, part.n + part.after - at, true);
        for (int i = 0; i < call->nargs; i++)
            args[i] = data[i] + at * strides[i];
        call->slot->loop(args, &length, strides, call->data);
        at += length;
    }
}

/* A line whose operands touch is not to be cut: the part at its beginning does it all. */
static bool is_one_piece(const struct call *call, char *const *data, struct part part,
                         const npy_intp *strides)
{
    char *args[SLOT_ARGS_MAX];

    for (int i = 0; i < call->nargs; i++)
        args[i] = data[i] - part.before * strides[i];
    return operands_touch(call->nin, call->nargs, part.before + part.n + part.after, args, strides);
}

static void run_line(const struct walk *walk, char **data, struct part part,
                     const npy_intp *strides)
{
    const struct call *call = walk->call;
    npy_intp n = part.n;

    if (walk->pieces.cut && is_one_piece(call, data, part, strides))
        n = part.before ? 0 : part.n + part.after;
    if (n > 0 && walk->streams)
        stream_run(call->slot, data, n, strides, call->data);
    else if (n > 0)
        call->slot->loop(data, &n, strides, call->data);
}

static void run_pieces(struct walk *walk, NpyIter *iter, npy_intp begin, npy_intp end)
{
    const struct call *call = walk->call;
    char *error = NULL, **data;
    NpyIter_IterNextFunc *next = NpyIter_GetIterNext(iter, &error);
    const npy_intp *n, *strides;

    if (!next || NpyIter_ResetToIterIndexRange(iter, begin, end, &error) != NPY_SUCCEED) {
        atomic_store(&walk->out_of_memory, true);
        return;
    }
    data = NpyIter_GetDataPtrArray(iter);
    strides = NpyIter_GetInnerStrideArray(iter);
    n = NpyIter_GetInnerLoopSizePtr(iter);
    do {
        npy_intp at = walk->pieces.cut ? NpyIter_GetIterIndex(iter) : 0;
        struct part part = part_at(&walk->pieces, at, *n);

        if (call->masked)
            run_masked(call, data, part, strides);
        else
            run_line(walk, data, part, strides);
    } while (next(iter));
    if (walk->streams)
        stream_end();
}

static void run_rows(const struct walk *walk, npy_intp first, npy_intp last)
{
    for (npy_intp i = first; i < last; i++)
        rows_run(&walk->rows, walk->call, piece_begin(&walk->pieces, i),
                 piece_begin(&walk->pieces, i + 1));
    stream_end();
}

/* Of operation "loop": n elements from the place of *ptrs. */
static void run_range(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    struct walk *walk = ctx;
    const struct pieces *pieces = &walk->pieces;
    npy_intp first = (ptrs[0] - (char *)walk) / pieces->length;
    npy_intp last = first + (n + pieces->length - 1) / pieces->length;

    (void)strides;
    atomic_store_explicit(&walk->begun, true, memory_order_relaxed);
    if (walk->has_rows) {
        run_rows(walk, first, last);
    } else {
        int i = take_iterator(walk);

        run_pieces(walk, walk->iterators[i], piece_begin(pieces, first), piece_begin(pieces, last));
        give_iterator(walk, i);
    }
}

/* ---- the call --------------------------------------------------------------------------- */

static NpyIter *new_iterator(const struct call *call, PyArrayObject **op, npy_intp bufsize)
{
    npy_uint32 flags[SLOT_ARGS_MAX + 1];

    for (int i = 0; i < call->nin; i++)
        flags[i] = input_flags;
    for (int i = call->nin; i < call->nargs; i++)
        flags[i] = output_flags |
                   (call->masked ? NPY_ITER_WRITEMASKED | NPY_ITER_READWRITE : NPY_ITER_WRITEONLY);
    flags[call->nargs] = NPY_ITER_READONLY | NPY_ITER_ARRAYMASK;
    return NpyIter_AdvancedNew(call->nargs + call->masked, op, iterator_flags(NPY_ITER_RANGED),
                               NPY_KEEPORDER, NPY_UNSAFE_CASTING, flags,
                               (PyArray_Descr **)call->types, -1, NULL, NULL, bufsize);
}

/* A piece longer than the buffers is not copied. */
static double element_ns(const struct call *call, NpyIter *iter, npy_intp bufsize)
{
    npy_intp size = NpyIter_GetIterSize(iter), line = walk_line(call->op, call->nargs);
    bool copies_lines = natural_pieces(iter).length <= bufsize;
    double ns = call->slot->element_ns + (call->masked ? mask_ns : 0.0);

    for (int i = 0; i < call->nargs; i++)
        if (types_differ(call, i))
            ns += copy_ns;
        else if (copies_lines)
            ns += walk_uneven_ns(call->op[i], size, line);
    return ns;
}

/* The operand stands for the elements' numbers: nothing is behind its pointer. */
static struct treadle_array numbers(struct walk *walk, const int64_t *n)
{
    static const int64_t one = 1;

    return large_operand(walk, n, &one, 1);
}

static struct treadle_loop loop_of(struct walk *walk, NpyIter *iter, npy_intp bufsize)
{
    npy_intp longest = walk->pieces.count / ITERATORS_MAX + 1;

    return (struct treadle_loop){.struct_size = sizeof(struct treadle_loop),
                                 .fn = run_range,
                                 .ctx = walk,
                                 .grain = walk->pieces.length * longest,
                                 .element_ns = element_ns(walk->call, iter, bufsize)};
}

/* Whether NumPy walks over copies, because some of the given arrays overlap. It makes copies of
 * numbers that have to be cast, too: these do no harm. */
static bool has_copied_arrays(const struct call *call, NpyIter *iter)
{
    PyArrayObject **op = NpyIter_GetOperandArray(iter);

    for (int i = 0; i < call->nargs; i++)
        if (op[i] != call->op[i] && PyArray_NDIM(call->op[i]) > 0)
            return true;
    return false;
}

/* An output in a buffer of the iterator's is read again at once. */
static bool streams(const struct call *call, NpyIter *iter)
{
    for (int i = call->nin; i < call->nargs; i++)
        if (types_differ(call, i))
            return false;
    return !call->masked && stream_pays(call->slot, NpyIter_GetIterSize(iter));
}

/* NpyIter_Copy() leaves part of a masked cast undefined (NumPy 1.26 to 2.5): make it anew. */
static NpyIter *copy_of(const struct call *call, NpyIter *iter, npy_intp bufsize)
{
    return call->masked ? new_iterator(call, NpyIter_GetOperandArray(iter), bufsize)
                        : NpyIter_Copy(iter);
}

static bool copy_iterators(struct walk *walk, const struct call *call, uint32_t wanted,
                           npy_intp bufsize)
{
    if (call->masked && has_copied_arrays(call, walk->iterators[0]))
        return true;
    while (walk->count < ITERATORS_MAX && walk->count < (int)wanted &&
           walk->count < walk->pieces.count) {
        NpyIter *copy = copy_of(call, walk->iterators[0], bufsize);

        if (!copy)
            return false;
        walk->iterators[walk->count++] = copy;
    }
    return true;
}

static int deallocate(struct walk *walk)
{
    int result = 0;

    while (walk->count > 0)
        if (NpyIter_Deallocate(walk->iterators[--walk->count]) != NPY_SUCCEED)
            result = -1;
    return result;
}

static void take_outputs(struct call *call, NpyIter *iter)
{
    PyArrayObject **made = NpyIter_GetOperandArray(iter);

    for (int i = call->nin; i < call->nargs; i++)
        if (!call->op[i])
            call->op[i] = (PyArrayObject *)Py_NewRef((PyObject *)made[i]);
}

/* Where there is one iterator, or the library gives up before it has begun, the caller does it all.
 */
static int32_t run_all(struct walk *walk, const struct treadle_array *operand,
                       const struct treadle_loop *loop)
{
    int32_t status = TREADLE_E_DECLINED;

    if (walk->count > 1)
        status = treadle_run("loop", operand, 1, 0, loop, NULL);
    if (status == TREADLE_OK || atomic_load(&walk->begun))
        return status;
    run_pieces(walk, walk->iterators[0], 0, walk->pieces.size);
    return TREADLE_OK;
}

static int run_loop(struct walk *walk, const struct treadle_array *operand,
                    const struct treadle_loop *loop, int *raised)
{
    int32_t status;

    Py_BEGIN_ALLOW_THREADS;
    feclearexcept(REPORTED);
    status = run_all(walk, operand, loop);
    *raised = fetestexcept(REPORTED);
    Py_END_ALLOW_THREADS;
    if (atomic_load(&walk->out_of_memory)) {
        PyErr_NoMemory();
        return -1;
    }
    if (status == TREADLE_OK)
        return 0;
    PyErr_Format(PyExc_RuntimeError, "treadle: a call failed half way: %s", treadle_last_error());
    return -1;
}

/* Before the iterator goes, which may have something to report of its own. */
static int tell(const struct call *call, int found, int *raised)
{
    if (!raised)
        return report_raised(call->whole->ufunc->name, found);
    *raised = found;
    return 0;
}

int walk_run(struct call *call, npy_intp bufsize, int *raised)
{
    struct walk walk = {.call = call, .count = 1};
    struct treadle_decision decision;
    struct treadle_array operand;
    struct treadle_loop loop;
    int64_t n;
    int result = -1, found = 0;

    walk.iterators[0] = new_iterator(call, call->op, bufsize);
    if (!walk.iterators[0])
        return -1;
    take_outputs(call, walk.iterators[0]);
    walk.pieces = find_pieces(walk.iterators[0], bufsize);
    walk.streams = streams(call, walk.iterators[0]);
    walk.has_rows = walk.streams && way == BY_AXES && !walk.pieces.cut &&
                    rows_of(&walk.rows, call, walk.iterators[0]);
    n = walk.pieces.count * walk.pieces.length;
    operand = numbers(&walk, &n);
    loop = loop_of(&walk, walk.iterators[0], bufsize);
    if (treadle_explain("loop", &operand, 1, 0, &loop, 0, &decision) != TREADLE_OK)
        decision.wanted = 1;
    if (copy_iterators(&walk, call, decision.wanted, bufsize))
        result = run_loop(&walk, &operand, &loop, &found);
    if (result == 0)
        result = tell(call, found, raised);
    return deallocate(&walk) < 0 ? -1 : result;
}
