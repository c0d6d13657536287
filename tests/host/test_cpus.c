/* SPDX-License-Identifier: BSD-3-Clause */
/* How many cores there are: cgroup quotas on made-up file trees, affinity, and the variables. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpus.h"
#include "trace.h"

static char root[64];

static void set_up(void)
{
    strcpy(root, "/tmp/treadle-cpus-XXXXXX");
    cr_assert(mkdtemp(root));
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    cr_assert_eq(system(command), 0);
}

/* A file below the root, with the folders that lead to it. */
static void write_file(const char *path, const char *text)
{
    char full[1024];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    cr_assert(file, "%s", full);
    fputs(text, file);
    fclose(file);
}

#define V2_MOUNT "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT                                                                                   \
    "33 24 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"                            \
    "34 24 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"

static void use_v2(const char *group)
{
    char line[256];
    snprintf(line, sizeof line, "0::%s\n", group);
    write_file("/proc/self/cgroup", line);
    write_file("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda rw\n" V2_MOUNT);
}

Test(quota, of_the_group_itself, .init = set_up, .fini = tear_down)
{
    use_v2("/a");
    write_file("/sys/fs/cgroup/a/cpu.max", "250000 100000\n");
    cr_assert_float_eq(cpus_quota(root).cores, 2.5, 1e-9);
}

Test(quota, the_least_is_in_an_ancestor, .init = set_up, .fini = tear_down)
{
    use_v2("/a/b/c");
    write_file("/sys/fs/cgroup/a/cpu.max", "150000 50000\n");
    write_file("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    write_file("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
    cr_assert_float_eq(cpus_quota(root).cores, 3, 1e-9);
    write_file("/sys/fs/cgroup/cpu.max", "200000 100000\n"); /* as a container sees its own root */
    cr_assert_float_eq(cpus_quota(root).cores, 2, 1e-9);
}

Test(quota, none, .init = set_up, .fini = tear_down)
{
    cr_assert_eq(cpus_quota(root).cores, 0, "no /proc");
    use_v2("/a/b");
    cr_assert_eq(cpus_quota(root).cores, 0, "no cpu.max");
    write_file("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
    write_file("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    cr_assert_eq(cpus_quota(root).cores, 0, "no limit");
}

Test(quota, garbage_is_no_quota, .init = set_up, .fini = tear_down)
{
    static const char *const texts[] = {"",          "\n",        "nonsense",   "100000",
                                        "0 100000",  "100000 0",  "-5 100000",  "100000 -5",
                                        "inf 10000", "nan 10000", "100000 inf", "\xff\xfe\x01"};
    use_v2("/a");
    write_file("/sys/fs/cgroup/cpu.max", "400000 100000\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file("/sys/fs/cgroup/a/cpu.max", texts[i]);
        cr_assert_float_eq(cpus_quota(root).cores, 4, 1e-9, "\"%s\"", texts[i]);
    }
    write_file("/proc/self/cgroup", "nonsense\n::\n0:\n\n:::::\n");
    write_file("/proc/self/mountinfo", "nonsense\n - \n - cgroup2\n1 2 3\n");
    cr_assert_eq(cpus_quota(root).cores, 0);
}

Test(quota, v1_with_controllers_mounted_together, .init = set_up, .fini = tear_down)
{
    write_file("/proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/a/b\n1:name=systemd:/s\n");
    write_file("/proc/self/mountinfo", V1_MOUNT);
    write_file("/sys/fs/cgroup/cpuset/x/cpu.cfs_quota_us", "100000\n"); /* not the controller */
    write_file("/sys/fs/cgroup/cpuset/x/cpu.cfs_period_us", "100000\n");
    write_file("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    write_file("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    cr_assert_eq(cpus_quota(root).cores, 0);
    write_file("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "600000\n");
    cr_assert_eq(cpus_quota(root).cores, 0, "a quota without a period");
    write_file("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "200000\n");
    cr_assert_float_eq(cpus_quota(root).cores, 3, 1e-9);
}

Test(quota, v1_beside_an_empty_v2, .init = set_up, .fini = tear_down)
{
    write_file("/proc/self/cgroup", "4:cpu,cpuacct:/a\n0::/a\n");
    write_file("/proc/self/mountinfo",
               "30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" V1_MOUNT);
    write_file("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "200000\n");
    write_file("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    cr_assert_float_eq(cpus_quota(root).cores, 2, 1e-9);
}

/* A container without a name space of its own sees the host's path, and its group as the mount. */
Test(quota, a_bind_mounted_group_is_the_root, .init = set_up, .fini = tear_down)
{
    write_file("/proc/self/cgroup", "0::/docker/abc/sub\n");
    write_file("/proc/self/mountinfo",
               "30 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
    write_file("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    cr_assert_float_eq(cpus_quota(root).cores, 3, 1e-9);
    write_file("/sys/fs/cgroup/sub/cpu.max", "100000 100000\n");
    cr_assert_float_eq(cpus_quota(root).cores, 1, 1e-9);
    /* A sibling whose name only begins alike is another group. */
    write_file("/proc/self/cgroup", "0::/docker/abcdef\n");
    write_file("/sys/fs/cgroupdef/cpu.max", "100000 100000\n");
    write_file("/sys/fs/cgroup/sub/cpu.max", "max 100000\n");
    cr_assert_float_eq(cpus_quota(root).cores, 3, 1e-9);
}

Test(quota, paths_that_are_too_long, .init = set_up, .fini = tear_down)
{
    static char line[9000];
    memset(line, 'x', sizeof line - 2);
    memcpy(line, "0::/", 4);
    write_file("/proc/self/cgroup", line);
    write_file("/proc/self/mountinfo", V2_MOUNT);
    cr_assert_eq(cpus_quota(root).cores, 0);
}

/* ---- the count ------------------------------------------------------------------------------ */

static int32_t count_with(int32_t num_threads, int32_t omp, int32_t omp_limit)
{
    cpus_limit(&(struct cpus_limits){num_threads, omp, omp_limit});
    return cpus_available();
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

Test(cpus, limits_and_the_number_set_by_hand)
{
    int32_t machine = count_with(0, 0, 0);
    cr_assert_geq(machine, 1);
    cr_assert_eq(count_with(1, 0, 0), 1);
    cr_assert_eq(count_with(0, 1, 0), 1);
    cr_assert_eq(count_with(4096, 1, 0), 1);
    cr_assert_eq(count_with(1, 4096, 0), 1);
    cr_assert_eq(count_with(0, 0, 1), 1);
    cr_assert_eq(count_with(4096, 0, 0), machine, "more than there is");
    cpus_override(7);
    cr_assert_eq(cpus_available(), 7, "by hand, whatever there is");
    cr_assert_eq(count_with(0, 1, 0), 7);
    cr_assert_eq(count_with(0, 0, 3), 3, "nothing overrides OMP_THREAD_LIMIT");
    cpus_override(0);
    cr_assert_eq(count_with(0, 0, 3), least(machine, 3));
}

static int32_t set_meanwhile; /* by "another thread", when the affinity is looked at */

int __real_sched_getaffinity(pid_t thread, size_t bytes, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t thread, size_t bytes, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t thread, size_t bytes, cpu_set_t *set)
{
    int32_t threads = set_meanwhile;
    set_meanwhile = 0;
    if (threads > 0)
        cpus_override(threads);
    return __real_sched_getaffinity(thread, bytes, set);
}

Test(cpus, a_number_set_while_the_cores_are_read)
{
    count_with(0, 0, 0);
    set_meanwhile = 7;
    cpus_available_at(trace_clock() + 3000000000);
    cr_assert_eq(set_meanwhile, 0, "nothing was read");
    cr_assert_eq(cpus_available(), 7);
    cr_assert_eq(cpus_last(), 7);
}

static void pin_to_one(void)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
}

Test(cpus, affinity_is_obeyed_within_seconds, .timeout = 20)
{
    int32_t before = count_with(0, 0, 0);
    pin_to_one();
    cr_assert_leq(cpus_available(), before);
    usleep(2200000);
    cr_assert_eq(cpus_available(), 1);
}

/* A thread that is bound to a core gets that one, and says nothing about the others. */
static void *count_when_bound(void *count)
{
    pin_to_one();
    *(int32_t *)count = cpus_available();
    return NULL;
}

Test(cpus, affinity_is_each_threads_own)
{
    pthread_t thread;
    int32_t before = count_with(0, 0, 0), bound = 0;
    cr_assert_eq(pthread_create(&thread, NULL, count_when_bound, &bound), 0);
    pthread_join(thread, NULL);
    cr_assert_eq(bound, 1);
    cr_assert_eq(cpus_available(), before);
    cpus_limit(&(struct cpus_limits){0});
    cr_assert_eq(cpus_available(), before);
}

Test(cpus, the_mask_of_the_process)
{
    uint64_t mask[CPUS_WORDS];
    uint32_t count = cpus_mask(mask), bits = 0;
    for (int i = 0; i < CPUS_WORDS; i++)
        bits += (uint32_t)__builtin_popcountll(mask[i]);
    cr_assert_eq(count, (uint32_t)count_with(0, 0, 0));
    cr_assert_eq(bits, count < 64 * CPUS_WORDS ? count : bits);
    pin_to_one();
    cr_assert_eq(cpus_mask(mask), 1);
}

/* ---- a real cgroup -------------------------------------------------------------------------- */

static char group[128];
static bool is_v2;

static bool write_group(const char *file, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", group, file);
    int fd = open(full, O_WRONLY);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

/* Where root may make groups that limit: v1 with the cpu controller, or v2 with it handed down. */
static bool make_group(void)
{
    static const char *const mounts[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct",
                                         "/sys/fs/cgroup"};
    for (int i = 0; i < 3; i++) {
        snprintf(group, sizeof group, "%s/treadle-test-%d", mounts[i], (int)getpid());
        is_v2 = i == 2;
        if (mkdir(group, 0755) != 0)
            continue;
        if (is_v2 ? write_group("cpu.max", "max") : write_group("cpu.cfs_quota_us", "-1"))
            return true;
        rmdir(group);
    }
    return false;
}

static bool set_quota(const char *microseconds)
{
    char text[64];
    snprintf(text, sizeof text, "%s 100000", microseconds);
    return is_v2 ? write_group("cpu.max", text) : write_group("cpu.cfs_quota_us", microseconds);
}

static int64_t times_throttled(void)
{
    char full[256], line[128];
    long long times = -1;
    snprintf(full, sizeof full, "%s/cpu.stat", group);
    FILE *file = fopen(full, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "nr_throttled %lld", &times) == 1)
            break;
    if (file)
        fclose(file);
    return times;
}

static void *burn(void *unused)
{
    for (int64_t end = trace_clock() + 1500000000; trace_clock() < end;)
        ;
    return unused;
}

/* As many threads as there are cores compute for many periods of the quota. */
static void burn_all_cores(void)
{
    pthread_t threads[64];
    int32_t count = cpus_available() < 64 ? cpus_available() : 64;
    for (int32_t i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, burn, NULL);
    for (int32_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* In a child, which leaves the group by ending. */
static int live_in_the_group(void)
{
    int32_t all = count_with(0, 0, 0);
    if (!write_group("cgroup.procs", "0") || !set_quota("150000"))
        return 2;
    sleep(3);
    if (cpus_available() != 1)
        return 3;
    int64_t before = times_throttled();
    burn_all_cores();
    if (times_throttled() > before)
        return 4;
    if (!set_quota("-1") && !set_quota("max"))
        return 5;
    sleep(3);
    return cpus_available() == all ? 0 : 6;
}

Test(cpus, a_quota_is_followed_and_never_exceeded, .timeout = 60)
{
    int status;
    if (count_with(0, 0, 0) < 2)
        cr_skip_test("there is but one core");
    if (!make_group())
        cr_skip_test("this user may not make cgroups");
    pid_t child = fork();
    if (child == 0)
        _exit(live_in_the_group());
    cr_assert_eq(waitpid(child, &status, 0), child);
    rmdir(group);
    cr_assert_eq(status, 0, "step %d", WEXITSTATUS(status));
}
