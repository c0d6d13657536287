/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Built once per LAPACK letter: LETTER is s, d, c or z, REAL the type of its real part, and
 * COMPLEX_LETTER 1 for c and z. LAPACK's integers have 32 bits here.
 */
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "grant.h"
#include "linalg.h"
#include "message.h"
#include "stack.h"
#include "template.h"

#define FN(name) TREADLE_PASTE(name, LETTER)
#define LAPACK3(letter, name) letter##name##_
#define LAPACK2(letter, name) LAPACK3(letter, name)
#define LAPACK(name) LAPACK2(LETTER, name)

/* The complex routines have other names in places, and a workspace of real numbers. */
#if COMPLEX_LETTER
typedef _Complex REAL element;
#define EIGH LAPACK(heevd)
#define ORGQR LAPACK(ungqr)
#define REAL_WORK , REAL *real_work
#define REAL_WORK_SIZE , REAL *real_work, const int *real_size
#define PASS_REAL_WORK , t->real_work
#define PASS_REAL_WORK_SIZE , t->real_work, &t->real_size
#else
typedef REAL element;
#define EIGH LAPACK(syevd)
#define ORGQR LAPACK(orgqr)
#define REAL_WORK
#define REAL_WORK_SIZE
#define PASS_REAL_WORK
#define PASS_REAL_WORK_SIZE
#endif

extern void LAPACK(gesdd)(const char *job, const int *m, const int *n, element *a, const int *lda,
                          REAL *s, element *u, const int *ldu, element *vt, const int *ldvt,
                          element *work, const int *size REAL_WORK, int *int_work, int *info,
                          size_t);
extern void LAPACK(geqrf)(const int *m, const int *n, element *a, const int *lda, element *tau,
                          element *work, const int *size, int *info);
extern void ORGQR(const int *m, const int *n, const int *k, element *a, const int *lda,
                  const element *tau, element *work, const int *size, int *info);
extern void EIGH(const char *job, const char *part, const int *n, element *a, const int *lda,
                 REAL *w, element *work, const int *size REAL_WORK_SIZE, int *int_work,
                 const int *int_size, int *info, size_t, size_t);
extern void LAPACK(gesv)(const int *n, const int *columns, element *a, const int *lda, int *pivots,
                         element *b, const int *ldb, int *info);
extern void LAPACK(potrf)(const char *part, const int *n, element *a, const int *lda, int *info,
                          size_t);

/* ---- matrices in LAPACK's order ----------------------------------------------------------- */

/* Sides of the square tiles in which rows are turned into columns: two of them fit into the L1. */
enum { TILE = 32 };

static element *at(const struct stack_arg *x, int64_t row, int64_t column)
{
    return (element *)(x->data + row * x->stride[0] + column * x->stride[1]);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The result has leading dimension `rows`. */
static void copy_in(element *dst, const struct stack_arg *src, int64_t rows, int64_t columns)
{
    for (int64_t c0 = 0; c0 < columns; c0 += TILE)
        for (int64_t r0 = 0; r0 < rows; r0 += TILE)
            for (int64_t c = c0; c < smaller(c0 + TILE, columns); c++)
                for (int64_t r = r0; r < smaller(r0 + TILE, rows); r++)
                    memcpy(&dst[c * rows + r], at(src, r, c), sizeof *dst);
}

/* `src` has leading dimension ld. */
static void copy_out(const struct stack_arg *dst, const element *src, int64_t rows, int64_t columns,
                     int64_t ld)
{
    for (int64_t r0 = 0; r0 < rows; r0 += TILE)
        for (int64_t c0 = 0; c0 < columns; c0 += TILE)
            for (int64_t r = r0; r < smaller(r0 + TILE, rows); r++)
                for (int64_t c = c0; c < smaller(c0 + TILE, columns); c++)
                    memcpy(at(dst, r, c), &src[c * ld + r], sizeof *src);
}

static void copy_out_reals(const struct stack_arg *dst, const REAL *src, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        memcpy(dst->data + i * dst->stride[0], &src[i], sizeof *src);
}

static void set_identity(const struct stack_arg *dst)
{
    element zero = 0, one = 1;
    for (int64_t r = 0; r < dst->extent[0]; r++)
        for (int64_t c = 0; c < dst->extent[1]; c++)
            memcpy(at(dst, r, c), r == c ? &one : &zero, sizeof one);
}

/* ---- the way of every op ------------------------------------------------------------------- */

/*
 * One op on one shape. m x n is the first operand's, k the smaller of both; columns are those of
 * solve's right side. plan() sets the sizes, in elements of each array, and then the arrays are
 * laid out in memory.
 */
struct task {
    struct stack stack;
    uint32_t flags;
    int m, n, k, columns;
    int64_t a_size, b_size, c_size, reals_size;
    int work_size, int_size, real_size;
    element *a, *b, *c, *work;
    REAL *reals, *real_work;
    int *ints;
};

struct linalg {
    const char *name;
    const char *failure; /* what can be wrong with a matrix */
    void (*plan)(struct task *t);
    int (*one)(struct task *t); /* from the stack's place to its place; LAPACK's info */
};

/* What the threads that share a stack have in common. */
struct job {
    const struct linalg *op;
    const struct treadle_call *call;
    const struct task *plan;
    char *memory;
    uint64_t each; /* bytes of memory for one thread */
    atomic_llong next, failed;
};

static uint32_t flags_of(const struct treadle_call *call)
{
    const struct treadle_linalg *attrs = call->attrs;
    return attrs ? attrs->flags : 0;
}

/* Cache lines; AVX-512 loads. */
enum { ALIGN = 64 };

static void *take(char **memory, int64_t count, size_t size)
{
    char *part = *memory;
    *memory += ((uint64_t)count * size + ALIGN - 1) / ALIGN * ALIGN;
    return part;
}

/* Lay out the arrays from `memory` on; gives the end. */
static char *lay_out(struct task *t, char *memory)
{
    t->a = take(&memory, t->a_size, sizeof(element));
    t->b = take(&memory, t->b_size, sizeof(element));
    t->c = take(&memory, t->c_size, sizeof(element));
    t->work = take(&memory, t->work_size, sizeof(element));
    t->reals = take(&memory, t->reals_size, sizeof(REAL));
    t->real_work = take(&memory, t->real_size, sizeof(REAL));
    t->ints = take(&memory, t->int_size, sizeof(int));
    return memory;
}

/* Factors of an empty matrix: whatever is square and not empty is the identity. */
static void factor_nothing(struct job *job, struct task *t)
{
    for (int64_t i = 0; i < t->stack.count; i++) {
        stack_seek(&t->stack, job->call, i);
        for (uint32_t arg = job->call->nin; arg < job->call->nargs; arg++)
            if (t->stack.args[arg].extent[0] == t->stack.args[arg].extent[1])
                set_identity(&t->stack.args[arg]);
    }
}

static void work_member(void *ctx, uint32_t member, uint32_t team)
{
    (void)team;
    struct job *job = ctx;
    struct task t = *job->plan;
    lay_out(&t, job->memory + member * job->each);
    for (;;) {
        int64_t i = atomic_fetch_add(&job->next, 1);
        if (i >= t.stack.count || atomic_load(&job->failed) >= 0)
            return;
        stack_seek(&t.stack, job->call, i);
        if (job->op->one(&t))
            atomic_store(&job->failed, i);
    }
}

/* Threads that share the stack. Matrices that are fewer than the threads and large are left to the
 * threads inside of LAPACK; for the others a thread each is best (four svd(1000) on two cores: 0.86
 * s against 1.16 s). */
static uint32_t stack_threads(const struct task *t)
{
    double work = (double)t->m * t->n * t->k, all = work * (double)t->stack.count;
    if (t->stack.count < 2 || (t->stack.count < grant_now(HUGE_VAL) && work > 1e6))
        return 1;
    uint32_t threads = grant_now(all / 1e5);
    return threads < t->stack.count ? threads : (uint32_t)t->stack.count;
}

static int32_t work_through(struct job *job, struct task *t)
{
    grant_enter((struct treadle_call *)job->call);
    uint32_t threads = stack_threads(t);
    job->each = (uint64_t)(uintptr_t)lay_out(t, NULL);
    job->memory = job->call->host->alloc(job->call->host, job->each * threads, ALIGN);
    if (job->memory)
        grant_team(threads, work_member, job);
    grant_leave((struct treadle_call *)job->call);
    if (!job->memory)
        return treadle_fail(job->call->error, TREADLE_E_NOMEM,
                            "%s: no memory for %llu bytes of workspace", job->op->name,
                            (unsigned long long)(job->each * threads));
    job->call->host->release(job->call->host, job->memory);
    int64_t failed = atomic_load(&job->failed);
    if (failed >= 0)
        return treadle_fail(job->call->error, TREADLE_E_NUMERIC, "%s: %s (matrix %lld of %lld)",
                            job->op->name, job->op->failure, (long long)failed + 1,
                            (long long)t->stack.count);
    return TREADLE_OK;
}

/* LAPACK's integers have 32 bits, also for the size of its workspace: 4 k^2 and some rows for svd.
 */
static bool sizes_fit(const int64_t *first, int64_t columns)
{
    double k = (double)smaller(first[0], first[1]);
    return 6 * k * k + 64.0 * ((double)first[0] + (double)first[1] + (double)columns) < INT_MAX;
}

static int32_t run(struct treadle_call *call, const struct linalg *op, const char *signature)
{
    struct task t = {.columns = 1};
    struct job job = {.op = op, .call = call, .plan = &t, .failed = -1};
    int32_t status = stack_init(&t.stack, call, op->name, signature);
    if (status || !t.stack.count)
        return status;
    const int64_t *first = t.stack.args[0].extent;
    int64_t columns = call->nin == 2 && call->args[1].ndim > 1 ? t.stack.args[1].extent[1] : 1;
    if (!sizes_fit(first, columns))
        return treadle_fail(call->error, TREADLE_E_DECLINED,
                            "%s: too large for LAPACK's 32-bit integers", op->name);
    t.flags = flags_of(call);
    t.m = (int)first[0];
    t.n = (int)first[1];
    t.k = (int)smaller(t.m, t.n);
    t.columns = (int)columns;
    if (t.k == 0) {
        factor_nothing(&job, &t);
        return TREADLE_OK;
    }
    op->plan(&t);
    return work_through(&job, &t);
}

/* ---- svd ------------------------------------------------------------------------------------ */

static char svd_job(const struct task *t)
{
    if (t->stack.nargs == 2)
        return 'N';
    return t->flags & TREADLE_FULL_MATRICES ? 'A' : 'S';
}

/* b is u, c is vh. */
static int call_gesdd(struct task *t)
{
    char job = svd_job(t);
    int info, rows = job == 'S' ? t->k : t->n;
    LAPACK(gesdd)
    (&job, &t->m, &t->n, t->a, &t->m, t->reals, t->b, &t->m, t->c, &rows, t->work,
     &t->work_size PASS_REAL_WORK, t->ints, &info, 1);
    return info;
}

/* Let LAPACK say how much workspace it likes best; `query` is the call with work_size -1. */
static void ask_work_size(struct task *t, int (*query)(struct task *t))
{
    element best = 0;
    t->work = &best;
    t->work_size = -1;
    query(t);
    t->work_size = (int)larger(1, (int64_t)(REAL)best);
}

static void plan_svd(struct task *t)
{
    int64_t k = t->k, longest = larger(t->m, t->n);
    char job = svd_job(t);
    t->a_size = (int64_t)t->m * t->n;
    t->b_size = job == 'N' ? 1 : (int64_t)t->m * (job == 'S' ? t->k : t->m);
    t->c_size = job == 'N' ? 1 : (int64_t)t->n * (job == 'S' ? t->k : t->n);
    t->reals_size = k;
    t->int_size = 8 * t->k;
    t->real_size =
        COMPLEX_LETTER ? (int)larger(5 * k * k + 5 * k, 2 * longest * k + 2 * k * k + k) : 0;
    ask_work_size(t, call_gesdd);
}

static int one_svd(struct task *t)
{
    const struct stack_arg *args = t->stack.args;
    copy_in(t->a, &args[0], t->m, t->n);
    int info = call_gesdd(t);
    if (info)
        return info;
    if (t->stack.nargs == 2) {
        copy_out_reals(&args[1], t->reals, t->k);
        return 0;
    }
    copy_out(&args[1], t->b, t->m, args[1].extent[1], t->m);
    copy_out_reals(&args[2], t->reals, t->k);
    copy_out(&args[3], t->c, args[3].extent[0], t->n, args[3].extent[0]);
    return 0;
}

static const struct linalg svd_op = {"svd", "did not converge; are there NaN or infinite elements?",
                                     plan_svd, one_svd};

int32_t FN(svd)(struct treadle_call *call)
{
    return run(call, &svd_op, flags_of(call) & TREADLE_FULL_MATRICES ? "mn>mm,k,nn" : "mn>mk,k,kn");
}

int32_t FN(svd_values)(struct treadle_call *call)
{
    return run(call, &svd_op, "mn>k");
}

/* ---- qr ------------------------------------------------------------------------------------- */

/* Columns of q, which is made in b from the reflectors. */
static int q_columns(const struct task *t)
{
    return t->flags & TREADLE_FULL_MATRICES ? t->m : t->k;
}

static int call_geqrf(struct task *t)
{
    int info;
    LAPACK(geqrf)(&t->m, &t->n, t->a, &t->m, t->c, t->work, &t->work_size, &info);
    return info;
}

static int call_orgqr(struct task *t)
{
    int info, columns = q_columns(t);
    ORGQR(&t->m, &columns, &t->k, t->b, &t->m, t->c, t->work, &t->work_size, &info);
    return info;
}

static void plan_qr(struct task *t)
{
    t->a_size = (int64_t)t->m * t->n;
    t->b_size = (int64_t)t->m * q_columns(t);
    t->c_size = t->k;
    ask_work_size(t, call_geqrf);
    int factor_size = t->work_size;
    ask_work_size(t, call_orgqr);
    t->work_size = (int)larger(factor_size, t->work_size);
}

static int one_qr(struct task *t)
{
    const struct stack_arg *q = &t->stack.args[1], *r = &t->stack.args[2];
    copy_in(t->a, &t->stack.args[0], t->m, t->n);
    int info = call_geqrf(t);
    if (info)
        return info;
    memcpy(t->b, t->a, (size_t)t->m * (size_t)t->k * sizeof *t->b);
    for (int64_t c = 0; c < t->n; c++)
        for (int64_t row = c + 1; row < r->extent[0]; row++)
            t->a[c * t->m + row] = 0;
    copy_out(r, t->a, r->extent[0], t->n, t->m);
    info = call_orgqr(t);
    if (!info)
        copy_out(q, t->b, t->m, q->extent[1], t->m);
    return info;
}

static const struct linalg qr_op = {"qr", "cannot be factored", plan_qr, one_qr};

int32_t FN(qr)(struct treadle_call *call)
{
    return run(call, &qr_op, flags_of(call) & TREADLE_FULL_MATRICES ? "mn>mm,mn" : "mn>mk,kn");
}

/* ---- eigh ----------------------------------------------------------------------------------- */

static int call_eigh(struct task *t)
{
    int info;
    EIGH("V", t->flags & TREADLE_UPPER ? "U" : "L", &t->n, t->a, &t->n, t->reals, t->work,
         &t->work_size PASS_REAL_WORK_SIZE, t->ints, &t->int_size, &info, 1, 1);
    return info;
}

static void plan_eigh(struct task *t)
{
    REAL best_real = 0;
    int best_ints = 1;
    t->a_size = (int64_t)t->n * t->n;
    t->reals_size = t->n;
    t->real_work = &best_real;
    t->ints = &best_ints;
    t->int_size = t->real_size = -1;
    ask_work_size(t, call_eigh);
    t->int_size = best_ints;
    t->real_size = (int)best_real;
}

static int one_eigh(struct task *t)
{
    const struct stack_arg *args = t->stack.args;
    copy_in(t->a, &args[0], t->n, t->n);
    int info = call_eigh(t);
    if (!info) {
        copy_out_reals(&args[1], t->reals, t->n);
        copy_out(&args[2], t->a, t->n, t->n, t->n);
    }
    return info;
}

static const struct linalg eigh_op = {
    "eigh", "did not converge; are there NaN or infinite elements?", plan_eigh, one_eigh};

int32_t FN(eigh)(struct treadle_call *call)
{
    return run(call, &eigh_op, "nn>n,nn");
}

/* ---- solve, inv, cholesky ------------------------------------------------------------------- */

static int call_gesv(struct task *t)
{
    int info;
    LAPACK(gesv)(&t->n, &t->columns, t->a, &t->n, t->ints, t->b, &t->n, &info);
    return info;
}

static void plan_gesv(struct task *t)
{
    t->a_size = (int64_t)t->n * t->n;
    t->b_size = (int64_t)t->n * t->columns;
    t->int_size = t->n;
}

/* A vector is a matrix of one column here: its second extent and stride are not looked at. */
static int one_solve(struct task *t)
{
    const struct stack_arg *args = t->stack.args;
    copy_in(t->a, &args[0], t->n, t->n);
    copy_in(t->b, &args[1], t->n, t->columns);
    int info = call_gesv(t);
    if (!info)
        copy_out(&args[2], t->b, t->n, t->columns, t->n);
    return info;
}

static const struct linalg solve_op = {"solve", "singular matrix", plan_gesv, one_solve};

int32_t FN(solve)(struct treadle_call *call)
{
    return run(call, &solve_op, call->args[1].ndim == 1 ? "nn,n>n" : "nn,nr>nr");
}

static void plan_inv(struct task *t)
{
    t->columns = t->n;
    plan_gesv(t);
}

/* By gesv with the identity, as NumPy does: getri has less to do, but does most of it slower. */
static int one_inv(struct task *t)
{
    copy_in(t->a, &t->stack.args[0], t->n, t->n);
    memset(t->b, 0, (size_t)t->b_size * sizeof *t->b);
    for (int64_t i = 0; i < t->n; i++)
        t->b[i * t->n + i] = 1;
    int info = call_gesv(t);
    if (!info)
        copy_out(&t->stack.args[1], t->b, t->n, t->n, t->n);
    return info;
}

static const struct linalg inv_op = {"inv", "singular matrix", plan_inv, one_inv};

int32_t FN(inv)(struct treadle_call *call)
{
    return run(call, &inv_op, "nn>nn");
}

static void plan_cholesky(struct task *t)
{
    t->a_size = (int64_t)t->n * t->n;
}

static int one_cholesky(struct task *t)
{
    int info;
    copy_in(t->a, &t->stack.args[0], t->n, t->n);
    LAPACK(potrf)("L", &t->n, t->a, &t->n, &info, 1);
    if (info)
        return info;
    for (int64_t c = 1; c < t->n; c++)
        memset(&t->a[c * t->n], 0, (size_t)c * sizeof *t->a);
    copy_out(&t->stack.args[1], t->a, t->n, t->n, t->n);
    return 0;
}

static const struct linalg cholesky_op = {"cholesky", "the matrix is not positive definite",
                                          plan_cholesky, one_cholesky};

int32_t FN(cholesky)(struct treadle_call *call)
{
    return run(call, &cholesky_op, "nn>nn");
}
