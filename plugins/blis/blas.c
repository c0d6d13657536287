/* SPDX-License-Identifier: BSD-3-Clause */
#include "blas.h"

#include "grant.h"
#include "hooks.h"

/* Elements of a matrix-vector product, and of vectors, that are worth a thread. They are bound by
 * memory: from 40,000 elements on two threads won in LAPACK's reductions (svd(1000) 0.41 -> 0.34
 * s). */
#define GEMV_PER_THREAD 20000.0
#define DOT_PER_THREAD 50000.0

/* A dot product is the sum of its blocks in their order, whoever computes them. */
enum { DOT_BLOCK = 16384, DOT_BLOCKS_MAX = 1024 };

struct matrix blas_transpose(struct matrix x)
{
    return (struct matrix){x.data, x.columns, x.rows, x.column_stride, x.row_stride, x.conj};
}

const void *blas_one(num_t dt)
{
    return bli_obj_buffer_for_const(dt, &BLIS_ONE);
}

const void *blas_zero(num_t dt)
{
    return bli_obj_buffer_for_const(dt, &BLIS_ZERO);
}

static obj_t object(num_t dt, const struct matrix *x)
{
    obj_t o = BLIS_OBJECT_INITIALIZER;
    bli_obj_init_finish(dt, x->rows, x->columns, x->data, x->row_stride, x->column_stride, &o);
    bli_obj_set_conj(x->conj, &o);
    return o;
}

static obj_t scalar(num_t dt, const void *x)
{
    obj_t o = BLIS_OBJECT_INITIALIZER_1X1;
    bli_obj_init_finish_1x1(dt, (void *)x, &o);
    return o;
}

static struct vector column(struct matrix x)
{
    return (struct vector){x.data, x.rows, x.row_stride, x.conj};
}

void blas_gemm(num_t dt, const void *alpha, struct matrix x, struct matrix y, const void *beta,
               struct matrix c)
{
    if (c.columns == 1) {
        blas_gemv(dt, alpha, x, column(y), beta, column(c));
        return;
    }
    if (c.rows == 1) {
        blas_gemv(dt, alpha, blas_transpose(y), column(blas_transpose(x)), beta,
                  column(blas_transpose(c)));
        return;
    }
    obj_t a = scalar(dt, alpha), b = scalar(dt, beta);
    obj_t xo = object(dt, &x), yo = object(dt, &y), co = object(dt, &c);
    double work = (double)c.rows * (double)c.columns * (double)x.columns;
    bli_gemm_ex(&a, &xo, &yo, &b, &co, hooks_small_context(dt, work), NULL);
}

void blas_syrk(num_t dt, uplo_t part, const void *alpha, struct matrix a, const void *beta,
               struct matrix c)
{
    obj_t al = scalar(dt, alpha), be = scalar(dt, beta);
    obj_t ao = object(dt, &a), co = object(dt, &c);
    bli_obj_set_struc(BLIS_SYMMETRIC, &co);
    bli_obj_set_uplo(part, &co);
    bli_syrk_ex(&al, &ao, &be, &co, NULL, NULL);
}

/* ---- matrix times vector ----------------------------------------------------------------- */

struct gemv {
    num_t dt;
    const void *alpha, *beta;
    struct matrix a;
    struct vector x, y;
};

static void gemv_rows(const struct gemv *g, dim_t begin, dim_t end)
{
    inc_t size = (inc_t)bli_dt_size(g->dt);
    bli_gemv_ex_qfp(g->dt)(g->a.conj == BLIS_CONJUGATE ? BLIS_CONJ_NO_TRANSPOSE : BLIS_NO_TRANSPOSE,
                           g->x.conj, end - begin, g->a.columns, (void *)g->alpha,
                           g->a.data + begin * g->a.row_stride * size, g->a.row_stride,
                           g->a.column_stride, g->x.data, g->x.stride, (void *)g->beta,
                           g->y.data + begin * g->y.stride * size, g->y.stride, NULL, NULL);
}

/* Multiples of 8 keep the members' parts of y on different cache lines. */
static void gemv_member(void *ctx, uint32_t member, uint32_t team)
{
    const struct gemv *g = ctx;
    dim_t part = ((g->a.rows + team - 1) / team + 7) & ~(dim_t)7;
    dim_t begin = part * member, end = begin + part;
    if (end > g->a.rows)
        end = g->a.rows;
    if (begin < end)
        gemv_rows(g, begin, end);
}

void blas_gemv(num_t dt, const void *alpha, struct matrix a, struct vector x, const void *beta,
               struct vector y)
{
    struct gemv g = {dt, alpha, beta, a, x, y};
    double work = (double)a.rows * (double)a.columns;
    uint32_t most = (uint32_t)(a.rows < 64 ? 1 : a.rows / 32 > 4096 ? 4096 : a.rows / 32);
    uint32_t threads = grant_now(work / GEMV_PER_THREAD);
    grant_team(threads < most ? threads : most, gemv_member, &g);
}

/* ---- vectors ----------------------------------------------------------------------------- */

struct dot {
    num_t dt;
    struct vector x, y;
    dim_t block, blocks;
    char *partial;
};

static void dot_range(const struct dot *d, dim_t begin, dim_t end, void *out)
{
    inc_t size = (inc_t)bli_dt_size(d->dt);
    bli_dotv_ex_qfp(d->dt)(d->x.conj, d->y.conj, end - begin,
                           d->x.data + begin * d->x.stride * size, d->x.stride,
                           d->y.data + begin * d->y.stride * size, d->y.stride, out, NULL, NULL);
}

static void dot_member(void *ctx, uint32_t member, uint32_t team)
{
    const struct dot *d = ctx;
    dim_t begin = d->blocks * member / team, end = d->blocks * (member + 1) / team;
    for (dim_t b = begin; b < end; b++) {
        dim_t from = b * d->block, to = from + d->block;
        dot_range(d, from, to < d->x.count ? to : d->x.count,
                  d->partial + b * (inc_t)bli_dt_size(d->dt));
    }
}

void blas_dot(num_t dt, struct vector x, struct vector y, void *out)
{
    dcomplex partial[DOT_BLOCKS_MAX];
    dim_t block = DOT_BLOCK;
    while ((x.count + block - 1) / block > DOT_BLOCKS_MAX)
        block *= 2;
    struct dot d = {dt, x, y, block, (x.count + block - 1) / block, (char *)partial};
    if (d.blocks < 2) {
        dot_range(&d, 0, x.count, out);
        return;
    }
    grant_team(grant_now((double)x.count / DOT_PER_THREAD), dot_member, &d);
    struct vector sums = {d.partial, d.blocks, 1, BLIS_NO_CONJUGATE};
    struct vector ones = {(char *)blas_one(dt), d.blocks, 0, BLIS_NO_CONJUGATE};
    struct dot total = {dt, sums, ones, 0, 0, NULL};
    dot_range(&total, 0, d.blocks, out);
}

void blas_axpy(num_t dt, const void *alpha, struct vector x, struct vector y)
{
    bli_axpyv_ex_qfp(dt)(x.conj, x.count, (void *)alpha, x.data, x.stride, y.data, y.stride, NULL,
                         NULL);
}

void blas_copy(num_t dt, struct vector x, struct vector y)
{
    bli_copyv_ex_qfp(dt)(x.conj, x.count, x.data, x.stride, y.data, y.stride, NULL, NULL);
}
