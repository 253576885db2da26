/* SPDX-License-Identifier: Apache-2.0
 * recent_keys.c - two open-addressing tables, young and old.
 *
 * Twenty-four bytes a slot; grows by doubling, so an idle gateway pays for nothing. Keys are hashes already: what they
 * came from is not kept, and a million of them collide once in ten million years. A key is found in the young table first,
 * so one that is put again is there as it was put last. */
#include "gateway/recent_keys.h"

#include <stdlib.h>

#define FIRST_SIZE 1024

struct slot {
    uint64_t key; /* 0: free */
    struct recent of;
};

struct table {
    struct slot *slot;
    size_t used, size; /* size is a power of two, or 0 */
};

struct recent_keys {
    struct table young, old;
    size_t max_each;
};

static uint64_t not_free(uint64_t key)
{
    return key ? key : 1;
}

/* The key's slot, or the free one where it would stand. */
static struct slot *slot_of(const struct table *t, uint64_t key)
{
    size_t i = (size_t)key & (t->size - 1);
    while (t->slot[i].key != 0 && t->slot[i].key != key)
        i = (i + 1) & (t->size - 1);
    return &t->slot[i];
}

static void table_put(struct table *t, struct slot s)
{
    struct slot *at = slot_of(t, s.key);
    t->used += at->key == 0;
    *at = s;
}

static void table_grow(struct table *t)
{
    struct table bigger = {.size = t->size ? t->size * 2 : FIRST_SIZE};
    bigger.slot = calloc(bigger.size, sizeof *bigger.slot);
    if (bigger.slot == NULL)
        abort();
    for (size_t i = 0; i < t->size; i++)
        if (t->slot[i].key != 0)
            table_put(&bigger, t->slot[i]);
    free(t->slot);
    *t = bigger;
}

static const struct slot *table_get(const struct table *t, uint64_t key)
{
    const struct slot *s = t->size > 0 ? slot_of(t, key) : NULL;
    return s != NULL && s->key != 0 ? s : NULL;
}

struct recent_keys *recent_keys_create(size_t max_each)
{
    struct recent_keys *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->max_each = max_each;
    return r;
}

void recent_keys_free(struct recent_keys *r)
{
    if (r == NULL)
        return;
    free(r->young.slot);
    free(r->old.slot);
    free(r);
}

static void put_into(struct table *t, uint64_t key, struct recent of)
{
    if (t->used * 4 >= t->size * 3)
        table_grow(t);
    table_put(t, (struct slot){.key = not_free(key), .of = of});
}

void recent_keys_put(struct recent_keys *r, uint64_t key, struct recent of)
{
    if (r->young.used >= r->max_each) {
        free(r->old.slot);
        r->old = r->young;
        r->young = (struct table){0};
    }
    put_into(&r->young, key, of);
}

/* The young table is filled first, while nothing was forgotten yet: it is what stays when the old one goes. */
bool recent_keys_put_older(struct recent_keys *r, uint64_t key, struct recent of)
{
    bool in_young = table_get(&r->young, not_free(key)) != NULL;
    bool in_old = !in_young && table_get(&r->old, not_free(key)) != NULL;
    if (in_young || (!in_old && r->old.used == 0 && r->young.used < r->max_each))
        put_into(&r->young, key, of);
    else if (in_old || r->old.used < r->max_each)
        put_into(&r->old, key, of);
    else
        return false;
    return true;
}

bool recent_keys_get(const struct recent_keys *r, uint64_t key, struct recent *ret)
{
    const struct slot *s = table_get(&r->young, not_free(key));
    if (s == NULL)
        s = table_get(&r->old, not_free(key));
    if (s != NULL)
        *ret = s->of;
    return s != NULL;
}
