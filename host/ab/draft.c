/* SPDX-License-Identifier: BSD-3-Clause */
#include "draft.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool draft_begin(struct draft *draft, const char *target, mode_t mode)
{
    int descriptor = -1;

    draft->target = target;
    errno = EEXIST;
    for (int i = 0; i < 100 && descriptor < 0 && errno == EEXIST; i++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        int length = snprintf(draft->path, sizeof draft->path, "%s.%ld-%ld", target, (long)getpid(),
                              now.tv_nsec);
        if (length >= (int)sizeof draft->path) {
            errno = ENAMETOOLONG;
            return false;
        }
        descriptor = open(draft->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    }
    draft->file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (descriptor >= 0 && !draft->file) {
        close(descriptor);
        unlink(draft->path);
    }
    return draft->file != NULL;
}

bool draft_end(struct draft *draft, bool whole)
{
    whole = whole && !ferror(draft->file) && !fflush(draft->file) && !fsync(fileno(draft->file));
    if (!fclose(draft->file) && whole && !rename(draft->path, draft->target))
        return true;
    int reason = errno;
    unlink(draft->path);
    errno = reason;
    return false;
}

void draft_make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700); /* fails if it is there, and then the file can be opened */
        *slash = '/';
    }
}
