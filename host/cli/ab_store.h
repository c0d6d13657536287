/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_STORE_H
#define TREADLE_AB_STORE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Results that are kept. A name with a slash or ending in .json is a file; any other one is kept as
 * $XDG_DATA_HOME/treadle/ab/NAME.json, which is ~/.local/share/treadle/ab/NAME.json if that is not
 * set.
 */

/** Returns false after a sentence. A result of that name is replaced, whole or not at all. */
bool ab_store_save(const char *name, const json_t *document);

/** A document of a schema that is known, or NULL after a sentence that begins with `what`. */
json_t *ab_store_load(const char *what, const char *name);

#endif /* TREADLE_AB_STORE_H */
