/* SPDX-License-Identifier: BSD-3-Clause */
/* Many threads call what plugins divide among others, and every result is right. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "strided.h"

/* N: more than one part of whatever is divided. N2 x N2: of a product. */
enum { N = 70000, N2 = 64, CALLERS = 4, ROUNDS = 25, MANY = 64, FEW = 5000 };

static const char *_Atomic trouble;
static atomic_bool shared_out;

static void note(int32_t status, const struct treadle_used *used, bool right)
{
    if (status != TREADLE_OK)
        trouble = treadle_last_error();
    else if (strcmp(used->backend, "openmp") != 0)
        trouble = used->backend;
    else if (!right)
        trouble = "a wrong result";
    if (used->threads > 1)
        shared_out = true;
}

static void add_and_sum(double *x, double *y, double *out)
{
    double total = 0;
    struct strided a, b, c, sum;
    struct treadle_used used = {0};
    strided_vector(&a, x, N, 1);
    strided_vector(&b, y, N, 1);
    strided_vector(&c, out, N, 1);
    strided_f64(&sum, &total, 0, NULL);
    int32_t status = treadle_binary("add", &a.a, &b.a, &c.a, &used);
    bool right = true;
    for (int i = 0; i < N; i++)
        right = right && out[i] == x[i] + y[i];
    note(status, &used, right);
    status = treadle_reduce("sum", &c.a, NULL, -1, &sum.a, &used);
    note(status, &used, total == (double)N * (N + 1));
}

/* The identity times a matrix. */
static void multiply(double *x, double *y, double *out)
{
    static const int64_t square[] = {N2, N2};
    struct strided a, b, c;
    struct treadle_used used = {0};
    strided_f64(&a, x, 2, square);
    strided_f64(&b, y, 2, square);
    strided_f64(&c, out, 2, square);
    int32_t status =
        treadle_run("matmul", (struct treadle_array[]){a.a, b.a, c.a}, 3, 2, NULL, &used);
    note(status, &used, memcmp(out, y, sizeof(double[N2][N2])) == 0);
}

static void *call_for_a_while(void *unused)
{
    double *data = calloc(4 * (size_t)N, sizeof *data);
    double *x = data, *y = x + N, *out = y + N, *identity = out + N;
    for (int i = 0; i < N; i++)
        x[i] = i, y[i] = i + 2;
    for (int i = 0; i < N2; i++)
        identity[i * (N2 + 1)] = 1;
    for (int i = 0; i < ROUNDS || (!shared_out && i < 20 * ROUNDS); i++) {
        add_and_sum(x, y, out);
        multiply(identity, y, out);
    }
    free(data);
    return unused;
}

Test(soak, callers_share_the_threads_of_a_plugin, .timeout = 60)
{
    pthread_t callers[CALLERS];
    cr_assert_eq(treadle_set_backend("openmp"), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_num_threads(2 * CALLERS), TREADLE_OK);
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    for (int i = 0; i < CALLERS; i++)
        pthread_create(&callers[i], NULL, call_for_a_while, NULL);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    cr_assert_null(trouble, "%s", trouble);
    if (!shared_out)
        cr_skip_test("no second core was ever free to help");
}

/* ---- many ------------------------------------------------------------------------------------ */

static void negate(void *ctx, uint32_t task, uint32_t worker)
{
    const struct treadle_call *call = ctx;
    const struct treadle_array *from = &call->args[0], *to = &call->args[1];
    for (int64_t i = task * (FEW / 10); i < (task + 1) * (FEW / 10); i++)
        ((double *)to->data)[i] = -((double *)from->data)[i];
    if (worker >= call->threads_max)
        trouble = "more workers than were granted";
}

/* On the library's own threads. */
static int32_t negate_in_tasks(struct treadle_call *call)
{
    return call->host->parallel(call->host, call, 10, negate, call);
}

static void negate_once(double *x, double *out)
{
    struct strided from, to;
    struct treadle_used used = {0};
    strided_vector(&from, x, FEW, 1);
    strided_vector(&to, out, FEW, 1);
    if (treadle_unary("negative", &from.a, &to.a, &used) != TREADLE_OK)
        trouble = treadle_last_error();
    for (int i = 0; i < FEW; i++)
        if (out[i] != -x[i])
            trouble = "negative is wrong";
}

/* What others do meanwhile. */
static void look_and_change(unsigned i)
{
    static const char *const modes[] = {"machine", "process", "machine", "off"};
    struct treadle_statistic statistic;
    struct treadle_process process;
    if (i % 20 == 0)
        treadle_set_budget(modes[i / 20 % 4]);
    if (i % 20 == 10)
        treadle_set_num_threads(2 + (int32_t)(i / 20 % 4));
    treadle_statistic(0, &statistic);
    treadle_processes(&process, 1);
}

static void *call_in_a_crowd(void *number)
{
    double *x = calloc(2 * (size_t)FEW, sizeof *x), *out = x + FEW;
    unsigned first = (unsigned)(uintptr_t)number;
    for (int i = 0; i < FEW; i++)
        x[i] = i + (int)first;
    for (unsigned i = first; i < first + 60; i++) {
        negate_once(x, out);
        look_and_change(i);
    }
    free(x);
    return NULL;
}

Test(soak, sixty_four_callers, .timeout = 60)
{
    static struct fake tasks = {.id = "tasks", .op = "negative", .work = negate_in_tasks};
    pthread_t callers[MANY];
    cr_assert_eq(fake_register(&tasks), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("tasks"), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    for (uintptr_t i = 0; i < MANY; i++)
        pthread_create(&callers[i], NULL, call_in_a_crowd, (void *)i);
    for (int i = 0; i < MANY; i++)
        pthread_join(callers[i], NULL);
    cr_assert_null(trouble, "%s", trouble);
    cr_assert_eq(tasks.runs, MANY * 60);
}
