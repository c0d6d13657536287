/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_MEMBER_H
#define TREADLE_MEMBER_H

#include <jansson.h>

/** A member of a JSON object, or of what should be one; "" and 0 if it is none or of another type.
 */
const char *member_text(const json_t *object, const char *name);
double member_number(const json_t *object, const char *name);

#endif /* TREADLE_MEMBER_H */
