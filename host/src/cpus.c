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
#include <unistd.h>

#include "trace.h"

enum { PATH = 4096 };
static const int64_t REREAD_NS = 2000000000;

static _Atomic int32_t cached = 0;
static _Atomic int64_t read_at = 0;
static _Atomic int32_t by_hand = 0;
static _Atomic int32_t limit_set = 0;  /* the least of TREADLE_NUM_THREADS and OMP_NUM_THREADS */
static _Atomic int32_t limit_hard = 0; /* OMP_THREAD_LIMIT */

static int32_t affinity(void)
{
    /* The kernel wants a mask as wide as its own; grow until it is. */
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        if (!set)
            break;
        size_t bytes = CPU_ALLOC_SIZE((size_t)cpus);
        int32_t count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int32_t)online : 1;
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

/* The least quota from `group` below `mount` up to the mount itself. */
static double quota_of_ancestors(const char *mount, const char *group, bool v2)
{
    char folder[PATH];
    if (snprintf(folder, sizeof folder, "%s%s", mount, strcmp(group, "/") ? group : "") >= PATH)
        return 0;
    double least = 0;
    for (;;) {
        double quota = quota_of_group(folder, v2);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
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

double cpus_quota(const char *root)
{
    char path[PATH], mount[PATH], mount_root[PATH];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    char *line = NULL;
    size_t capacity = 0;
    double least = 0;
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
        double quota = quota_of_ancestors(mount, below_mount(group, mount_root), v2);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
    }
    free(line);
    fclose(file);
    return least;
}

static int32_t least_of(int32_t count, int32_t limit)
{
    return limit > 0 && limit < count ? limit : count;
}

static int32_t count_now(void)
{
    int32_t forced = atomic_load(&by_hand);
    int32_t hard = atomic_load(&limit_hard);
    if (forced > 0)
        return least_of(forced, hard);
    double quota = cpus_quota("");
    int32_t count = affinity();
    if (quota > 0 && quota < count)
        count = quota < 1 ? 1 : (int32_t)quota;
    return least_of(least_of(count, atomic_load(&limit_set)), hard);
}

static void read_anew(void)
{
    atomic_store(&read_at, trace_clock());
    atomic_store_explicit(&cached, count_now(), memory_order_relaxed);
}

int32_t cpus_last(void)
{
    return atomic_load_explicit(&cached, memory_order_relaxed);
}

int32_t cpus_available(void)
{
    int32_t count = atomic_load_explicit(&cached, memory_order_relaxed);
    int64_t then = atomic_load_explicit(&read_at, memory_order_relaxed);
    int64_t now = trace_clock();
    if (count > 0 && now - then < REREAD_NS)
        return count;
    /* One thread reads; the others go on with the old count unless there is none yet. */
    if (atomic_compare_exchange_strong(&read_at, &then, now) || count == 0)
        read_anew();
    return atomic_load_explicit(&cached, memory_order_relaxed);
}

void cpus_limit(const struct cpus_limits *limits)
{
    int32_t set = limits->num_threads;
    if (limits->omp_num_threads > 0)
        set = set > 0 ? least_of(set, limits->omp_num_threads) : limits->omp_num_threads;
    atomic_store(&limit_set, set);
    atomic_store(&limit_hard, limits->omp_thread_limit);
    read_anew();
}

void cpus_override(int32_t threads)
{
    atomic_store(&by_hand, threads);
    read_anew();
}
