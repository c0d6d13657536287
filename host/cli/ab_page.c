/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_page_html.h"
#include "cli.h"

static const char place[] = "@DATA@";

/** In a script element "</" would end it; JSON may write the same as "<\/". */
static void write_data(FILE *file, const char *json)
{
    for (; *json; json++) {
        fputc(*json, file);
        if (json[0] == '<' && json[1] == '/')
            fputc('\\', file);
    }
}

bool ab_page_write(const char *path, const json_t *document)
{
    const char *page = (const char *)ab_page_html, *at = strstr(page, place);
    char *json = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(9));
    FILE *file = json ? fopen(path, "we") : NULL;
    bool good = false;

    if (file) {
        fwrite(page, 1, (size_t)(at - page), file);
        write_data(file, json);
        fputs(at + strlen(place), file);
        good = !ferror(file);
        good = !fclose(file) && good;
    }
    free(json);
    if (!good)
        cli_fail(CLI_FAILED, "ab: --html: %s cannot be written: %s", path, strerror(errno));
    return good;
}
