/* SPDX-License-Identifier: BSD-3-Clause */
#include "own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Above what shells and programs use by number. Below 64, up to which a process has room from the
 * start: before it gets more, the kernel lets a process of several threads wait. */
enum { HIGH = 48 };

int own_file_move(int number)
{
    if (number < 0)
        return -1;
    int moved = fcntl(number, F_DUPFD_CLOEXEC, HIGH);
    if (moved < 0) /* the limit is lower */
        moved = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (moved < 0 && number > STDERR_FILENO) /* and reached */
        return number;
    int error = errno;
    close(number);
    errno = error;
    return moved;
}

void own_file_keep(struct own_file *file, int number)
{
    struct stat status;
    if (fstat(number, &status) == 0) {
        file->device = status.st_dev;
        file->inode = status.st_ino;
    }
    file->number = number;
}

int own_file_number(const struct own_file *file, struct stat *status)
{
    int number = file->number;
    return number >= 0 && fstat(number, status) == 0 && status->st_dev == file->device &&
                   status->st_ino == file->inode
               ? number
               : -1;
}

void own_file_close(struct own_file *file)
{
    struct stat status;
    int number = own_file_number(file, &status);
    if (number >= 0)
        close(number);
    file->number = -1;
}
