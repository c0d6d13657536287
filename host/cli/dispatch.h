/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_DISPATCH_H
#define TREADLE_DISPATCH_H

#include <stdbool.h>

/** What the way through the library costs a call of one element. */
struct dispatch_cost {
    double dispatch_ns; /* median of call - direct, over the pairs */
    double call_ns;     /* treadle_binary("add") */
    double direct_ns;   /* the same kernel through its pointer */
    double grant_ns;    /* more for a large call: decide, take and give back cores, record */
};

/** Measure it; false, with the reason printed, if there is no kernel to call directly. */
bool dispatch_measure(struct dispatch_cost *cost);

#endif /* TREADLE_DISPATCH_H */
