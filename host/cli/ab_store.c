/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_store.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_document.h"
#include "cli.h"
#include "draft.h"

static bool is_file(const char *name)
{
    size_t length = strlen(name);

    return strchr(name, '/') || (length > 5 && !strcmp(name + length - 5, ".json"));
}

static bool find(const char *name, char *path)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int length;

    if (is_file(name))
        length = snprintf(path, PATH_MAX, "%s", name);
    else if (data && data[0] == '/')
        length = snprintf(path, PATH_MAX, "%s/treadle/ab/%s.json", data, name);
    else if (home && home[0] == '/')
        length = snprintf(path, PATH_MAX, "%s/.local/share/treadle/ab/%s.json", home, name);
    else
        length = -1;
    if (length < 0 || length >= PATH_MAX) {
        cli_fail(CLI_FAILED, "ab: there is no folder for the name '%s'; set HOME, or give a file",
                 name);
        return false;
    }
    return true;
}

bool ab_store_save(const char *name, const json_t *document)
{
    char path[PATH_MAX];
    struct draft draft;

    if (!find(name, path))
        return false;
    if (!is_file(name))
        draft_make_folders(path);
    if (draft_begin(&draft, path, 0666) &&
        draft_end(&draft,
                  !json_dumpf(document, draft.file, JSON_INDENT(1) | JSON_REAL_PRECISION(9))))
        return true;
    cli_fail(CLI_FAILED, "ab: --save: %s cannot be written: %s", path, strerror(errno));
    return false;
}

json_t *ab_store_load(const char *what, const char *name)
{
    char path[PATH_MAX];
    json_error_t error;

    if (!find(name, path))
        return NULL;
    json_t *document = json_load_file(path, 0, &error);
    if (!document) {
        cli_fail(CLI_USAGE, "%s: %s: %s", what, path, error.text);
        return NULL;
    }
    json_int_t schema = json_integer_value(json_object_get(document, "schema"));
    if (schema == AB_SCHEMA && json_is_array(json_object_get(document, "results")))
        return document;
    cli_fail(CLI_USAGE, "%s: %s: is no result of 'treadle ab' of schema %d", what, path, AB_SCHEMA);
    json_decref(document);
    return NULL;
}
