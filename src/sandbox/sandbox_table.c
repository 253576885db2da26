/* SPDX-License-Identifier: Apache-2.0
 * sandbox_table.c - see sandbox_table.h.
 *
 * Owns the probing and the growing (at 3/4 full, doubling). Refuses nothing: a program that cannot grow a table of
 * pointers has no use for an error code, so it aborts. */
#include "sandbox/sandbox_table.h"

#include <stdlib.h>

#include "base/digest.h"

void sbx_table_init(struct sbx_table *t, struct str (*key)(const void *value))
{
    *t = (struct sbx_table){.key = key};
}

void sbx_table_done(struct sbx_table *t)
{
    free(t->slots);
    t->slots = NULL;
    t->n = t->cap = 0;
}

static size_t find(const struct sbx_table *t, struct str key, uint64_t hash)
{
    size_t mask = t->cap - 1, i = (size_t)hash & mask;
    while (t->slots[i].value != NULL) {
        if (t->slots[i].hash == hash && str_eq(t->key(t->slots[i].value), key))
            return i;
        i = (i + 1) & mask;
    }
    return i;
}

void *sbx_table_get(const struct sbx_table *t, struct str key)
{
    if (t->n == 0)
        return NULL;
    return t->slots[find(t, key, hash64(key.p, key.n))].value;
}

static void grow(struct sbx_table *t)
{
    size_t old_cap = t->cap;
    struct sbx_slot *old = t->slots;
    t->cap = old_cap ? old_cap * 2 : 64;
    t->slots = calloc(t->cap, sizeof *t->slots);
    if (t->slots == NULL)
        abort();
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].value == NULL)
            continue;
        size_t at = (size_t)old[i].hash & (t->cap - 1);
        while (t->slots[at].value != NULL)
            at = (at + 1) & (t->cap - 1);
        t->slots[at] = old[i];
    }
    free(old);
}

void sbx_table_put(struct sbx_table *t, void *value)
{
    if ((t->n + 1) * 4 > t->cap * 3)
        grow(t);
    struct str key = t->key(value);
    uint64_t hash = hash64(key.p, key.n);
    t->slots[find(t, key, hash)] = (struct sbx_slot){hash, value};
    t->n++;
}

void *sbx_table_del(struct sbx_table *t, struct str key)
{
    if (t->n == 0)
        return NULL;
    size_t mask = t->cap - 1, hole = find(t, key, hash64(key.p, key.n));
    void *value = t->slots[hole].value;
    if (value == NULL)
        return NULL;
    t->n--;
    for (size_t i = (hole + 1) & mask; t->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t home = (size_t)t->slots[i].hash & mask;
        /* An entry may move into the hole only if the hole lies on its way from home. */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = (struct sbx_slot){0, NULL};
    return value;
}

void *sbx_table_next(const struct sbx_table *t, size_t *pos)
{
    while (*pos < t->cap) {
        void *value = t->slots[(*pos)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}
