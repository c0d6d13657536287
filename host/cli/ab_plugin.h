/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_PLUGIN_H
#define TREADLE_AB_PLUGIN_H

#include <stdbool.h>

/** Is this side a plugin's file, "./treadle-you.so" or "/path/treadle-you.so:2"? */
bool ab_plugin_is_path(const char *side);

/**
 * Load the file as a backend of its own, so that two builds of one plugin can be compared: its id
 * gets ".a" or ".b" behind it.
 *
 * @param which  'a' or 'b'
 * @return what TREADLE_BACKEND would be for it, with the number of threads; NULL after a sentence
 */
const char *ab_plugin_load(const char *side, char which);

#endif /* TREADLE_AB_PLUGIN_H */
