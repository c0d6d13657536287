/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin: products by BLIS, linear algebra by LAPACK on top of it. */
#include <blis.h>
#include <string.h>

#include <treadle/plugin.h>

#include "grant.h"
#include "hooks.h"
#include "linalg.h"
#include "message.h"
#include "product.h"
#include "routines.h"
#include "template.h"

/* The types, in the order of LAPACK's letters s, d, c, z. */
enum { TYPES = 4, OPERANDS_MAX = 4 };
static const num_t numbers[TYPES] = {BLIS_FLOAT, BLIS_DOUBLE, BLIS_SCOMPLEX, BLIS_DCOMPLEX};

/* A row of dtypes per type: T is the type itself, R its real part. */
#define F32                                                                                        \
    {                                                                                              \
        TREADLE_FLOAT, 32, 1                                                                       \
    }
#define F64                                                                                        \
    {                                                                                              \
        TREADLE_FLOAT, 64, 1                                                                       \
    }
#define C64                                                                                        \
    {                                                                                              \
        TREADLE_COMPLEX, 64, 1                                                                     \
    }
#define C128                                                                                       \
    {                                                                                              \
        TREADLE_COMPLEX, 128, 1                                                                    \
    }
#define ROW_TTTT(T, R)                                                                             \
    {                                                                                              \
        T, T, T, T                                                                                 \
    }
#define ROW_TRTT(T, R)                                                                             \
    {                                                                                              \
        T, R, T, T                                                                                 \
    }
#define ROW_TTRT(T, R)                                                                             \
    {                                                                                              \
        T, T, R, T                                                                                 \
    }
#define DTYPES(ROW)                                                                                \
    {                                                                                              \
        ROW(F32, F32), ROW(F64, F64), ROW(C64, F32), ROW(C128, F64)                                \
    }
static const struct treadle_dtype same[TYPES][OPERANDS_MAX] = DTYPES(ROW_TTTT);
static const struct treadle_dtype real_second[TYPES][OPERANDS_MAX] = DTYPES(ROW_TRTT);
static const struct treadle_dtype real_third[TYPES][OPERANDS_MAX] = DTYPES(ROW_TTRT);

struct op {
    const char *name;
    const struct treadle_dtype (*dtypes)[OPERANDS_MAX];
    uint32_t nargs, nin;
    int32_t (*run[TYPES])(struct treadle_call *call);
};

#define ALL(run)                                                                                   \
    {                                                                                              \
        run, run, run, run                                                                         \
    }
#define EACH(run)                                                                                  \
    {                                                                                              \
        run##_s, run##_d, run##_c, run##_z                                                         \
    }
static const struct op ops[] = {
    {"matmul", same, 3, 2, ALL(product_matmul)},
    {"dot", same, 3, 2, ALL(product_dot)},
    {"svd", real_third, 4, 1, EACH(svd)},
    {"svd", real_second, 2, 1, EACH(svd_values)},
    {"qr", same, 3, 1, EACH(qr)},
    {"eigh", real_second, 3, 1, EACH(eigh)},
    {"solve", same, 3, 2, EACH(solve)},
    {"cholesky", same, 2, 1, EACH(cholesky)},
    {"inv", same, 2, 1, EACH(inv)},
};

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)options;
    grant_start(host);
    if (hooks_start()) {
        *state = (void *)ops;
        return TREADLE_OK;
    }
    return treadle_fail(error, TREADLE_E_PLUGIN,
                        "built with BLIS %s, but made for " HOOKS_BLIS_VERSION,
                        bli_info_get_version_str());
}

/* BLIS stays: its memory is the plugin's, and another create() may follow. */
static void destroy(void *state)
{
    (void)state;
}

static bool takes(const struct op *op, size_t type, const struct treadle_query *query)
{
    return !strcmp(op->name, query->op) && op->nargs == query->ntypes && op->nin == query->nin &&
           !memcmp(op->dtypes[type], query->dtypes, op->nargs * sizeof *query->dtypes);
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    (void)state;
    for (size_t i = 0; i < TREADLE_COUNT_OF(ops); i++) {
        for (size_t type = 0; query->dtypes && type < TYPES; type++) {
            if (takes(&ops[i], type, query)) {
                kernel->run = ops[i].run[type];
                kernel->kernel = &numbers[type];
                kernel->variant = hooks_arch();
                return TREADLE_OK;
            }
        }
    }
    return TREADLE_E_DECLINED;
}

static int32_t list_kernel(void *state, uint32_t i, struct treadle_query *query)
{
    (void)state;
    if (i >= TREADLE_COUNT_OF(ops) * TYPES)
        return TREADLE_E_DECLINED;
    const struct op *op = &ops[i / TYPES];
    query->op = op->name;
    query->dtypes = op->dtypes[i % TYPES];
    query->ntypes = op->nargs;
    query->nin = op->nin;
    return TREADLE_OK;
}

static int32_t after_fork_child(void *state)
{
    (void)state;
    hooks_after_fork();
    return TREADLE_OK;
}

static const void *get_extension(void *state, const char *id)
{
    (void)state;
    return strcmp(id, TREADLE_ROUTINES_ID) ? NULL : &routines;
}

static const struct treadle_plugin plugin = {
    .struct_size = sizeof(struct treadle_plugin),
    .abi_minor = TREADLE_ABI_MINOR,
    .flags = TREADLE_PLUGIN_FORK_SAFE,
    .id = "blis",
    .version = TREADLE_VERSION,
    .vendor = "Treadle",
    .cpu_required = "",
    .create = create,
    .destroy = destroy,
    .find_kernel = find_kernel,
    .list_kernel = list_kernel,
    .after_fork_child = after_fork_child,
    .get_extension = get_extension,
};

TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void);
TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void)
{
    return &plugin;
}
