/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_DRAFT_H
#define TREADLE_DRAFT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * Files that are replaced whole or not at all: what is written goes into a draft beside the file,
 * which then takes the file's place. Each writer, of any process, has a draft of its own.
 */

enum { DRAFT_PATH = 4096 + 40 };

struct draft {
    FILE *file;
    const char *target;
    char path[DRAFT_PATH];
};

/**
 * Begin to write what will replace `target`, which is kept, with `mode` as open() takes it. Returns
 * false, with errno.
 */
bool draft_begin(struct draft *draft, const char *target, mode_t mode);

/**
 * Close the draft, and put it in the file's place if `whole` and nothing has failed. Returns false,
 * with errno, if the file is as it was; then nothing is left beside it.
 */
bool draft_end(struct draft *draft, bool whole);

/** Make every folder on the way to `path`, for the user alone. */
void draft_make_folders(char *path);

#endif /* TREADLE_DRAFT_H */
