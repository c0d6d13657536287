/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_text.h"

#include <stdio.h>
#include <string.h>

#include "member.h"
#include "output.h"

/* ---- Markdown ------------------------------------------------------------------------------- */

static void markdown_side(const json_t *side)
{
    char cell[OUTPUT_CELL];

    printf(" %s, %.3g %s,", output_seconds(member_number(side, "seconds"), cell),
           member_number(side, "rate"), member_text(side, "unit"));
    if (json_is_real(json_object_get(side, "share")))
        printf(" %.0f %% of limit,", 100 * member_number(side, "share"));
    printf(" %s ×%d |", member_text(side, "backend"), (int)member_number(side, "threads"));
}

static void markdown_row(const json_t *result)
{
    printf("| %s | %s | %s |", member_text(result, "op"), member_text(result, "dtype"),
           member_text(result, "shape"));
    markdown_side(json_object_get(result, "a"));
    markdown_side(json_object_get(result, "b"));
    printf(" %.3f |", member_number(result, "ratio"));
    if (json_is_real(json_object_get(result, "high")))
        printf(" %.3f to %.3f |", member_number(result, "low"), member_number(result, "high"));
    else
        printf(" too few pairs |");
    printf(" %s |\n", member_text(result, "verdict"));
}

void ab_text_markdown(const json_t *document)
{
    const json_t *environment = json_object_get(document, "environment");
    size_t i;
    json_t *result;

    printf("A: `%s`, B: `%s`; above 1, B is faster.\n\n", member_text(document, "a"),
           member_text(document, "b"));
    puts("| op | type | size | A | B | A/B | interval | verdict |\n"
         "|---|---|--:|--:|--:|--:|---|---|");
    json_array_foreach(json_object_get(document, "results"), i, result) markdown_row(result);
    printf("\n%s; %g %% confidence for all sizes together; A against itself: off by up to "
           "%.2f %%.\n",
           member_text(environment, "cpu"), 100 * member_number(document, "level"),
           100 * member_number(document, "noise_floor"));
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
