/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes share the cores of the machine, whatever happens to them or to the table they share. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <treadle/treadle.h>
#include <unistd.h>

#include "budget.h"
#include "cpus.h"
#include "machine.h"
#include "table.h"
#include "trace.h"

enum { CORES = 8, MANY = 32 };

static char folder[64], path[128];

static void set_up(void)
{
    strcpy(folder, "/dev/shm/treadle-test-XXXXXX");
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/treadle-1-%u", folder, geteuid());
    machine_place(folder);
    cpus_override(CORES);
    treadle_watch_fork();
    budget_use(BUDGET_MACHINE);
}

static void tear_down(void)
{
    unlink(path);
    cr_assert_eq(rmdir(folder), 0);
}

TestSuite(machine, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- a clock that leaps -----------------------------------------------------------------------
 */

static _Atomic int64_t ahead;   /* of the monotonic clock, in seconds */
static atomic_int others_asked; /* how often anybody looked at a clock that may be set */

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = __real_clock_gettime(clock, now);
    if (clock == CLOCK_MONOTONIC)
        now->tv_sec += ahead;
    else
        others_asked++;
    return status;
}

static uint32_t leap(uint32_t seconds)
{
    ahead += seconds;
    return 0;
}

/* ---- neighbours ------------------------------------------------------------------------------ */

enum order { BEGIN, END, LEFT, SPIN, WEAR, PART, LEAP, QUIT };

/* Another process, which does what it is told and answers with a number. */
struct neighbour {
    pid_t pid;
    int line;
};

struct message {
    enum order order;
    uint32_t number;
};

/* Claim to run on the cores from `first` on, as many as there are cores. */
static uint32_t wear_mask(uint32_t first)
{
    struct slot *mine = table_slot(table_own());
    atomic_store(&mine->mask[0], ((UINT64_C(1) << CORES) - 1) << first);
    atomic_store(&mine->mask_count, CORES);
    atomic_store(&mine->mask_sum, first + 1);
    return 0;
}

static uint32_t leave_a_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        sleep(30);
        _exit(0);
    }
    return (uint32_t)child;
}

static void spin(uint32_t wanted)
{
    for (;;) {
        struct grant grant;
        budget_take(&grant, wanted, 1);
        sched_yield();
        budget_give(&grant);
    }
}

static uint32_t obey(const struct message *message)
{
    static struct grant grant;
    switch (message->order) {
    case BEGIN:
        budget_take(&grant, message->number, 1);
        return grant.threads;
    case END:
        budget_give(&grant);
        return 0;
    case LEFT:
        return budget_preview(1, 1, 0).left;
    case WEAR:
        return wear_mask(message->number);
    case PART:
        return leave_a_child();
    case LEAP:
        return leap(message->number);
    case QUIT:
        _exit(0);
    case SPIN:
        break;
    }
    return 0;
}

static void serve(int line)
{
    struct message message;
    while (read(line, &message, sizeof message) == sizeof message) {
        uint32_t answer = obey(&message);
        if (write(line, &answer, sizeof answer) != sizeof answer)
            break;
        if (message.order == SPIN)
            spin(message.number);
    }
    _exit(0);
}

static struct neighbour invite(void)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    struct neighbour neighbour = {.line = ends[0]};
    neighbour.pid = fork();
    if (neighbour.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        close(ends[0]);
        serve(ends[1]);
    }
    close(ends[1]);
    return neighbour;
}

static uint32_t tell(const struct neighbour *neighbour, enum order order, uint32_t number)
{
    const struct message message = {order, number};
    uint32_t answer = 0;
    cr_assert_eq(write(neighbour->line, &message, sizeof message), sizeof message);
    cr_assert_eq(read(neighbour->line, &answer, sizeof answer), sizeof answer);
    return answer;
}

static void end(const struct neighbour *neighbour, int signal)
{
    const struct message quit = {QUIT, 0};
    if (signal)
        kill(neighbour->pid, signal);
    else
        cr_assert_eq(write(neighbour->line, &quit, sizeof quit), sizeof quit);
    close(neighbour->line);
    cr_assert_eq(waitpid(neighbour->pid, NULL, 0), neighbour->pid);
}

static uint32_t left(void)
{
    return budget_preview(1, 1, 0).left;
}

/* A lease lasts a millisecond, the memory of a call 10 at least; a busy machine takes longer. */
static void expect_left(uint32_t cores)
{
    uint32_t found = left();
    for (int tries = 0; tries < 10000 && found != cores; tries++, found = left())
        usleep(1000);
    cr_assert_eq(found, cores, "%u cores are left, not %u", found, cores);
}

static void expect_left_for(const struct neighbour *neighbour, uint32_t cores)
{
    uint32_t found = tell(neighbour, LEFT, 0);
    for (int tries = 0; tries < 10000 && found != cores; tries++, found = tell(neighbour, LEFT, 0))
        usleep(1000);
    cr_assert_eq(found, cores);
}

static void expect_sharing(void)
{
    char reason[TABLE_REASON];
    left();
    bool shares = machine_shares(reason, sizeof reason);
    cr_assert(shares, "%s", reason);
}

/* Without the table everything works, and the reason is told. */
static void expect_alone(const char *word)
{
    char reason[TABLE_REASON];
    cr_assert_eq(left(), CORES);
    cr_assert_not(machine_shares(reason, sizeof reason));
    cr_assert(strstr(reason, word), "\"%s\" does not say \"%s\"", reason, word);
    struct grant grant;
    budget_take(&grant, CORES, 1);
    cr_assert_eq(grant.threads, CORES);
    budget_give(&grant);
}

static uint32_t processes(struct treadle_process list[MANY])
{
    int32_t count = treadle_processes(list, MANY);
    cr_assert_geq(count, 0, "%s", treadle_last_error());
    return (uint32_t)count;
}

/* ---- dealing --------------------------------------------------------------------------------- */

/* One core to each in turn who still wants one, until there are none left. */
static void deal_by_hand(uint32_t total, const double *demands, uint32_t count, uint32_t *got)
{
    memset(got, 0, count * sizeof *got);
    for (bool any = true; any && total > 0;) {
        any = false;
        for (uint32_t i = 0; i < count && total > 0; i++)
            if (got[i] < demands[i]) {
                got[i]++;
                total--;
                any = true;
            }
    }
}

Test(machine, cores_are_dealt_out_fairly)
{
    double demands[12];
    uint32_t got[12];
    srand(1);
    for (int round = 0; round < 20000; round++) {
        uint32_t total = 1 + (uint32_t)rand() % 64, count = 1 + (uint32_t)rand() % 12;
        for (uint32_t i = 0; i < count; i++)
            demands[i] = rand() % (round % 3 ? 8 : 70);
        deal_by_hand(total, demands, count, got);
        for (uint32_t i = 0; i < count; i++)
            cr_assert_eq(machine_deal(total, demands, count, i), got[i] ? got[i] : 1,
                         "round %d: %u cores, %u processes", round, total, count);
    }
}

/* Others that share only some of the cores ask for fractions. */
Test(machine, parts_of_cores_are_dealt_out)
{
    const double demands[] = {8, 1.5, 8, 0.25};
    cr_assert_eq(machine_deal(8, demands, 4, 0), 3);
    cr_assert_eq(machine_deal(8, demands, 4, 1), 1);
    cr_assert_eq(machine_deal(8, demands, 4, 2), 3);
    cr_assert_eq(machine_deal(8, demands, 4, 3), 1, "the caller always runs");
    cr_assert_eq(machine_deal(1.5, demands, 4, 2), 1);
}

/* ---- sharing ----------------------------------------------------------------------------------
 */

Test(machine, processes_share_the_cores)
{
    struct neighbour a = invite(), b = invite();
    cr_assert_eq(tell(&a, BEGIN, 100), CORES, "alone");
    expect_left(4);
    struct grant grant;
    budget_take(&grant, CORES, 1);
    cr_assert_eq(grant.threads, 4);
    cr_assert_eq(grant.cores, CORES);
    cr_assert(strstr(grant_reason(&grant), "other processes"));
    expect_left_for(&b, 2);
    cr_assert_eq(tell(&b, BEGIN, CORES), 2, "eight by three is three, three, and two");
    expect_left(3);
    expect_left_for(&a, 3);
    tell(&a, END, 0);
    tell(&b, END, 0);
    expect_left_for(&a, 4);
    budget_give(&grant);
    expect_left(CORES);
    expect_left_for(&b, CORES);
    end(&a, 0);
    end(&b, 0);
}

Test(machine, who_wants_few_leaves_the_rest)
{
    struct neighbour a = invite();
    cr_assert_eq(tell(&a, BEGIN, 2), 2);
    expect_left(6);
    struct grant grant;
    budget_take(&grant, CORES, 1);
    cr_assert_eq(grant.threads, 6);
    budget_give(&grant);
    tell(&a, END, 0);
    expect_left(CORES);
    end(&a, 0);
}

Test(machine, more_processes_than_cores_get_one_each)
{
    struct neighbour all[12];
    for (int i = 0; i < 12; i++) {
        all[i] = invite();
        uint32_t share = CORES / (uint32_t)(i + 1); /* of what does not divide the first get more */
        expect_left_for(&all[i], share > 0 ? share : 1);
        cr_assert_geq(tell(&all[i], BEGIN, CORES), 1);
    }
    expect_left(1);
    for (int i = 0; i < 12; i++)
        end(&all[i], i % 2 ? SIGKILL : 0);
    expect_left(CORES);
}

Test(machine, a_long_call_learns_that_others_have_come)
{
    struct neighbour a = invite();
    struct grant grant;
    budget_take(&grant, CORES, 1);
    cr_assert_eq(budget_share(grant.threads), CORES);
    expect_left_for(&a, 4);
    tell(&a, BEGIN, CORES);
    usleep(2000);
    cr_assert_eq(budget_share(grant.threads), 4);
    end(&a, SIGKILL);
    for (int tries = 0; tries < 10000 && budget_share(grant.threads) != CORES; tries++)
        usleep(1000);
    cr_assert_eq(budget_share(grant.threads), CORES);
    budget_give(&grant);
}

Test(machine, only_processes_on_the_same_cores_share)
{
    struct neighbour a = invite();
    tell(&a, BEGIN, CORES);
    expect_left(4);
    tell(&a, WEAR, 32);
    expect_left(CORES);
    end(&a, SIGKILL);
}

/* A thread that is bound to one core renews what holds for all of them. */
Test(machine, a_bound_thread_leaves_the_others_their_cores)
{
    expect_sharing();
    leap(1); /* so that the next one renews */
    cr_assert_eq(machine_cores(1, 1, trace_clock()), 1);
    cr_assert_eq(machine_cores_last(), CORES);
    struct grant grant;
    budget_take(&grant, CORES, 1);
    cr_assert_eq(grant.threads, CORES);
    budget_give(&grant);
}

Test(machine, process_and_off_take_no_part)
{
    struct treadle_process list[MANY];
    struct neighbour a = invite();
    cr_assert_eq(tell(&a, BEGIN, CORES), CORES);
    expect_left(4);
    cr_assert_eq(processes(list), 2);
    budget_use(BUDGET_PROCESS);
    cr_assert_eq(left(), CORES);
    cr_assert_eq(processes(list), 1, "the slot was given back");
    struct grant first;
    budget_take(&first, CORES, 1);
    cr_assert_eq(first.threads, CORES);
    budget_use(BUDGET_OFF);
    cr_assert_eq(budget_preview(CORES, 1, 5).threads, CORES, "everybody gets everything");
    cr_assert_eq(budget_share(CORES), CORES);
    budget_give(&first);
    budget_use(BUDGET_MACHINE);
    expect_left(4);
    end(&a, 0);
}

/* ---- limits that change ------------------------------------------------------------------------
 */

static atomic_bool stop;
static _Atomic uint32_t granted[2];

static void *note_grants(void *place)
{
    _Atomic uint32_t *mine = place;
    while (!stop) {
        struct grant grant;
        budget_take(&grant, 1000, 1);
        *mine = grant.cores;
        budget_give(&grant);
        sched_yield();
    }
    return NULL;
}

/* ---- callers that met --------------------------------------------------------------------------
 */

enum { CROWD = 6, STAY = 3 };
static pthread_barrier_t meeting;

static void *meet_once(void *unused)
{
    struct grant grant;
    budget_take(&grant, CORES, 1);
    pthread_barrier_wait(&meeting);
    usleep(100000); /* as long as it is remembered */
    budget_give(&grant);
    return unused;
}

static void *call_without_pause(void *unused)
{
    while (!stop) {
        struct grant grant;
        budget_take(&grant, CORES, 1);
        usleep(20000);
        budget_give(&grant);
    }
    return unused;
}

/* How many callers are remembered after so many have met. */
static uint32_t meet(void)
{
    pthread_t threads[CROWD];
    pthread_barrier_init(&meeting, NULL, CROWD);
    for (int i = 0; i < CROWD; i++)
        pthread_create(&threads[i], NULL, meet_once, NULL);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    return budget_preview(CORES, 1, 0).callers;
}

Test(machine, a_crowd_is_forgotten_while_some_go_on_meeting)
{
    pthread_t threads[STAY];
    uint32_t callers = 0;
    budget_use(BUDGET_PROCESS);
    for (int tries = 0; tries < 20 && callers != CROWD; tries++)
        callers = meet(); /* on a busy machine they may be forgotten before it is asked */
    cr_assert_eq(callers, CROWD);
    for (int i = 0; i < STAY; i++) {
        pthread_create(&threads[i], NULL, call_without_pause, NULL);
        usleep(7000); /* so that one of them always has just ended a call */
    }
    int looks = 0;
    for (int tries = 0; tries < 1000 && looks < 50; tries++, usleep(2000))
        looks = budget_preview(CORES, 1, 0).callers < CROWD ? looks + 1 : 0;
    cr_assert_eq(looks, 50, "the crowd comes to mind again");
    stop = true;
    for (int i = 0; i < STAY; i++)
        pthread_join(threads[i], NULL);
}

/* What `taskset -a -p` does. */
static void bind_all_threads(const cpu_set_t *set)
{
    DIR *threads = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(threads));)
        if (entry->d_name[0] != '.')
            sched_setaffinity((pid_t)atoi(entry->d_name), sizeof *set, set);
    closedir(threads);
}

static void expect_cores_within_seconds(uint32_t cores)
{
    sleep(5);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(granted[i], cores, "%u cores for thread %d", granted[i], i);
}

Test(machine, affinity_is_followed_under_load)
{
    pthread_t threads[2];
    cpu_set_t all, one;
    cpus_override(0);
    CPU_ZERO(&one);
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    if (CPU_COUNT(&all) < 2)
        cr_skip_test("there is but one core");
    for (int cpu = 0; !CPU_COUNT(&one); cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, note_grants, &granted[i]);
    bind_all_threads(&one);
    expect_cores_within_seconds(1);
    bind_all_threads(&all);
    expect_cores_within_seconds((uint32_t)CPU_COUNT(&all));
    stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

/* ---- death and birth ---------------------------------------------------------------------------
 */

/* The promise: a hundred milliseconds after the first lease that follows a death. */
static void expect_cores_back(uint32_t cores)
{
    left();
    usleep(100000);
    cr_assert_eq(left(), cores, "%u of %u cores are back", left(), cores);
}

Test(machine, killed_processes_lose_nothing, .timeout = 600)
{
    const char *times = getenv("TREADLE_TEST_KILLS");
    const int kills = times ? atoi(times) : 50;
    struct treadle_process list[MANY];
    struct neighbour witness = invite();
    expect_left_for(&witness, CORES);
    srand(2);
    for (int i = 0; i < kills; i++) {
        struct neighbour victims[2] = {invite(), invite()};
        for (int k = 0; k < 2; k++)
            tell(&victims[k], SPIN, CORES);
        struct grant grant;
        budget_take(&grant, CORES, 1);
        usleep((useconds_t)(rand() % 3000));
        budget_give(&grant);
        for (int k = 0; k < 2; k++)
            end(&victims[k], SIGKILL);
        expect_cores_back(CORES);
        cr_assert_eq(processes(list), 2, "the witness and this one");
        for (int k = 0; k < 2; k++)
            cr_assert_eq(list[k].callers + list[k].held, 0);
    }
    expect_left_for(&witness, CORES);
    cr_assert_leq(table_end(), 5, "slots are used again");
    end(&witness, 0);
}

Test(machine, a_child_has_a_slot_of_its_own)
{
    struct treadle_process list[MANY];
    struct grant grant;
    budget_take(&grant, CORES, 1);
    struct neighbour a = invite(); /* forked inside of a call of its parent */
    budget_give(&grant);
    tell(&a, END, 0);
    expect_left_for(&a, CORES);
    expect_sharing();
    cr_assert_eq(processes(list), 2);
    cr_assert_neq(list[0].pid, list[1].pid);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(list[i].callers, 0, "each has given back its own copy of the call");
    end(&a, 0);
    cr_assert_eq(processes(list), 1);
}

Test(machine, a_child_does_not_keep_a_dead_parent_alive)
{
    struct treadle_process list[MANY];
    struct neighbour a = invite();
    tell(&a, BEGIN, CORES);
    expect_left(4);
    pid_t orphan = (pid_t)tell(&a, PART, 0);
    end(&a, SIGKILL);
    expect_cores_back(CORES);
    cr_assert_eq(processes(list), 1);
    kill(orphan, SIGKILL);
}

static void expect_stopped(const struct neighbour *neighbour, int signal, uint32_t cores)
{
    kill(neighbour->pid, signal);
    expect_left(cores);
}

/* Twelve divide by two and by three: who came first does not matter. */
Test(machine, a_stopped_process_holds_nothing)
{
    cpus_override(12);
    struct neighbour a = invite(), b = invite();
    tell(&a, BEGIN, 12);
    tell(&b, SPIN, 12);
    expect_left(4);
    expect_stopped(&b, SIGSTOP, 6);
    expect_stopped(&a, SIGSTOP, 12);
    expect_stopped(&a, SIGCONT, 6);
    expect_stopped(&b, SIGCONT, 4);
    tell(&a, END, 0);
    end(&a, 0);
    end(&b, SIGKILL);
}

/* ---- other worlds ------------------------------------------------------------------------------
 */

/* A neighbour whose own number is 1. */
Test(machine, other_name_spaces_of_process_ids_take_part)
{
    struct treadle_process list[MANY];
    expect_sharing();
    if (unshare(CLONE_NEWPID) != 0)
        cr_skip_test("this user may not make name spaces");
    struct neighbour a = invite();
    tell(&a, BEGIN, CORES);
    expect_left(4);
    cr_assert_eq(processes(list), 2);
    cr_assert(list[0].is_here);
    cr_assert_not(list[1].is_here);
    cr_assert_eq(list[1].pid, 1);
    end(&a, SIGKILL);
    expect_cores_back(CORES);
}

/* As one whose clock began at another time: in a container that was moved here, say. */
Test(machine, clocks_of_processes_may_differ)
{
    struct neighbour a = invite();
    for (int i = 0; i < 4; i++) {
        if (i % 2)
            leap(5000);
        else
            tell(&a, LEAP, 5000 * (uint32_t)i);
        tell(&a, BEGIN, CORES);
        expect_left(4);
        tell(&a, END, 0);
        expect_left(CORES);
    }
    end(&a, 0);
}

/* A machine that was stopped for hours, again and again. */
Test(machine, a_clock_that_leaps)
{
    struct neighbour a = invite();
    tell(&a, SPIN, CORES);
    srand(4);
    for (int i = 0; i < 1000; i++) {
        struct grant grant;
        budget_take(&grant, CORES, 1);
        cr_assert_geq(grant.threads, 1);
        cr_assert_leq(grant.threads, CORES);
        leap((uint32_t)rand() % 10000);
        cr_assert_leq(budget_share(grant.threads), grant.threads);
        budget_give(&grant);
    }
    expect_left(4);
    end(&a, SIGKILL);
    expect_cores_back(CORES);
    cr_assert_eq(others_asked, 0, "a clock that may be set decides something");
}

/* ---- a table that cannot be used ----------------------------------------------------------------
 */

static void write_table(size_t size, char filling, mode_t mode)
{
    static char bytes[1 << 20];
    memset(bytes, filling, sizeof bytes);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, bytes, size), (ssize_t)size);
    close(file);
}

/* Trying anew. */
static void again(void)
{
    budget_use(BUDGET_MACHINE);
}

static size_t table_size(void)
{
    struct stat status;
    expect_sharing();
    budget_use(BUDGET_PROCESS);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    cr_assert_eq(unlink(path), 0);
    return (size_t)status.st_size;
}

Test(machine, a_wrong_file_in_its_place)
{
    const size_t size = table_size();
    static const size_t sizes[] = {0, 1, 4096, 1 << 20};
    for (int i = 0; i < 4; i++) {
        write_table(sizes[i], 'x', 0600);
        again();
        expect_alone("wrong size; remove it");
    }
    write_table(size, 'x', 0600);
    again();
    expect_alone("not a table of Treadle's");
    write_table(size, 0, 0600);
    again();
    expect_alone("not a table of Treadle's");
    cr_assert_eq(chmod(path, 0644), 0);
    again();
    expect_alone("open to other users");
    unlink(path);
    cr_assert_eq(symlink("/etc/passwd", path), 0);
    again();
    expect_alone("cannot be opened");
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    again();
    expect_alone("not a regular file");
    unlink(path);
    again();
    expect_sharing();
}

Test(machine, a_file_of_somebody_else)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give files away");
    write_table(table_size(), 0, 0600);
    cr_assert_eq(chown(path, 1, 1), 0);
    again();
    expect_alone("belongs to another user");
}

Test(machine, no_folder)
{
    machine_place("/nowhere/at/all");
    again();
    expect_alone("takes no file: No such file");
    machine_place("/proc");
    again();
    expect_alone("takes no file");
}

/* A limit on file sizes sends a signal to those who do not look first. */
Test(machine, a_limit_on_the_size_of_files)
{
    const struct rlimit limit = {4096, 4096};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    again();
    expect_alone("File too large");
}

/* In a name space of mounts that ends with the child. */
static int join_on_a_full_file_system(void)
{
    char reason[TABLE_REASON];
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", folder, "tmpfs", 0, "size=64k") != 0)
        return EPERM;
    again();
    return left() == CORES && !machine_shares(reason, sizeof reason) &&
                   strstr(reason, "No space left")
               ? 0
               : 1;
}

Test(machine, a_full_file_system)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(join_on_a_full_file_system());
    cr_assert_eq(waitpid(child, &status, 0), child);
    if (status == EPERM << 8)
        cr_skip_test("this user may not mount");
    cr_assert_eq(status, 0);
}

Test(machine, all_places_are_taken)
{
    expect_sharing();
    budget_use(BUDGET_PROCESS);
    int file = open(path, O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = TABLE_SLOTS};
    cr_assert_eq(fcntl(file, F_OFD_SETLK, &lock), 0);
    again();
    expect_alone("all of whose places are taken");
    close(file);
    again();
    expect_sharing();
}

Test(machine, a_table_that_is_cut_or_removed_in_use)
{
    struct neighbour a = invite();
    tell(&a, BEGIN, CORES);
    expect_left(4);
    cr_assert_eq(unlink(path), 0);
    expect_left(CORES);
    expect_sharing();
    tell(&a, END, 0);
    for (int tries = 0; tries < 1000 && left() != 4; tries++) {
        tell(&a, BEGIN, CORES); /* it finds the new table */
        usleep(2000);
        if (left() != 4)
            tell(&a, END, 0);
    }
    cr_assert_eq(left(), 4);
    cr_assert_eq(truncate(path, 0), 0);
    usleep(2000);
    expect_alone("wrong size; remove it");
    cr_assert_geq(tell(&a, LEFT, 0), 1, "the neighbour lives, too");
    unlink(path);
    end(&a, 0);
    again();
    expect_sharing();
}

/* ---- a program that closes what it did not open
 * --------------------------------------------------
 */

/* The number of the table here; -1: none. */
static int table_descriptor(void)
{
    int number = -1;
    DIR *numbers = opendir("/proc/self/fd");
    for (struct dirent *entry; number < 0 && (entry = readdir(numbers));) {
        char target[sizeof path] = "";
        ssize_t length = readlinkat(dirfd(numbers), entry->d_name, target, sizeof target - 1);
        if (length > 0 && strcmp(target, path) == 0)
            number = atoi(entry->d_name);
    }
    closedir(numbers);
    return number;
}

static bool is_same_file(int a, int b)
{
    struct stat first, second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The number of the table becomes one of the program's file. */
static int take_the_number(int program_file)
{
    int number = table_descriptor();
    cr_assert_geq(number, 0);
    cr_assert_eq(dup2(program_file, number), number);
    return number;
}

Test(machine, a_table_whose_number_is_another_files)
{
    int status, program_file = memfd_create("a file of the program", MFD_CLOEXEC);
    cr_assert_geq(program_file, 0);
    expect_sharing();
    int number = take_the_number(program_file);
    leap(1); /* so that the table is looked at */
    expect_sharing();
    cr_assert(is_same_file(number, program_file));
    cr_assert_neq(table_descriptor(), number);
    cr_assert_neq(table_descriptor(), -1);

    number = take_the_number(program_file);
    pid_t child = fork();
    if (child == 0)
        _exit(!is_same_file(number, program_file));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "the child lost its parent's file");
    budget_use(BUDGET_PROCESS);
    cr_assert(is_same_file(number, program_file));
    again();
    expect_sharing();
    cr_assert(is_same_file(number, program_file));
}

/* What a program writes to its standard streams must not go into the table. */
Test(machine, a_program_without_standard_streams)
{
    int input = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    expect_sharing();
    cr_assert_gt(table_descriptor(), STDERR_FILENO);
    dup2(input, STDIN_FILENO);
    close(input);
}

/* ---- nonsense ----------------------------------------------------------------------------------
 */

/* Whatever stands in the slots: every grant is in bounds, and the truth comes back. */
Test(machine, nonsense_in_the_slots)
{
    expect_sharing();
    srand(3);
    int file = open(path, O_RDWR);
    struct stat status;
    cr_assert_eq(fstat(file, &status), 0);
    unsigned char *bytes = malloc((size_t)status.st_size);
    for (int round = 0; round < 20; round++) {
        for (off_t i = 0; i < status.st_size; i++)
            bytes[i] = round == 0 ? 0xff : round == 1 ? 0 : (unsigned char)rand();
        cr_assert_eq(pwrite(file, bytes, (size_t)status.st_size, 0), status.st_size);
        for (int i = 0; i < 5; i++) {
            struct grant grant;
            budget_take(&grant, CORES, 1);
            cr_assert_geq(grant.threads, 1);
            cr_assert_leq(grant.threads, CORES);
            usleep(1100);
            budget_give(&grant);
        }
    }
    free(bytes);
    close(file);
    expect_left(CORES);
}

/* ---- threads -----------------------------------------------------------------------------------
 */

static void *call_until_stopped(void *unused)
{
    while (!stop) {
        struct grant grant;
        budget_take(&grant, 3, 1);
        budget_share(grant.threads);
        budget_give(&grant);
    }
    return unused;
}

Test(machine, threads_of_several_processes_at_once)
{
    pthread_t threads[8];
    struct treadle_process list[MANY];
    struct neighbour a = invite();
    tell(&a, SPIN, 2);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, call_until_stopped, NULL);
    for (int i = 0; i < 30; i++) {
        usleep(5000);
        if (i % 3 == 0)
            budget_use(i % 2 ? BUDGET_PROCESS : BUDGET_OFF);
        else
            budget_use(BUDGET_MACHINE);
        if (i % 7 == 6)
            unlink(path);
    }
    usleep(5000);
    stop = true;
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    end(&a, SIGKILL);
    expect_left(CORES);
    cr_assert_eq(processes(list), 1);
    cr_assert_eq(list[0].callers + list[0].held, 0, "%u callers, %u threads", list[0].callers,
                 list[0].held);
}
