/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_state.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fenv.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "check.h"

/* Thread counts of whole libraries. They exist only if some library of the process has them. */
static const char *const setters[CHECK_SETTERS] = {
    "omp_get_max_threads", "openblas_get_num_threads", "bli_thread_get_num_threads"};

/* LLVM's OpenMP runtime marks the process with a variable of this name when it starts. */
static const char libomp_mark[] = "__KMP_REGISTERED_LIB_";

/** The environment, whatever its order (FNV-1a of each entry, added up). */
static uint64_t hash_environment(void)
{
    uint64_t sum = 0;

    for (char **entry = environ; entry && *entry; entry++) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (const char *at = *entry; *at; at++)
            hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
        if (strncmp(*entry, libomp_mark, strlen(libomp_mark)))
            sum += hash;
    }
    return sum;
}

static uint32_t read_modes(void)
{
#if defined(__x86_64__)
    return _mm_getcsr() & ~(unsigned)_MM_EXCEPT_MASK;
#else
    return 0;
#endif
}

/** Libraries that were loaded with RTLD_LOCAL are not found by name, but under their own. */
static int library_threads(const char *getter)
{
    static const char *const files[] = {"libomp.so.5", "libgomp.so.1", "libiomp5.so",
                                        "libopenblas.so.0", "libblis.so.4"};
    int (*get)(void) = NULL;

    *(void **)&get = dlsym(RTLD_DEFAULT, getter);
    for (size_t i = 0; !get && i < sizeof files / sizeof *files; i++) {
        void *library = dlopen(files[i], RTLD_NOW | RTLD_NOLOAD);
        if (library) {
            *(void **)&get = dlsym(library, getter);
            dlclose(library);
        }
    }
    return get ? get() : 0;
}

void check_state_read(struct check_state *state)
{
    memset(state, 0, sizeof *state);
    for (int i = 1; i < CHECK_SIGNALS; i++)
        sigaction(i, NULL, &state->handlers[i]);
    sigprocmask(SIG_SETMASK, NULL, &state->mask);
    sched_getaffinity(0, sizeof state->affinity, &state->affinity);
    state->rounding = fegetround();
    state->modes = read_modes();
    state->umask = umask(0);
    umask(state->umask);
    snprintf(state->locale, sizeof state->locale, "%s", setlocale(LC_ALL, NULL));
    if (!getcwd(state->folder, sizeof state->folder))
        state->folder[0] = '\0';
    state->environment = hash_environment();
    for (int i = 0; i < CHECK_SETTERS; i++)
        state->library_threads[i] = library_threads(setters[i]);
}

static void expect(bool same, const char *thing, const char *what)
{
    if (!same)
        check_fail("%s changed by %s", thing, what);
}

void check_state_compare(const struct check_state *before, const struct check_state *after,
                         const char *what)
{
    char thing[64];

    for (int i = 1; i < CHECK_SIGNALS; i++) {
        snprintf(thing, sizeof thing, "handler of SIG%s", i < 32 ? sigabbrev_np(i) : "RT");
        expect(before->handlers[i].sa_handler == after->handlers[i].sa_handler, thing, what);
    }
    expect(!memcmp(&before->mask, &after->mask, sizeof before->mask), "signal mask", what);
    expect(CPU_EQUAL(&before->affinity, &after->affinity), "affinity", what);
    expect(before->rounding == after->rounding, "rounding mode", what);
    expect(before->modes == after->modes, "floating-point mode (MXCSR)", what);
    expect(before->umask == after->umask, "umask", what);
    expect(!strcmp(before->locale, after->locale), "locale", what);
    expect(!strcmp(before->folder, after->folder), "working directory", what);
    expect(before->environment == after->environment, "environment", what);
    for (int i = 0; i < CHECK_SETTERS; i++) /* at 0 the library came in between */
        expect(before->library_threads[i] == 0 ||
                   before->library_threads[i] == after->library_threads[i],
               setters[i], what);
}

static int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return count;
}

int check_state_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

int check_state_threads(void)
{
    return count_entries("/proc/self/task");
}
