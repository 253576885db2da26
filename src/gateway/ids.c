/* SPDX-License-Identifier: Apache-2.0
 * ids.c - a bounded set of ids: open addressing with linear probing.
 *
 * Removing leaves no gravestone: those behind the hole move up into it, so that a table that was used for months is as
 * fast as a new one. The quarter that stays free is what ends every search. */
#include "gateway/ids.h"

static size_t id_home(int64_t id)
{
    return (size_t)((uint64_t)id * 0x9e3779b97f4a7c15u >> 40) % ID_SLOTS;
}

static size_t id_at(const struct id_set *s, int64_t id)
{
    size_t at = id_home(id);
    while (s->slot[at] != 0 && s->slot[at] != id)
        at = (at + 1) % ID_SLOTS;
    return at;
}

enum id_put id_put(struct id_set *s, int64_t id)
{
    size_t at = id_at(s, id);
    if (s->slot[at] == id)
        return ID_KNOWN;
    if (s->n >= IDS_MAX)
        return ID_NO_ROOM;
    s->slot[at] = id;
    s->n++;
    return ID_NEW;
}

/* Those behind it that would be looked for past the hole move up. */
void id_remove(struct id_set *s, int64_t id)
{
    size_t hole = id_at(s, id);
    if (s->slot[hole] != id)
        return;
    for (size_t at = (hole + 1) % ID_SLOTS; s->slot[at] != 0; at = (at + 1) % ID_SLOTS) {
        size_t home = id_home(s->slot[at]);
        if ((at - home) % ID_SLOTS < (at - hole) % ID_SLOTS)
            continue;
        s->slot[hole] = s->slot[at];
        hole = at;
    }
    s->slot[hole] = 0;
    s->n--;
}
