/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_THREAD_H
#define TREADLE_THREAD_H

#include <stdbool.h>

/** Start a thread of the library's own, which never ends and takes no signal of the program's. */
bool thread_start(void *(*work)(void *), void *arg);

#endif
