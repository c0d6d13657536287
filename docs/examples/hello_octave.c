/* SPDX-License-Identifier: BSD-3-Clause */
/* What hello.m calls: Octave's own memory, columns first, without a copy. */
#include <mex.h>
#include <string.h>
#include <treadle/treadle.h>

enum { AXES_MAX = 8, NAME_MAX = 32 };

struct operand {
    struct treadle_array array;
    int64_t shape[AXES_MAX], strides[AXES_MAX];
};

static void describe(struct operand *to, const mxArray *x)
{
    const mwSize axes = mxGetNumberOfDimensions(x);
    if (!mxIsDouble(x) || mxIsComplex(x) || axes > AXES_MAX)
        mexErrMsgTxt("a real array of double, of up to 8 axes, is needed");
    int64_t stride = sizeof(double);
    for (mwSize axis = 0; axis < axes; axis++) {
        to->shape[axis] = (int64_t)mxGetDimensions(x)[axis];
        to->strides[axis] = stride;
        stride *= to->shape[axis];
    }
    to->array = (struct treadle_array){.data = mxGetPr(x),
                                       .shape = to->shape,
                                       .strides = to->strides,
                                       .ndim = (int32_t)axes,
                                       .dtype = {TREADLE_FLOAT, 64, 1},
                                       .itemsize = sizeof(double)};
}

static void check(int32_t status)
{
    if (status != TREADLE_OK)
        mexErrMsgTxt(treadle_last_error());
}

static mxArray *backends(void)
{
    const uint32_t count = treadle_backend_count();
    mxArray *found = mxCreateCellMatrix(1, count);
    for (uint32_t i = 0; i < count; i++) {
        struct treadle_backend_info info;
        check(treadle_backend_info(i, &info));
        const char *parts[] = {info.name, " ", info.reason};
        char line[512] = "";
        for (int part = 0; part < 3; part++)
            strncat(line, parts[part], sizeof(line) - strlen(line) - 1);
        mxSetCell(found, i, mxCreateString(line));
    }
    return found;
}

/* The result is new: inputs may be shared by other variables, and are not written. */
static mxArray *binary(const char *op, const mxArray *x, const mxArray *y, const mxArray *size,
                       struct treadle_used *used)
{
    struct operand first, second, to;
    mwSize extents[AXES_MAX];
    const mwSize axes = mxGetNumberOfElements(size);
    if (!mxIsDouble(size) || axes > AXES_MAX)
        mexErrMsgTxt("a size of up to 8 axes is needed");
    for (mwSize axis = 0; axis < axes; axis++)
        extents[axis] = (mwSize)mxGetPr(size)[axis];
    mxArray *out = mxCreateNumericArray(axes, extents, mxDOUBLE_CLASS, mxREAL);
    describe(&first, x);
    describe(&second, y);
    describe(&to, out);
    check(treadle_binary(op, &first.array, &second.array, &to.array, used));
    return out;
}

static mxArray *sum(const mxArray *x)
{
    struct operand from;
    mxArray *total = mxCreateDoubleScalar(0);
    const struct treadle_array out = {
        .data = mxGetPr(total), .dtype = {TREADLE_FLOAT, 64, 1}, .itemsize = sizeof(double)};
    describe(&from, x);
    check(treadle_reduce("sum", &from.array, NULL, -1, &out, NULL));
    return total;
}

/*
 * hello_octave('backends'), hello_octave('use', SPEC), hello_octave('sum', X), and
 * [OUT, BACKEND, THREADS] = hello_octave(OP, X, Y, SIZE_OF_OUT).
 */
void mexFunction(int nout, mxArray *out[], int nin, const mxArray *in[])
{
    struct treadle_used used;
    char name[NAME_MAX], spec[NAME_MAX];
    if (nin < 1 || mxGetString(in[0], name, NAME_MAX))
        mexErrMsgTxt("a name is needed");
    if (nin == 1 && !strcmp(name, "backends")) {
        out[0] = backends();
    } else if (nin == 2 && !strcmp(name, "use") && !mxGetString(in[1], spec, NAME_MAX)) {
        check(treadle_set_backend(spec));
    } else if (nin == 2 && !strcmp(name, "sum")) {
        out[0] = sum(in[1]);
    } else if (nin == 4) {
        out[0] = binary(name, in[1], in[2], in[3], &used);
        if (nout > 1)
            out[1] = mxCreateString(used.backend);
        if (nout > 2)
            out[2] = mxCreateDoubleScalar(used.threads);
    } else {
        mexErrMsgTxt("these arguments are not known");
    }
}
