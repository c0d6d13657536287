/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_text.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static double number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

/* ---- Markdown ------------------------------------------------------------------------------- */

static void markdown_side(const json_t *side)
{
    char cell[OUTPUT_CELL];

    printf(" %s, %.3g %s,", output_seconds(number_of(side, "seconds"), cell),
           number_of(side, "rate"), text_of(side, "unit"));
    if (json_is_real(json_object_get(side, "share")))
        printf(" %.0f %% of limit,", 100 * number_of(side, "share"));
    printf(" %s ×%d |", text_of(side, "backend"), (int)number_of(side, "threads"));
}

static void markdown_row(const json_t *result)
{
    printf("| %s | %s | %s |", text_of(result, "op"), text_of(result, "dtype"),
           text_of(result, "shape"));
    markdown_side(json_object_get(result, "a"));
    markdown_side(json_object_get(result, "b"));
    printf(" %.3f |", number_of(result, "ratio"));
    if (json_is_real(json_object_get(result, "high")))
        printf(" %.3f to %.3f |", number_of(result, "low"), number_of(result, "high"));
    else
        printf(" too few pairs |");
    printf(" %s |\n", text_of(result, "verdict"));
}

void ab_text_markdown(const json_t *document)
{
    const json_t *environment = json_object_get(document, "environment");
    size_t i;
    json_t *result;

    printf("A: `%s`, B: `%s`; above 1, B is faster.\n\n", text_of(document, "a"),
           text_of(document, "b"));
    puts("| op | type | size | A | B | A/B | interval | verdict |\n"
         "|---|---|--:|--:|--:|--:|---|---|");
    json_array_foreach(json_object_get(document, "results"), i, result) markdown_row(result);
    printf("\n%s; %g %% confidence for all sizes together; A against itself: off by up to "
           "%.2f %%.\n",
           text_of(environment, "cpu"), 100 * number_of(document, "level"),
           100 * number_of(document, "noise_floor"));
}

/* ---- CSV ------------------------------------------------------------------------------------ */

static const char *const columns[] = {"op",     "dtype",    "size",    "shape",    "callers",
                                      "layout", "in_place", "cache",   "output",   "ratio",
                                      "low",    "high",     "verdict", "verified", "noise_floor"};
static const char *const side_columns[] = {"spec", "backend", "variant", "threads", "seconds",
                                           "rate", "unit",    "limit",   "share"};

static void csv_value(const json_t *value)
{
    const char *text = json_string_value(value);

    if (json_is_boolean(value)) {
        printf("%s", json_is_true(value) ? "true" : "false");
    } else if (json_is_number(value)) {
        printf("%.9g", json_number_value(value));
    } else if (text && strpbrk(text, ",\"\n\r")) {
        putchar('"');
        for (; *text; text++)
            printf(*text == '"' ? "\"\"" : "%c", *text);
        putchar('"');
    } else if (text) {
        printf("%s", text);
    }
}

static void csv_row(const json_t *result)
{
    static const char *const sides[] = {"a", "b"};

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        csv_value(json_object_get(result, columns[i]));
        putchar(',');
    }
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sizeof side_columns / sizeof *side_columns; i++) {
            csv_value(json_object_get(json_object_get(result, sides[s]), side_columns[i]));
            putchar(',');
        }
    printf("%zu\r\n", json_array_size(json_object_get(result, "samples")));
}

void ab_text_csv(const json_t *document)
{
    size_t i;
    json_t *result;

    for (i = 0; i < sizeof columns / sizeof *columns; i++)
        printf("%s,", columns[i]);
    for (i = 0; i < sizeof side_columns / sizeof *side_columns; i++)
        printf("a_%s,", side_columns[i]);
    for (i = 0; i < sizeof side_columns / sizeof *side_columns; i++)
        printf("b_%s,", side_columns[i]);
    printf("pairs\r\n");
    json_array_foreach(json_object_get(document, "results"), i, result) csv_row(result);
}
