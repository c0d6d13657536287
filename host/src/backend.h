/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_BACKEND_H
#define TREADLE_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <treadle/plugin.h>

/**
 * A plugin that was found. backend_import() takes a copy of its table in which every member may be
 * called; backend_create() makes it usable. One that cannot be used stays listed with the reason.
 * It is never freed and its code never unloaded: threads may be inside.
 */
struct backend {
    struct treadle_plugin table;      /* the host's copy, stubs for what is absent */
    struct treadle_routines routines; /* stubs for what is absent, but NULL for adapt */
    void *state;
    const char *path; /* as found; "(built in)", "(registered)" */
    bool usable;
    char reason[1024]; /* "" if usable, else one sentence */
};

/** An unusable backend called `name`, all stubs; both strings must outlive it. */
void backend_init(struct backend *backend, const char *name, const char *path);

/**
 * Import a table into an initialised backend: copy min(its size, ours), fill stubs, check what 1.0
 * requires.
 * @param table  may be of any size and age, even unaligned; never read past its struct_size
 * @return TREADLE_OK, or TREADLE_E_PLUGIN with backend->reason set; the table is then all stubs
 */
int32_t backend_import(struct backend *backend, const struct treadle_plugin *table);

/**
 * Call create() and ask for the extensions. The floating-point modes stay as they were. On failure
 * the backend stays unusable, with reason.
 */
int32_t backend_create(struct backend *backend, const struct treadle_host *services);

/**
 * Make it unusable: the reason becomes "path: formatted text", the functions stubs; the strings of
 * a table that was imported stay, for listings. Returns TREADLE_E_PLUGIN.
 */
int32_t backend_refuse(struct backend *backend, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
