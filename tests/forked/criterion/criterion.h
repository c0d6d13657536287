/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The few words of Criterion that the tests use, for ThreadSanitizer: the memory that Criterion
 * shares with its workers lies where TSan's does, and it crashes. tests/meson.build chooses.
 */
#ifndef FORKED_CRITERION_H
#define FORKED_CRITERION_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct criterion_test_params {
    void *first;
    size_t size, count;
};

struct forked_test {
    const char *suite, *name; /* name NULL: what holds for the whole suite */
    void (*run)(void *param);
    struct criterion_test_params (*params)(void); /* NULL: runs once */
    void (*init)(void), (*fini)(void);
    double timeout; /* s; 0: none */
    struct forked_test *next;
};

void forked_register(struct forked_test *test);

__attribute__((noreturn, format(printf, 4, 5))) void
forked_fail(const char *file, int line, const char *condition, const char *format, ...);

__attribute__((noreturn)) void forked_skip(const char *why);

#define FORKED_REGISTER(ID, ...)                                                                   \
    __attribute__((constructor)) static void ID##_register(void)                                   \
    {                                                                                              \
        static struct forked_test test = {__VA_ARGS__};                                            \
        forked_register(&test);                                                                    \
    }
#define TestSuite(S, ...) FORKED_REGISTER(S, .suite = #S, __VA_ARGS__) struct forked_test
#define Test(S, N, ...)                                                                            \
    static void S##_##N(void *);                                                                   \
    FORKED_REGISTER(S##_##N, .suite = #S, .name = #N, .run = S##_##N, __VA_ARGS__)                 \
    static void S##_##N(__attribute__((unused)) void *forked_param)
#define ParameterizedTestParameters(S, N) static struct criterion_test_params S##_##N##_params(void)
#define ParameterizedTest(PARAM, S, N, ...)                                                        \
    static void S##_##N(PARAM);                                                                    \
    static void S##_##N##_run(void *param)                                                         \
    {                                                                                              \
        S##_##N(param);                                                                            \
    }                                                                                              \
    FORKED_REGISTER(S##_##N, .suite = #S, .name = #N, .run = S##_##N##_run,                        \
                    .params = S##_##N##_params, __VA_ARGS__)                                       \
    static void S##_##N(PARAM)
#define cr_make_param_array(T, FIRST, COUNT)                                                       \
    ((struct criterion_test_params){FIRST, sizeof(T), COUNT})

#define cr_skip_test(WHY) forked_skip(WHY)
#define cr_assert(C, ...) ((C) ? (void)0 : forked_fail(__FILE__, __LINE__, #C, "" __VA_ARGS__))
#define cr_assert_not(C, ...) cr_assert(!(C), __VA_ARGS__)
#define cr_assert_null(P, ...) cr_assert((P) == NULL, __VA_ARGS__)
#define cr_assert_eq(A, B, ...) cr_assert((A) == (B), __VA_ARGS__)
#define cr_assert_neq(A, B, ...) cr_assert((A) != (B), __VA_ARGS__)
#define cr_assert_lt(A, B, ...) cr_assert((A) < (B), __VA_ARGS__)
#define cr_assert_gt(A, B, ...) cr_assert((A) > (B), __VA_ARGS__)
#define cr_assert_leq(A, B, ...) cr_assert((A) <= (B), __VA_ARGS__)
#define cr_assert_geq(A, B, ...) cr_assert((A) >= (B), __VA_ARGS__)
#define cr_assert_str_eq(A, B, ...) cr_assert(strcmp(A, B) == 0, __VA_ARGS__)
#define cr_assert_str_neq(A, B, ...) cr_assert(strcmp(A, B) != 0, __VA_ARGS__)
#define cr_assert_arr_eq(A, B, SIZE, ...) cr_assert(memcmp(A, B, SIZE) == 0, __VA_ARGS__)
#define cr_assert_float_eq(A, B, E, ...) cr_assert(fabs((double)((A) - (B))) <= (E), __VA_ARGS__)

#endif
