/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A variable becomes wrong, and is read again, in the middle of another thread's call. The linker
 * leads policy_plan() to this file, which reloads just before the plan is looked at.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "fakes.h"
#include "policy.h"
#include "strided.h"

static int looks; /* so many until the reload; 0: none */

const struct plan *__real_policy_plan(void);
const struct plan *__wrap_policy_plan(void);
const struct plan *__wrap_policy_plan(void)
{
    if (looks > 0 && --looks == 0) {
        setenv("TREADLE_BACKEND", "nobody", 1);
        treadle_reload_env();
    }
    return __real_policy_plan();
}

static int32_t copy(void)
{
    double from = 1, to = 0;
    struct strided x, y;
    strided_vector(&x, &from, 1, 1);
    strided_vector(&y, &to, 1, 1);
    return treadle_unary("copy", &x.a, &y.a, NULL);
}

static int32_t explain(void)
{
    struct treadle_decision decision;
    return treadle_explain_routine("dgemm_", 64, 1e9, 0, &decision);
}

static void mend(void)
{
    setenv("TREADLE_BACKEND", "serial", 1);
    cr_assert_eq(treadle_reload_env(), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(looks, 0);
    cr_assert_eq(copy(), TREADLE_OK, "%s", treadle_last_error());
}

Test(reload, in_the_first_call)
{
    looks = 2; /* the first one finds no plan yet */
    expect_invalid(copy(), "TREADLE_BACKEND|nobody");
    mend();
}

Test(reload, in_a_later_call)
{
    int32_t (*const calls[])(void) = {copy, explain};
    cr_assert_eq(treadle_init(), TREADLE_OK, "%s", treadle_last_error());
    for (int i = 0; i < 2; i++) {
        looks = 1;
        expect_invalid(calls[i](), "TREADLE_BACKEND|nobody");
        mend();
    }
}
