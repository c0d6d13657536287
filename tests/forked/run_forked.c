/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs each test in a process of its own and says in TAP how it ended. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77 };

static struct forked_test *tests;
static unsigned number, failed;

void forked_register(struct forked_test *test)
{
    test->next = tests;
    tests = test;
}

void forked_fail(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: %s: ", file, line, condition);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(1); /* of whatever thread; those that run are not waited for */
}

void forked_skip(const char *why)
{
    fprintf(stderr, "skipped: %s\n", why);
    _exit(SKIPPED);
}

static const struct forked_test *suite_of(const struct forked_test *test)
{
    static const struct forked_test plain;
    for (const struct forked_test *t = tests; t; t = t->next)
        if (!t->name && strcmp(t->suite, test->suite) == 0)
            return t;
    return &plain;
}

static void run_here(const struct forked_test *test, void *param)
{
    const struct forked_test *suite = suite_of(test);
    const double timeout = test->timeout > 0 ? test->timeout : suite->timeout;
    alarm((unsigned)timeout * 5); /* TSan takes its time */
    void (*const steps[])(void) = {suite->init, test->init, test->fini, suite->fini};
    for (int i = 0; i < 4; i++) {
        if (i == 2)
            test->run(param);
        if (steps[i])
            steps[i]();
    }
    exit(0);
}

static void run_forked(const struct forked_test *test, void *param)
{
    int status;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        run_here(test, param);
    const bool ended = child > 0 && waitpid(child, &status, 0) == child;
    const bool skipped = ended && WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
    const bool passed = skipped || (ended && status == 0);
    printf("%sok %u - %s::%s%s\n", passed ? "" : "not ", ++number, test->suite, test->name,
           skipped ? " # SKIP" : "");
    if (!passed)
        fprintf(stderr, "%s::%s: status %x\n", test->suite, test->name, ended ? status : -1);
    failed += !passed;
}

int main(void)
{
    for (const struct forked_test *test = tests; test; test = test->next) {
        if (!test->name)
            continue;
        struct criterion_test_params params = {NULL, 0, 1};
        if (test->params)
            params = test->params();
        for (size_t i = 0; i < params.count; i++)
            run_forked(test, (char *)params.first + i * params.size);
    }
    printf("1..%u\n", number);
    return failed > 0;
}
