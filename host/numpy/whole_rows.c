/* SPDX-License-Identifier: BSD-3-Clause */
#include "whole_rows.h"

#include <string.h>

/* Elements; of shorter rows most would have to be copied. */
enum { WIDTH_LEAST = 64 };

/* ---- what the rows are ---------------------------------------------------------------------- */

/* Steps of an input, broadcast to two dimensions. */
static void take_input(struct rows *rows, int i, PyArrayObject *array)
{
    int ndim = PyArray_NDIM(array);

    rows->base[i] = PyArray_BYTES(array);
    rows->step[i] =
        ndim > 0 && PyArray_DIM(array, ndim - 1) > 1 ? PyArray_STRIDE(array, ndim - 1) : 0;
    rows->row[i] = ndim > 1 && PyArray_DIM(array, 0) > 1 ? PyArray_STRIDE(array, 0) : 0;
}

/* Contiguous rows and numbers: so NumPy's loop sees them too, in a buffer. */
static bool is_plain_input(const struct rows *rows, int i, PyArrayObject *array,
                           PyArray_Descr *descr)
{
    npy_intp size = PyDataType_ELSIZE(descr);
    bool is_number = rows->step[i] == 0 && rows->row[i] == 0;

    return PyArray_NDIM(array) <= 2 && PyArray_ISALIGNED(array) &&
           PyArray_EquivTypes(PyArray_DESCR(array), descr) &&
           (is_number || (rows->step[i] == size && rows->row[i] >= 0)) &&
           rows->base[i] != rows->output;
}

static bool is_plain_output(PyArrayObject *out, NpyIter *iter)
{
    npy_intp shape[2];

    if (NpyIter_GetNDim(iter) != 2 || PyArray_NDIM(out) != 2 || !PyArray_IS_C_CONTIGUOUS(out))
        return false;
    NpyIter_GetShape(iter, shape); /* without a multi-index: the fastest axis first */
    return shape[0] == PyArray_DIM(out, 1) && shape[1] == PyArray_DIM(out, 0) &&
           shape[0] >= WIDTH_LEAST;
}

static void locate(const struct stream_source *source, npy_intp at, npy_intp count, char **inputs);

bool rows_of(struct rows *rows, const struct call *call, NpyIter *iter)
{
    PyArrayObject **op = NpyIter_GetOperandArray(iter), *out = op[call->nin];

    if (call->nargs - call->nin != 1 || call->nin > ROWS_INPUTS || !is_plain_output(out, iter))
        return false;
    *rows = (struct rows){.source = {locate},
                          .width = PyArray_DIM(out, 1),
                          .nin = call->nin,
                          .output = PyArray_BYTES(out)};
    for (int i = 0; i < call->nin; i++) {
        take_input(rows, i, op[i]);
        if (!is_plain_input(rows, i, op[i], call->types[i]))
            return false;
    }
    return true;
}

/* ---- a part --------------------------------------------------------------------------------- */

static char *element(const struct rows *rows, int i, npy_intp at)
{
    return rows->base[i] + at / rows->width * rows->row[i] + at % rows->width * rows->step[i];
}

static char *gather(const struct rows *rows, int i, npy_intp at, npy_intp count)
{
    char *to = rows->buffer[i];

    for (npy_intp n; count > 0; at += n, count -= n) {
        n = rows->width - at % rows->width;
        n = n < count ? n : count;
        memcpy(to, element(rows, i, at), (size_t)(n * rows->step[i]));
        to += n * rows->step[i];
    }
    return rows->buffer[i];
}

static void locate(const struct stream_source *source, npy_intp at, npy_intp count, char **inputs)
{
    const struct rows *rows = (const struct rows *)source;

    at += rows->first;
    for (int i = 0; i < rows->nin; i++) {
        bool in_line =
            at % rows->width + count <= rows->width || rows->row[i] == rows->width * rows->step[i];

        inputs[i] = in_line ? element(rows, i, at) : gather(rows, i, at, count);
    }
}

void rows_run(const struct rows *whole, const struct call *call, npy_intp first, npy_intp end)
{
    const struct slot *slot = call->slot;
    alignas(64) char gathered[ROWS_INPUTS][STREAM_PIECE];
    struct rows rows = *whole;
    char *output = rows.output + first * slot->itemsize[slot->nin];
    npy_intp steps[SLOT_ARGS_MAX];

    rows.first = first;
    for (int i = 0; i < rows.nin; i++) {
        rows.buffer[i] = gathered[i];
        steps[i] = rows.step[i];
    }
    steps[slot->nin] = slot->itemsize[slot->nin];
    stream_run_from(slot, &output, end - first, steps, call->data, &rows.source);
}
