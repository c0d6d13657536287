/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_live.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include "draft.h"
#include "page.h"

/** Median seconds of a call of one side. */
static double seconds_of(const struct ab_live_row *row, bool of_a)
{
    double logs[AB_PAIRS_MAX];

    for (size_t i = 0; i < row->count; i++)
        logs[i] = log(of_a ? row->pairs[i].a : row->pairs[i].b);
    return ab_interval_of(logs, row->count, 1).ratio;
}

/* ---- text ----------------------------------------------------------------------------------- */

enum { CELL = 40 };

static const char *seconds_text(double seconds, char text[CELL])
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    int unit = 0;

    for (seconds *= 1e9; seconds >= 999.5 && unit < 3; unit++)
        seconds *= 1e-3;
    snprintf(text, CELL, "%.3g %s", seconds, units[unit]);
    return text;
}

static const char *interval_text(const struct ab_interval *interval, char text[CELL])
{
    if (isfinite(interval->high))
        snprintf(text, CELL, "%.3f .. %.3f", interval->low, interval->high);
    else
        snprintf(text, CELL, "too few pairs");
    return text;
}

static const char *side_text(const struct ab_live_side *side, char text[CELL])
{
    snprintf(text, CELL, "%.24s x%u", side->backend, side->threads);
    return text;
}

static const char *checks_text(const struct ab_live_row *row, char text[CELL])
{
    if (row->checks == 0)
        return "not checked";
    snprintf(text, CELL, "%s, %u checked", row->bits ? "same bits" : "agree", row->checks);
    return text;
}

static void print_row(FILE *file, const struct ab_live_row *row)
{
    char a[CELL], b[CELL], on_a[CELL], on_b[CELL], interval[CELL], checks[CELL];

    fprintf(file, "%-12s %-5s %14s %3u %8s %-13s %8s %-13s %6.3f %16s  %-9s %5zu  %s\n", row->op,
            row->dtype, row->shape, row->callers, seconds_text(seconds_of(row, true), a),
            side_text(&row->a, on_a), seconds_text(seconds_of(row, false), b),
            side_text(&row->b, on_b), row->interval.ratio, interval_text(&row->interval, interval),
            ab_verdict_text(row->verdict), row->count, checks_text(row, checks));
}

void ab_live_print(FILE *file, const struct ab_live *live)
{
    fprintf(file, "treadle: A: %s   B: %s, for a share of %g of the large calls\n", live->a,
            live->b, live->share);
    if (live->count > 0)
        fprintf(file, "%-12s %-5s %14s %3s %8s %-13s %8s %-13s %6s %16s  %-9s %5s  %s\n", "op",
                "type", "size", "by", "A", "ran on", "B", "ran on", "A/B", "interval", "verdict",
                "pairs", "results");
    else
        fputs("treadle: no kind of large call was seen often enough to be compared\n", file);
    for (size_t i = 0; i < live->count; i++)
        print_row(file, live->rows[i]);
    for (size_t i = 0; i < live->warned; i++)
        fprintf(file, "treadle: %s\n", live->warnings[i]);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void put_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || strchr("\"\\<", *text)) /* "</" would end a script */
            fprintf(file, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, file);
    fputc('"', file);
}

static void put_text(FILE *file, const char *name, const char *text)
{
    fprintf(file, "\"%s\": ", name);
    put_string(file, text);
    fputs(", ", file);
}

static void put_number(FILE *file, const char *name, double value)
{
    if (isfinite(value))
        fprintf(file, "\"%s\": %.9g, ", name, value);
    else
        fprintf(file, "\"%s\": null, ", name);
}

static void put_side(FILE *file, const char *name, const char *spec,
                     const struct ab_live_side *side, double seconds)
{
    fprintf(file, "\"%s\": {", name);
    put_text(file, "spec", spec);
    put_text(file, "backend", side->backend);
    put_number(file, "seconds", seconds);
    fprintf(file, "\"calls_per_sample\": 1, \"threads\": %u},\n   ", side->threads);
}

static void put_samples(FILE *file, const struct ab_live_row *row)
{
    fputs("\"samples\": [", file);
    for (size_t i = 0; i < row->count; i++)
        fprintf(file, "%s{\"a\": %.9g, \"b\": %.9g, \"a_first\": %s}", i ? ", " : "",
                row->pairs[i].a, row->pairs[i].b, row->pairs[i].a_first ? "true" : "false");
    fputs("]}", file);
}

static void put_row(FILE *file, const struct ab_live *live, const struct ab_live_row *row)
{
    bool known = isfinite(row->interval.high);

    fputs("  {", file);
    put_text(file, "op", row->op);
    put_text(file, "dtype", row->dtype);
    put_text(file, "shape", row->shape);
    put_number(file, "size", row->size);
    put_number(file, "work", row->work > 0 ? row->work : NAN);
    put_number(file, "callers", row->callers);
    put_number(file, "ratio", row->interval.ratio);
    put_number(file, "low", known ? row->interval.low : NAN);
    put_number(file, "high", row->interval.high);
    put_text(file, "verdict", ab_verdict_text(row->verdict));
    fprintf(file, "\"verified\": %s, \"same_bits_required\": %s, ", row->checks ? "true" : "null",
            row->bits ? "true" : "false");
    put_number(file, "checks", row->checks);
    put_number(file, "noise_floor", row->floor);
    fputs("\n   ", file);
    put_side(file, "a", live->a, &row->a, seconds_of(row, true));
    put_side(file, "b", live->b, &row->b, seconds_of(row, false));
    put_samples(file, row);
}

static void put_document(FILE *file, const void *document)
{
    const struct ab_live *live = document;
    double floor = 0;

    fputs("{\"schema\": 1, \"live\": true, ", file);
    put_text(file, "a", live->a);
    put_text(file, "b", live->b);
    put_number(file, "share", live->share);
    put_number(file, "level", live->level);
    put_number(file, "same", live->same);
    fputs("\"interrupted\": false, \"environment\": {", file);
    put_text(file, "version", live->version);
    put_text(file, "cpu", live->cpu);
    fprintf(file, "\"cores\": %d},\n", live->cores);
    fputs(" \"results\": [\n", file);
    for (size_t i = 0; i < live->count; i++) {
        put_row(file, live, live->rows[i]);
        fputs(i + 1 < live->count ? ",\n" : "\n", file);
        floor = fmax(floor, live->rows[i]->floor);
    }
    fputs(" ],\n \"warnings\": [", file);
    for (size_t i = 0; i < live->warned; i++) {
        fputs(i ? ", " : "", file);
        put_string(file, live->warnings[i]);
    }
    fprintf(file, "],\n \"noise_floor\": %.9g}\n", floor);
}

static bool is_page(const char *path)
{
    size_t length = strlen(path);

    return length > 5 && strcmp(path + length - 5, ".html") == 0;
}

/** The program's own locale may write numbers with a comma. */
static void put_plainly(FILE *file, bool page, const struct ab_live *live)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = plain ? uselocale(plain) : (locale_t)0;

    if (page)
        page_print(file, page_of_ab(), put_document, live);
    else
        put_document(file, live);
    if (plain) {
        uselocale(before);
        freelocale(plain);
    }
}

bool ab_live_save(const char *path, const struct ab_live *live)
{
    struct draft draft;

    if (!draft_begin(&draft, path, 0666))
        return false;
    put_plainly(draft.file, is_page(path), live);
    return draft_end(&draft, true);
}
