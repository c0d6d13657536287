/* SPDX-License-Identifier: BSD-3-Clause */
#include "member.h"

const char *member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

double member_number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}
