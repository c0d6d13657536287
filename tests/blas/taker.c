/* SPDX-License-Identifier: BSD-3-Clause */
#include "taker.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

struct taker_log taken;
const char *taker_name = "";
treadle_routine_fn taker_fn;

static double element(const double *a, int64_t ld, bool by_rows, int64_t i, int64_t j)
{
    return by_rows ? a[i * ld + j] : a[i + j * ld];
}

static void multiply(bool rows_a, bool rows_b, bool rows_c, int64_t m, int64_t n, int64_t k,
                     double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
                     double beta, double *c, int64_t ldc)
{
    taken.gemm++;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0, *out = &c[rows_c ? i * ldc + j : i + j * ldc];
            for (int64_t l = 0; l < k; l++)
                sum += element(a, lda, rows_a, i, l) * element(b, ldb, rows_b, l, j);
            *out = alpha * sum + beta * *out;
        }
}

#define PRODUCTS(bits)                                                                             \
    static void dgemm_##bits(const char *ta, const char *tb, const int##bits##_t *m,               \
                             const int##bits##_t *n, const int##bits##_t *k, const double *alpha,  \
                             const double *a, const int##bits##_t *lda, const double *b,           \
                             const int##bits##_t *ldb, const double *beta, double *c,              \
                             const int##bits##_t *ldc)                                             \
    {                                                                                              \
        multiply(*ta != 'N', *tb != 'N', false, *m, *n, *k, *alpha, a, *lda, b, *ldb, *beta, c,    \
                 *ldc);                                                                            \
    }                                                                                              \
    static void cblas_dgemm_##bits(int order, int ta, int tb, int##bits##_t m, int##bits##_t n,    \
                                   int##bits##_t k, double alpha, const double *a,                 \
                                   int##bits##_t lda, const double *b, int##bits##_t ldb,          \
                                   double beta, double *c, int##bits##_t ldc)                      \
    {                                                                                              \
        bool rows = order == 101;                                                                  \
        multiply(rows == (ta == 111), rows == (tb == 111), rows, m, n, k, alpha, a, lda, b, ldb,   \
                 beta, c, ldc);                                                                    \
    }
PRODUCTS(32)
PRODUCTS(64)

static treadle_routine_fn find(void *state, const char *name, uint32_t int_bits)
{
    (void)state;
    taken.int_bits = int_bits;
    if (!strcmp(name, "dgemm_"))
        return int_bits == 64 ? (treadle_routine_fn)dgemm_64 : (treadle_routine_fn)dgemm_32;
    if (!strcmp(name, "cblas_dgemm"))
        return int_bits == 64 ? (treadle_routine_fn)cblas_dgemm_64
                              : (treadle_routine_fn)cblas_dgemm_32;
    return strcmp(name, taker_name) ? NULL : taker_fn;
}

static void enter(struct treadle_call *call)
{
    taken.inside++;
    taken.threads = call->threads_max;
}

static void leave(struct treadle_call *call)
{
    (void)call;
    taken.inside--;
}

static const void *get_extension(void *state, const char *id)
{
    static const struct treadle_routines routines = {
        .struct_size = sizeof routines, .find = find, .enter = enter, .leave = leave};
    (void)state;
    return strcmp(id, TREADLE_ROUTINES_ID) ? NULL : &routines;
}

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)host, (void)options, (void)error;
    *state = NULL;
    return TREADLE_OK;
}

static void destroy(void *state)
{
    (void)state;
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    (void)state, (void)query, (void)kernel;
    return TREADLE_E_DECLINED;
}

static const struct treadle_plugin *table(void)
{
    static const struct treadle_plugin plugin = {
        .struct_size = sizeof plugin,
        .abi_minor = TREADLE_ABI_MINOR,
        .flags = TREADLE_PLUGIN_FORK_SAFE,
        .id = "taker",
        .version = "1",
        .vendor = "test",
        .cpu_required = "",
        .create = create,
        .destroy = destroy,
        .find_kernel = find_kernel,
        .get_extension = get_extension,
    };
    return &plugin;
}

void taker_install(void)
{
    cr_assert_eq(treadle_register(table), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("taker"), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_num_threads(2), TREADLE_OK, "%s", treadle_last_error());
}
