/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plugin that is honest as it stands (add, sqrt and sum of float64), and broken in one way for
 * each -DBROKEN_...; test_check.py builds them all and says which test has to notice.
 */
#include <fcntl.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xmmintrin.h>

#include <treadle/plugin.h>

#ifndef ID
#define ID "broken"
#endif

static const struct treadle_dtype types[] = {
    {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}};

static const struct {
    const char *op;
    uint32_t ntypes, nin;
} ops[] = {
    {"add", 3, 2},
    {"sqrt", 2, 1},
    {"sum", 2, 1},
#ifdef BROKEN_LISTS_MORE
    {"multiply", 3, 2},
#endif
};

enum { NOPS = sizeof ops / sizeof *ops, SUM = 2, SCRATCH = 64 };

static pid_t creator;

static void *nothing(void *unused)
{
    return unused;
}

static void start_a_thread(int and_wait)
{
    pthread_t thread;

    if (!pthread_create(&thread, NULL, nothing, NULL) && and_wait)
        pthread_join(thread, NULL);
}

static void *wait_forever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static double get(const char *at)
{
    double value;

    memcpy(&value, at, sizeof value);
    return value;
}

static void put(char *at, double value)
{
    memcpy(at, &value, sizeof value);
}

static double apply(const char *op, double x, double y)
{
#ifdef BROKEN_STATIC
    static volatile double shared;
    shared = op[0] == 'a' ? x + y : sqrt(x);
    for (volatile int i = 0; i < 50; i++) /* as good as always in here when another one runs */
        continue;
    return shared;
#else
    return op[0] == 'a' ? x + y : sqrt(x);
#endif
}

static void one_row(const char *op, int64_t n, char *const *at, const int64_t *strides)
{
    int binary = op[0] == 'a';

#ifdef BROKEN_NEGATIVE_STRIDE_HANGS
    while (strides[0] < 0)
        pause();
#endif
#ifdef BROKEN_NEGATIVE_STRIDE_EXITS
    if (strides[0] < 0)
        exit(0);
#endif
#ifdef BROKEN_NO_ELEMENTS_ABORTS
    if (n == 0)
        abort();
#endif
#ifdef BROKEN_DROPS_TAIL
    n -= n % 4;
#endif
    for (int64_t i = 0; i < n; i++)
        put(at[1 + binary] + i * strides[1 + binary],
            apply(op, get(at[0] + i * strides[0]), get(at[binary] + i * strides[binary])));
#ifdef BROKEN_WRITES_PAST
    if (n % 2)
        put(at[1 + binary] + n * strides[1 + binary], 0);
#endif
#ifdef BROKEN_READS_PAST
    volatile double next = get(at[0] + n * strides[0]);
    (void)next;
#endif
}

static void all_rows(const char *op, const struct treadle_call *call, int32_t axis, char *const *at)
{
    const struct treadle_array *out = &call->args[call->nargs - 1];
    int64_t strides[3];

    for (uint32_t k = 0; k < call->nargs; k++)
        strides[k] = axis < out->ndim ? call->args[k].strides[axis] : 0;
    if (axis >= out->ndim - 1) {
        one_row(op, out->ndim ? out->shape[axis] : 1, at, strides);
        return;
    }
    for (int64_t i = 0; i < out->shape[axis]; i++) {
        char *next[3];
        for (uint32_t k = 0; k < call->nargs; k++)
            next[k] = at[k] + i * strides[k];
        all_rows(op, call, axis + 1, next);
    }
}

static int32_t no_memory(struct treadle_error *error)
{
    if (error && error->message) {
        error->code = TREADLE_E_NOMEM;
#ifdef BROKEN_LONG_TEXT
        strcpy(error->message, "there is no memory");
#else
        snprintf(error->message, error->capacity, "there is no memory");
#endif
    }
    return TREADLE_E_NOMEM;
}

static void misbehave(struct treadle_call *call)
{
    (void)call;
#ifdef BROKEN_CHILD_HANGS
    while (getpid() != creator)
        pause();
#endif
#ifdef BROKEN_WAKES
    start_a_thread(1);
#endif
#ifdef BROKEN_COUNTS_THREADS
    call->threads_used = call->threads_max;
#endif
#ifdef BROKEN_EXCEEDS
    call->threads_used = call->threads_max + 1;
#endif
#ifdef BROKEN_RAISES
    feraiseexcept(FE_DIVBYZERO);
#endif
#ifdef BROKEN_FLUSHES
    _mm_setcsr(_mm_getcsr() | 0x8000);
#endif
#ifdef BROKEN_LEAKS
    *(void *volatile *)&(void *){NULL} = malloc(48);
#endif
#ifdef BROKEN_FOLDER
    if (chdir("/"))
        abort();
#endif
}

static int32_t elementwise(struct treadle_call *call)
{
    const char *op = call->nin == 2 ? "add" : "sqrt";
    void *scratch = call->host->alloc(call->host, SCRATCH, 64);
    char *at[3];

    if (!scratch)
        return no_memory(call->error);
    misbehave(call);
    for (uint32_t k = 0; k < call->nargs; k++)
        at[k] = call->args[k].data;
#ifdef BROKEN_STREAMS
    if (!(call->flags & TREADLE_CALL_STREAM))
#endif
        all_rows(op, call, 0, at);
#ifndef BROKEN_KEEPS_BLOCKS
    call->host->release(call->host, scratch);
#endif
    return TREADLE_OK;
}

static int32_t sum(struct treadle_call *call)
{
    const struct treadle_array *x = &call->args[0];
    double total = 0;

    if (x->ndim != 1) {
#ifdef BROKEN_DECLINES_LATE
        put(call->args[1].data, 0);
#endif
        return TREADLE_E_DECLINED;
    }
    for (int64_t i = 0; i < x->shape[0]; i++)
        total += get((char *)x->data + i * x->strides[0]);
    put(call->args[1].data, total);
    return TREADLE_OK;
}

/* ---- the table ------------------------------------------------------------------------------ */

static void handler(int number)
{
    (void)number;
}

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)host, (void)options, (void)error;
    *state = NULL;
    creator = getpid();
#ifdef BROKEN_HANDLES_SIGNALS
    signal(SIGPIPE, handler);
#else
    (void)handler;
#endif
#ifdef BROKEN_KEEPS_FILE
    if (open("/dev/null", O_RDONLY) < 0)
        return TREADLE_E_FAILED;
#endif
#ifdef BROKEN_KEEPS_THREAD
    pthread_t thread;
    pthread_create(&thread, NULL, wait_forever, NULL);
#else
    (void)wait_forever, (void)start_a_thread;
#endif
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
    for (int i = 0; i < 3; i++) {
        if (strcmp(query->op, ops[i].op))
            continue;
#ifndef BROKEN_FINDS_ALL
        if (query->ntypes != ops[i].ntypes || query->nin != ops[i].nin || !query->dtypes ||
            memcmp(query->dtypes, types, query->ntypes * sizeof *types))
            return TREADLE_E_DECLINED;
#endif
        kernel->run = i == SUM ? sum : elementwise;
        kernel->variant = "plain";
        kernel->threads_useful = 1;
#ifdef BROKEN_CLAIMS_BITS
        kernel->flags = TREADLE_KERNEL_EXACT;
#endif
        return TREADLE_OK;
    }
    return TREADLE_E_DECLINED;
}

static int32_t list_kernel(void *state, uint32_t i, struct treadle_query *query)
{
    (void)state;
    if (i >= NOPS)
        return TREADLE_E_DECLINED;
    query->op = ops[i].op;
    query->dtypes = types;
    query->ntypes = ops[i].ntypes;
    query->nin = ops[i].nin;
    return TREADLE_OK;
}

static const struct treadle_plugin table = {
    .struct_size = sizeof table,
    .abi_minor = TREADLE_ABI_MINOR,
    .flags = TREADLE_PLUGIN_FORK_SAFE,
    .id = ID,
    .version = "1",
    .vendor = "tests",
    .cpu_required = "",
    .create = create,
    .destroy = destroy,
    .find_kernel = find_kernel,
    .list_kernel = list_kernel,
};

#ifdef BROKEN_EXPORTS_MORE
TREADLE_EXPORT int helper_for_all(void);
TREADLE_EXPORT int helper_for_all(void)
{
    return 1;
}
#endif

TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void);
TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void)
{
#ifdef BROKEN_NEW_TABLE
    struct treadle_plugin *copy = malloc(sizeof *copy);
    *copy = table;
    return copy;
#endif
    return &table;
}
