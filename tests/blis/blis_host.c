/* SPDX-License-Identifier: BSD-3-Clause */
#include "blis_host.h"

#include <dlfcn.h>
#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct treadle_plugin *plugin;
static void *state;
uint32_t blis_threads_now = UINT32_MAX, blis_cores;
static __thread char message[256];

static void *host_alloc(const struct treadle_host *host, uint64_t size, uint64_t align)
{
    (void)host;
    void *memory = NULL;
    return posix_memalign(&memory, align < sizeof memory ? sizeof memory : align, size) ? NULL
                                                                                        : memory;
}

static void host_release(const struct treadle_host *host, void *memory)
{
    (void)host;
    free(memory);
}

static void host_log(const struct treadle_host *host, int32_t level, const char *line)
{
    (void)host;
    fprintf(stderr, "# log %d: %s\n", level, line);
}

static uint32_t host_threads_now(const struct treadle_host *host, const struct treadle_call *call)
{
    (void)host;
    return call->threads_max < blis_threads_now ? call->threads_max : blis_threads_now;
}

__attribute__((noreturn)) static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* ---- a team of new threads ------------------------------------------------------------------- */

bool blis_team_fails;

enum { TEAM_MAX = 16 };

struct member {
    treadle_member_fn fn;
    void *ctx;
    uint32_t number, team;
    fenv_t env;
    int raised;
};

static void *member_run(void *arg)
{
    struct member *m = arg;
    fesetenv(&m->env);
    feclearexcept(FE_ALL_EXCEPT);
    m->fn(m->ctx, m->number, m->team);
    m->raised = fetestexcept(FE_ALL_EXCEPT);
    return NULL;
}

static uint32_t team_run(const struct treadle_host *host, const struct treadle_call *call,
                         uint32_t threads, treadle_member_fn fn, void *ctx)
{
    (void)host;
    pthread_t ids[TEAM_MAX];
    struct member members[TEAM_MAX];
    uint32_t team = blis_team_fails || threads > TEAM_MAX ? 1 : threads;
    if (threads > call->threads_max && threads > blis_cores)
        give_up("team", "more threads than granted");
    for (uint32_t i = 1; i < team; i++) {
        members[i] = (struct member){.fn = fn, .ctx = ctx, .number = i, .team = team};
        fegetenv(&members[i].env);
        if (pthread_create(&ids[i], NULL, member_run, &members[i]))
            give_up("team", "no thread");
    }
    fn(ctx, 0, team);
    for (uint32_t i = 1; i < team; i++) {
        pthread_join(ids[i], NULL);
        feraiseexcept(members[i].raised);
    }
    return team;
}

static uint32_t retake(const struct treadle_host *host, const struct treadle_call *call)
{
    return blis_cores ? blis_cores : host_threads_now(host, call);
}

static const void *host_get_service(const struct treadle_host *host, const char *id)
{
    (void)host;
    static const struct treadle_team team = {.struct_size = sizeof team, .run = team_run};
    static const struct treadle_cores cores = {.struct_size = sizeof cores, .retake = retake};
    if (strcmp(id, TREADLE_CORES_ID) == 0)
        return &cores;
    return strcmp(id, TREADLE_TEAM_ID) == 0 ? &team : NULL;
}

static const struct treadle_host the_host = {.struct_size = sizeof the_host,
                                             .name = "test",
                                             .version = "0",
                                             .alloc = host_alloc,
                                             .release = host_release,
                                             .log = host_log,
                                             .threads_now = host_threads_now,
                                             .get_service = host_get_service};

const struct treadle_host *blis_host(void)
{
    return &the_host;
}

const struct treadle_plugin *blis_plugin(void)
{
    if (plugin)
        return plugin;
    void *library = dlopen(BLIS_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        give_up("dlopen", dlerror());
    treadle_plugin_fn entry;
    *(void **)&entry = dlsym(library, TREADLE_ENTRY_NAME);
    if (!entry)
        give_up("dlsym", dlerror());
    const struct treadle_plugin *found = entry();
    struct treadle_error error = {.message = message, .capacity = sizeof message};
    if (found->create(&the_host, "", &state, &error))
        give_up("create", message);
    return plugin = found;
}

void *blis_state(void)
{
    blis_plugin();
    return state;
}

const char *blis_error(void)
{
    return message;
}

static const struct treadle_dtype dtypes[BLIS_TYPES] = {{TREADLE_FLOAT, 32, 1},
                                                        {TREADLE_FLOAT, 64, 1},
                                                        {TREADLE_COMPLEX, 64, 1},
                                                        {TREADLE_COMPLEX, 128, 1}};

void blis_array(struct blis_array *x, enum blis_type type, void *data, int32_t ndim,
                const int64_t *shape)
{
    int64_t stride = dtypes[type].bits / 8;
    memset(x, 0, sizeof *x);
    x->array.data = data;
    x->array.ndim = ndim;
    x->array.dtype = dtypes[type];
    x->array.itemsize = dtypes[type].bits / 8;
    for (int32_t axis = ndim - 1; axis >= 0; axis--) {
        x->shape[axis] = shape[axis];
        x->strides[axis] = stride;
        stride *= shape[axis];
    }
}

int32_t blis_run(const char *op, struct blis_array *const *args, uint32_t nargs, uint32_t nin,
                 uint32_t flags, uint32_t threads, uint32_t *used)
{
    struct treadle_array arrays[4];
    struct treadle_dtype types[4];
    for (uint32_t i = 0; i < nargs; i++) {
        arrays[i] = args[i]->array;
        arrays[i].shape = args[i]->shape;
        arrays[i].strides = args[i]->strides;
        types[i] = arrays[i].dtype;
    }
    struct treadle_query query = {sizeof query, 0, op, types, nargs, nin};
    struct treadle_kernel kernel = {.struct_size = sizeof kernel};
    int32_t status = blis_plugin()->find_kernel(state, &query, &kernel);
    if (status)
        return status;
    struct treadle_error error = {sizeof error, 0, message, sizeof message};
    struct treadle_linalg attrs = {sizeof attrs, flags};
    struct treadle_call call = {.struct_size = sizeof call,
                                .host = &the_host,
                                .state = state,
                                .kernel = kernel.kernel,
                                .args = arrays,
                                .nargs = nargs,
                                .nin = nin,
                                .attrs = &attrs,
                                .threads_max = threads,
                                .threads_used = 1,
                                .error = &error};
    message[0] = 0;
    status = kernel.run(&call);
    if (used)
        *used = call.threads_used;
    return status;
}
