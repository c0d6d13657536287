/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_WATCH_H
#define TREADLE_AB_WATCH_H

#include <stdbool.h>

/**
 * Watch over calls that may never return. A call cannot be taken out of a thread, so a hang ends
 * the process with CLI_FAILED and a sentence that names what was tried.
 *
 * @param seconds  that one step may take; time in which the process was stopped does not count
 * @return false if the watching thread could not be started; the reason has been printed
 */
bool ab_watch_start(double seconds);

/** A step begins: what is tried, on which side, 'A' or 'B'. The texts outlive it. [one thread] */
void ab_watch_step(const char *what, char side, const char *spec);

/** Nothing is tried any more. */
void ab_watch_rest(void);

#endif /* TREADLE_AB_WATCH_H */
