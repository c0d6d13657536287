/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_TEXT_H
#define TREADLE_AB_TEXT_H

#include <jansson.h>

/* The results of an ab_document() on stdout. */

void ab_text_markdown(const json_t *document);

/** A line of names, then one per size; empty where nothing is known. RFC 4180. */
void ab_text_csv(const json_t *document);

#endif /* TREADLE_AB_TEXT_H */
