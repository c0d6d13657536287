/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder of plugins: junk does no harm, and nothing is run that somebody else could have put
 * there. */
#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin_folder.h"

TestSuite(plugin_scan, .init = folder_make, .fini = folder_remove, .timeout = 20);

static void scan(const char *path)
{
    setenv("TREADLE_PLUGIN_PATH", path, 1);
    cr_assert_eq(treadle_init(), TREADLE_OK, "%s", treadle_last_error());
    expect_usable("(built in)");
}

static uint32_t usable_count(void)
{
    uint32_t usable = 0;
    struct treadle_backend_info info;
    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++)
        usable += !info.reason[0];
    return usable;
}

Test(plugin_scan, refuses_what_is_no_plugin_of_this_machine)
{
    Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB},
                         .e_type = ET_DYN,
                         .e_machine = EM_X86_64}; /* x32 */
    folder_write("treadle-empty.so", "", 0);
    folder_write("treadle-junk.so", "#!/bin/sh\nexit 1\n", 17);
    folder_write("treadle-pe.so", "MZ\220\0\3\0\0\0", 8);
    folder_write("treadle-elf32.so", &header, sizeof header);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_machine = EM_S390;
    folder_write("treadle-machine.so", &header, sizeof header);
    cr_assert_eq(mkdir(in_folder("treadle-folder.so"), 0700), 0);
    cr_assert_eq(mkfifo(in_folder("treadle-fifo.so"), 0600), 0);
    cr_assert_eq(symlink("nowhere", in_folder("treadle-link.so")), 0);
    cr_assert_eq(symlink("treadle-loop.so", in_folder("treadle-loop.so")), 0);
    cr_assert_eq(symlink("/proc/self/exe", in_folder("treadle-program.so")), 0);
    folder_copy("treadle-short.so", "odd");
    cr_assert_eq(truncate(in_folder("treadle-short.so"), 4096), 0);
    folder_copy("treadle-zz.so", "golden");
    scan(folder);
    expect_refused(in_folder("treadle-empty.so"), "empty");
    expect_refused(in_folder("treadle-junk.so"), "not a shared object");
    expect_refused(in_folder("treadle-pe.so"), "not a shared object");
    expect_refused(in_folder("treadle-elf32.so"), "another machine");
    expect_refused(in_folder("treadle-machine.so"), "another machine");
    expect_refused(in_folder("treadle-folder.so"), "not a regular file");
    expect_refused(in_folder("treadle-fifo.so"), "not a regular file");
    expect_refused(in_folder("treadle-link.so"), "No such file");
    expect_refused(in_folder("treadle-loop.so"), "symbolic links");
    expect_refused(in_folder("treadle-short.so"), "cut short");
    expect_refused(in_folder("treadle-program.so"), "");
    expect_usable(in_folder("treadle-zz.so"));
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
}

Test(plugin_scan, looks_only_at_files_called_treadle_something)
{
    folder_copy("odd.so", "odd");
    folder_copy("libtreadle-odd.so", "odd");
    folder_copy("treadle-odd.so.bak", "odd");
    folder_copy("treadle-golden.so", "golden");
    scan(folder);
    cr_assert_eq(treadle_backend_count(), 2);
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
}

Test(plugin_scan, goes_by_name_and_the_first_of_an_id_wins)
{
    folder_copy("treadle-b.so", "same-id");
    folder_copy("treadle-a.so", "odd");
    folder_copy("treadle-C.so", "golden");
    scan(folder);
    static const char *const order[] = {"treadle-C.so", "treadle-a.so", "treadle-b.so"};
    struct treadle_backend_info info;
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(treadle_backend_info(i + 1, &info), TREADLE_OK);
        cr_assert_str_eq(info.path, in_folder(order[i]));
    }
    expect_usable(in_folder("treadle-a.so"));
    expect_refused(in_folder("treadle-b.so"), "already loaded from");
}

Test(plugin_scan, loads_one_file_of_many_names_once)
{
    folder_copy("treadle-1.so", "odd");
    cr_assert_eq(symlink("treadle-1.so", in_folder("treadle-2.so")), 0);
    cr_assert_eq(link(in_folder("treadle-1.so"), in_folder("treadle-3.so")), 0);
    folder_copy("treadle-4.so", "odd");
    char twice[256];
    snprintf(twice, sizeof twice, "%s:%s/../%s", folder, folder, folder + strlen("/tmp/"));
    scan(twice);
    expect_usable(in_folder("treadle-1.so"));
    cr_assert_not(is_listed(in_folder("treadle-2.so")));
    cr_assert_not(is_listed(in_folder("treadle-3.so")));
    expect_refused(in_folder("treadle-4.so"), "\"odd\" was already loaded from");
    cr_assert_eq(treadle_backend_count(), 3);
}

Test(plugin_scan, refuses_folders_that_are_not_absolute)
{
    folder_copy("treadle-odd.so", "odd");
    char path[256];
    cr_assert_eq(chdir(folder), 0);
    snprintf(path, sizeof path, ":.:relative:/nowhere/at/all:%s:", folder);
    scan(path);
    expect_refused("", "not an absolute folder");
    expect_refused(".", "not an absolute folder");
    expect_refused("relative", "not an absolute folder");
    expect_refused("/nowhere/at/all", "No such file");
    expect_usable(in_folder("treadle-odd.so"));
}

Test(plugin_scan, refuses_what_everybody_could_write)
{
    folder_copy("treadle-odd.so", "odd");
    cr_assert_eq(chmod(in_folder("treadle-odd.so"), 0646), 0);
    folder_copy("treadle-golden.so", "golden");
    scan(folder);
    expect_refused(in_folder("treadle-odd.so"), "written by everybody");
    expect_usable(in_folder("treadle-golden.so"));
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
}

static void expect_folder_refused(mode_t mode, mode_t below)
{
    cr_assert_eq(mkdir(in_folder("below"), 0700), 0);
    folder_copy("below/treadle-odd.so", "odd");
    cr_assert_eq(chmod(in_folder("below"), below), 0);
    cr_assert_eq(chmod(folder, mode), 0);
    scan(in_folder("below"));
    expect_refused(in_folder("below"), "written by everybody");
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
}

Test(plugin_scan, refuses_a_folder_that_everybody_could_write)
{
    expect_folder_refused(0700, 0777);
}

Test(plugin_scan, refuses_a_sticky_folder_that_everybody_could_write)
{
    expect_folder_refused(0700, 01777);
}

Test(plugin_scan, refuses_a_folder_below_one_that_everybody_could_write)
{
    expect_folder_refused(0777, 0700);
}

Test(plugin_scan, follows_a_link_only_to_a_place_to_be_trusted)
{
    cr_assert_eq(mkdir(in_folder("open"), 0700), 0);
    cr_assert_eq(mkdir(in_folder("mine"), 0700), 0);
    folder_copy("open/odd.so", "odd");
    cr_assert_eq(chmod(in_folder("open"), 0777), 0);
    cr_assert_eq(symlink("../open/odd.so", in_folder("mine/treadle-odd.so")), 0);
    scan(in_folder("mine"));
    expect_refused(in_folder("mine/treadle-odd.so"), "open can be written by everybody");
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
}

Test(plugin_scan, refuses_a_foreign_owner_but_not_by_explicit_path)
{
    folder_copy("treadle-odd.so", "odd");
    if (geteuid() != 0 || chown(in_folder("treadle-odd.so"), 12345, 12345) != 0)
        cr_skip_test("only root can give files away");
    scan(folder);
    expect_refused(in_folder("treadle-odd.so"), "belongs to user 12345");
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
    cr_assert_eq(treadle_load(in_folder("treadle-odd.so")), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(usable_count(), 2);
}

Test(plugin_scan, does_not_open_what_is_switched_off)
{
    folder_copy("treadle-odd.so", "odd");
    folder_copy("treadle-golden.so", "golden");
    setenv("TREADLE_DISABLE", "nothing,o?d*", 1);
    scan(folder);
    expect_refused(in_folder("treadle-odd.so"), "\"odd\" is switched off by TREADLE_DISABLE");
    expect_usable(in_folder("treadle-golden.so"));
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
    cr_assert_eq(treadle_load(in_folder("treadle-odd.so")), TREADLE_E_PLUGIN);
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
}

Test(plugin_scan, opens_only_what_is_asked_for)
{
    folder_copy("treadle-odd.so", "odd");
    folder_copy("treadle-golden.so", "golden");
    setenv("TREADLE_ONLY", "gold*,blis", 1);
    scan(folder);
    expect_refused(in_folder("treadle-odd.so"), "\"odd\" is not among TREADLE_ONLY");
    expect_usable(in_folder("treadle-golden.so"));
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
}

Test(plugin_scan, switches_off_by_id_too)
{
    folder_copy("treadle-innocent.so", "odd");
    setenv("TREADLE_DISABLE", "odd", 1);
    scan(folder);
    expect_refused(in_folder("treadle-innocent.so"), "\"odd\" is switched off");
    cr_assert_null(getenv("ODD_CREATED"));
}

Test(plugin_scan, keeps_the_built_in_serial_whatever_happens)
{
    folder_copy("treadle-serial.so", "second-serial");
    folder_copy("treadle-zz.so", "odd");
    scan(folder);
    expect_refused(in_folder("treadle-serial.so"), "shadowed by the built-in \"serial\"");
    expect_usable(in_folder("treadle-zz.so"));
}

Test(plugin_scan, cannot_switch_off_serial)
{
    folder_copy("treadle-odd.so", "odd");
    setenv("TREADLE_DISABLE", "*", 1);
    setenv("TREADLE_ONLY", "none", 1);
    scan(folder);
    cr_assert_eq(usable_count(), 1);
}
