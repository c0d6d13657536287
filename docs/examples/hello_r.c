/* SPDX-License-Identifier: BSD-3-Clause */
/* What hello.R calls by .Call: R's own memory, columns first, without a copy. */
#include <R.h>
#include <Rinternals.h>
#include <stdio.h>
#include <treadle/treadle.h>

enum { AXES_MAX = 8 };

struct operand {
    struct treadle_array array;
    int64_t shape[AXES_MAX], strides[AXES_MAX];
};

/* dim(x) of an array; a plain vector is one axis. */
static void describe(struct operand *to, SEXP x, const char *name)
{
    SEXP dim = Rf_getAttrib(x, R_DimSymbol);
    const int axes = dim == R_NilValue ? 1 : Rf_length(dim);
    if (TYPEOF(x) != REALSXP || axes > AXES_MAX)
        Rf_error("%s: a numeric array of up to %d axes is needed", name, AXES_MAX);
    int64_t stride = sizeof(double);
    for (int axis = 0; axis < axes; axis++) {
        to->shape[axis] = dim == R_NilValue ? XLENGTH(x) : INTEGER(dim)[axis];
        to->strides[axis] = stride;
        stride *= to->shape[axis];
    }
    to->array = (struct treadle_array){.data = REAL(x),
                                       .shape = to->shape,
                                       .strides = to->strides,
                                       .ndim = axes,
                                       .dtype = {TREADLE_FLOAT, 64, 1},
                                       .itemsize = sizeof(double)};
}

static void check(int32_t status)
{
    if (status != TREADLE_OK)
        Rf_error("%s", treadle_last_error());
}

/* Of the last call; R calls on one thread. Text is made when it is asked for. */
static struct treadle_used used;

SEXP treadle_r_who(void)
{
    char who[64];
    snprintf(who, sizeof(who), "%s on %u", used.backend, used.threads);
    return Rf_mkString(who);
}

/* Fills in `out`, which nobody else may know yet, and returns it. */
SEXP treadle_r_binary(SEXP op, SEXP x, SEXP y, SEXP out)
{
    struct operand first, second, to;
    describe(&first, x, "x");
    describe(&second, y, "y");
    describe(&to, out, "out");
    check(treadle_binary(CHAR(STRING_ELT(op, 0)), &first.array, &second.array, &to.array, &used));
    return out;
}

SEXP treadle_r_sum(SEXP x)
{
    struct operand from;
    double total;
    const struct treadle_array out = {
        .data = &total, .dtype = {TREADLE_FLOAT, 64, 1}, .itemsize = sizeof(double)};
    describe(&from, x, "x");
    check(treadle_reduce("sum", &from.array, NULL, -1, &out, NULL));
    return Rf_ScalarReal(total);
}

SEXP treadle_r_set_backend(SEXP spec)
{
    check(treadle_set_backend(CHAR(STRING_ELT(spec, 0))));
    return R_NilValue;
}

SEXP treadle_r_backends(void)
{
    const uint32_t count = treadle_backend_count();
    SEXP found = PROTECT(Rf_allocVector(STRSXP, count));
    for (uint32_t i = 0; i < count; i++) {
        struct treadle_backend_info info;
        char line[512] = "";
        if (treadle_backend_info(i, &info) == TREADLE_OK)
            snprintf(line, sizeof(line), "%s %s", info.name, info.reason);
        SET_STRING_ELT(found, i, Rf_mkChar(line));
    }
    UNPROTECT(1);
    return found;
}
