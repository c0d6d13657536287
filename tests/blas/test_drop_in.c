/* SPDX-License-Identifier: BSD-3-Clause */
/* What a library between a program and its BLAS must keep out of: itself, mistakes, jumps, forks.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "old_blas.h"
#include "taker.h"

enum { N = 90, THREADS = 8, ROUNDS = 40 };

static double a[N * N], b[N * N], c[N * N];

static void before(void)
{
    taker_install();
    for (int i = 0; i < N * N; i++)
        a[i] = i % 7 - 3, b[i] = i % 5 - 2;
}
TestSuite(drop_in, .init = before);

static void multiply(double *out, int lda)
{
    const int n = N;
    const double one = 1, zero = 0;
    dgemm_("N", "N", &n, &n, &n, &one, a, &lda, b, &n, &zero, out, &n, 1, 1);
}

static bool is_product(const double *x)
{
    for (int j = 0; j < N; j++)
        for (int i = 0; i < N; i++) {
            double sum = 0;
            for (int k = 0; k < N; k++)
                sum += a[i + k * N] * b[k + j * N];
            if (x[i + j * N] != sum)
                return false;
        }
    return true;
}

/* The function of the old library itself. */
static treadle_routine_fn old_function(const char *name)
{
    Dl_info info;
    cr_assert(dladdr((void *)(uintptr_t)old_log, &info));
    void *handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    return (treadle_routine_fn)(uintptr_t)dlsym(handle, name);
}

/* Put a * b in the place of a copy of b. */
static bool call_gesv(void)
{
    const int n = N;
    int pivots[N], info = 7;
    for (int i = 0; i < N * N; i++)
        c[i] = b[i];
    dgesv_(&n, &n, a, &n, pivots, c, &n, &info);
    return info == 0 && is_product(c);
}

Test(drop_in, calls_of_a_taken_routine_are_its_librarys_own)
{
    taker_name = "dgesv_";
    taker_fn = old_function("dgesv_");
    cr_assert(call_gesv());
    cr_assert_eq(old_log()->gesv, 1);
    cr_assert_eq(old_log()->gemm, 1);
    cr_assert_eq(taken.gemm, 0);
    cr_assert_eq(taken.threads, 2, "a call of its own was taken as well");
    cr_assert_eq(taken.inside, 0);
}

Test(drop_in, products_of_a_routine_that_nobody_takes_are_taken)
{
    cr_assert(call_gesv());
    cr_assert_eq(old_log()->gesv, 1);
    cr_assert_eq(old_log()->gemm, 0);
    cr_assert_eq(taken.gemm, 1);
    cr_assert_eq(taken.threads, 2);
}

Test(drop_in, strings_keep_their_lengths)
{
    const int n = 2, large = N;
    int pivots[N], info;
    double x[4] = {1, 2, 3, 4}, y[4] = {5, 6, 7, 8};
    const double one = 1;
    dgemm_("N", "N", &n, &n, &n, &one, x, &n, y, &n, &one, y, &n, 1, 1);
    cr_assert_eq(old_log()->lengths, 2);
    for (int i = 0; i < N * N; i++)
        c[i] = b[i];
    dgetrs_("N", &large, &large, a, &large, pivots, c, &large, &info, 1);
    cr_assert_eq(old_log()->getrs, 1);
    cr_assert_eq(old_log()->lengths, 1);
    cr_assert(is_product(c));
}

Test(drop_in, wrong_arguments_are_the_old_librarys_to_tell)
{
    c[0] = 42;
    multiply(c, N - 1);
    cr_assert_eq(old_log()->xerbla, 1);
    cr_assert_eq(taken.gemm, 0);
    cr_assert_eq(c[0], 42);
}

static int given;

static void count_given(void)
{
    given++;
}

/* What a call is: given to the backend, or not. */
static bool is_given(const char *name, void (*call)(const int *), const int *arguments)
{
    taker_name = name;
    taker_fn = count_given;
    given = 0;
    int before_call = old_log()->others + old_log()->gemm;
    call(arguments);
    cr_assert_eq(given + old_log()->others + old_log()->gemm - before_call, 1, "%s", name);
    return given == 1;
}

static void call_gemv(const int *x)
{
    const double one = 1;
    const char trans = (char)x[0];
    dgemv_(&trans, &x[1], &x[2], &one, a, &x[3], b, &x[4], &one, c, &x[5], 1);
}

static void call_cblas_gemv(const int *x)
{
    cblas_dgemv(x[0], x[1], x[2], x[3], 1, a, x[4], b, x[5], 1, c, x[6]);
}

static void call_syrk(const int *x)
{
    const double one = 1;
    const char uplo = (char)x[0], trans = (char)x[1];
    dsyrk_(&uplo, &trans, &x[2], &x[3], &one, a, &x[4], &one, c, &x[5], 1, 1);
}

static void call_cblas_syrk(const int *x)
{
    cblas_dsyrk(x[0], x[1], x[2], x[3], x[4], 1, a, x[5], 1, c, x[6]);
}

/* Per routine: what is right, then a wrong value for one argument after the other. */
Test(drop_in, only_right_arguments_are_given_away)
{
    static const struct {
        const char *name;
        void (*call)(const int *);
        int count, right[7], wrong[7];
    } cases[] = {
        {"dgemv_", call_gemv, 6, {'T', 1000, 600, 1000, 1, -1}, {'X', -1000, -600, 999, 0, 0}},
        {"dgemv_", call_gemv, 6, {'c', 1000, 600, 1000, 1, -1}, {0, -1000, -600, 999, 0, 0}},
        {"cblas_dgemv",
         call_cblas_gemv,
         7,
         {101, 112, 1000, 600, 600, -1, 1},
         {100, 114, -1, -1, 599, 0, 0}},
        {"cblas_dgemv",
         call_cblas_gemv,
         7,
         {102, 111, 1000, 600, 1000, 2, 1},
         {103, 110, -1, -1, 999, 0, 0}},
        {"dsyrk_", call_syrk, 6, {'U', 'N', 300, 80, 300, 300}, {'X', 'X', -300, -80, 299, 299}},
        {"dsyrk_", call_syrk, 6, {'l', 't', 300, 80, 80, 300}, {0, 0, -300, -80, 79, 299}},
        {"cblas_dsyrk",
         call_cblas_syrk,
         7,
         {101, 121, 111, 300, 80, 80, 300},
         {0, 120, 114, -300, -80, 79, 299}},
        {"cblas_dsyrk",
         call_cblas_syrk,
         7,
         {102, 122, 111, 300, 80, 300, 300},
         {103, 123, 110, -300, -80, 299, 299}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert(is_given(cases[i].name, cases[i].call, cases[i].right), "case %zu", i);
        for (int k = 0; k < cases[i].count; k++) {
            int arguments[7];
            memcpy(arguments, cases[i].right, sizeof arguments);
            arguments[k] = cases[i].wrong[k];
            cr_assert(!is_given(cases[i].name, cases[i].call, arguments),
                      "case %zu, argument %d: %d", i, k, arguments[k]);
        }
    }
}

/* A backend that tells a mistake by info. */
static void refuse(void *n, void *nrhs, void *a_, void *lda, void *ipiv, void *b_, void *ldb,
                   int *info)
{
    (void)n, (void)nrhs, (void)a_, (void)lda, (void)ipiv, (void)b_, (void)ldb;
    *info = -4;
}

Test(drop_in, what_a_backend_refuses_goes_to_the_old_library)
{
    taker_name = "dgesv_";
    taker_fn = (treadle_routine_fn)refuse;
    cr_assert(call_gesv());
    cr_assert_eq(old_log()->gesv, 1);
}

/* ---- jumps ------------------------------------------------------------------------------ */

static jmp_buf out_of_call;

static void jump(void)
{
    longjmp(out_of_call, 1);
}

static void find_mistake(void)
{
    const int argument = 1;
    xerbla_("DGESV ", &argument, 6);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

Test(drop_in, a_jump_out_of_xerbla_ends_the_call, .timeout = 50)
{
    taker_name = "dgesv_";
    taker_fn = (treadle_routine_fn)find_mistake;
    old_xerbla_hook = jump;
    if (!setjmp(out_of_call)) {
        call_gesv();
        cr_assert(false, "the call came back");
    }
    cr_assert_eq(old_log()->xerbla, 1);
    cr_assert_eq(taken.inside, 0);
    multiply(c, N);
    cr_assert_eq(taken.threads, 2, "the next call was taken for a part of the last one");
    double begin = seconds();
    pid_t child = fork(); /* waits a minute for a call that does not end */
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    cr_assert_lt(seconds() - begin, 30);
}

/* ---- threads, forks --------------------------------------------------------------------- */

static atomic_int wrong;

static void *work(void *unused)
{
    double *mine = malloc(sizeof c);
    for (int round = 0; round < ROUNDS; round++) {
        mine[0] = 1.5;
        multiply(mine, N);
        wrong += !is_product(mine);
        const int n = 3, one = 1;
        wrong += ddot_(&n, a, &one, b, &one) != a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    }
    free(mine);
    return unused;
}

Test(drop_in, many_threads_find_the_originals_at_once)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(wrong, 0);
    cr_assert_eq(taken.gemm, THREADS * ROUNDS);
    cr_assert_eq(taken.inside, 0);
}

Test(drop_in, a_forked_child_goes_on)
{
    multiply(c, N);
    pid_t child = fork();
    if (child == 0) {
        c[0] = 1.5;
        multiply(c, N);
        _exit(is_product(c) ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
}

/* ---- originals -------------------------------------------------------------------------- */

/* A module and its BLAS that nobody else sees; scipy_dgemm_ is the name of neither in this program.
 */
Test(drop_in, modules_opened_locally_find_their_own_library)
{
    void *module = dlopen(LOCAL_MODULE, RTLD_NOW | RTLD_LOCAL);
    cr_assert(module, "%s", dlerror());
    int (*check)(int n) = (int (*)(int))(uintptr_t)dlsym(module, "check_local");
    cr_assert_eq(check(3), 0);
    cr_assert_eq(taken.gemm, 0);
    cr_assert_eq(check(N), 0);
    cr_assert_eq(taken.gemm, 1);
}

/* An address in no library: a program that was compiled at run time, say. */
Test(drop_in, calls_from_nowhere_find_a_library)
{
    void *module = dlopen(LOCAL_MODULE, RTLD_NOW | RTLD_LOCAL);
    cr_assert(module, "%s", dlerror());
    double (*dot)(const int *, const double *, const int *, const double *, const int *) =
        (double (*)(const int *, const double *, const int *, const double *, const int *))(
            uintptr_t)dlsym(RTLD_DEFAULT, "scipy_ddot_");
    const int n = 3, one = 1;
    cr_assert_eq(dot(&n, a, &one, a, &one), a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
}

Test(drop_in, without_a_library_the_program_ends)
{
    double (*dot)(const int64_t *, const double *, const int64_t *, const double *,
                  const int64_t *) =
        (double (*)(const int64_t *, const double *, const int64_t *, const double *,
                    const int64_t *))(uintptr_t)dlsym(RTLD_DEFAULT, "scipy_ddot_64_");
    const int64_t n = 3, one = 1;
    pid_t child = fork();
    if (child == 0) {
        dot(&n, a, &one, a, &one);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 127, "%#x", (unsigned)status);
}

/* ---- a library whose names do not tell that its integers are wide -------------------------- */

typedef struct old_log *(*old_log_fn)(void);
static old_log_fn wide_log;

static void before_wide(void)
{
    before();
    setenv("TREADLE_BLAS_LIBRARY", "/nowhere/libblas.so:" OLD_WIDE, 1);
    void *handle = dlopen(OLD_WIDE, RTLD_NOW | RTLD_LOCAL);
    cr_assert(handle, "%s", dlerror());
    wide_log = (old_log_fn)(uintptr_t)dlsym(handle, "old_log");
}
TestSuite(wide, .init = before_wide);

Test(wide, integers_by_value_stay_whole)
{
    double (*dot)(int64_t, const double *, int64_t, const double *, int64_t) =
        (double (*)(int64_t, const double *, int64_t, const double *, int64_t))(uintptr_t)dlsym(
            RTLD_DEFAULT, "cblas_ddot");
    double x[3] = {1, 2, 3}, y[3] = {4, 5, 6};
    cr_assert_eq(dot(3, x, -1, y, 1), 28);
    cr_assert_eq(wide_log()->dot, 1);
    cr_assert_eq(wide_log()->stride, -1);
    cr_assert_eq(old_log()->dot, 0);
}

Test(wide, backends_are_asked_for_wide_integers)
{
    void (*gemm)(const char *, const char *, const int64_t *, const int64_t *, const int64_t *,
                 const double *, const double *, const int64_t *, const double *, const int64_t *,
                 const double *, double *, const int64_t *, size_t, size_t) =
        (void (*)(const char *, const char *, const int64_t *, const int64_t *, const int64_t *,
                  const double *, const double *, const int64_t *, const double *, const int64_t *,
                  const double *, double *, const int64_t *, size_t,
                  size_t))(uintptr_t)dlsym(RTLD_DEFAULT, "dgemm_");
    const int64_t n = N;
    const double one = 1, zero = 0;
    gemm("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
    cr_assert_eq(taken.gemm, 1);
    cr_assert_eq(taken.int_bits, 64);
    cr_assert(is_product(c));
}
