/* SPDX-License-Identifier: BSD-3-Clause */
/* life.create, kernels.list and kernels.find: what a plugin says of itself has to be true. */
#include <string.h>

#include "check.h"
#include "check_plugin.h"
#include "check_tests.h"

enum { ROUNDS = 3 };

void check_create(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        size_t count;
        if (!check_plugin_create())
            return;
        check_plugin_ops(&count);
        check_plugin_destroy();
    }
    if (check_host_blocks() != 0)
        check_fail("destroy() leaves %ld blocks of the host's memory behind", check_host_blocks());
}

/* ---- listing -------------------------------------------------------------------------------- */

static bool is_dtype(struct treadle_dtype dtype)
{
    return dtype.lanes == 1 && dtype.bits >= 8 && dtype.bits % 8 == 0 &&
           dtype.code <= TREADLE_BOOL && dtype.code != 3;
}

/** What is wrong with it, or NULL. */
static const char *fault_of(const struct treadle_query *query)
{
    if (!query->op || !query->op[0])
        return "has no op";
    if (strnlen(query->op, sizeof((struct check_op *)0)->name) ==
        sizeof((struct check_op *)0)->name)
        return "has an op whose name is too long";
    if (query->ntypes > CHECK_TYPES_MAX)
        return "has more types than any operation takes";
    if (query->nin > query->ntypes)
        return "has more inputs than types";
    if (query->ntypes > 0 && !query->dtypes)
        return "has no dtypes";
    for (uint32_t i = 0; i < query->ntypes; i++)
        if (!is_dtype(query->dtypes[i]))
            return "has a dtype that does not exist";
    return NULL;
}

static bool same_query(const struct treadle_query *a, const struct treadle_query *b)
{
    return a->op == b->op && a->dtypes == b->dtypes && a->ntypes == b->ntypes && a->nin == b->nin;
}

static bool is_found(const struct treadle_query *query)
{
    struct treadle_kernel kernel = {.struct_size = sizeof kernel};
    struct treadle_query asked = *query;

    asked.struct_size = sizeof asked;
    int32_t status = check_plugin_table()->find_kernel(check_plugin_state(), &asked, &kernel);
    if (status == TREADLE_OK && !kernel.run)
        check_fail_here("find_kernel() succeeds, but run is NULL");
    if (status == TREADLE_OK && kernel.reserved)
        check_fail_here("find_kernel() sets kernel->reserved");
    if (status != TREADLE_OK && status != TREADLE_E_DECLINED)
        check_fail_here("find_kernel() answers %d; allowed is TREADLE_OK and TREADLE_E_DECLINED",
                        status);
    return status == TREADLE_OK;
}

/** False at the end of the list, or after a failure. */
static bool see_entry(uint32_t i)
{
    const struct treadle_plugin *table = check_plugin_table();
    struct treadle_query query = {.struct_size = sizeof query}, again = query;

    check_doing("list_kernel(%u)", i);
    int32_t status = table->list_kernel(check_plugin_state(), i, &query);
    if (status == TREADLE_E_DECLINED)
        return false;
    if (status != TREADLE_OK) {
        check_fail_here("status %d; past the end it is TREADLE_E_DECLINED", status);
        return false;
    }
    const char *fault = fault_of(&query);
    if (fault) {
        check_fail_here("%s", fault);
        return false;
    }
    if (table->list_kernel(check_plugin_state(), i, &again) || !same_query(&query, &again)) {
        check_fail_here("a second call answers something else; the memory has to be static");
        return false;
    }
    check_doing("list_kernel(%u), which is %s", i, query.op);
    if (!is_found(&query))
        check_fail_here("find_kernel() declines what is listed");
    return !check_has_failed();
}

void check_list(void)
{
    struct treadle_query past = {.struct_size = sizeof past};
    uint32_t i = 0;

    if (!check_plugin_create())
        return;
    const struct treadle_plugin *table = check_plugin_table();
    if (!table->list_kernel) {
        check_skip("has no list_kernel(), which may be missing");
        return;
    }
    while (i < CHECK_OPS_MAX && see_entry(i))
        i++;
    if (i == CHECK_OPS_MAX)
        check_fail("list_kernel() has not ended after %d entries", CHECK_OPS_MAX);
    if (check_has_failed())
        return;
    check_doing("list_kernel(%u)", UINT32_MAX);
    if (table->list_kernel(check_plugin_state(), UINT32_MAX, &past) == TREADLE_OK)
        check_fail_here("succeeds");
    check_note("%u entries", i);
}

/* ---- asking for what is not there ----------------------------------------------------------- */

static void expect_declined(struct treadle_query query, const char *how)
{
    check_doing("find_kernel() of %s, %s", query.op, how);
    if (is_found(&query))
        check_fail_here("is answered, should be declined");
}

/** A host asks only what makes sense, but one plugin hears of the ops of all others. */
static void ask_nonsense(const struct check_op *op)
{
    struct treadle_dtype types[CHECK_TYPES_MAX];
    const struct treadle_query query = {sizeof query, 0, op->name, types, op->ntypes, op->nin};
    struct treadle_query bad = query;

    memcpy(types, op->dtypes, sizeof types);
    bad.ntypes = 0, bad.nin = 0;
    expect_declined(bad, "without operands");
    bad.ntypes = 1, bad.nin = op->nin ? 1 : 0;
    if (op->ntypes > 1)
        expect_declined(bad, "with one operand");
    bad = query;
    types[0] = (struct treadle_dtype){TREADLE_FLOAT, 64, 3};
    expect_declined(bad, "with three lanes");
    types[0] = (struct treadle_dtype){77, 8, 1};
    expect_declined(bad, "with an unknown type");
}

void check_find(void)
{
    static const struct treadle_dtype f64[] = {
        {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}};
    struct treadle_query query = {sizeof query, 0, "org.example.no-such-op", f64, 3, 2};
    size_t count;

    if (!check_plugin_create())
        return;
    expect_declined(query, "of three float64");
    query.op = "";
    expect_declined(query, "of three float64");
    check_doing("find_kernel() of loop, which has no types");
    is_found(&(struct treadle_query){.struct_size = sizeof query, .op = "loop"});
    const struct check_op *ops = check_plugin_ops(&count);
    for (size_t i = 0; i < count && !check_has_failed(); i++)
        if (ops[i].ntypes > 0)
            ask_nonsense(&ops[i]);
    if (count == 0)
        check_fail("find_kernel() answers nothing, neither what is listed nor an op of ops.h");
}
