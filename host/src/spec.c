/* SPDX-License-Identifier: BSD-3-Clause */
#include "spec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>

#include "error.h"
#include "loader.h"

/* How much of a specification, and of a word of it, a sentence can show. */
#define SPEC "%.128s"
#define WORD(length) ((int)((length) < 64 ? (length) : 64))

/* "serial, openmp, blis" for error texts. */
static void list_names(char *text, size_t capacity)
{
    size_t used = (size_t)snprintf(text, capacity, "auto");
    for (uint32_t i = 0; i < loader_count() && used < capacity; i++)
        if (loader_at(i)->usable)
            used += (size_t)snprintf(text + used, capacity - used, ", %s", loader_at(i)->table.id);
}

static int32_t refuse_name(const char *name, uint32_t length, const char *spec, const char *source)
{
    for (uint32_t i = 0; i < loader_count(); i++) {
        const struct backend *b = loader_at(i);
        if (!b->usable && b->table.id && strlen(b->table.id) == length &&
            strncmp(b->table.id, name, length) == 0)
            return fail(TREADLE_E_INVALID, "%s=" SPEC ": %s cannot be used: %s", source, spec,
                        b->table.id, b->reason);
    }
    char names[256];
    list_names(names, sizeof names);
    return fail(TREADLE_E_INVALID, "%s=" SPEC ": there is no backend \"%.*s\"; allowed are %s",
                source, spec, WORD(length), name, names);
}

static bool has(const struct rule *rule, const struct backend *backend)
{
    for (uint32_t i = 0; i < rule->count; i++)
        if (rule->choices[i].backend == backend)
            return true;
    return false;
}

static bool is_serial(const struct backend *backend)
{
    return strcmp(backend->table.id, "serial") == 0;
}

/* The last place is serial's. */
static void append(struct rule *rule, const struct backend *backend, uint32_t cap)
{
    uint32_t room = is_serial(backend) ? CANDIDATES_MAX : CANDIDATES_MAX - 1;
    if (rule->count < room && !has(rule, backend))
        rule->choices[rule->count++] = (struct choice){backend, cap};
}

static void append_all(struct rule *rule, uint32_t cap)
{
    for (uint32_t i = 0; i < loader_count(); i++)
        if (loader_at(i)->usable && !is_serial(loader_at(i)))
            append(rule, loader_at(i), cap);
}

/* One "name" or "name:threads" of a list. */
static int32_t parse_choice(struct rule *rule, const char *word, uint32_t length, const char *spec,
                            const char *source)
{
    const char *colon = memchr(word, ':', length);
    uint32_t name_length = colon ? (uint32_t)(colon - word) : length;
    uint32_t cap = 0;
    if (colon) {
        char *end;
        unsigned long threads = strtoul(colon + 1, &end, 10);
        if (end != word + length || !isdigit(colon[1]) || threads < 1 || threads > 4096)
            return fail(TREADLE_E_INVALID,
                        "%s=" SPEC ": \"%.*s\": after the colon a number of threads is allowed",
                        source, spec, WORD(length), word);
        cap = (uint32_t)threads;
    }
    if (name_length == 4 && strncmp(word, "auto", 4) == 0) {
        rule->automatic |= rule->count == 0;
        append_all(rule, cap);
        return TREADLE_OK;
    }
    const struct backend *backend = loader_find(word, name_length);
    if (!backend)
        return refuse_name(word, name_length, spec, source);
    append(rule, backend, cap);
    return TREADLE_OK;
}

static int32_t parse_list(struct rule *rule, const char *list, const char *end, const char *spec,
                          const char *source)
{
    while (list < end) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        const char *stop = comma ? comma : end;
        int32_t status = parse_choice(rule, list, (uint32_t)(stop - list), spec, source);
        if (status)
            return status;
        list = comma ? comma + 1 : end;
    }
    append(rule, loader_at(0), 0); /* the built-in serial */
    return TREADLE_OK;
}

/* The op of a rule; the name may be of any length. */
static int32_t parse_op(struct rule *rule, const char *name, size_t length, const char *spec,
                        const char *source)
{
    char *copy = strndup(name, length);
    rule->op = copy ? op_find(copy) : NULL;
    bool memory = rule->op || (copy && failure() != TREADLE_E_NOMEM);
    bool known = rule->op && (rule->op->class != OP_OTHER || strchr(copy, '.'));
    free(copy);
    if (!memory)
        return fail(TREADLE_E_NOMEM, "%s=" SPEC ": no memory", source, spec);
    return known ? TREADLE_OK
                 : fail(TREADLE_E_INVALID, "%s=" SPEC ": there is no operation \"%.*s\"", source,
                        spec, WORD(length), name);
}

static int32_t check_new(const struct spec *all, const struct rule *rule, const char *spec,
                         const char *source)
{
    for (const struct rule *other = all->rules; other < rule; other++)
        if (other->op == rule->op)
            return rule->op
                       ? fail(TREADLE_E_INVALID, "%s=" SPEC ": two parts for \"%s\"", source, spec,
                              rule->op->name)
                       : fail(TREADLE_E_INVALID,
                              "%s=" SPEC ": two parts without =; a list has commas", source, spec);
    return TREADLE_OK;
}

/* "op=list" or "list", up to `end`. */
static int32_t parse_rule(struct spec *all, const char *text, const char *end, const char *spec,
                          const char *source)
{
    if (all->count == RULES_MAX)
        return fail(TREADLE_E_INVALID, "%s=" SPEC ": more than %d rules", source, spec, RULES_MAX);
    struct rule *rule = &all->rules[all->count++];
    const char *equals = memchr(text, '=', (size_t)(end - text));
    if (equals) {
        int32_t status = parse_op(rule, text, (size_t)(equals - text), spec, source);
        if (status)
            return status;
        text = equals + 1;
    }
    if (text == end)
        return fail(TREADLE_E_INVALID, "%s=" SPEC ": a backend is missing", source, spec);
    int32_t status = check_new(all, rule, spec, source);
    return status ? status : parse_list(rule, text, end, spec, source);
}

int32_t spec_parse(struct spec *all, const char *spec, const char *source)
{
    bool has_default = false;
    for (const char *text = spec; *text;) {
        const char *end = strchrnul(text, ';');
        int32_t status = parse_rule(all, text, end, spec, source);
        if (status)
            return status;
        has_default |= !all->rules[all->count - 1].op;
        text = *end ? end + 1 : end;
    }
    static const char automatic[] = "auto";
    return has_default ? TREADLE_OK : parse_rule(all, automatic, automatic + 4, spec, source);
}

const struct rule *spec_rule(const struct spec *spec, const struct op *op)
{
    const struct rule *otherwise = NULL;
    for (uint32_t i = 0; i < spec->count; i++) {
        if (spec->rules[i].op == op)
            return &spec->rules[i];
        if (!spec->rules[i].op)
            otherwise = &spec->rules[i];
    }
    return otherwise;
}
