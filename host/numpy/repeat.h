/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_REPEAT_H
#define TREADLE_NUMPY_REPEAT_H

/**
 * REPEAT_TEN(m, p) is m(p0) ... m(p9), REPEAT_HUNDRED(m, p) is m(p00) ... m(p99): functions or
 * table entries that differ by a number. Begin at 1000, because a number that is pasted together
 * must not begin with 0.
 */
#define REPEAT_TEN(m, p)                                                                           \
    m(p##0) m(p##1) m(p##2) m(p##3) m(p##4) m(p##5) m(p##6) m(p##7) m(p##8) m(p##9)
#define REPEAT_HUNDRED(m, p)                                                                       \
    REPEAT_TEN(m, p##0)                                                                            \
    REPEAT_TEN(m, p##1)                                                                            \
    REPEAT_TEN(m, p##2)                                                                            \
    REPEAT_TEN(m, p##3)                                                                            \
    REPEAT_TEN(m, p##4)                                                                            \
    REPEAT_TEN(m, p##5)                                                                            \
    REPEAT_TEN(m, p##6) REPEAT_TEN(m, p##7) REPEAT_TEN(m, p##8) REPEAT_TEN(m, p##9)

#endif
