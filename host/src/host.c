/* SPDX-License-Identifier: BSD-3-Clause */
/* Getting ready, and what users may set afterwards. */
#include "host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <treadle/treadle.h>

#include "budget.h"
#include "cpus.h"
#include "env.h"
#include "error.h"
#include "live.h"
#include "loader.h"
#include "policy.h"
#include "profile.h"
#include "routine.h"
#include "trace.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct env env;
static bool scanned, tried;
static int32_t trouble;     /* what apply_env() returned, ... */
static char complaint[512]; /* ... and said */
static atomic_bool ready;

static int32_t apply_numbers(void)
{
    cpus_limit(&(struct cpus_limits){
        .num_threads = env.num_threads,
        .omp_num_threads = env.omp_num_threads,
        .omp_thread_limit = env.omp_thread_limit,
    });
    policy_set_min(env.min);
    budget_use((enum budget_mode)env.budget);
    policy_set_blas_threads(env.openblas_num_threads);
    routines_keep_exact(env.exact != 0);
    return trace_start(env.trace, env.verbose);
}

/* Under the lock, as live_start(). */
static const struct plan *plan_of_env(void)
{
    const char *a = live_a();
    return a ? policy_parse(a, "TREADLE_AB") : policy_parse(env.backend, "TREADLE_BACKEND");
}

/* Under the lock. The plan last: calls wait for it. */
static int32_t apply_env(void)
{
    int32_t status = env_read(&env);
    if (!status)
        status = apply_numbers();
    if (!scanned) {           /* plugins are listed even if a variable is wrong */
        treadle_watch_fork(); /* another thread may fork while plugins are loaded */
        loader_scan(&env, &host_services);
        treadle_watch_fork(); /* in front of the handlers of what they started */
        scanned = true;
    }
    if (!status)
        status = live_start(env.ab, env.ab_save);
    if (status)
        return status;
    if (profile_read(&env))
        policy_refresh(); /* earlier plans have other costs */
    const struct plan *plan = plan_of_env();
    if (!plan)
        return failure();
    policy_use(plan);
    return TREADLE_OK;
}

static void try_env(void)
{
    trouble = apply_env();
    if (trouble)
        snprintf(complaint, sizeof complaint, "%s", treadle_last_error());
    tried = trouble != TREADLE_E_NOMEM; /* there may be some at the next call */
    atomic_store_explicit(&ready, trouble == TREADLE_OK, memory_order_release);
}

int32_t host_ready(void)
{
    if (atomic_load_explicit(&ready, memory_order_acquire))
        return TREADLE_OK;
    pthread_mutex_lock(&lock);
    if (!tried)
        try_env();
    int32_t status = trouble ? fail(trouble, "%s", complaint) : TREADLE_OK;
    pthread_mutex_unlock(&lock);
    return status;
}

void host_fork(enum fork_step step)
{
    fork_lock(&lock, step);
}

const struct plan *host_plan(int32_t *status)
{
    const struct plan *plan = policy_plan();
    int32_t ready = TREADLE_OK;
    /* Again: another thread's treadle_reload_env() may take away what host_ready() has found. */
    while (__builtin_expect(!plan, 0) && !(ready = host_ready()))
        plan = policy_plan();
    *status = ready;
    return plan;
}

int32_t treadle_init(void)
{
    return host_ready();
}

int32_t treadle_reload_env(void)
{
    pthread_mutex_lock(&lock);
    try_env();
    int32_t status = trouble;
    if (status)
        policy_use(NULL); /* every call reports the variable until it is mended */
    pthread_mutex_unlock(&lock);
    return status;
}

int32_t treadle_set_backend(const char *spec)
{
    int32_t status = host_ready();
    if (status)
        return status;
    pthread_mutex_lock(&lock);
    const struct plan *plan = spec ? policy_parse(spec, "backend") : plan_of_env();
    if (plan)
        policy_use(plan);
    pthread_mutex_unlock(&lock);
    return plan ? TREADLE_OK : failure();
}

int32_t treadle_set_thread_backend(const char *spec)
{
    int32_t status = host_ready();
    if (status)
        return status;
    const struct plan *plan = spec ? policy_parse(spec, "backend") : NULL;
    if (spec && !plan)
        return failure();
    policy_use_in_thread(plan);
    return TREADLE_OK;
}

const char *treadle_get_backend(void)
{
    const struct plan *plan = host_ready() == TREADLE_OK ? policy_plan() : NULL;
    return plan ? policy_spec(plan) : "";
}

int32_t treadle_set_num_threads(int32_t threads)
{
    if (threads < 0 || threads > 4096)
        return fail(TREADLE_E_INVALID, "threads is %d; allowed is 0 to 4096", threads);
    cpus_override(threads);
    pthread_mutex_lock(&lock);
    policy_set_blas_threads(threads > 0 ? 0 : env.openblas_num_threads);
    pthread_mutex_unlock(&lock);
    return TREADLE_OK;
}

int32_t treadle_get_num_threads(void)
{
    (void)host_ready();
    return cpus_available();
}

int32_t treadle_set_budget(const char *mode)
{
    int32_t status = host_ready(), chosen = mode ? budget_mode(mode) : env.budget;
    if (status)
        return status;
    if (chosen < 0)
        return fail(TREADLE_E_INVALID, "budget is \"%.128s\"; allowed are machine, process and off",
                    mode);
    pthread_mutex_lock(&lock);
    budget_use((enum budget_mode)chosen);
    pthread_mutex_unlock(&lock);
    return TREADLE_OK;
}

int32_t treadle_set_min(int64_t elements)
{
    if (elements < 0)
        return fail(TREADLE_E_INVALID, "elements is %lld; allowed is 0 or more",
                    (long long)elements);
    int32_t status = host_ready();
    if (status)
        return status;
    pthread_mutex_lock(&lock);
    policy_set_min(elements ? elements : env.min);
    pthread_mutex_unlock(&lock);
    return TREADLE_OK;
}

/* ---- plugins ------------------------------------------------------------------------------- */

/* The process goes on with its spec, which may now mean more. */
static int32_t add_plugin(const char *path, treadle_plugin_fn entry)
{
    int32_t status = host_ready();
    if (status)
        return status;
    pthread_mutex_lock(&lock);
    status = path ? loader_load(path, &host_services) : loader_register(entry, &host_services);
    const struct plan *plan = policy_process_plan();
    if (status == TREADLE_OK && plan) {
        policy_refresh();
        plan = policy_parse(policy_spec(plan), "backend");
        if (plan)
            policy_use(plan);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

int32_t treadle_load(const char *path)
{
    return path ? add_plugin(path, NULL) : fail(TREADLE_E_INVALID, "path is NULL");
}

int32_t treadle_register(treadle_plugin_fn plugin)
{
    return plugin ? add_plugin(NULL, plugin) : fail(TREADLE_E_INVALID, "plugin is NULL");
}

uint32_t treadle_backend_count(void)
{
    (void)host_ready();
    return loader_count();
}

static const struct backend *backend_number(uint32_t i)
{
    if (i < treadle_backend_count())
        return loader_at(i);
    fail(TREADLE_E_INVALID, "there is no backend number %u", i);
    return NULL;
}

int32_t treadle_backend_info(uint32_t i, struct treadle_backend_info *info)
{
    const struct backend *b = backend_number(i);
    if (!b || !info)
        return b ? fail(TREADLE_E_INVALID, "info is NULL") : TREADLE_E_INVALID;
    *info = (struct treadle_backend_info){
        .name = b->table.id,
        .path = b->path,
        .version = b->table.version,
        .vendor = b->table.vendor,
        .reason = b->reason,
        .flags = b->table.flags,
    };
    return TREADLE_OK;
}

int32_t treadle_backend_op(uint32_t i, uint32_t k, struct treadle_query *op)
{
    const struct backend *b = backend_number(i);
    if (!b || !op)
        return b ? fail(TREADLE_E_INVALID, "op is NULL") : TREADLE_E_INVALID;
    *op = (struct treadle_query){.struct_size = sizeof *op};
    if (!b->usable || b->table.list_kernel(b->state, k, op) != TREADLE_OK)
        return fail(TREADLE_E_INVALID, "%s lists no operation number %u", b->table.id, k);
    return TREADLE_OK;
}

const char *treadle_version(void)
{
    return TREADLE_VERSION;
}
