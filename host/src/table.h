/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TABLE_H
#define TREADLE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpus.h"

/**
 * A file in shared memory with a slot for each process of a user. Who holds the lock on a slot, an
 * open-file-description lock on one byte, may write it, and nobody else. The kernel drops the lock
 * when the process ends, in whatever way, so that the living can be told from the dead across
 * process-id name spaces too. The file appears complete, by one link(), and is never changed in
 * size; nobody ever waits for anybody.
 */
enum { TABLE_SLOTS = 1023, TABLE_REASON = 256, TABLE_COMMAND = 16 };

/** One process. All fields are hints to others: read without a lock, possibly torn or stale. */
struct slot {
    /* Written by calls. */
    _Alignas(64) _Atomic uint64_t state; /* callers << 32 | threads granted */
    _Atomic int64_t busy_until;          /* counts as active until then, without a call too */
    _Atomic uint64_t calls;              /* that ended */
    _Atomic uint64_t core_ns;            /* their durations times their threads */
    _Atomic uint32_t wanted;             /* threads its calls would have liked lately */
    _Atomic uint32_t share;              /* cores it may use by its own reckoning */
    /* Written when the process comes, and every two seconds. */
    _Alignas(64) _Atomic int64_t since; /* when it came; with pid: who it is */
    _Atomic uint64_t pid_space;         /* inode of its process-id name space */
    _Atomic uint64_t group;             /* the cgroup that limits it, 0: none */
    _Atomic uint64_t mask_sum;          /* equal sums: equal masks */
    _Atomic int32_t pid;
    _Atomic uint32_t mask_count;
    _Atomic uint32_t cores; /* that its own limits leave it */
    uint32_t reserved;
    _Atomic uint64_t command[TABLE_COMMAND / 8];
    _Alignas(64) _Atomic uint64_t mask[CPUS_WORDS];
};
_Static_assert(sizeof(struct slot) == 256, "four cache lines");

/**
 * Open or create the table in `folder` and take a slot of it. All functions but the last are for
 * one thread at a time.
 * @param reason  why not, on failure; TABLE_REASON bytes
 */
bool table_join(const char *folder, char *reason);

/** Give the slot back and forget the table. Slots may still be written to: into the void. */
void table_leave(void);

/** In a forked child: the slot is the parent's. */
void table_abandon(void);

/** Is this still the table that other processes find? Else why not. */
bool table_is_whole(char *reason);

/** The slots in use are below this number. */
uint32_t table_end(void);

/** Slot `i`; valid memory as long as the process lives, once a table was joined. */
struct slot *table_slot(uint32_t i);

/** The number of the own slot. */
uint32_t table_own(void);

/** Is the owner of slot `i` alive? The slot of a dead one is cleared. A system call. */
bool table_is_alive(uint32_t i);

/**
 * Copy the slots of the living, in order, without taking part.
 * @return how many there are, also beyond `capacity`; 0 if there is no table, with the reason if
 *         there is one that cannot be read, else ""
 */
uint32_t table_read(const char *folder, struct slot *slots, uint32_t capacity, char *reason);

#endif
