/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory_limit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH = 4096 };

static size_t read_size(const char *path, size_t otherwise)
{
    FILE *file = fopen(path, "re");
    unsigned long long value;
    bool read = file && fscanf(file, "%llu", &value) == 1; /* not "max" */
    if (file)
        fclose(file);
    return read && value < otherwise ? (size_t)value : otherwise;
}

/* The least limit on the way from a group up to the mount. In a container the upper part of the
 * path may not exist; what is below the mount is its own. */
static size_t least_on_the_way(const char *mount, const char *group, const char *name, size_t least)
{
    char path[PATH], file[PATH + 32];
    snprintf(path, sizeof path, "%s", group);
    for (;;) {
        int length = snprintf(file, sizeof file, "%s%s/%s", mount, path, name);
        if (length > 0 && (size_t)length < sizeof file)
            least = read_size(file, least);
        char *slash = strrchr(path, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* A line of /proc/self/cgroup: "0::/group" or "4:memory:/group". */
static size_t limit_of_line(const char *root, char *line, size_t least)
{
    char mount[PATH];
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return least;
    group++;
    if (!strncmp(line, "0::", 3)) {
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        least = least_on_the_way(mount, group, "memory.max", least);
        return least_on_the_way(mount, group, "memory.high", least);
    }
    if (strncmp(controllers, ":memory:", 8) != 0)
        return least;
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/memory", root);
    return least_on_the_way(mount, group, "memory.limit_in_bytes", least);
}

static size_t limit_of_cgroups(const char *root, size_t least)
{
    char path[PATH], line[PATH];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        least = limit_of_line(root, line, least);
    if (file)
        fclose(file);
    return least;
}

static size_t limit_of_resource(int resource, size_t least)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return least;
    return limit.rlim_cur < least ? (size_t)limit.rlim_cur : least;
}

size_t memory_limit(const char *root)
{
    size_t least = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    least = limit_of_cgroups(root, least);
    least = limit_of_resource(RLIMIT_AS, least);
    return limit_of_resource(RLIMIT_DATA, least);
}
