/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_COMMAND_LINE_H
#define TREADLE_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <getopt.h>

/* The options of a subcommand, as a table that says where their values go. */

struct cli_option;

/** Store a value; false after a sentence that begins with `what`, "ab: --sizes". */
typedef bool (*cli_take_fn)(const char *what, const char *value, const struct cli_option *option);

struct cli_option {
    const char *name; /* "sizes"; NULL ends the table */
    cli_take_fn take; /* NULL: it has no value, and `to` is a bool that becomes true */
    void *to;
    double least, most; /* for numbers */
};

/** Into a const char *: the argument itself. */
bool cli_take_text(const char *what, const char *value, const struct cli_option *option);

/** Into an int64_t, a double, a struct options_counts. */
bool cli_take_count(const char *what, const char *value, const struct cli_option *option);
bool cli_take_number(const char *what, const char *value, const struct cli_option *option);
bool cli_take_counts(const char *what, const char *value, const struct cli_option *option);

/** Into a struct treadle_dtype, a struct options_dtypes. */
bool cli_take_dtype(const char *what, const char *value, const struct cli_option *option);
bool cli_take_dtypes(const char *what, const char *value, const struct cli_option *option);

/** Into a struct cli_texts: one more. */
enum { CLI_TEXTS_MAX = 256 };

struct cli_texts {
    const char *texts[CLI_TEXTS_MAX];
    size_t count;
};

bool cli_take_texts(const char *what, const char *value, const struct cli_option *option);

/**
 * Take all options; --help is one of every command. Afterwards `optind` is that of the first
 * argument.
 *
 * @param command  begins the sentences: "ab"
 * @param before   only those before the first argument: the others are a program's
 * @return CLI_OK, CLI_USAGE after a sentence, or -1 after --help
 */
int cli_parse(const char *command, int argc, char **argv, const struct cli_option *options,
              bool before);

#endif /* TREADLE_COMMAND_LINE_H */
