/* SPDX-License-Identifier: BSD-3-Clause */
#include "output.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void output_table_init(struct output_table *table, const char *align)
{
    *table = (struct output_table){.columns = strlen(align)};
    memcpy(table->align, align, table->columns);
}

static char *new_cell(struct output_table *table)
{
    if (table->rows == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 64;
        void *cells = realloc(table->cells, capacity * sizeof *table->cells);
        if (!cells)
            exit(cli_fail(CLI_FAILED, "no memory for a table"));
        table->cells = cells;
        table->capacity = capacity;
    }
    return table->cells[table->rows++];
}

void output_cell(struct output_table *table, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(new_cell(table), OUTPUT_CELL, format, arguments);
    va_end(arguments);
}

static size_t column_width(const struct output_table *table, size_t column)
{
    size_t width = 0;

    for (size_t i = column; i < table->rows; i += table->columns)
        if (strlen(table->cells[i]) > width)
            width = strlen(table->cells[i]);
    return width;
}

void output_table_print(const struct output_table *table)
{
    int widths[OUTPUT_COLUMNS_MAX];
    size_t last = table->columns - 1;

    for (size_t c = 0; c < table->columns; c++) {
        widths[c] = (int)column_width(table, c);
        if (table->align[c] == 'l')
            widths[c] = c == last ? 0 : -widths[c];
    }
    for (size_t row = 0; row + table->columns <= table->rows; row += table->columns)
        for (size_t c = 0; c < table->columns; c++)
            printf("%*s%s", widths[c], table->cells[row + c], c == last ? "\n" : "  ");
}

void output_table_finish(struct output_table *table)
{
    free(table->cells);
    table->cells = NULL;
}

const char *output_seconds(double seconds, char *text)
{
    static const struct {
        double from, scale;
        const char *unit;
    } units[] = {{1, 1, "s"}, {1e-3, 1e3, "ms"}, {1e-6, 1e6, "us"}, {0, 1e9, "ns"}};
    int i = 0;

    while (seconds < units[i].from)
        i++;
    double value = seconds * units[i].scale;
    int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    snprintf(text, OUTPUT_CELL, "%.*f %s", decimals, value, units[i].unit);
    return text;
}

const char *output_count(double count, char *text)
{
    double power = count > 0 ? round(log10(count)) : 0;

    if (power >= 4 && count == pow(10, power))
        snprintf(text, OUTPUT_CELL, "1e%.0f", power);
    else
        snprintf(text, OUTPUT_CELL, "%.0f", count);
    return text;
}

json_t *output_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

int output_json(json_t *root)
{
    if (!root)
        return cli_fail(CLI_FAILED, "no memory for the JSON document");
    int status = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    putchar('\n');
    if (status || fflush(stdout))
        return cli_fail(CLI_FAILED, "the JSON document could not be written");
    return CLI_OK;
}

static void put_document(FILE *file, const void *document)
{
    json_dumpf(document, file, JSON_COMPACT | JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(9));
}

bool output_page(const char *what, const char *path, const char *page, const json_t *document)
{
    FILE *file = fopen(path, "we");
    bool good = file != NULL;

    if (file) {
        page_print(file, page, put_document, document);
        good = !ferror(file);
        good = !fclose(file) && good;
    }
    if (!good)
        cli_fail(CLI_FAILED, "%s: %s cannot be written: %s", what, path, strerror(errno));
    return good;
}
