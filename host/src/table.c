/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own_file.h"

enum { PATH = 512, NOBODY = TABLE_SLOTS };

/* The layout is part of the file's name: another one is another table. */
#define NAME "treadle-1-%u"
static const char MAGIC[8] = "treadle";

struct table {
    char magic[8];
    _Alignas(256) _Atomic uint32_t end; /* only grows, so that a claim that dies leaves no harm */
    struct slot slots[TABLE_SLOTS];
};
enum {
    HEADER = offsetof(struct table, slots),
    SLOT = sizeof(struct slot),
    SIZE = sizeof(struct table)
};

/* The address stays for the life of the process, whatever is mapped there: calls write to the own
 * slot without a lock. */
static struct table *table;
static struct own_file file = OWN_FILE_NONE;
static uint32_t own = NOBODY;

static bool refuse(char *reason, const char *path, const char *what)
{
    snprintf(reason, TABLE_REASON, "%.128s %.100s", path, what);
    return false;
}

static bool refuse_errno(char *reason, const char *path, const char *what, int error)
{
    snprintf(reason, TABLE_REASON, "%.128s %s: %s", path, what, strerror(error));
    return false;
}

/* ---- locks ----------------------------------------------------------------------------------- */

static bool lock_slot(int command, short type, uint32_t i, struct flock *lock)
{
    *lock = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};
    return fcntl(file.number, command, lock) == 0;
}

static bool take(uint32_t i)
{
    struct flock lock;
    return lock_slot(F_OFD_SETLK, F_WRLCK, i, &lock);
}

static void drop(uint32_t i)
{
    struct flock lock;
    lock_slot(F_OFD_SETLK, F_UNLCK, i, &lock);
}

static void clear(struct slot *slot)
{
    atomic_store_explicit(&slot->state, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->busy_until, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->pid, 0, memory_order_relaxed);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Pages that are promised by nothing but the file's size would be a SIGBUS on a full file system,
 * and asking for more than RLIMIT_FSIZE is a SIGXFSZ. */
static int reserve(int fd)
{
    struct rlimit limit;
    struct stat status;
    if (fstat(fd, &status) == 0 && status.st_size < SIZE && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur < SIZE)
        return EFBIG;
    return posix_fallocate(fd, 0, SIZE);
}

/* A file without a name gets one when it is complete: others see all of it or nothing. */
static bool create(const char *folder, const char *path, char *reason)
{
    char proc[64];
    int fd = own_file_move(open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd < 0)
        return refuse_errno(reason, folder, "takes no file", errno);
    int error = reserve(fd);
    if (!error && pwrite(fd, MAGIC, sizeof MAGIC, 0) != sizeof MAGIC)
        error = errno;
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    if (!error && linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) && errno != EEXIST)
        error = errno;
    close(fd);
    return error ? refuse_errno(reason, path, "cannot be made", error) : true;
}

static bool check(int fd, const char *path, char *reason)
{
    struct stat status;
    char magic[sizeof MAGIC];
    if (fstat(fd, &status))
        return refuse_errno(reason, path, "cannot be looked at", errno);
    if (!S_ISREG(status.st_mode))
        return refuse(reason, path, "is not a regular file; remove it");
    if (status.st_uid != geteuid())
        return refuse(reason, path, "belongs to another user; they or root can remove it");
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return refuse(reason, path, "is open to other users; remove it");
    if (status.st_size != SIZE)
        return refuse(reason, path, "has the wrong size; remove it");
    if (pread(fd, magic, sizeof magic, 0) != sizeof magic || memcmp(magic, MAGIC, sizeof magic))
        return refuse(reason, path, "is not a table of Treadle's; remove it");
    return true;
}

/* Returns the descriptor of a sound table, or -1. */
static int open_table(const char *folder, bool make, char *reason)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/" NAME, folder, geteuid());
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = own_file_move(open(path, flags));
    if (fd < 0 && errno == ENOENT && make) {
        if (!create(folder, path, reason))
            return -1;
        fd = own_file_move(open(path, flags));
    }
    if (fd < 0) {
        reason[0] = '\0';
        if (make || errno != ENOENT)
            refuse_errno(reason, path, "cannot be opened", errno);
        return -1;
    }
    int error = check(fd, path, reason) ? 0 : -1;
    if (!error && make && (error = reserve(fd)))
        refuse_errno(reason, path, "cannot be filled", error);
    if (error) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Map over what was there before, in one step for those who may be writing to it. */
static bool map(int fd)
{
    int flags = (table ? MAP_FIXED : 0) | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    void *place = mmap(table, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (place == MAP_FAILED)
        return false;
    table = place;
    return true;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static bool claim(void)
{
    for (uint32_t i = 0; i < TABLE_SLOTS; i++) {
        if (!take(i))
            continue;
        own = i;
        memset(&table->slots[i], 0, sizeof table->slots[i]);
        uint32_t end = atomic_load(&table->end);
        while (end <= i && !atomic_compare_exchange_weak(&table->end, &end, i + 1))
            ;
        return true;
    }
    return false;
}

bool table_join(const char *folder, char *reason)
{
    int fd = open_table(folder, true, reason);
    if (fd < 0)
        return false;
    own_file_keep(&file, fd);
    errno = 0;
    if (map(fd) && claim())
        return true;
    if (errno == EAGAIN)
        refuse(reason, folder, "has a table all of whose places are taken");
    else
        refuse_errno(reason, folder, "has a table that cannot be shared", errno);
    table_abandon();
    return false;
}

void table_abandon(void)
{
    if (table)
        map(-1);
    own_file_close(&file);
    own = NOBODY;
}

void table_leave(void)
{
    if (own != NOBODY)
        clear(&table->slots[own]);
    table_abandon();
}

bool table_is_whole(char *reason)
{
    struct stat status;
    if (own_file_number(&file, &status) < 0)
        return refuse(reason, "the table", "was closed by the program");
    if (status.st_size != SIZE)
        return refuse(reason, "the table", "was cut while it was in use");
    return status.st_nlink > 0 || refuse(reason, "the table", "was removed while it was in use");
}

uint32_t table_end(void)
{
    uint32_t end = atomic_load_explicit(&table->end, memory_order_relaxed);
    return end < TABLE_SLOTS ? end : TABLE_SLOTS;
}

struct slot *table_slot(uint32_t i)
{
    return &table->slots[i];
}

uint32_t table_own(void)
{
    return own;
}

bool table_is_alive(uint32_t i)
{
    if (!take(i))
        return true;
    clear(&table->slots[i]);
    drop(i);
    return false;
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool is_locked(int fd, uint32_t i)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static uint32_t read_end(int fd)
{
    uint32_t end = 0;
    return pread(fd, &end, sizeof end, offsetof(struct table, end)) == sizeof end &&
                   end < TABLE_SLOTS
               ? end
               : TABLE_SLOTS;
}

uint32_t table_read(const char *folder, struct slot *slots, uint32_t capacity, char *reason)
{
    int fd = open_table(folder, false, reason);
    if (fd < 0)
        return 0;
    reason[0] = '\0';
    uint32_t count = 0, end = read_end(fd);
    struct slot slot;
    for (uint32_t i = 0; i < end; i++) {
        if (!is_locked(fd, i) ||
            pread(fd, &slot, sizeof slot, HEADER + (off_t)i * SLOT) != sizeof slot)
            continue;
        if (count < capacity)
            memcpy(&slots[count], &slot, sizeof slot);
        count++;
    }
    close(fd);
    return count;
}
