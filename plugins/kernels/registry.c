/* SPDX-License-Identifier: BSD-3-Clause */
/* Which operations there are, and the kernels of this machine's ISA for them. */
#include <string.h>

#include "cpu.h"
#include "kernel_sets.h"
#include "kernels.h"

#define SET(suffix, name)                                                                          \
    {                                                                                              \
        .isa = name, .binary = treadle_binary_##suffix, .unary = treadle_unary_##suffix,           \
        .copy = treadle_copy_##suffix, .folds = treadle_fold_##suffix,                             \
        .products = treadle_product_##suffix                                                       \
    }

static const struct kernel_set {
    const char *isa;
    const struct treadle_elementwise *binary, *unary, *copy;
    const struct treadle_fold *folds;
    const struct treadle_product *products;
} sets[] = {
    [TREADLE_CPU_BASELINE] = SET(c, "baseline"),
#if defined(__x86_64__)
    [TREADLE_CPU_AVX2] = SET(avx2, "avx2"),
    [TREADLE_CPU_AVX512] = SET(avx512, "avx512"),
#endif
};

static int asks_for(const struct treadle_query *query, const char *op,
                    const struct treadle_dtype *dtypes, uint32_t ntypes, uint32_t nin)
{
    return query->ntypes == ntypes && query->nin == nin && !strcmp(query->op, op) &&
           !memcmp(query->dtypes, dtypes, ntypes * sizeof(*dtypes));
}

static int find_elementwise(struct treadle_found *found, const struct treadle_elementwise *rows,
                            size_t n, const struct treadle_query *query)
{
    found->family = TREADLE_FAMILY_ELEMENTWISE;
    for (size_t i = 0; i < n; i++) {
        found->row = &rows[i];
        if (asks_for(query, rows[i].op, rows[i].dtypes, rows[i].nin + 1, rows[i].nin))
            return 1;
    }
    return 0;
}

static int find_fold(struct treadle_found *found, const struct treadle_fold *rows,
                     const struct treadle_query *query)
{
    found->family = TREADLE_FAMILY_FOLD;
    for (size_t i = 0; i < TREADLE_FOLD_ROWS; i++) {
        found->row = &rows[i];
        if (asks_for(query, rows[i].op, rows[i].dtypes, 2, 1))
            return 1;
    }
    return 0;
}

static int find_product(struct treadle_found *found, const struct treadle_product *rows,
                        const struct treadle_query *query)
{
    for (size_t i = 0; i < TREADLE_PRODUCT_ROWS; i++) {
        found->row = &rows[i];
        found->exact = 0; /* the order of the additions is ours */
        found->family = TREADLE_FAMILY_MATMUL;
        if (asks_for(query, "matmul", rows[i].dtypes, 3, 2))
            return 1;
        found->family = TREADLE_FAMILY_DOT;
        if (asks_for(query, "dot", rows[i].dtypes, 3, 2))
            return 1;
    }
    return 0;
}

int32_t treadle_kernels_find(const struct treadle_query *query, struct treadle_found *found)
{
    const struct kernel_set *set = &sets[treadle_cpu_level()];
    found->isa = set->isa;
    found->exact = 1;
    if (!strcmp(query->op, "loop")) {
        found->family = TREADLE_FAMILY_LOOP;
        found->row = NULL;
        return TREADLE_OK;
    }
    if (query->dtypes &&
        (find_elementwise(found, set->binary, TREADLE_BINARY_ROWS, query) ||
         find_elementwise(found, set->unary, TREADLE_UNARY_ROWS, query) ||
         find_elementwise(found, set->copy, TREADLE_COPY_ROWS, query) ||
         find_fold(found, set->folds, query) || find_product(found, set->products, query)))
        return TREADLE_OK;
    return TREADLE_E_DECLINED;
}

static void answer(struct treadle_query *query, const char *op, const struct treadle_dtype *dtypes,
                   uint32_t ntypes, uint32_t nin)
{
    query->op = op;
    query->dtypes = dtypes;
    query->ntypes = ntypes;
    query->nin = nin;
}

int32_t treadle_kernels_list(uint32_t i, struct treadle_query *query)
{
    const struct kernel_set *set = &sets[TREADLE_CPU_BASELINE];
    const struct {
        const struct treadle_elementwise *rows;
        uint32_t n;
    } elementwise[] = {{set->binary, TREADLE_BINARY_ROWS},
                       {set->unary, TREADLE_UNARY_ROWS},
                       {set->copy, TREADLE_COPY_ROWS}};
    for (size_t k = 0; k < TREADLE_COUNT_OF(elementwise); k++) {
        if (i < elementwise[k].n) {
            const struct treadle_elementwise *row = &elementwise[k].rows[i];
            answer(query, row->op, row->dtypes, row->nin + 1, row->nin);
            return TREADLE_OK;
        }
        i -= elementwise[k].n;
    }
    if (i < TREADLE_FOLD_ROWS) {
        answer(query, set->folds[i].op, set->folds[i].dtypes, 2, 1);
        return TREADLE_OK;
    }
    i -= TREADLE_FOLD_ROWS;
    if (i < 2 * TREADLE_PRODUCT_ROWS) {
        answer(query, i % 2 ? "dot" : "matmul", set->products[i / 2].dtypes, 3, 2);
        return TREADLE_OK;
    }
    i -= 2 * TREADLE_PRODUCT_ROWS;
    if (i == 0)
        answer(query, "loop", NULL, 0, 0);
    return i == 0 ? TREADLE_OK : TREADLE_E_DECLINED;
}
