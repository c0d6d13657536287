/* SPDX-License-Identifier: BSD-3-Clause */
#include "own_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool own_path(const char *given, char *path, size_t capacity)
{
    size_t used = 0;
    for (const char *mark; used < capacity; given = mark + 2) {
        mark = strstr(given, "%p");
        if (!mark) {
            used += (size_t)snprintf(path + used, capacity - used, "%s", given);
            break;
        }
        used += (size_t)snprintf(path + used, capacity - used, "%.*s%d", (int)(mark - given), given,
                                 (int)getpid());
    }
    if (used < capacity)
        return true;
    errno = ENAMETOOLONG;
    return false;
}
