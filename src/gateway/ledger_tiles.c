/* SPDX-License-Identifier: Apache-2.0
 * ledger_tiles.c - fills tiles from the bottom up.
 *
 * Level 0 holds the leaves' hashes; a full tile's root is one hash of the level above. Where a level's tile ends is in the
 * tree's size, so nothing but the hashes themselves is kept. */
#include "gateway/ledger_tiles.h"

/* The tile at the edge of a level in a tree of this size; width 0: nothing is in it. */
static struct tlog_tile edge_of(int level, int64_t size)
{
    int64_t hashes = size >> (8 * level);
    return (struct tlog_tile){level, hashes / TLOG_TILE, (int)(hashes % TLOG_TILE)};
}

void ledger_tile_root(const struct tlog_hash hash[TLOG_TILE], struct tlog_hash *ret)
{
    struct tlog_hash h[TLOG_TILE / 2];
    for (int i = 0; i < TLOG_TILE / 2; i++)
        tlog_node_hash(&hash[2 * i], &hash[2 * i + 1], &h[i]);
    for (int n = TLOG_TILE / 4; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            tlog_node_hash(&h[2 * i], &h[2 * i + 1], &h[i]);
    *ret = h[0];
}

static void keep_entry(struct ledger_tiles *t, int at, const uint8_t entry[LEAF_BYTES])
{
    uint8_t *to = t->bundle + (size_t)at * (2 + LEAF_BYTES);
    to[0] = 0;
    to[1] = LEAF_BYTES;
    memcpy(to + 2, entry, LEAF_BYTES);
}

int ledger_tiles_add(struct ledger_tiles *t, const uint8_t entry[LEAF_BYTES], ledger_tile_fn *each, void *ctx,
                     struct err *e)
{
    struct tlog_hash h;
    tlog_leaf_hash(entry, LEAF_BYTES, &h);
    keep_entry(t, edge_of(0, t->tree.size).width, entry);
    int64_t before = t->tree.size;
    tlog_append(&t->tree, &h);
    for (int level = 0; level < LEDGER_LEVELS; level++) {
        struct tlog_tile tile = edge_of(level, before);
        t->hash[level][tile.width++] = h;
        if (tile.width < TLOG_TILE)
            return 0;
        t->told[level] = 0;
        int rc = each != NULL ? each(ctx, &tile, t->hash[level], level == 0 ? t->bundle : NULL, e) : 0;
        if (rc != 0)
            return rc;
        ledger_tile_root(t->hash[level], &h);
    }
    return err_set(e, WL_ETOOBIG, "the log has more leaves than tiles can hold");
}

int ledger_tiles_edge(struct ledger_tiles *t, ledger_tile_fn *each, void *ctx, struct err *e)
{
    for (int level = 0; level < LEDGER_LEVELS; level++) {
        struct tlog_tile tile = edge_of(level, t->tree.size);
        if (tile.width == t->told[level])
            continue;
        int rc = each(ctx, &tile, t->hash[level], level == 0 ? t->bundle : NULL, e);
        if (rc != 0)
            return rc;
        t->told[level] = tile.width;
    }
    return 0;
}
