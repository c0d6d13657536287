/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"

#include <string.h>

#include "ab_page_html.h"

static const char place[] = "@DATA@";

const char *page_of_ab(void)
{
    return (const char *)ab_page_html;
}

void page_print(FILE *file, const char *page, page_put_fn put, const void *document)
{
    const char *at = strstr(page, place);

    fwrite(page, 1, (size_t)(at - page), file);
    put(file, document);
    fputs(at + strlen(place), file);
}
