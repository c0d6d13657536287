/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_PROGRAM_H
#define TREADLE_AB_PROGRAM_H

#include <stdbool.h>

/** Is there a "--" with something behind it: `treadle ab [OPTION...] -- PROGRAM [ARGUMENT...]`? */
bool ab_program_is_asked(int argc, char **argv);

/** The same program in two environments. Returns an enum cli_exit. */
int ab_program(int argc, char **argv);

#endif /* TREADLE_AB_PROGRAM_H */
