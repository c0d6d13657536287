/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_COMPARE_H
#define TREADLE_AB_COMPARE_H

/** `treadle ab compare OLD NEW`. Returns an enum cli_exit. */
int ab_compare(int argc, char **argv);

#endif /* TREADLE_AB_COMPARE_H */
