/* SPDX-License-Identifier: Apache-2.0
 * id_map.h - a growing hash map from two numbers to a structure, in an arena.
 *
 * For programs that run once over much data: entries are never taken out and keep their address, and an outgrown table is
 * left to the arena. Iteration goes in the order of insertion, so results do not depend on the hash. */
#ifndef WL_CORE_ID_MAP_H
#define WL_CORE_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct id_map {
    struct arena *arena;
    size_t each;  /* bytes of an entry; it begins with its two keys (int64_t) */
    void **entry; /* in order of insertion */
    uint32_t *slot;
    size_t n, cap, slots;
};

void id_map_init(struct id_map *m, struct arena *a, size_t each);
void *id_map_find(const struct id_map *m, int64_t a, int64_t b); /* or NULL */
/* Finds it or adds a zeroed one with the keys set; NULL without memory. */
void *id_map_add(struct id_map *m, int64_t a, int64_t b);

#endif
