/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OWN_FILE_H
#define TREADLE_OWN_FILE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

/**
 * A file that stays open for the life of the process, by its number and by what tells it from
 * others: a program that closes all files it did not open, as daemons do, may get the number for a
 * file of its own. One thread at a time changes it, any may ask for the number.
 */
struct own_file {
    _Atomic int number; /* -1: none */
    _Atomic uint64_t device, inode;
};
#define OWN_FILE_NONE                                                                              \
    {                                                                                              \
        .number = -1                                                                               \
    }

/**
 * Move a descriptor to a number that programs do not count on, never 0 to 2. The old one is closed.
 * Returns -1, with errno, if `number` is negative or there is no other.
 */
int own_file_move(int number);

/** Keep this descriptor, and forget what was kept before. */
void own_file_keep(struct own_file *file, int number);

/** The number if it still is this file, and its status; else -1. A system call. */
int own_file_number(const struct own_file *file, struct stat *status);

/** Forget the file; close it if it still is this one. */
void own_file_close(struct own_file *file);

#endif
