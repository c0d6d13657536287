/* SPDX-License-Identifier: BSD-3-Clause */
/* abi.*: the file, its one symbol and its table. */
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "check_plugin.h"
#include "check_state.h"
#include "check_tests.h"

/* What 1.0 required, and more than any table will ever have. */
enum { TABLE_FLOOR = offsetof(struct treadle_plugin, list_kernel), TABLE_LIMIT = 65536 };

/* ---- the file --------------------------------------------------------------------------------*/

/** The file in memory; NULL after check_fail(). */
static const char *map_file(size_t *size)
{
    struct stat facts;
    int file = open(check_path(), O_RDONLY | O_CLOEXEC);
    void *bytes = MAP_FAILED;

    if (file >= 0 && !fstat(file, &facts)) {
        *size = (size_t)facts.st_size;
        bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (file >= 0)
        close(file);
    if (bytes != MAP_FAILED)
        return bytes;
    check_fail("cannot be read");
    return NULL;
}

/** `count` entries of `unit` bytes at `offset` lie within the file. */
static bool lies_within(size_t size, uint64_t offset, uint64_t count, uint64_t unit)
{
    return unit > 0 && offset <= size && count <= (size - offset) / unit;
}

static bool is_shared_object(const char *bytes, size_t size)
{
    const Elf64_Ehdr *head = (const void *)bytes;

    if (size < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
        head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_type != ET_DYN ||
        !lies_within(size, head->e_shoff, head->e_shnum, sizeof(Elf64_Shdr)) ||
        !lies_within(size, head->e_phoff, head->e_phnum, sizeof(Elf64_Phdr))) {
        check_fail("is no 64-bit ELF shared object");
        return false;
    }
    return true;
}

static void see_symbol(const Elf64_Sym *symbol, const char *name, int *entries)
{
    bool exported = symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
                    ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
                    ELF64_ST_VISIBILITY(symbol->st_other) != STV_HIDDEN &&
                    ELF64_ST_TYPE(symbol->st_info) != STT_SECTION;

    if (!exported)
        return;
    if (strcmp(name, TREADLE_ENTRY_NAME))
        check_fail("exports %s; build with -fvisibility=hidden, only %s() may be seen", name,
                   TREADLE_ENTRY_NAME);
    else if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC)
        check_fail("%s is no function", name);
    else
        ++*entries;
}

static void see_symbols(const char *bytes, size_t size)
{
    const Elf64_Ehdr *head = (const void *)bytes;
    const Elf64_Shdr *sections = (const void *)(bytes + head->e_shoff);
    int entries = 0;

    for (int i = 0; i < head->e_shnum; i++) {
        const Elf64_Shdr *symbols = &sections[i], *names = &sections[symbols->sh_link];
        if (symbols->sh_type != SHT_DYNSYM || symbols->sh_link >= head->e_shnum ||
            !lies_within(size, symbols->sh_offset, symbols->sh_size, 1) ||
            !lies_within(size, names->sh_offset, names->sh_size, 1))
            continue;
        const Elf64_Sym *symbol = (const void *)(bytes + symbols->sh_offset);
        for (size_t k = 0; k < symbols->sh_size / sizeof *symbol; k++)
            if (symbol[k].st_name < names->sh_size)
                see_symbol(&symbol[k], bytes + names->sh_offset + symbol[k].st_name, &entries);
    }
    if (entries == 0 && !check_has_failed())
        check_fail("exports no %s()", TREADLE_ENTRY_NAME);
}

static void see_segments(const char *bytes)
{
    const Elf64_Ehdr *head = (const void *)bytes;
    const Elf64_Phdr *segments = (const void *)(bytes + head->e_phoff);

    for (int i = 0; i < head->e_phnum; i++)
        if (segments[i].p_type == PT_GNU_STACK && segments[i].p_flags & PF_X)
            check_fail("wants an executable stack; link with -z noexecstack");
}

void check_file(void)
{
    size_t size = 0;
    const char *bytes = map_file(&size);

    check_doing("reading the file");
    if (!bytes || !is_shared_object(bytes, size))
        return;
    see_symbols(bytes, size);
    see_segments(bytes);
}

/* ---- loading and the entry ------------------------------------------------------------------ */

void check_load(void)
{
    struct check_state before, after;

    check_state_read(&before);
    if (!check_plugin_load())
        return;
    check_state_read(&after);
    check_state_compare(&before, &after, "loading it");
}

void check_entry(void)
{
    struct check_state before, after;

    if (!check_plugin_load())
        return;
    check_doing("%s()", TREADLE_ENTRY_NAME);
    check_state_read(&before);
    const struct treadle_plugin *first = check_plugin_entry()();
    if (!first) {
        check_fail("%s() returns no table", TREADLE_ENTRY_NAME);
        return;
    }
    struct treadle_plugin copy;
    size_t size = first->struct_size < sizeof copy ? first->struct_size : sizeof copy;
    memcpy(&copy, first, size);
    check_doing("%s() once more", TREADLE_ENTRY_NAME);
    const struct treadle_plugin *second = check_plugin_entry()();
    check_state_read(&after);
    if (first != second)
        check_fail("a second call returns another table");
    else if (memcmp(&copy, first, size))
        check_fail("a second call changes the table");
    check_state_compare(&before, &after, TREADLE_ENTRY_NAME "()");
}

/* ---- the table ------------------------------------------------------------------------------ */

static void see_text(const char *member, const char *text)
{
    if (!text)
        check_fail("%s is NULL; use \"\" for none", member);
    else if (strnlen(text, 256) == 256)
        check_fail("%s is no short text that ends in zero", member);
}

static void see_id(const char *id)
{
    size_t length = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

    if (id[0] < 'a' || id[0] > 'z' || id[length] || !strcmp(id, "auto"))
        check_fail("id is \"%.64s\"; allowed is [a-z][a-z0-9_.-]* except \"auto\"", id);
}

static void see_cpu(const char *cpu)
{
    static const char *const levels[] = {"", "x86-64-v2", "x86-64-v3", "x86-64-v4"};

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (!strcmp(cpu, levels[i]))
            return;
    check_fail("cpu_required is \"%.64s\"; allowed is \"\" and x86-64-v2, -v3, -v4", cpu);
}

static void see_members(const struct treadle_plugin *table)
{
    see_text("id", table->id);
    see_text("version", table->version);
    see_text("vendor", table->vendor);
    see_text("cpu_required", table->cpu_required);
    if (!table->create)
        check_fail("create is NULL");
    if (!table->destroy)
        check_fail("destroy is NULL");
    if (!table->find_kernel)
        check_fail("find_kernel is NULL");
    if (!check_has_failed()) {
        see_id(table->id);
        see_cpu(table->cpu_required);
    }
    if (table->flags >> TREADLE_PLUGIN_MUST_UNDERSTAND_SHIFT)
        check_fail("flags 0x%llx: hosts of today refuse every bit of the upper 16",
                   (unsigned long long)table->flags);
}

void check_table(void)
{
    if (!check_plugin_load())
        return;
    check_doing("%s()", TREADLE_ENTRY_NAME);
    const struct treadle_plugin *table = check_plugin_entry()();
    if (!table) {
        check_fail("%s() returns no table", TREADLE_ENTRY_NAME);
        return;
    }
    check_doing("reading the table");
    uint32_t size = table->struct_size;
    if (size < TABLE_FLOOR || size > TABLE_LIMIT || size % sizeof(uint64_t)) {
        check_fail("struct_size is %u; set it to sizeof(struct treadle_plugin), %zu", size,
                   sizeof *table);
        return;
    }
    see_members(table);
}
