/* SPDX-License-Identifier: BSD-3-Clause */
/* Adopts the OpenBLAS that the process already has (NumPy's, say) and governs its thread count.
 * Whether there is one is looked up at each question: it may be loaded later than this plugin. */
#include <stdlib.h>
#include <string.h>

#include "govern.h"
#include "openblas_product.h"

enum { OP_DOT, OP_MATMUL, OP_COUNT };

static const char *const op_names[OP_COUNT] = {"dot", "matmul"};

struct state {
    struct governor governor;
    pthread_mutex_t lock;
    struct product products[PRODUCT_TYPES];
    bool ready[PRODUCT_TYPES];
};

/* ---- ops -------------------------------------------------------------------------------- */

static int32_t run(struct treadle_call *call,
                   int32_t (*op)(const struct product *, const struct treadle_array *))
{
    struct state *state = call->state;
    governor_enter(&state->governor, call);
    int32_t status = op(call->kernel, call->args);
    governor_leave(&state->governor, call);
    return status;
}

static int32_t run_dot(struct treadle_call *call)
{
    return run(call, product_dot);
}

static int32_t run_matmul(struct treadle_call *call)
{
    return run(call, product_matmul);
}

static const struct library *any_library(struct state *state)
{
    const struct library *library = governor_library(&state->governor, 64);
    return library ? library : governor_library(&state->governor, 32);
}

/* Once filled in a product stays as it is: hosts keep pointers to it. */
static const struct product *product_of(struct state *state, uint32_t type)
{
    const struct library *library = any_library(state);
    if (!library)
        return NULL;
    pthread_mutex_lock(&state->lock);
    if (!state->ready[type])
        state->ready[type] = product_init(&state->products[type], library, type);
    bool ready = state->ready[type];
    pthread_mutex_unlock(&state->lock);
    return ready ? &state->products[type] : NULL;
}

static int type_of(const struct treadle_query *query)
{
    if (query->ntypes != 3 || query->nin != 2)
        return -1;
    for (int type = 0; type < PRODUCT_TYPES; type++) {
        int same = 0;
        for (int i = 0; i < 3; i++)
            same += !memcmp(&query->dtypes[i], &product_dtypes[type], sizeof *query->dtypes);
        if (same == 3)
            return type;
    }
    return -1;
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    for (int op = 0; op < OP_COUNT; op++) {
        if (strcmp(query->op, op_names[op]))
            continue;
        int type = type_of(query);
        const struct product *product = type < 0 ? NULL : product_of(state, (uint32_t)type);
        if (!product)
            return TREADLE_E_DECLINED;
        kernel->flags = TREADLE_KERNEL_PROCESS_THREADS;
        kernel->run = op == OP_DOT ? run_dot : run_matmul;
        kernel->kernel = product;
        kernel->variant = product->int_bits == 64 ? "adopted ilp64" : "adopted lp64";
        return TREADLE_OK;
    }
    return TREADLE_E_DECLINED;
}

static int32_t list_kernel(void *state, uint32_t i, struct treadle_query *query)
{
    static struct treadle_dtype dtypes[PRODUCT_TYPES][3];
    if (i >= OP_COUNT * PRODUCT_TYPES || !product_of(state, i % PRODUCT_TYPES))
        return TREADLE_E_DECLINED;
    uint32_t type = i % PRODUCT_TYPES;
    for (int k = 0; k < 3; k++)
        dtypes[type][k] = product_dtypes[type];
    query->op = op_names[i / PRODUCT_TYPES];
    query->dtypes = dtypes[type];
    query->ntypes = 3;
    query->nin = 2;
    return TREADLE_OK;
}

/* ---- routines --------------------------------------------------------------------------- */

static treadle_routine_fn find_routine(void *state, const char *name, uint32_t int_bits)
{
    const struct library *library = governor_library(&((struct state *)state)->governor, int_bits);
    return library ? library_find(library, name) : NULL;
}

static void enter(struct treadle_call *call)
{
    governor_enter(&((struct state *)call->state)->governor, call);
}

static void leave(struct treadle_call *call)
{
    governor_leave(&((struct state *)call->state)->governor, call);
}

static void adapt(void *state)
{
    governor_adapt(&((struct state *)state)->governor);
}

static const void *get_extension(void *state, const char *id)
{
    static const struct treadle_routines routines = {.struct_size = sizeof routines,
                                                     .flags = TREADLE_KERNEL_PROCESS_THREADS,
                                                     .find = find_routine,
                                                     .enter = enter,
                                                     .leave = leave,
                                                     .adapt = adapt};
    (void)state;
    return strcmp(id, TREADLE_ROUTINES_ID) ? NULL : &routines;
}

/* ---- life ------------------------------------------------------------------------------- */

static int32_t create(const struct treadle_host *host, const char *options, void **out,
                      struct treadle_error *error)
{
    (void)options;
    (void)error;
    struct state *state = calloc(1, sizeof *state);
    if (!state)
        return TREADLE_E_NOMEM;
    pthread_mutex_init(&state->lock, NULL);
    pthread_mutex_init(&state->governor.lock, NULL);
    state->governor.cores = host->get_service ? host->get_service(host, TREADLE_CORES_ID) : NULL;
    if (!any_library(state))
        host->log(host, 2,
                  "openblas: this process has loaded no OpenBLAS yet (a threaded one, not built "
                  "on OpenMP); it has no operations until one is");
    *out = state;
    return TREADLE_OK;
}

static void destroy(void *opaque)
{
    struct state *state = opaque;
    if (!state)
        return;
    free(state->governor.active);
    free(state);
}

static int32_t after_fork_child(void *opaque)
{
    struct state *state = opaque;
    pthread_mutex_init(&state->lock, NULL);
    governor_after_fork(&state->governor);
    return TREADLE_OK;
}

static const struct treadle_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TREADLE_ABI_MINOR,
    .flags = TREADLE_PLUGIN_FORK_SAFE,
    .id = "openblas",
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

const struct treadle_plugin *treadle_plugin_v1(void)
{
    return &plugin;
}
