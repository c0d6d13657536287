/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OWN_PATH_H
#define TREADLE_OWN_PATH_H

#include <stdbool.h>
#include <stddef.h>

/**
 * The path of a file that this process writes: as given, with its number in the place of each "%p",
 * so that the processes of one program have a file each. False, with errno, if it is too long.
 */
bool own_path(const char *given, char *path, size_t capacity);

#endif
