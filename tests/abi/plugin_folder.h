/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TEST_PLUGIN_FOLDER_H
#define TREADLE_TEST_PLUGIN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <treadle/treadle.h>

/** A folder of one test, made by the fixture folder_make() and removed by folder_remove(). */
extern char folder[64];
void folder_make(void);
void folder_remove(void);

/** "folder/name", valid until the next call but three. */
const char *in_folder(const char *name);

/** Absolute path of a plugin that was built for the tests: built("v2") is treadle-v2.so. */
const char *built(const char *name);

/** Write `size` bytes to, or copy a built plugin as, folder/name. */
void folder_write(const char *name, const void *bytes, size_t size);
void folder_copy(const char *name, const char *plugin);

/** What the library lists under this path; fails the test if nothing. */
struct treadle_backend_info listed(const char *path);
bool is_listed(const char *path);

/** Fail unless the plugin at this path is listed as usable; or as refused, with these words. */
void expect_usable(const char *path);
void expect_refused(const char *path, const char *words);

#endif
