/* SPDX-License-Identifier: Apache-2.0
 * ledger_tiles.h - a log that grows, with what its last tiles hold.
 *
 * Entries go in one by one; each tile that gets full on the way, of any level, is handed to a function of the caller's, and
 * those at the right edge when it asks. The same walk writes a new tile, compares one that is there, or only knows the root. */
#ifndef WL_GATEWAY_LEDGER_TILES_H
#define WL_GATEWAY_LEDGER_TILES_H

#include "core/leaf.h"
#include "core/tlog.h"

#define LEDGER_LEVELS 8 /* of tiles: a log of 2^62 leaves has no more */

struct ledger_tiles {
    struct tlog_tree tree;
    int told[LEDGER_LEVELS]; /* how much of the edge's tile of each level was handed on */
    struct tlog_hash hash[LEDGER_LEVELS][TLOG_TILE];
    uint8_t bundle[TLOG_TILE * (2 + LEAF_BYTES)];
};

/* A tile's hashes; of level 0 with the bundle of its entries, else bundle is NULL. */
typedef int ledger_tile_fn(void *ctx, const struct tlog_tile *tile, const struct tlog_hash *hash, const uint8_t *bundle,
                           struct err *e);

/* each: NULL, nobody wants them. Its error ends the walk, and `t` is then good for nothing. */
int ledger_tiles_add(struct ledger_tiles *t, const uint8_t entry[LEAF_BYTES], ledger_tile_fn *each, void *ctx,
                     struct err *e);
/* The root of a whole tile: a hash of the tile above it. */
void ledger_tile_root(const struct tlog_hash hash[TLOG_TILE], struct tlog_hash *ret);
/* The tiles at the right edge that hold more than when they were handed on last. */
int ledger_tiles_edge(struct ledger_tiles *t, ledger_tile_fn *each, void *ctx, struct err *e);

#endif
