/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_PAGE_H
#define TREADLE_AB_PAGE_H

#include <jansson.h>
#include <stdbool.h>

/**
 * Write one HTML page that needs nothing else: ab_page.html with the ab_document() inside, from
 * which it draws itself. Returns false after a sentence.
 */
bool ab_page_write(const char *path, const json_t *document);

#endif /* TREADLE_AB_PAGE_H */
