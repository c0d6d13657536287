/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_PAGE_H
#define TREADLE_PAGE_H

#include <stdio.h>

/* Pages that need nothing else: one file of HTML, which draws itself from the document inside. */

/** The page of `treadle ab` and TREADLE_AB. */
const char *page_of_ab(void);

/** Writes a document as JSON in which no "</" occurs: that would end the script element. */
typedef void (*page_put_fn)(FILE *file, const void *document);

/** Write the page with the document in it; ferror() tells whether that went well. */
void page_print(FILE *file, const char *page, page_put_fn put, const void *document);

#endif /* TREADLE_PAGE_H */
