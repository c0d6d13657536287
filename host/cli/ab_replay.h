/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_REPLAY_H
#define TREADLE_AB_REPLAY_H

#include "ab_options.h"

/**
 * `treadle ab A B --replay FILE`: the calls that a program made, as TREADLE_TRACE has recorded
 * them: operations, types, shapes, and which threads called when. Returns an enum cli_exit.
 */
int ab_replay(struct ab_request *request);

#endif /* TREADLE_AB_REPLAY_H */
