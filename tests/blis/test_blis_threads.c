/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens between threads and processes, and between the plugin and another BLAS. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blis_data.h"

/* The program's own BLAS and LAPACK: exported, so that anything not hidden in the plugin ends here.
 */
#define TRAP(name)                                                                                 \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
        abort();                                                                                   \
    }
TRAP(dgemm_)
TRAP(dgemv_)
TRAP(dtrsm_)
TRAP(dgesdd_)
TRAP(dgesv_)
TRAP(dlamch_)
TRAP(xerbla_)
TRAP(cblas_dgemm)
TRAP(bli_init)
TRAP(bli_init_once)
TRAP(bli_gemm_ex)
TRAP(bli_thrcomm_barrier)

static double multiply(int64_t n, uint32_t threads, uint32_t *used)
{
    struct blis_array x, y, out, *args[] = {&x, &y, &out};
    data_make(&x, F64, 2, (int64_t[]){n, n}, 1);
    data_make(&y, F64, 2, (int64_t[]){n, n}, 2);
    data_make(&out, F64, 2, (int64_t[]){n, n}, 3);
    if (blis_run("matmul", args, 3, 2, 0, threads, used))
        return 1e9;
    double error = data_product_error(&x, &y, &out, 0);
    free(x.array.data);
    free(y.array.data);
    free(out.array.data);
    return error;
}

static double decompose(int64_t n, uint32_t threads, uint32_t *used)
{
    struct blis_array a, out, *args[] = {&a, &out};
    data_make(&a, F64, 2, (int64_t[]){n, n}, 1);
    data_make_definite(&a);
    data_make(&out, F64, 2, (int64_t[]){n, n}, 2);
    if (blis_run("inv", args, 2, 1, 0, threads, used))
        return 1e9;
    double error = data_product_error(&a, &out, NULL, 0);
    free(a.array.data);
    free(out.array.data);
    return error;
}

Test(threads, never_meet_the_programs_own_blas)
{
    cr_assert_leq(multiply(150, 2, NULL), 1e-11);
    cr_assert_leq(decompose(150, 2, NULL), 1e-9);
    struct blis_array a, s, *args[] = {&a, &s};
    data_make(&a, F64, 2, (int64_t[]){150, 150}, 1);
    data_make(&s, F64, 1, (int64_t[]){150}, 2);
    cr_assert_eq(blis_run("svd", args, 2, 1, 0, 2, NULL), TREADLE_OK);
}

Test(threads, are_as_many_as_granted_and_useful)
{
    uint32_t used;
    for (uint32_t grant = 1; grant <= 4; grant++) {
        cr_assert_leq(multiply(300, grant, &used), 1e-10);
        cr_assert_eq(used, grant);
    }
    multiply(20, 4, &used);
    cr_assert_eq(used, 1, "too small to share");
    decompose(200, 3, &used);
    cr_assert_eq(used, 3);
}

Test(threads, are_asked_for_again_inside_a_call)
{
    uint32_t used;
    blis_threads_now = 1;
    multiply(300, 4, &used);
    cr_assert_eq(used, 1);
    decompose(200, 4, &used);
    cr_assert_eq(used, 1);
}

Test(threads, may_become_more_inside_a_call)
{
    uint32_t used;
    blis_cores = 3;
    cr_assert_leq(multiply(300, 1, &used), 1e-10);
    cr_assert_eq(used, 3);
    cr_assert_leq(decompose(200, 1, &used), 1e-10);
    cr_assert_eq(used, 3);
}

Test(threads, are_one_if_no_more_can_be_had)
{
    uint32_t used;
    blis_team_fails = true;
    cr_assert_leq(multiply(300, 3, &used), 1e-10);
    cr_assert_eq(used, 1);
    cr_assert_leq(decompose(200, 3, &used), 1e-9);
    cr_assert_eq(used, 1);
}

static void *mixed_calls(void *bad)
{
    for (uint32_t i = 0; i < 6; i++) {
        uint32_t grant = 1 + i % 3;
        if (!(multiply(130 + i, grant, NULL) < 1e-11) || !(decompose(90 + i, grant, NULL) < 1e-9))
            *(int *)bad = 1;
    }
    return NULL;
}

Test(threads, of_four_callers_with_different_grants_do_not_mix)
{
    pthread_t callers[4];
    int bad[4] = {0};
    blis_plugin();
    for (int i = 0; i < 4; i++)
        pthread_create(&callers[i], NULL, mixed_calls, &bad[i]);
    for (int i = 0; i < 4; i++) {
        pthread_join(callers[i], NULL);
        cr_assert_eq(bad[i], 0);
    }
}

static int status_of_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(30); /* a hang must not outlive the test */
        bool good = !blis_plugin()->after_fork_child(blis_state()) &&
                    multiply(200, 2, NULL) < 1e-10 && decompose(150, 2, NULL) < 1e-9;
        _exit(good ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

Test(threads, work_in_a_forked_child)
{
    cr_assert_leq(multiply(200, 2, NULL), 1e-10);
    cr_assert_eq(status_of_child(), 0);
    cr_assert_leq(multiply(200, 2, NULL), 1e-10);
}

static void *multiply_until(void *stop)
{
    while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
        multiply(120, 2, NULL);
    return NULL;
}

Test(threads, work_in_a_child_forked_during_a_call)
{
    pthread_t caller;
    int stop = 0;
    blis_plugin();
    pthread_create(&caller, NULL, multiply_until, &stop);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(status_of_child(), 0);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(caller, NULL);
}

/* Rows of infinity times zero, at the end, which is not the caller's part. */
Test(threads, raise_their_floating_point_flags_on_the_caller)
{
    int64_t n = 400;
    struct blis_array x, y, out, *args[] = {&x, &y, &out};
    data_make(&x, F64, 2, (int64_t[]){n, n}, 1);
    data_make(&y, F64, 2, (int64_t[]){n, n}, 2);
    data_make(&out, F64, 2, (int64_t[]){n, n}, 3);
    for (int place = 0; place < 2; place++) {
        int64_t at = place ? n - 1 : 0;
        double complex kept = data_at(&x, 0, at, 5);
        data_set(&x, (int64_t[]){at, 5}, INFINITY);
        data_set(&y, (int64_t[]){5, at}, 0);
        feclearexcept(FE_ALL_EXCEPT);
        cr_assert_eq(blis_run("matmul", args, 3, 2, 0, 2, NULL), TREADLE_OK);
        cr_assert(fetestexcept(FE_INVALID), "place %d", place);
        data_set(&x, (int64_t[]){at, 5}, kept);
    }
}
