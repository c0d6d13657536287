/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OUTPUT_H
#define TREADLE_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "page.h"

enum { OUTPUT_COLUMNS_MAX = 12, OUTPUT_CELL = 64 };

/** Rows of text, printed in columns as wide as their widest cell; no colours, no borders. */
struct output_table {
    size_t columns;
    size_t rows;
    size_t capacity;
    char (*cells)[OUTPUT_CELL]; /* rows * columns */
    char align[OUTPUT_COLUMNS_MAX];
};

/** `align` has an 'l' or an 'r' per column. */
void output_table_init(struct output_table *table, const char *align);

/** The next cell, row after row; the first row is the head. A longer text is cut. */
void output_cell(struct output_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Print to stdout. A row that is not complete is left out. */
void output_table_print(const struct output_table *table);

void output_table_finish(struct output_table *table);

/** "1.23 us", in a buffer of OUTPUT_CELL bytes */
const char *output_seconds(double seconds, char *text);

/** "1e6", "1000", "123456" */
const char *output_count(double count, char *text);

/** A number, or null if it is none or infinite. */
json_t *output_number(double number);

/**
 * Write a page of host/ab/page.h with the document in it. Returns false after a sentence that
 * begins with `what`.
 */
bool output_page(const char *what, const char *path, const char *page, const json_t *document);

/** Print the document and drop it. Returns CLI_OK, or CLI_FAILED if stdout cannot take it. */
int output_json(json_t *root);

#endif /* TREADLE_OUTPUT_H */
