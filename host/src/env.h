/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ENV_H
#define TREADLE_ENV_H

#include <stdint.h>

/**
 * The environment as read once: no other file calls getenv. Strings are copies that live as long
 * as the process; "" where a variable is unset. In a set-uid program everything is unset.
 */
struct env {
    const char *backend;     /* TREADLE_BACKEND, "auto" if unset */
    const char *plugin_path; /* TREADLE_PLUGIN_PATH */
    const char *only;        /* TREADLE_ONLY: comma-separated globs of plugin names */
    const char *disable;     /* TREADLE_DISABLE: the same */
    const char *ab;          /* TREADLE_AB */
    const char *ab_save;     /* TREADLE_AB_SAVE */
    const char *trace;       /* TREADLE_TRACE: "stderr" or an absolute path */
    const char *profile;     /* TREADLE_PROFILE: "", "off" or an absolute path */
    const char *cache_home;  /* XDG_CACHE_HOME */
    const char *home;        /* HOME */
    int64_t min;             /* TREADLE_MIN, 0 if unset */
    int32_t num_threads;     /* TREADLE_NUM_THREADS, 0 if unset */
    int32_t omp_num_threads; /* first number of OMP_NUM_THREADS, 0 if unset or TREADLE_IGNORE_OMP */
    int32_t omp_thread_limit;
    int32_t openblas_num_threads; /* OPENBLAS_NUM_THREADS, 0 likewise */
    int32_t exact;                /* TREADLE_EXACT: 0, 1 */
    int32_t budget;               /* TREADLE_BUDGET, an enum budget_mode */
    int32_t verbose;              /* TREADLE_VERBOSE: 0, 1, 2 */
};

/**
 * Read the variables into *env. TREADLE_E_INVALID, with a sentence that names the variable, at the
 * first wrong one; the backend names are checked later, when the plugins are known. [one thread
 * at a time]
 */
int32_t env_read(struct env *env);

#endif
