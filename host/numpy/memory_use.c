/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory_use.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 4096 };

/* Without stdio's buffers: it is called up to 300 times a second. */
static bool read_text(const char *path, char *text)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t length = read(file, text, TEXT - 1);
    close(file);
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* /proc/self/statm: pages of address space, in memory, of these shared or of files, ... */
static bool read_pages(int64_t *resident, int64_t *shared)
{
    char text[TEXT], *at = text;
    if (!read_text("/proc/self/statm", text))
        return false;
    (void)strtoll(at, &at, 10);
    *resident = strtoll(at, &at, 10) * sysconf(_SC_PAGESIZE);
    *shared = strtoll(at, &at, 10) * sysconf(_SC_PAGESIZE);
    return true;
}

int64_t memory_resident(void)
{
    int64_t resident, shared;
    return read_pages(&resident, &shared) ? resident - shared : -1;
}

int64_t memory_highest(void)
{
    static const char name[] = "VmHWM:";
    char text[TEXT];
    int64_t resident, shared;
    if (!read_pages(&resident, &shared) || !read_text("/proc/self/status", text))
        return -1;
    const char *line = strstr(text, name);
    return line ? strtoll(line + strlen(name), NULL, 10) * 1024 - shared : -1;
}
