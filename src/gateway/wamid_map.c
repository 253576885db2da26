/* SPDX-License-Identifier: Apache-2.0
 * wamid_map.c - two open-addressing tables of 64-bit hashes, young and old.
 *
 * Sixteen bytes and a half an entry; grows by doubling, so an idle gateway pays for nothing. Ids are compared by their
 * 64-bit hash only: they come from signed webhooks, and a million of them collide once in ten million years. */
#include "gateway/wamid_map.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/digest.h"

struct slot {
    uint64_t key; /* 0: free */
    int64_t id;
    int32_t bucket;
};

struct table {
    struct slot *slot;
    size_t used, size; /* size is a power of two, or 0 */
};

struct wamid_map {
    pthread_mutex_t lock; /* one writes, and whoever explains a message reads */
    struct table young, old;
    size_t max_each;
};

static uint64_t key_of(struct str wamid)
{
    uint64_t h = hash64(wamid.p, wamid.n);
    return h ? h : 1;
}

static void table_put(struct table *t, struct slot s)
{
    size_t i = (size_t)s.key & (t->size - 1);
    while (t->slot[i].key != 0 && t->slot[i].key != s.key)
        i = (i + 1) & (t->size - 1);
    t->used += t->slot[i].key == 0;
    t->slot[i] = s;
}

static void table_grow(struct table *t)
{
    struct table bigger = {.size = t->size ? t->size * 2 : 1024};
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
    if (t->size == 0)
        return NULL;
    for (size_t i = (size_t)key & (t->size - 1); t->slot[i].key != 0; i = (i + 1) & (t->size - 1))
        if (t->slot[i].key == key)
            return &t->slot[i];
    return NULL;
}

struct wamid_map *wamid_map_create(size_t max_each)
{
    struct wamid_map *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    m->max_each = max_each;
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void wamid_map_free(struct wamid_map *m)
{
    if (m == NULL)
        return;
    pthread_mutex_destroy(&m->lock);
    free(m->young.slot);
    free(m->old.slot);
    free(m);
}

void wamid_map_put(struct wamid_map *m, struct str wamid, int bucket, int64_t id)
{
    pthread_mutex_lock(&m->lock);
    if (m->young.used >= m->max_each) {
        free(m->old.slot);
        m->old = m->young;
        m->young = (struct table){0};
    }
    if (m->young.used * 4 >= m->young.size * 3)
        table_grow(&m->young);
    table_put(&m->young, (struct slot){.key = key_of(wamid), .id = id, .bucket = bucket});
    pthread_mutex_unlock(&m->lock);
}

bool wamid_map_get(struct wamid_map *m, struct str wamid, int *ret_bucket, int64_t *ret_id)
{
    uint64_t key = key_of(wamid);
    pthread_mutex_lock(&m->lock);
    const struct slot *s = table_get(&m->young, key);
    if (s == NULL)
        s = table_get(&m->old, key);
    if (s != NULL) {
        *ret_bucket = s->bucket;
        *ret_id = s->id;
    }
    pthread_mutex_unlock(&m->lock);
    return s != NULL;
}
