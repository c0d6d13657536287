/* SPDX-License-Identifier: BSD-3-Clause */
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <treadle/treadle.h>
#include <unistd.h>

#include "env.h"
#include "error.h"
#include "host.h"
#include "trace.h"

enum { ROWS = 1024, BACKENDS = 16, WORD = 32, FILE_MOST = 1 << 17, DIGITS_MOST = 15 };

struct row {
    char op[WORD], type[WORD], backend[WORD];
    uint32_t level;
    struct cost cost;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct row rows[ROWS];
static uint32_t nrows;
static struct {
    char name[WORD], version[WORD];
} backends[BACKENDS];
static uint32_t nbackends;
static struct treadle_profile_info info = {.state = "none"};

/* ---- the sentence ------------------------------------------------------------------------------
 */

static bool refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool refuse(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(info.reason, sizeof info.reason, format, values);
    va_end(values);
    return false;
}

/* ---- what it must have been made for -----------------------------------------------------------
 */

/* "model name : AMD EPYC" -> "AMD EPYC". One read: with many processors the whole file is slow. */
static bool read_model(char *model, size_t capacity)
{
    char text[4096];
    int file = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read(file, text, sizeof text - 1) : -1;
    if (file >= 0)
        close(file);
    text[size > 0 ? size : 0] = '\0';
    const char *line = strstr(text, "model name");
    const char *value = line ? strchr(line, ':') : NULL;
    if (!value)
        return false;
    value += strspn(value, ": ");
    snprintf(model, capacity, "%.*s", (int)strcspn(value, "\n"), value);
    return true;
}

void profile_cpu(char *model, size_t capacity)
{
    struct utsname name;
    if (!read_model(model, capacity))
        snprintf(model, capacity, "%s", uname(&name) == 0 ? name.machine : "unknown");
}

static void describe_machine(void)
{
    char model[128];
    profile_cpu(model, sizeof model);
    for (char *c = model; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    snprintf(info.machine, sizeof info.machine,
             "treadle-profile 1\ncpu %s\ncores %ld\nlibrary %s\n", model,
             sysconf(_SC_NPROCESSORS_ONLN), treadle_version());
}

/* Home folders are shared by machines: each kind has a file of its own. */
static uint32_t hash_of_cpu(void)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = info.machine; c < strstr(info.machine, "library"); c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return hash;
}

static void find_path(const struct env *env)
{
    bool cache = *env->cache_home == '/';
    const char *folder = cache ? env->cache_home : env->home;
    int length = 0;
    if (*env->profile)
        length = snprintf(info.path, sizeof info.path, "%s", env->profile);
    else if (*folder == '/')
        length = snprintf(info.path, sizeof info.path, "%s%s/treadle/profile-%08x", folder,
                          cache ? "" : "/.cache", hash_of_cpu());
    if (length >= (int)sizeof info.path)
        info.path[0] = '\0';
}

/* ---- one line ----------------------------------------------------------------------------------
 */

/* The next word of a line; words have one space between them. */
static bool word(const char **at, char text[WORD])
{
    size_t length = strcspn(*at, " ");
    if (length == 0 || length >= WORD)
        return false;
    memcpy(text, *at, length);
    text[length] = '\0';
    *at += length + ((*at)[length] == ' ');
    return true;
}

/* Digits only: strtod() would follow the program's locale. */
static bool number(const char **at, double scale, double *value)
{
    char text[WORD];
    if (!word(at, text) || strlen(text) > DIGITS_MOST || text[strspn(text, "0123456789")])
        return false;
    *value = (double)strtoll(text, NULL, 10) * scale;
    return true;
}

static bool level_of(double callers, uint32_t *level)
{
    *level = 0;
    while (*level < STEP_LEVELS && steps_callers(*level) != callers)
        ++*level;
    return *level < STEP_LEVELS;
}

static const struct row *find_row(const char *op, const char *type, const char *backend,
                                  uint32_t level)
{
    for (uint32_t i = 0; i < nrows; i++)
        if (rows[i].level == level && strcmp(rows[i].op, op) == 0 &&
            strcmp(rows[i].backend, backend) == 0 && (!type || strcmp(rows[i].type, type) == 0))
            return &rows[i];
    return NULL;
}

/* Nanoseconds; the unit in millionths of them, the spread in thousandths. */
static bool parse_cost(const char *at)
{
    struct row row;
    double callers;
    bool good = word(&at, row.op) && word(&at, row.type) && word(&at, row.backend) &&
                number(&at, 1, &callers) && number(&at, 1, &row.cost.call) &&
                number(&at, 1, &row.cost.start) && number(&at, 1, &row.cost.each) &&
                number(&at, 1e-6, &row.cost.unit) && number(&at, 1e-3, &row.cost.spread) && !*at &&
                level_of(callers, &row.level) && row.cost.unit > 0 && row.cost.spread >= 1;
    if (!good || nrows == ROWS || find_row(row.op, row.type, row.backend, row.level))
        return false;
    rows[nrows++] = row;
    return true;
}

static bool parse_backend(const char *at)
{
    if (nbackends == BACKENDS || !word(&at, backends[nbackends].name) ||
        !word(&at, backends[nbackends].version) || *at)
        return false;
    nbackends++;
    return true;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

/* Its first lines must be those that a profile of this machine begins with. */
static bool check_machine(char **text)
{
    const char *own = info.machine;
    for (size_t length; *own; own += length + 1) {
        length = strcspn(own, "\n");
        if (strncmp(*text, own, length + 1) != 0) {
            (*text)[strcspn(*text, "\n")] = '\0';
            return refuse("it is for \"%.80s\", and here is \"%.*s\"", *text, (int)length, own);
        }
        *text += length + 1;
    }
    return true;
}

static bool parse(char *text)
{
    char *line = text;
    if (!check_machine(&line))
        return false;
    for (int count = 5; *line; count++) {
        char *end = strchr(line, '\n');
        if (!end)
            return refuse("it is cut short");
        *end = '\0';
        if (strcmp(line, "end") == 0)
            return end[1] ? refuse("line %d: nothing may follow \"end\"", count + 1) : true;
        bool good = strncmp(line, "cost ", 5) == 0      ? parse_cost(line + 5)
                    : strncmp(line, "backend ", 8) == 0 ? parse_backend(line + 8)
                                                        : false;
        if (!good)
            return refuse("line %d is wrong: \"%.80s\"", count, line);
        line = end + 1;
    }
    return refuse("it is cut short");
}

static bool trust(int file)
{
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return refuse("%s", strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return refuse("it is not a file");
    if (facts.st_uid != 0 && facts.st_uid != geteuid())
        return refuse("it belongs to user %u, not to you", (unsigned)facts.st_uid);
    if (facts.st_mode & S_IWOTH)
        return refuse("it can be written by everybody; chmod o-w it");
    if (facts.st_size > FILE_MOST)
        return refuse("it has more than %d bytes", FILE_MOST);
    return true;
}

static bool read_whole(int file, char *text)
{
    size_t used = 0;
    ssize_t size = 1;
    while (size > 0 && used < FILE_MOST) {
        size = read(file, text + used, FILE_MOST - used);
        if (size < 0 && errno == EINTR)
            size = 1;
        else if (size > 0)
            used += (size_t)size;
    }
    text[used] = '\0';
    return size < 0 ? refuse("%s", strerror(errno))
                    : strlen(text) == used || refuse("it is no text");
}

static bool read_open(int file)
{
    char *text = malloc(FILE_MOST + 1);
    bool good = text ? trust(file) && read_whole(file, text) && parse(text) : refuse("no memory");
    free(text);
    return good;
}

static const char *read_file(bool named)
{
    int file = open(info.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0 && !named && (errno == ENOENT || errno == ENOTDIR))
        return "none";
    bool good = file >= 0 ? read_open(file) : refuse("%s", strerror(errno));
    if (file >= 0)
        close(file);
    if (!good)
        nrows = 0;
    return good ? "used" : "refused";
}

bool profile_read(const struct env *env)
{
    pthread_mutex_lock(&lock);
    bool had = nrows > 0;
    nrows = nbackends = 0;
    info = (struct treadle_profile_info){.state = "off"};
    if (strcmp(env->profile, "off") != 0) {
        describe_machine();
        find_path(env);
        info.state = *info.path ? read_file(*env->profile) : "none";
    }
    info.costs = nrows;
    if (*info.reason)
        trace_say(1, "profile %s is not used: %s", info.path, info.reason);
    bool has = nrows > 0;
    pthread_mutex_unlock(&lock);
    return had || has;
}

static bool is_version(const char *backend, const char *version)
{
    for (uint32_t i = 0; i < nbackends; i++)
        if (strcmp(backends[i].name, backend) == 0)
            return strcmp(backends[i].version, version) == 0;
    return false;
}

static void type_text(struct treadle_dtype dtype, char text[WORD])
{
    static const char letters[] = {[TREADLE_INT] = 'i',
                                   [TREADLE_UINT] = 'u',
                                   [TREADLE_FLOAT] = 'f',
                                   [TREADLE_COMPLEX] = 'c',
                                   [TREADLE_BOOL] = 'b'};
    char letter = dtype.code < sizeof letters ? letters[dtype.code] : '\0';
    snprintf(text, WORD, "%c%u", letter ? letter : '?', dtype.bits);
}

bool profile_costs(const char *op, struct treadle_dtype dtype, const char *backend,
                   const char *version, struct cost costs[STEP_LEVELS])
{
    char type[WORD];
    const struct row *found = NULL;
    type_text(dtype, type);
    pthread_mutex_lock(&lock);
    for (uint32_t level = 0; nrows > 0 && level < STEP_LEVELS; level++) {
        const struct row *row = find_row(op, type, backend, level);
        if (!row)
            row = find_row(op, NULL, backend, level);
        if (level == 0 && (!row || !is_version(backend, version)))
            break;
        found = row ? row : found; /* more callers than were measured */
        costs[level] = found->cost;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void profile_fork(enum fork_step step)
{
    fork_lock(&lock, step);
}

int32_t treadle_profile_info(struct treadle_profile_info *out)
{
    if (!out)
        return fail(TREADLE_E_INVALID, "info is NULL");
    (void)host_ready();
    pthread_mutex_lock(&lock);
    *out = info;
    pthread_mutex_unlock(&lock);
    return TREADLE_OK;
}
