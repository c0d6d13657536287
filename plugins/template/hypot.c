/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole backend: one operation, org.example.hypot, out = sqrt(x * x + y * y) for float64.
 * Copy this file, change the op, its types and hypot_row(), and pick an id of your own.
 */
#include <math.h>
#include <string.h>

#include <treadle/plugin.h>

#define OP "org.example.hypot"

static const struct treadle_dtype hypot_types[] = {
    {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}};

/* ---- the arithmetic: one axis of n elements, strides in bytes ------------------------------ */

static void hypot_row(int64_t n, const char *x, int64_t x_stride, const char *y, int64_t y_stride,
                      char *out, int64_t out_stride)
{
    for (int64_t i = 0; i < n; i++) {
        double a, b, r;
        memcpy(&a, x + i * x_stride, sizeof(a)); /* operands need not be aligned */
        memcpy(&b, y + i * y_stride, sizeof(b));
        r = hypot(a, b);
        memcpy(out + i * out_stride, &r, sizeof(r));
    }
}

/* All axes before the last one. */
static void hypot_axis(const struct treadle_array *args, int32_t axis, char *x, char *y, char *out)
{
    const int64_t *sx = args[0].strides, *sy = args[1].strides, *so = args[2].strides;
    const int64_t n = axis < args[2].ndim ? args[2].shape[axis] : 1;
    if (axis >= args[2].ndim) {
        hypot_row(1, x, 0, y, 0, out, 0);
    } else if (axis == args[2].ndim - 1) {
        hypot_row(n, x, sx[axis], y, sy[axis], out, so[axis]);
    } else {
        for (int64_t i = 0; i < n; i++)
            hypot_axis(args, axis + 1, x + i * sx[axis], y + i * sy[axis], out + i * so[axis]);
    }
}

static int same_shape(const struct treadle_array *a, const struct treadle_array *b)
{
    if (a->ndim != b->ndim)
        return 0;
    for (int32_t axis = 0; axis < a->ndim; axis++)
        if (a->shape[axis] != b->shape[axis])
            return 0;
    return 1;
}

/* The host knows nothing of this op: operands come as the user gave them. Declining is safe. */
static int32_t hypot_run(struct treadle_call *call)
{
    const struct treadle_array *args = call->args;
    if (!same_shape(&args[0], &args[2]) || !same_shape(&args[1], &args[2]))
        return TREADLE_E_DECLINED;
    hypot_axis(args, 0, args[0].data, args[1].data, args[2].data);
    call->threads_used = 1; /* never more than call->threads_max */
    return TREADLE_OK;
}

/* ---- the table ------------------------------------------------------------------------------ */

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
    (void)state;
    if (strcmp(query->op, OP) != 0 || query->nin != 2 || query->ntypes != 3)
        return TREADLE_E_DECLINED;
    if (memcmp(query->dtypes, hypot_types, sizeof(hypot_types)) != 0)
        return TREADLE_E_DECLINED;
    kernel->run = hypot_run;
    kernel->variant = "libm";
    kernel->threads_useful = 1;
    return TREADLE_OK;
}

static int32_t list_kernel(void *state, uint32_t i, struct treadle_query *query)
{
    (void)state;
    if (i > 0)
        return TREADLE_E_DECLINED;
    query->op = OP;
    query->dtypes = hypot_types;
    query->ntypes = 3;
    query->nin = 2;
    return TREADLE_OK;
}

static int32_t after_fork_child(void *state)
{
    (void)state;
    return TREADLE_OK;
}

static const struct treadle_plugin plugin = {
    .struct_size = sizeof(plugin),
    .abi_minor = TREADLE_ABI_MINOR,
    .flags = TREADLE_PLUGIN_FORK_SAFE, /* no threads, no locks */
    .id = "template",
    .version = "0.1.0",
    .vendor = "example.org",
    .cpu_required = "",
    .create = create,
    .destroy = destroy,
    .find_kernel = find_kernel,
    .list_kernel = list_kernel,
    .after_fork_child = after_fork_child,
};

TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void);

const struct treadle_plugin *treadle_plugin_v1(void)
{
    return &plugin;
}
