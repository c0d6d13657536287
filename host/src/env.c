/* SPDX-License-Identifier: BSD-3-Clause */
/* The variables of docs/environment.md, read in one place. */
#include "env.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/status.h>

#include "budget.h"
#include "error.h"

/* A copy that lives as long as the process; reading the same text again needs no other. */
static const char *keep(const char *value)
{
    static struct copy {
        struct copy *next;
        char text[];
    } * copies;
    size_t bytes = strlen(value) + 1;
    for (const struct copy *copy = copies; copy; copy = copy->next)
        if (strcmp(copy->text, value) == 0)
            return copy->text;
    struct copy *copy = malloc(sizeof *copy + bytes);
    if (!copy)
        return NULL;
    memcpy(copy->text, value, bytes);
    copy->next = copies;
    copies = copy;
    return copy->text;
}

static bool out_of_memory; /* since env_read() began */

/* secure_getenv: nothing for set-uid programs, whose environment belongs to somebody else. */
static const char *text(const char *name, const char *otherwise)
{
    const char *value = secure_getenv(name);
    if (!value || !*value)
        return otherwise;
    const char *copy = keep(value);
    out_of_memory |= !copy;
    return copy ? copy : otherwise;
}

static int32_t number(const char *name, int64_t least, int64_t most, int64_t *out)
{
    const char *value = secure_getenv(name);
    *out = 0;
    if (!value || !*value)
        return TREADLE_OK;
    char *end;
    errno = 0;
    long long parsed = strtoll(value, &end, 10);
    if (errno || *end || parsed < least || parsed > most)
        return fail(TREADLE_E_INVALID, "%s=%.64s: allowed is a whole number from %lld to %lld",
                    name, value, (long long)least, (long long)most);
    *out = parsed;
    return TREADLE_OK;
}

/* Variables of other libraries: a wrong value is theirs to report, here it is no limit. */
static int32_t omp_number(const char *name)
{
    const char *value = secure_getenv(name);
    if (!value)
        return 0;
    char *end;
    long parsed = strtol(value, &end, 10);
    bool any = end != value;
    end += strspn(end, " \t");
    bool list = *end == ',' || *end == '\0'; /* OMP_NUM_THREADS=4,2: the outermost level counts */
    return any && list && parsed > 0 && parsed < 1 << 20 ? (int32_t)parsed : 0;
}

static int32_t check_trace(const char *value)
{
    if (!*value || *value == '/' || strcmp(value, "stderr") == 0)
        return TREADLE_OK;
    return fail(TREADLE_E_INVALID,
                "TREADLE_TRACE=%.128s: allowed are \"stderr\" and the absolute path of a file",
                value);
}

static int32_t check_profile(const char *value)
{
    if (!*value || *value == '/' || strcmp(value, "off") == 0)
        return TREADLE_OK;
    return fail(TREADLE_E_INVALID,
                "TREADLE_PROFILE=%.128s: allowed are \"off\" and the absolute path of a file",
                value);
}

/* The kernels of each plugin read it; a wrong value is the user's mistake all the same. */
static int32_t check_cpu(const char *value)
{
    static const char *const levels[] = {"", "baseline", "avx2", "avx512"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(value, levels[i]) == 0)
            return TREADLE_OK;
    return fail(TREADLE_E_INVALID, "TREADLE_CPU=%s: allowed are baseline, avx2 and avx512", value);
}

static int32_t check_budget(const char *value, int32_t *mode)
{
    *mode = budget_mode(value);
    if (*mode >= 0)
        return TREADLE_OK;
    return fail(TREADLE_E_INVALID, "TREADLE_BUDGET=%.128s: allowed are machine, process and off",
                value);
}

int32_t env_read(struct env *env)
{
    out_of_memory = false;
    *env = (struct env){
        .backend = text("TREADLE_BACKEND", "auto"),
        .plugin_path = text("TREADLE_PLUGIN_PATH", ""),
        .only = text("TREADLE_ONLY", ""),
        .disable = text("TREADLE_DISABLE", ""),
        .ab = text("TREADLE_AB", ""),
        .ab_save = text("TREADLE_AB_SAVE", ""),
        .trace = text("TREADLE_TRACE", ""),
        .profile = text("TREADLE_PROFILE", ""),
        .cache_home = text("XDG_CACHE_HOME", ""),
        .home = text("HOME", ""),
        .omp_thread_limit = omp_number("OMP_THREAD_LIMIT"),
    };
    int64_t threads, verbose, ignore, exact;
    int32_t status = number("TREADLE_NUM_THREADS", 1, 4096, &threads);
    if (!status)
        status = number("TREADLE_IGNORE_OMP", 0, 1, &ignore);
    if (!status)
        status = number("TREADLE_EXACT", 0, 1, &exact);
    if (!status)
        status = number("TREADLE_VERBOSE", 0, 2, &verbose);
    if (!status)
        status = number("TREADLE_MIN", 1, INT64_MAX, &env->min);
    if (!status)
        status = check_trace(env->trace);
    if (!status)
        status = check_profile(env->profile);
    if (!status)
        status = check_cpu(text("TREADLE_CPU", ""));
    if (!status)
        status = check_budget(text("TREADLE_BUDGET", "machine"), &env->budget);
    if (!status && out_of_memory)
        status = fail(TREADLE_E_NOMEM, "no memory to read the environment");
    if (status)
        return status;
    if (!ignore) {
        env->omp_num_threads = omp_number("OMP_NUM_THREADS");
        env->openblas_num_threads = omp_number("OPENBLAS_NUM_THREADS");
    }
    env->num_threads = (int32_t)threads;
    env->exact = (int32_t)exact;
    env->verbose = (int32_t)verbose;
    return TREADLE_OK;
}
