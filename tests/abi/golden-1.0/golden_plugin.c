/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plugin as it was written for ABI 1.0: built from the frozen headers beside it, and loaded by
 * today's library. Never edited. It adds doubles, and checks what 1.0 promised it.
 */
#include <string.h>
#include <treadle/plugin.h>

static int golden_state;

static int32_t add(struct treadle_call *call)
{
    const struct treadle_array *a = &call->args[0], *b = &call->args[1], *out = &call->args[2];
    if (call->struct_size < sizeof *call || call->state != &golden_state ||
        call->kernel != &golden_state || call->nargs != 3 || call->nin != 2 ||
        call->threads_max < 1 || call->threads_used != 1 || !call->host)
        return TREADLE_E_FAILED;
    if (out->ndim > 1)
        return TREADLE_E_DECLINED;
    int64_t n = out->ndim ? out->shape[0] : 1;
    for (int64_t i = 0; i < n; i++) {
        double x, y;
        memcpy(&x, (char *)a->data + (a->ndim ? i * a->strides[0] : 0), sizeof x);
        memcpy(&y, (char *)b->data + (b->ndim ? i * b->strides[0] : 0), sizeof y);
        x += y;
        memcpy((char *)out->data + (out->ndim ? i * out->strides[0] : 0), &x, sizeof x);
    }
    return TREADLE_OK;
}

static const struct treadle_dtype doubles[3] = {
    {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}};

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    if (state != &golden_state || strcmp(query->op, "add") || query->ntypes != 3 ||
        memcmp(query->dtypes, doubles, sizeof doubles))
        return TREADLE_E_DECLINED;
    kernel->run = add;
    kernel->kernel = &golden_state;
    kernel->variant = "golden";
    kernel->threads_useful = 1;
    return TREADLE_OK;
}

static int32_t list_kernel(void *state, uint32_t i, struct treadle_query *query)
{
    (void)state;
    if (i > 0)
        return TREADLE_E_DECLINED;
    query->op = "add";
    query->dtypes = doubles;
    query->ntypes = 3;
    query->nin = 2;
    return TREADLE_OK;
}

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    void *memory = host->alloc(host, 100, 64);
    int aligned = memory && (uintptr_t)memory % 64 == 0;
    host->release(host, memory);
    host->release(host, NULL);
    host->log(host, 2, "golden 1.0");
    if (!aligned || options[0] || host->struct_size < sizeof *host ||
        host->get_service(host, "org.test.none/1")) {
        strncpy(error->message, "a service of the host is wrong", error->capacity - 1);
        return TREADLE_E_FAILED;
    }
    *state = &golden_state;
    return TREADLE_OK;
}

static void destroy(void *state)
{
    (void)state;
}

static const struct treadle_plugin table = {
    .struct_size = sizeof(struct treadle_plugin),
    .abi_minor = TREADLE_ABI_MINOR,
    .id = "golden",
    .version = "1.0",
    .vendor = "tests",
    .cpu_required = "",
    .create = create,
    .destroy = destroy,
    .find_kernel = find_kernel,
    .list_kernel = list_kernel,
};

TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void);
TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void)
{
    return &table;
}
