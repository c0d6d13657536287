/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where plugins are, and which of them are used. All that can be checked without running a file's
 * code is checked first; what is refused stays in the list with its reason, and the search goes on.
 */
#include "loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <fnmatch.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"
#include "error.h"
#include "trace.h"
#include "trust.h"

#define PLUGIN_FOLDER "treadle-1"
#define PLUGIN_PREFIX "treadle-"
#define PLUGIN_SUFFIX ".so"

/* The serial plugin is linked into this library as well, so that there is always an answer. */
const struct treadle_plugin *treadle_serial_plugin(void);

/* One more than a path can have: what was cut off fails as ENAMETOOLONG, and is no other file. */
struct entry {
    struct backend backend;
    dev_t device; /* which file it is, by whatever name; 0, 0 if none */
    ino_t inode;
    char name[64];
    char path[PATH_MAX + 1];
};

static struct entry entries[TREADLE_BACKENDS_MAX];
static atomic_uint entries_count; /* those below are complete and never change again */
static const char *only = "", *disable = "";

uint32_t loader_count(void)
{
    return atomic_load_explicit(&entries_count, memory_order_acquire);
}

struct backend *loader_at(uint32_t i)
{
    return &entries[i].backend;
}

struct backend *loader_find(const char *name, uint32_t length)
{
    for (uint32_t i = 0; i < loader_count(); i++) {
        struct backend *backend = &entries[i].backend;
        if (backend->usable && strlen(backend->table.id) == length &&
            !memcmp(backend->table.id, name, length))
            return backend;
    }
    return NULL;
}

/* Until its table is known a plugin is called after its file: treadle-blis.so is "blis". */
static void name_after(struct entry *entry, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t length = strlen(base), suffix = strlen(PLUGIN_SUFFIX);
    if (!strncmp(base, PLUGIN_PREFIX, strlen(PLUGIN_PREFIX)))
        base += strlen(PLUGIN_PREFIX), length -= strlen(PLUGIN_PREFIX);
    if (length > suffix && !strcmp(base + length - suffix, PLUGIN_SUFFIX))
        length -= suffix;
    snprintf(entry->name, sizeof entry->name, "%.*s", (int)length, base);
}

/* The entry being worked on; nobody sees it before list(). NULL: no room. */
static struct entry *new_entry(const char *path)
{
    uint32_t count = loader_count();
    if (count == TREADLE_BACKENDS_MAX) {
        trace_say(1, "%s: not looked at, %u plugins are listed already", path, count);
        return NULL;
    }
    struct entry *entry = &entries[count];
    memset(entry, 0, sizeof *entry);
    snprintf(entry->path, sizeof entry->path, "%s", path);
    name_after(entry, path);
    backend_init(&entry->backend, entry->name, entry->path);
    return entry;
}

/* Add it to the list, unless the very same refusal is there already. */
static void list(const struct entry *entry)
{
    const struct backend *backend = &entry->backend;
    uint32_t count = loader_count();
    if (backend->usable)
        trace_say(2, "%s: plugin \"%s\" %s", backend->path, backend->table.id,
                  backend->table.version);
    else
        trace_say(1, "%s", backend->reason);
    for (uint32_t i = 0; i < count && !backend->usable; i++)
        if (!strcmp(entries[i].backend.reason, backend->reason))
            return;
    atomic_store_explicit(&entries_count, count + 1, memory_order_release);
}

/* Is `name` matched by one of the comma-separated globs? */
static bool matches(const char *globs, const char *name)
{
    char glob[128];
    while (*globs) {
        size_t length = strcspn(globs, ",");
        snprintf(glob, sizeof glob, "%.*s", (int)length, globs);
        if (length < sizeof glob && !fnmatch(glob, name, 0))
            return true;
        globs += length + (globs[length] == ',');
    }
    return false;
}

static int32_t check_switches(struct backend *backend)
{
    const char *name = backend->table.id;
    if (*only && !matches(only, name))
        return backend_refuse(backend, "\"%.64s\" is not among TREADLE_ONLY=%.128s", name, only);
    if (matches(disable, name))
        return backend_refuse(backend, "\"%.64s\" is switched off by TREADLE_DISABLE=%.128s", name,
                              disable);
    return TREADLE_OK;
}

static int32_t check_unique(struct backend *backend)
{
    const char *id = backend->table.id;
    const struct backend *other = loader_find(id, (uint32_t)strlen(id));
    if (!other)
        return TREADLE_OK;
    if (other == &entries[0].backend)
        return backend_refuse(backend, "shadowed by the built-in \"%.64s\", which is always used",
                              id);
    return backend_refuse(backend,
                          "\"%.64s\" was already loaded from %.256s; remove one of the two", id,
                          other->path);
}

/* From the entry point to a usable backend. */
static int32_t take(struct backend *backend, treadle_plugin_fn entry_point,
                    const struct treadle_host *services)
{
    int32_t status = backend_import(backend, entry_point());
    if (status == TREADLE_OK)
        status = check_unique(backend);
    if (status == TREADLE_OK && loader_count() > 0)
        status = check_switches(backend);
    if (status == TREADLE_OK)
        status = backend_create(backend, services);
    return status;
}

/* dlerror() begins with the path again. */
static const char *dl_reason(const char *path)
{
    const char *text = dlerror();
    size_t length = strlen(path);
    if (!text)
        return "the dynamic linker gave no reason";
    return strncmp(text, path, length) || text[length] != ':' ? text : text + length + 2;
}

/* Calling a symbol that is data would be the end of the process. */
static bool is_function(treadle_plugin_fn entry_point)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    void *address;
    memcpy(&address, &entry_point, sizeof address);
    return dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
           ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

/*
 * NODELETE because threads of an OpenMP runtime outlive dlclose(); LOCAL so that two plugins may
 * carry symbols of one name; NOW so that a missing symbol shows here, not in a call.
 */
static int32_t open_object(struct backend *backend, const char *path,
                           const struct treadle_host *services)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!object)
        return backend_refuse(backend, "the dynamic linker refused it: %.384s", dl_reason(path));
    treadle_plugin_fn entry_point;
    *(void **)&entry_point = dlsym(object, TREADLE_ENTRY_NAME);
    if (entry_point && !is_function(entry_point))
        return backend_refuse(backend, "%s is data, not a function; the plugin is broken",
                              TREADLE_ENTRY_NAME);
    if (!entry_point)
        return backend_refuse(backend,
                              "built for another ABI major (no symbol %s); build it against this "
                              "version's treadle/plugin.h",
                              TREADLE_ENTRY_NAME);
    return take(backend, entry_point, services);
}

/* An object linked with -ffast-math switches denormals off for the whole thread when loaded. */
static int32_t open_with_modes_kept(struct backend *backend, const char *path,
                                    const struct treadle_host *services)
{
    fenv_t modes;
    fegetenv(&modes);
    int32_t status = open_object(backend, path, services);
    fesetenv(&modes);
    return status;
}

/* A descriptor of the regular file, its real path and its facts; -1 after a refusal. O_NONBLOCK
 * because opening a FIFO would wait for a writer. */
static int open_regular(struct backend *backend, char real[PATH_MAX], struct stat *facts)
{
    if (!realpath(backend->path, real)) {
        backend_refuse(backend, "%s%s", strerror(errno),
                       errno == ENOENT ? " (or a link to nowhere)" : "");
        return -1;
    }
    int file = open(real, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) {
        backend_refuse(backend, "cannot be read: %s", strerror(errno));
        return -1;
    }
    if (fstat(file, facts) == 0 && S_ISREG(facts->st_mode))
        return file;
    close(file);
    backend_refuse(backend, "not a regular file");
    return -1;
}

/* Listed before under whatever name? An explicit load may try again what was refused. */
static struct backend *same_file(const struct entry *entry, bool explicit)
{
    for (uint32_t i = 0; i < loader_count(); i++)
        if (entries[i].device == entry->device && entries[i].inode == entry->inode &&
            (entries[i].backend.usable || !explicit))
            return &entries[i].backend;
    return NULL;
}

/* The file of `entry`, through all checks; an explicit path may belong to anybody. */
static int32_t load_file(struct entry *entry, const struct treadle_host *services, bool explicit)
{
    struct backend *backend = &entry->backend;
    char real[PATH_MAX];
    struct stat facts;
    int32_t status = check_switches(backend);
    int file = status == TREADLE_OK ? open_regular(backend, real, &facts) : -1;
    if (file < 0) {
        list(entry);
        return TREADLE_E_PLUGIN;
    }
    entry->device = facts.st_dev;
    entry->inode = facts.st_ino;
    const struct backend *same = same_file(entry, explicit);
    if (same) {
        close(file);
        trace_say(2, "%s: the same file as %s", backend->path, same->path);
        return TREADLE_OK;
    }
    if (!explicit)
        status = trust_owners(backend, real);
    if (status == TREADLE_OK)
        status = trust_object(backend, file, facts.st_size);
    close(file);
    if (status == TREADLE_OK)
        status = open_with_modes_kept(backend, real, services);
    list(entry);
    return status;
}

static void refuse_folder(const char *folder, const char *reason)
{
    struct entry *entry = new_entry(folder);
    if (!entry)
        return;
    backend_refuse(&entry->backend, "%s", reason);
    list(entry);
}

static int is_plugin(const struct dirent *file)
{
    return !fnmatch(PLUGIN_PREFIX "*" PLUGIN_SUFFIX, file->d_name, 0);
}

/* Not alphasort(): its order depends on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool folder_is_trusted(const char *folder, const char *real)
{
    struct entry *entry = new_entry(folder);
    if (!entry)
        return false;
    if (trust_owners(&entry->backend, real) == TREADLE_OK)
        return true;
    list(entry);
    return false;
}

static void scan_folder(const char *folder, const struct treadle_host *services)
{
    char real[PATH_MAX], path[PATH_MAX + sizeof((struct dirent *)0)->d_name];
    struct dirent **files;
    int count = realpath(folder, real) ? scandir(real, &files, is_plugin, by_name) : -1;
    if (count < 0) {
        refuse_folder(folder, strerror(errno));
        return;
    }
    bool trusted = folder_is_trusted(folder, real);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", strcmp(real, "/") ? real : "", files[i]->d_name);
        struct entry *entry = trusted ? new_entry(path) : NULL;
        if (entry)
            load_file(entry, services, false);
        free(files[i]);
    }
    free(files);
}

static void scan_path(const char *path, const struct treadle_host *services)
{
    char folder[PATH_MAX + 1];
    const char *part = *path ? path : NULL;
    while (part) {
        size_t length = strcspn(part, ":");
        snprintf(folder, sizeof folder, "%.*s", (int)length, part);
        if (folder[0] == '/')
            scan_folder(folder, services);
        else
            refuse_folder(folder, "not an absolute folder; mend TREADLE_PLUGIN_PATH");
        part = part[length] ? part + length + 1 : NULL;
    }
}

/* dladdr() repeats what the program gave to dlopen(). If that was relative, the kernel knows. */
static bool mapped_path(const void *address, char path[PATH_MAX])
{
    char line[PATH_MAX + 128];
    unsigned long begin, end;
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && !found && fgets(line, sizeof line, maps))
        found = sscanf(line, "%lx-%lx %*s %*s %*s %*s %4095[^\n]", &begin, &end, path) == 3 &&
                (unsigned long)address - begin < end - begin && path[0] == '/';
    if (maps)
        fclose(maps);
    return found;
}

static void scan_own_folder(const struct treadle_host *services)
{
    Dl_info here;
    char path[PATH_MAX], folder[PATH_MAX + sizeof PLUGIN_FOLDER];
    if (!dladdr(entries, &here))
        return;
    if (here.dli_fname[0] == '/')
        snprintf(path, sizeof path, "%s", here.dli_fname);
    else if (!mapped_path(here.dli_fbase, path))
        return;
    int length = (int)(strrchr(path, '/') - path);
    snprintf(folder, sizeof folder, "%.*s/%s", length, path, PLUGIN_FOLDER);
    if (access(folder, F_OK) == 0)
        scan_folder(folder, services);
}

void loader_scan(const struct env *env, const struct treadle_host *services)
{
    only = env->only;
    disable = env->disable;
    struct entry *entry = new_entry("(built in)");
    take(&entry->backend, treadle_serial_plugin, services);
    list(entry);
    scan_path(env->plugin_path, services);
    scan_own_folder(services);
}

static int32_t report(const struct entry *entry, int32_t status)
{
    return status == TREADLE_OK ? status : fail(status, "%s", entry->backend.reason);
}

static int32_t no_room(const char *path)
{
    return fail(TREADLE_E_PLUGIN, "%s: %d plugins are listed already, no more are loaded", path,
                TREADLE_BACKENDS_MAX);
}

int32_t loader_load(const char *path, const struct treadle_host *services)
{
    if (!path || path[0] != '/')
        return fail(TREADLE_E_INVALID, "path: \"%s\" is not the absolute path of a plugin",
                    path ? path : "(NULL)");
    struct entry *entry = new_entry(path);
    return entry ? report(entry, load_file(entry, services, true)) : no_room(path);
}

int32_t loader_register(treadle_plugin_fn entry_point, const struct treadle_host *services)
{
    if (!entry_point)
        return fail(TREADLE_E_INVALID, "plugin: NULL is not an entry point");
    struct entry *entry = new_entry("(registered)");
    if (!entry)
        return no_room("(registered)");
    int32_t status = take(&entry->backend, entry_point, services);
    list(entry);
    return report(entry, status);
}
