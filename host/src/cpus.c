/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many cores there really are: affinity and cgroup quota.
 *
 * The quota is rounded down: one thread more than the quota gets the whole lockstep group
 * throttled (facts measured by others: automaxprocs at a 2-core quota serves 44.7k requests
 * per second with 2 threads and 22.2k with 24). Shares and weights say nothing about cores.
 */
#include "cpus.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

enum { PATH = 4096 };
static const int64_t REREAD_NS = 2000000000;

/* What holds for all threads: quota and limits, or the number set by hand. */
static _Atomic int32_t ceiling = 0;
static _Atomic int32_t process_cores = 0; /* of its first thread's affinity, below the ceiling */
static _Atomic int64_t read_at = 0;
static _Atomic int32_t by_hand = 0;
static _Atomic int32_t limit_set = 0;  /* the least of TREADLE_NUM_THREADS and OMP_NUM_THREADS */
static _Atomic int32_t limit_hard = 0; /* OMP_THREAD_LIMIT */
static _Atomic uint32_t times_set = 0; /* how often one of these three was */
static _Atomic int32_t quota_cores = 0;
static _Atomic uint64_t quota_group = 0;

/* Affinity belongs to a thread: one that is bound to a core says nothing about the others. */
static _Thread_local struct {
    int64_t read_at;
    int32_t count;
} affinity;

/* The set of a thread (0: the calling one), to be freed; the kernel wants one as wide as its own.
 */
static cpu_set_t *affinity_of(pid_t thread, size_t *bytes)
{
    for (size_t cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        *bytes = CPU_ALLOC_SIZE(cpus);
        if (!set || sched_getaffinity(thread, *bytes, set) == 0)
            return set;
        CPU_FREE(set);
    }
    return NULL;
}

static int32_t count_affinity(void)
{
    size_t bytes;
    cpu_set_t *set = affinity_of(0, &bytes);
    long count = set ? CPU_COUNT_S(bytes, set) : sysconf(_SC_NPROCESSORS_ONLN);
    CPU_FREE(set);
    return count > 0 ? (int32_t)count : 1;
}

uint32_t cpus_mask(uint64_t mask[CPUS_WORDS])
{
    size_t bytes;
    cpu_set_t *set = affinity_of(getpid(), &bytes);
    memset(mask, 0, CPUS_WORDS * sizeof *mask);
    for (size_t cpu = 0; set && cpu < 8 * bytes; cpu++)
        if (CPU_ISSET_S(cpu, bytes, set))
            mask[cpu / 64 % CPUS_WORDS] |= UINT64_C(1) << cpu % 64;
    uint32_t count = set ? (uint32_t)CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    return count;
}

static bool read_text(const char *path, char *text, size_t capacity)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t length = fread(text, 1, capacity - 1, file);
    fclose(file);
    text[length] = '\0';
    return length > 0;
}

static struct quota lesser(struct quota a, struct quota b)
{
    return a.cores <= 0 || (b.cores > 0 && b.cores < a.cores) ? b : a;
}

/* Cores that one group allows, 0 if it sets no limit. */
static double quota_of_group(const char *folder, bool v2)
{
    char path[PATH + 32], text[128];
    double quota = 0, period = 0;
    if (v2) {
        snprintf(path, sizeof path, "%s/cpu.max", folder);
        if (!read_text(path, text, sizeof text) || sscanf(text, "%lf %lf", &quota, &period) != 2)
            return 0;
    } else {
        snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
        if (!read_text(path, text, sizeof text) || sscanf(text, "%lf", &quota) != 1)
            return 0;
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
        if (!read_text(path, text, sizeof text) || sscanf(text, "%lf", &period) != 1)
            return 0;
    }
    return isfinite(quota) && isfinite(period) && quota > 0 && period > 0 ? quota / period : 0;
}

/* The number of a folder, the same in whatever name space its path is seen. */
static uint64_t identity(const char *folder)
{
    struct stat status;
    return stat(folder, &status) == 0 ? status.st_ino ^ (uint64_t)status.st_dev << 48 : 0;
}

/* The least quota from `group` below `mount` up to the mount itself. */
static struct quota quota_of_ancestors(const char *mount, const char *group, bool v2)
{
    char folder[PATH];
    struct quota least = {.cores = 0};
    if (snprintf(folder, sizeof folder, "%s%s", mount, strcmp(group, "/") ? group : "") >= PATH)
        return least;
    for (;;) {
        least = lesser(least, (struct quota){quota_of_group(folder, v2), identity(folder)});
        char *slash = strrchr(folder, '/');
        if (!slash || strlen(folder) <= strlen(mount))
            return least;
        *slash = '\0';
    }
}

/* Does the comma-separated list hold the word? */
static bool lists(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length)
        if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* Where the hierarchy is mounted, and which of its groups is the mount's root. */
static bool find_mount(const char *root, bool v2, char mount[PATH], char mount_root[PATH])
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    char *line = NULL;
    size_t capacity = 0;
    bool found = false;
    while (!found && getline(&line, &capacity, file) > 0) {
        char type[64], options[1024], at[2048];
        char *rest = strstr(line, " - ");
        if (!rest || sscanf(line, "%*s %*s %*s %4095s %2047s", mount_root, at) != 2 ||
            sscanf(rest, " - %63s %*s %1023s", type, options) != 2)
            continue;
        found = v2 ? strcmp(type, "cgroup2") == 0
                   : strcmp(type, "cgroup") == 0 && lists(options, "cpu");
        if (found)
            found = snprintf(mount, PATH, "%s%s", root, at) < PATH;
    }
    free(line);
    fclose(file);
    return found;
}

/* A group path is relative to the hierarchy; below a bind mount its head is the mount's root. */
static const char *below_mount(const char *group, const char *mount_root)
{
    size_t head = strlen(mount_root);
    if (strcmp(mount_root, "/") == 0 || strncmp(group, mount_root, head) != 0)
        return group;
    return group[head] == '/' ? group + head : group[head] ? group : "/";
}

struct quota cpus_quota(const char *root)
{
    char path[PATH], mount[PATH], mount_root[PATH];
    struct quota least = {.cores = 0};
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    if (!file)
        return least;
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        bool v2 = controllers[1] == '\0';
        if ((!v2 && !lists(controllers + 1, "cpu")) || !find_mount(root, v2, mount, mount_root))
            continue;
        least = lesser(least, quota_of_ancestors(mount, below_mount(group, mount_root), v2));
    }
    free(line);
    fclose(file);
    return least.cores > 0 ? least : (struct quota){.cores = 0};
}

static int32_t least_of(int32_t count, int32_t limit)
{
    return limit > 0 && limit < count ? limit : count;
}

static void combine(int32_t cores)
{
    int32_t forced = atomic_load(&by_hand), most = INT32_MAX;
    if (forced <= 0)
        most = least_of(least_of(most, atomic_load(&quota_cores)), atomic_load(&limit_set));
    most = least_of(least_of(most, forced), atomic_load(&limit_hard));
    atomic_store(&process_cores, forced > 0 || cores == 0 ? most : least_of(most, cores));
    atomic_store_explicit(&ceiling, most, memory_order_relaxed);
}

static void read_anew(int64_t now)
{
    struct quota quota = cpus_quota("");
    uint64_t mask[CPUS_WORDS];
    int32_t cores = (int32_t)cpus_mask(mask);
    atomic_store(&read_at, now);
    atomic_store(&quota_cores, quota.cores <= 0 ? 0 : quota.cores < 1 ? 1 : (int32_t)quota.cores);
    atomic_store(&quota_group, quota.group);
    uint32_t before;
    do { /* what another thread sets meanwhile must not give way to an older number */
        before = atomic_load(&times_set);
        combine(cores);
    } while (atomic_load(&times_set) != before);
}

int32_t cpus_last(void)
{
    return atomic_load_explicit(&process_cores, memory_order_relaxed);
}

int32_t cpus_available_at(int64_t now)
{
    int32_t most = atomic_load_explicit(&ceiling, memory_order_relaxed);
    int64_t then = atomic_load_explicit(&read_at, memory_order_relaxed);
    /* One thread reads; the others go on with the old count unless there is none yet. */
    if (most == 0 ||
        (now - then >= REREAD_NS && atomic_compare_exchange_strong(&read_at, &then, now))) {
        read_anew(now);
        most = atomic_load_explicit(&ceiling, memory_order_relaxed);
    }
    if (atomic_load_explicit(&by_hand, memory_order_relaxed) > 0)
        return most;
    if (affinity.count == 0 || now - affinity.read_at >= REREAD_NS) {
        affinity.count = count_affinity();
        affinity.read_at = now;
    }
    return affinity.count < most ? affinity.count : most;
}

int32_t cpus_available(void)
{
    return cpus_available_at(trace_clock());
}

int32_t cpus_quota_cores(uint64_t *group)
{
    *group = atomic_load(&quota_group);
    return atomic_load(&quota_cores);
}

void cpus_limit(const struct cpus_limits *limits)
{
    int32_t set = limits->num_threads;
    if (limits->omp_num_threads > 0)
        set = set > 0 ? least_of(set, limits->omp_num_threads) : limits->omp_num_threads;
    atomic_store(&limit_set, set);
    atomic_store(&limit_hard, limits->omp_thread_limit);
    atomic_fetch_add(&times_set, 1);
    read_anew(trace_clock());
}

void cpus_override(int32_t threads)
{
    atomic_store(&by_hand, threads);
    atomic_fetch_add(&times_set, 1);
    read_anew(trace_clock());
}
