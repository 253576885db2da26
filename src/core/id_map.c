/* SPDX-License-Identifier: Apache-2.0
 * id_map.c - open addressing over an array of pointers, at most half full.
 *
 * A slot holds a position in the array, which keeps the order of insertion; growing puts all positions anew and moves
 * no entry. The keys are our own ids, so nobody chooses them to collide. */
#include "core/id_map.h"

#include <string.h>

#define FIRST_SLOTS 64

void id_map_init(struct id_map *m, struct arena *a, size_t each)
{
    *m = (struct id_map){.arena = a, .each = each};
}

static size_t place(const struct id_map *m, int64_t a, int64_t b)
{
    uint64_t h = ((uint64_t)a * 0x9e3779b97f4a7c15u) ^ ((uint64_t)b * 0xc2b2ae3d27d4eb4fu);
    h ^= h >> 32;
    size_t at = (h * 0x9e3779b97f4a7c15u) >> 20 & (m->slots - 1);
    for (; m->slot[at] != 0; at = (at + 1) & (m->slots - 1)) {
        const int64_t *key = m->entry[m->slot[at] - 1];
        if (key[0] == a && key[1] == b)
            break;
    }
    return at;
}

void *id_map_find(const struct id_map *m, int64_t a, int64_t b)
{
    if (m->slots == 0)
        return NULL;
    uint32_t at = m->slot[place(m, a, b)];
    return at != 0 ? m->entry[at - 1] : NULL;
}

static int grow(struct id_map *m)
{
    struct id_map bigger = *m;
    bigger.slots = m->slots != 0 ? 2 * m->slots : FIRST_SLOTS;
    bigger.cap = bigger.slots / 2;
    bigger.slot = arena_new_array(m->arena, uint32_t, bigger.slots);
    bigger.entry = arena_new_array(m->arena, void *, bigger.cap);
    if (bigger.slot == NULL || bigger.entry == NULL)
        return -1;
    for (size_t i = 0; i < m->n; i++) {
        const int64_t *key = bigger.entry[i] = m->entry[i];
        bigger.slot[place(&bigger, key[0], key[1])] = (uint32_t)i + 1;
    }
    *m = bigger;
    return 0;
}

void *id_map_add(struct id_map *m, int64_t a, int64_t b)
{
    if (m->n == m->cap && grow(m) != 0)
        return NULL;
    size_t at = place(m, a, b);
    if (m->slot[at] != 0)
        return m->entry[m->slot[at] - 1];
    int64_t *key = arena_alloc(m->arena, m->each);
    if (key == NULL)
        return NULL;
    key[0] = a;
    key[1] = b;
    m->entry[m->n++] = key;
    m->slot[at] = (uint32_t)m->n;
    return key;
}
