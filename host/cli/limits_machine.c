/* SPDX-License-Identifier: BSD-3-Clause */
#include "limits_machine.h"

#include <math.h>
#include <unistd.h>

#include "cli.h"
#include "facts.h"

static const double mebi = 1 << 20;

static const enum limits_kind memory_kinds[] = {
    LIMITS_READ, LIMITS_COPY, LIMITS_COPY_STREAM, LIMITS_COPY_C, LIMITS_ADD, LIMITS_ADD_STREAM,
};
static const enum limits_kind flop_kinds[] = {LIMITS_FMA_F32, LIMITS_FMA_F64};

enum { LEVELS = 4, STREAMS = 3 };

/** A cache, and how much is put into it: half of it, so that nothing else pushes that out. */
struct level {
    const char *name;
    double bytes;
    bool per_thread; /* each core has one */
};

/**
 * Where the system does not tell, the level is left out. Of a last-level cache that is shared with
 * other machines a part is enough, and memory is four times what it may hold, within reason and
 * within a quarter of what is free.
 */
static size_t find_levels(struct level levels[LEVELS])
{
    double l1 = (double)sysconf(_SC_LEVEL1_DCACHE_SIZE),
           l2 = (double)sysconf(_SC_LEVEL2_CACHE_SIZE), l3 = (double)sysconf(_SC_LEVEL3_CACHE_SIZE);
    size_t count = 0;
    struct facts facts;

    facts_read(&facts);
    double most = facts.memory_free > 0 ? fmin(facts.memory_free / 4, 1024 * mebi) : 256 * mebi;
    if (l1 > 0)
        levels[count++] = (struct level){"L1", l1 / 2, true};
    if (l2 > 0)
        levels[count++] = (struct level){"L2", l2 / 2, true};
    if (l3 > 0)
        levels[count++] = (struct level){"L3", fmin(l3 / 2, 64 * mebi), false};
    levels[count++] = (struct level){"memory", fmin(fmax(4 * l3, 256 * mebi), most), false};
    return count;
}

static bool add_rows(struct limits_table *table, const struct level *level,
                     const struct limits_memory *memory, uint32_t threads,
                     const enum limits_kind *kinds, size_t count)
{
    for (size_t i = 0; i < count && table->count < LIMITS_ROWS_MOST && !cli_interrupted(); i++) {
        double rate = limits_rate(kinds[i], threads, memory);
        if (rate < 0)
            return false;
        table->rows[table->count++] =
            (struct limits_row){level->name, level->bytes, kinds[i], threads, rate};
        cli_progress("bench: %s with %u threads in %s", limits_name(kinds[i]), threads,
                     level->name);
    }
    return true;
}

static bool add_level(struct limits_table *table, const struct level *level, uint32_t threads)
{
    struct limits_memory memory;
    double bytes = level->bytes * (level->per_thread ? threads : 1);

    if (!limits_memory_create(&memory, (size_t)bytes / STREAMS))
        return false;
    bool good = add_rows(table, level, &memory, threads, memory_kinds,
                         sizeof memory_kinds / sizeof *memory_kinds);
    limits_memory_finish(&memory);
    return good;
}

bool limits_machine(struct limits_table *table, const struct options_counts *threads)
{
    const struct limits_memory none = {.bytes = 0};
    const struct level registers = {.name = "registers"};
    struct level levels[LEVELS];
    size_t count = find_levels(levels);
    bool good = true;

    table->count = 0;
    for (size_t t = 0; t < threads->count && good; t++) {
        uint32_t team = (uint32_t)threads->counts[t];
        for (size_t i = 0; i < count && good; i++)
            good = add_level(table, &levels[i], team);
        good = good && add_rows(table, &registers, &none, team, flop_kinds,
                                sizeof flop_kinds / sizeof *flop_kinds);
    }
    return good;
}
