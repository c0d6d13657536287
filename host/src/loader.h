/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_LOADER_H
#define TREADLE_LOADER_H

#include <stdint.h>
#include <treadle/plugin.h>

#include "backend.h"

/** More plugins than this are not looked at. */
enum { TREADLE_BACKENDS_MAX = 64 };

struct env;

/**
 * Find and load all plugins: the built-in serial first, then TREADLE_PLUGIN_PATH, then the folder
 * "treadle-1" beside this library. Called once, under the lock of init; never fails as a
 * whole: what cannot be used is listed with its reason.
 */
void loader_scan(const struct env *env, const struct treadle_host *services);

/**
 * Load one file by absolute path, whoever owns it, or take a linked-in entry point. A file that is
 * in use already is a success. TREADLE_ONLY and TREADLE_DISABLE hold here too. [one thread at a
 * time]
 * @return TREADLE_OK, or after fail() TREADLE_E_INVALID or TREADLE_E_PLUGIN
 */
int32_t loader_load(const char *path, const struct treadle_host *services);
int32_t loader_register(treadle_plugin_fn entry, const struct treadle_host *services);

/** Those found so far, usable or not; the order is that of the search. [any thread] */
uint32_t loader_count(void);
struct backend *loader_at(uint32_t i);

/** The usable backend of that name, or NULL. */
struct backend *loader_find(const char *name, uint32_t length);

#endif
