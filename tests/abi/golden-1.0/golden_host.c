/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host as it was written for ABI 1.0: built from the frozen headers beside it, it loads one of
 * today's plugins by path, lists what it has, and adds, sums and multiplies with it, as far as it
 * has the kernels, on two threads at most. Never edited.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/plugin.h>

enum { N = 10 };

static const struct treadle_dtype doubles[3] = {
    {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}};

static void stop(const char *what, const char *detail)
{
    fprintf(stderr, "%s: %s\n", what, detail);
    exit(1);
}

static void *host_alloc(const struct treadle_host *host, uint64_t size, uint64_t align)
{
    void *memory;
    (void)host;
    return posix_memalign(&memory, align < 16 ? 16 : align, size) ? NULL : memory;
}

static void host_release(const struct treadle_host *host, void *memory)
{
    (void)host;
    free(memory);
}

static void host_log(const struct treadle_host *host, int32_t level, const char *line)
{
    (void)host;
    fprintf(stderr, "%d: %s\n", level, line);
}

static int32_t host_parallel(const struct treadle_host *host, const struct treadle_call *call,
                             uint32_t ntasks, treadle_task_fn fn, void *ctx)
{
    (void)host, (void)call;
    for (uint32_t task = 0; task < ntasks; task++)
        fn(ctx, task, 0);
    return TREADLE_OK;
}

static uint32_t host_threads_now(const struct treadle_host *host, const struct treadle_call *call)
{
    (void)host;
    return call->threads_max;
}

static const void *host_service(const struct treadle_host *host, const char *id)
{
    (void)host, (void)id;
    return NULL;
}

static const struct treadle_host host = {
    .struct_size = sizeof(struct treadle_host),
    .abi_minor = TREADLE_ABI_MINOR,
    .name = "golden",
    .version = "1.0",
    .alloc = host_alloc,
    .release = host_release,
    .log = host_log,
    .parallel = host_parallel,
    .threads_now = host_threads_now,
    .get_service = host_service,
};

/* The table as an old host sees it: its own size, whatever the plugin's. */
static struct treadle_plugin import(const char *path)
{
    struct treadle_plugin plugin;
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!object)
        stop("dlopen", dlerror());
    treadle_plugin_fn entry;
    *(void **)&entry = dlsym(object, TREADLE_ENTRY_NAME);
    if (!entry)
        stop(path, "no " TREADLE_ENTRY_NAME);
    const struct treadle_plugin *table = entry();
    uint32_t known = table->struct_size < sizeof plugin ? table->struct_size : sizeof plugin;
    memset(&plugin, 0, sizeof plugin);
    memcpy(&plugin, table, known);
    if (!plugin.id || !plugin.version || !plugin.vendor || !plugin.cpu_required || !plugin.create ||
        !plugin.destroy || !plugin.find_kernel)
        stop(path, "a required member is missing");
    return plugin;
}

/* 0: no such kernel. */
static int run(const struct treadle_plugin *plugin, void *state, const char *op,
               const struct treadle_array *args, uint32_t nargs, const void *attrs)
{
    char text[256] = "";
    struct treadle_error error = {.struct_size = sizeof error, .message = text, .capacity = 256};
    struct treadle_query query = {.struct_size = sizeof query,
                                  .op = op,
                                  .dtypes = doubles,
                                  .ntypes = nargs,
                                  .nin = nargs - 1};
    struct treadle_kernel kernel = {.struct_size = sizeof kernel};
    if (plugin->find_kernel(state, &query, &kernel) != TREADLE_OK)
        return 0;
    struct treadle_call call = {
        .struct_size = sizeof call,
        .host = &host,
        .state = state,
        .kernel = kernel.kernel,
        .args = args,
        .nargs = nargs,
        .nin = nargs - 1,
        .attrs = attrs,
        .threads_max = 2,
        .threads_used = 1,
        .error = &error,
    };
    int32_t status = kernel.run(&call);
    if (status == TREADLE_E_DECLINED)
        return 0;
    if (status != TREADLE_OK)
        stop(op, text);
    if (call.threads_used < 1 || call.threads_used > 2)
        stop(op, "used more threads than allowed, or none");
    return 1;
}

static struct treadle_array array_of(double *data, const int64_t *shape, const int64_t *strides,
                                     int32_t ndim)
{
    return (struct treadle_array){.data = data,
                                  .shape = shape,
                                  .strides = strides,
                                  .ndim = ndim,
                                  .dtype = doubles[0],
                                  .itemsize = sizeof(double)};
}

static int add(const struct treadle_plugin *plugin, void *state)
{
    double x[N * N], y[N * N], z[N * N];
    const int64_t shape = N * N, stride = sizeof(double);
    for (int i = 0; i < N * N; i++)
        x[i] = i, y[i] = 0.5, z[i] = -1;
    const struct treadle_array args[3] = {array_of(x, &shape, &stride, 1),
                                          array_of(y, &shape, &stride, 1),
                                          array_of(z, &shape, &stride, 1)};
    if (!run(plugin, state, "add", args, 3, NULL))
        return 0;
    for (int i = 0; i < N * N; i++)
        if (z[i] != i + 0.5)
            stop("add", "wrong result");
    return 1;
}

static int sum(const struct treadle_plugin *plugin, void *state)
{
    double x[N * N], total = -1;
    const int64_t shape = N * N, stride = sizeof(double), one = 1, zero = 0;
    const struct treadle_reduction all = {.struct_size = sizeof all, .axes = 1};
    for (int i = 0; i < N * N; i++)
        x[i] = i;
    const struct treadle_array args[2] = {array_of(x, &shape, &stride, 1),
                                          array_of(&total, &one, &zero, 1)};
    if (!run(plugin, state, "sum", args, 2, &all))
        return 0;
    if (total != N * N * (N * N - 1) / 2)
        stop("sum", "wrong result");
    return 1;
}

static int matmul(const struct treadle_plugin *plugin, void *state)
{
    double x[N * N], identity[N * N], z[N * N];
    const int64_t shape[2] = {N, N}, strides[2] = {N * sizeof(double), sizeof(double)};
    for (int i = 0; i < N * N; i++)
        x[i] = i, identity[i] = i % (N + 1) == 0, z[i] = -1;
    const struct treadle_array args[3] = {array_of(x, shape, strides, 2),
                                          array_of(identity, shape, strides, 2),
                                          array_of(z, shape, strides, 2)};
    if (!run(plugin, state, "matmul", args, 3, NULL))
        return 0;
    if (memcmp(x, z, sizeof x))
        stop("matmul", "wrong result");
    return 1;
}

static uint32_t list(const struct treadle_plugin *plugin, void *state)
{
    struct treadle_query query = {.struct_size = sizeof query};
    uint32_t count = 0;
    while (plugin->list_kernel && plugin->list_kernel(state, count, &query) == TREADLE_OK) {
        if (!query.op || query.nin > query.ntypes)
            stop("list_kernel", "a nameless op, or more inputs than operands");
        count++;
    }
    return count;
}

int main(int argc, char **argv)
{
    char text[256] = "";
    struct treadle_error error = {.struct_size = sizeof error, .message = text, .capacity = 256};
    volatile double tiny = 1e-310;
    void *state = NULL;
    if (argc != 2)
        stop("usage", "golden_host PLUGIN.so");
    struct treadle_plugin plugin = import(argv[1]);
    int32_t status = plugin.create(&host, "", &state, &error);
    if (tiny / 2 == 0)
        stop(argv[1], "loading it switched denormals off");
    if (status != TREADLE_OK && !text[0])
        stop(argv[1], "create() failed without a word");
    if (status != TREADLE_OK) {
        printf("%s does not want to work here: %s\n", plugin.id, text);
        return 0;
    }
    uint32_t listed = list(&plugin, state);
    int ran = add(&plugin, state) + sum(&plugin, state) + matmul(&plugin, state);
    printf("%s %s: %u kernels listed, %d of 3 ops ran\n", plugin.id, plugin.version, listed, ran);
    plugin.destroy(state);
    return 0;
}
