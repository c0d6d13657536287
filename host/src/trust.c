/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be known of a file from outside, before its code runs. */
#include "trust.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

/* This library's own ELF header, from the linker: what a plugin's must resemble. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static int32_t trust_one(struct backend *backend, const char *path, const struct stat *facts,
                         bool above)
{
    if (facts->st_uid != 0 && facts->st_uid != geteuid())
        return backend_refuse(
            backend,
            "%s belongs to user %u, who could change it; only root's and your own "
            "files are loaded",
            path, (unsigned)facts->st_uid);
    bool sticky = above && S_ISDIR(facts->st_mode) && facts->st_mode & S_ISVTX;
    if (facts->st_mode & S_IWOTH && !sticky)
        return backend_refuse(backend, "%s can be written by everybody; chmod o-w it", path);
    if (facts->st_mode & S_IWGRP && !sticky) {
        if (getauxval(AT_SECURE))
            return backend_refuse(backend,
                                  "%s can be written by a group, and this program has "
                                  "raised rights; chmod g-w it",
                                  path);
        trace_say(2, "%s can be written by a group", path);
    }
    return TREADLE_OK;
}

int32_t trust_owners(struct backend *backend, const char *path)
{
    char part[PATH_MAX];
    struct stat facts;
    bool above = false;
    int32_t status = TREADLE_OK;
    snprintf(part, sizeof part, "%s", path);
    while (status == TREADLE_OK) {
        if (lstat(part, &facts) != 0)
            return backend_refuse(backend, "%s: %s", part, strerror(errno));
        status = trust_one(backend, part, &facts, above);
        above = above || S_ISDIR(facts.st_mode);
        if (!part[1])
            break;
        char *slash = strrchr(part, '/');
        slash[slash == part] = '\0';
    }
    return status;
}

static bool is_whole(int file, int64_t size, const ElfW(Ehdr) * header)
{
    for (uint32_t i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) segment;
        off_t at = (off_t)(header->e_phoff + (uint64_t)i * sizeof segment);
        if (pread(file, &segment, sizeof segment, at) != sizeof segment)
            return false;
        if (segment.p_type == PT_LOAD &&
            (segment.p_offset > (uint64_t)size || segment.p_filesz > size - segment.p_offset))
            return false;
    }
    return true;
}

int32_t trust_object(struct backend *backend, int file, int64_t size)
{
    const ElfW(Ehdr) *own = &__ehdr_start;
    ElfW(Ehdr) header = {.e_machine = 0};
    if (size == 0)
        return backend_refuse(backend, "the file is empty; build or install it again");
    if (pread(file, &header, sizeof header, 0) < SELFMAG ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return backend_refuse(backend, "not a shared object of this system (no ELF header)");
    if (header.e_ident[EI_CLASS] != own->e_ident[EI_CLASS] ||
        header.e_ident[EI_DATA] != own->e_ident[EI_DATA] || header.e_machine != own->e_machine)
        return backend_refuse(backend,
                              "built for another machine (ELF class %u, machine %u; here %u, %u); "
                              "use a build for this one",
                              header.e_ident[EI_CLASS], header.e_machine, own->e_ident[EI_CLASS],
                              own->e_machine);
    if (header.e_type != ET_DYN)
        return backend_refuse(backend, "not a shared object (ELF type %u); link it with -shared",
                              header.e_type);
    if (header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phnum == 0 ||
        !is_whole(file, size, &header))
        return backend_refuse(backend, "the file is cut short; build or install it again");
    return TREADLE_OK;
}
