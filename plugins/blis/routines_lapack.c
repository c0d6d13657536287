/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LAPACK by its public names, from the list in lapack.def. Our LAPACK has 32-bit integers and wants
 * the lengths of its characters behind the arguments, as Fortran compilers hand them over; callers
 * of these entries give no lengths, and integers of either width.
 */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "routines.h"

/* Arguments of any routine here and its lengths. */
enum { ARGS_MAX = 18 };

/*
 * All arguments are addresses, and lengths go where addresses go. More are handed over than a
 * routine takes, which the calling conventions of all 64-bit systems with Fortran compilers allow.
 */
typedef void lapack_fn(void *, void *, void *, void *, void *, void *, void *, void *, void *,
                       void *, void *, void *, void *, void *, void *, void *, void *, void *);

static void call_lapack(treadle_routine_fn fn, const char *kinds, void **a, int count)
{
    for (const char *kind = kinds; *kind; kind++)
        if (*kind == 'c')
            a[count++] = (void *)(uintptr_t)1;
    ((lapack_fn *)fn)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11],
                      a[12], a[13], a[14], a[15], a[16], a[17]);
}

static int64_t get64(const void *at)
{
    int64_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

/* In an array of 64-bit integers whose lower part holds 32-bit ones. From the end: nothing is lost.
 */
static void widen(void *array, int64_t count)
{
    for (int64_t i = count; i-- > 0;) {
        int32_t narrow;
        memcpy(&narrow, (char *)array + i * 4, sizeof narrow);
        int64_t wide = narrow;
        memcpy((char *)array + i * 8, &wide, sizeof wide);
    }
}

/*
 * The size of the largest workspace, which LAPACK computes in 32 bits without noticing an overflow:
 * squares for the factors of svd and eigh (kinds that begin with their job), else a third
 * integer's number of columns.
 */
static double workspace(const char *kinds, const double *sizes)
{
    double k = sizes[0] < sizes[1] ? sizes[0] : sizes[1];
    double squares = kinds[0] == 'c' ? 6 * k : kinds[2] == 'i' ? sizes[2] : 0;
    return squares * k + 64 * (sizes[0] + sizes[1]);
}

/* Which argument our LAPACK cannot take, counted from 1, or 0. */
static int too_large(const char *kinds, void *const *a)
{
    double sizes[3] = {0, 0, 0};
    int found = 0;
    for (int i = 0; kinds[i]; i++) {
        if (kinds[i] != 'i')
            continue;
        int64_t x = get64(a[i]);
        if (x > INT_MAX || x < INT_MIN)
            return i + 1;
        if (found < 3)
            sizes[found++] = (double)x;
    }
    const char *size = strchr(kinds, 'l');
    return size && workspace(kinds, sizes) > INT_MAX ? (int)(size - kinds) + 1 : 0;
}

static void after_call(const char *kinds, void *const *a, const int32_t *narrow)
{
    int64_t sizes[2] = {0, 0};
    int found = 0;
    for (int i = 0; kinds[i]; i++) {
        int64_t wide = narrow[i];
        if (kinds[i] == 'i' && found < 2)
            sizes[found++] = wide;
        else if (kinds[i] == 'o')
            memcpy(a[i], &wide, sizeof wide);
        else if (kinds[i] == 'w')
            widen(a[i], 1);
        else if (kinds[i] == 'n')
            widen(a[i], sizes[0]);
        else if (kinds[i] == 'm')
            widen(a[i], sizes[0] < sizes[1] ? sizes[0] : sizes[1]);
    }
}

/* A size that does not fit is told as LAPACK tells a wrong argument: by info = -position. */
static void call64(treadle_routine_fn fn, const char *kinds, void **a, int count)
{
    int32_t narrow[ARGS_MAX] = {0};
    void *passed[ARGS_MAX] = {NULL};
    int refused = too_large(kinds, a);
    if (refused) {
        int64_t info = -refused;
        memcpy(a[count - 1], &info, sizeof info);
        return;
    }
    for (int i = 0; i < count; i++) {
        passed[i] = strchr("ilo", kinds[i]) ? (void *)&narrow[i] : a[i];
        if (strchr("il", kinds[i])) {
            int64_t x = get64(a[i]);
            narrow[i] = x > INT_MAX ? INT_MAX : (int32_t)x; /* more workspace than it can count */
        }
    }
    call_lapack(fn, kinds, passed, count);
    after_call(kinds, a, narrow);
}

static void call32(treadle_routine_fn fn, const char *kinds, void **a, int count)
{
    void *passed[ARGS_MAX] = {NULL};
    memcpy(passed, a, (size_t)count * sizeof *a);
    call_lapack(fn, kinds, passed, count);
}

#define PARAMETERS_5 void *a, void *b, void *c, void *d, void *e
#define PARAMETERS_6 PARAMETERS_5, void *f
#define PARAMETERS_8 PARAMETERS_6, void *g, void *h
#define PARAMETERS_9 PARAMETERS_8, void *i
#define PARAMETERS_11 PARAMETERS_9, void *j, void *k
#define PARAMETERS_13 PARAMETERS_11, void *l, void *m
#define PARAMETERS_14 PARAMETERS_13, void *n
#define PARAMETERS_15 PARAMETERS_14, void *o
#define NAMES_5 a, b, c, d, e
#define NAMES_6 NAMES_5, f
#define NAMES_8 NAMES_6, g, h
#define NAMES_9 NAMES_8, i
#define NAMES_11 NAMES_9, j, k
#define NAMES_13 NAMES_11, l, m
#define NAMES_14 NAMES_13, n
#define NAMES_15 NAMES_14, o

#define ROUTINE(name, count, kinds)                                                                \
    extern void name##_(void);                                                                     \
    static void name##_32(PARAMETERS_##count)                                                      \
    {                                                                                              \
        call32(name##_, kinds, (void *[]){NAMES_##count}, count);                                  \
    }                                                                                              \
    static void name##_64(PARAMETERS_##count)                                                      \
    {                                                                                              \
        call64(name##_, kinds, (void *[]){NAMES_##count}, count);                                  \
    }
#include "lapack.def"
#undef ROUTINE

const struct routine routines_lapack[] = {
#define ROUTINE(name, count, kinds)                                                                \
    {#name "_", (treadle_routine_fn)name##_32, (treadle_routine_fn)name##_64},
#include "lapack.def"
#undef ROUTINE
    {NULL, NULL, NULL},
};
