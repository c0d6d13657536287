/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "output.h"

static const char *const words[] = {
    [CHECK_PASSED] = "passed", [CHECK_FAILED] = "failed", [CHECK_SKIPPED] = "skipped"};

size_t check_results_count(const struct check_results *results, enum check_status status)
{
    size_t count = 0;

    for (size_t i = 0; i < results->count; i++)
        count += results->outcomes[i].status == status;
    return count;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void print_lines(const char *text)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        printf("         %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

void check_report_line(const struct check_test *test, const struct check_outcome *outcome)
{
    printf("%-7s  %-18s  %s\n", words[outcome->status], test->name, test->what);
    print_lines(outcome->text);
    print_lines(outcome->notes);
    fflush(stdout);
}

void check_report_end(const struct check_results *results)
{
    printf("\n%s: %zu passed, %zu failed, %zu skipped\n", results->path,
           check_results_count(results, CHECK_PASSED), check_results_count(results, CHECK_FAILED),
           check_results_count(results, CHECK_SKIPPED));
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/** Texts of a broken plugin may be no UTF-8: then they are not shown, but the document is whole. */
static json_t *text_json(const char *text)
{
    json_t *string = json_string(text);

    return string ? string : json_string("(not UTF-8)");
}

int check_report_json(const struct check_results *results)
{
    json_t *list = json_array();

    for (size_t i = 0; i < results->count; i++) {
        const struct check_outcome *outcome = &results->outcomes[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:f, s:o, s:o}", "name", results->tests[i]->name,
                            "what", results->tests[i]->what, "status", words[outcome->status],
                            "seconds", outcome->seconds, "text", text_json(outcome->text), "notes",
                            text_json(outcome->notes)));
    }
    return output_json(json_pack("{s:i, s:o, s:I, s:I, s:I, s:b, s:o}", "schema", 1, "plugin",
                                 text_json(results->path), "passed",
                                 (json_int_t)check_results_count(results, CHECK_PASSED), "failed",
                                 (json_int_t)check_results_count(results, CHECK_FAILED), "skipped",
                                 (json_int_t)check_results_count(results, CHECK_SKIPPED),
                                 "interrupted", cli_interrupted(), "tests", list));
}

/* ---- JUnit ---------------------------------------------------------------------------------- */

/** What XML does not allow becomes a question mark: a broken plugin may say anything. */
static void print_xml(FILE *file, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", file);
            break;
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            fputc((*text >= ' ' && *text <= '~') || *text == '\n' ? *text : '?', file);
        }
}

static void print_element(FILE *file, const char *tag, const char *text)
{
    fprintf(file, "    <%s message=\"", tag);
    print_xml(file, text);
    fprintf(file, "\"/>\n");
}

static void print_case(FILE *file, const struct check_test *test,
                       const struct check_outcome *outcome)
{
    fprintf(file, "  <testcase classname=\"treadle.check\" name=\"%s\" time=\"%.3f\">\n",
            test->name, outcome->seconds);
    if (outcome->status == CHECK_FAILED)
        print_element(file, "failure", outcome->text);
    else if (outcome->status == CHECK_SKIPPED)
        print_element(file, "skipped", outcome->text);
    fputs("  </testcase>\n", file);
}

bool check_report_junit(const struct check_results *results, const char *path)
{
    FILE *file = fopen(path, "we");
    double seconds = 0;

    if (!file) {
        cli_fail(CLI_FAILED, "check: --junit: %s cannot be written: %s", path, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < results->count; i++)
        seconds += results->outcomes[i].seconds;
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"treadle check\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
            "skipped=\"%zu\" time=\"%.3f\">\n  <properties>\n    <property name=\"plugin\" "
            "value=\"",
            results->count, check_results_count(results, CHECK_FAILED),
            check_results_count(results, CHECK_SKIPPED), seconds);
    print_xml(file, results->path);
    fputs("\"/>\n  </properties>\n", file);
    for (size_t i = 0; i < results->count; i++)
        print_case(file, results->tests[i], &results->outcomes[i]);
    fputs("</testsuite>\n", file);
    if (!ferror(file) && !fclose(file))
        return true;
    cli_fail(CLI_FAILED, "check: --junit: %s could not be written", path);
    return false;
}
