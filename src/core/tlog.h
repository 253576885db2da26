/* SPDX-License-Identifier: Apache-2.0
 * tlog.h - a transparency log: the tree of RFC 6962, its tiles, its proofs.
 *
 * A tree of n leaves is told by its size and its root. The right edge alone is enough to append and to know the root; everything
 * else is read from tiles of 256 hashes, as C2SP tlog-tiles lays them out, by a function the caller gives. Nothing
 * here does I/O; reading and writing tiles is the gateway's, the same code verifies in tests and in the program. */
#ifndef WL_CORE_TLOG_H
#define WL_CORE_TLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define TLOG_EDGE_MAX  62 /* of a tree of fewer than 2^62 leaves */
#define TLOG_PROOF_MAX 128
#define TLOG_TILE      256 /* hashes in a full tile */
#define TLOG_PATH_MAX  96

struct tlog_hash {
    uint8_t b[SHA256_BYTES];
};

void tlog_leaf_hash(const void *entry, size_t n, struct tlog_hash *ret);                                 /* prefix 0 */
void tlog_node_hash(const struct tlog_hash *left, const struct tlog_hash *right, struct tlog_hash *ret); /* prefix 1 */

/* A tree that grows; all zero is the empty one. edge: roots of its full subtrees, the largest first. */
struct tlog_tree {
    int64_t size;
    int n_edge;
    struct tlog_hash edge[TLOG_EDGE_MAX];
};
void tlog_append(struct tlog_tree *t, const struct tlog_hash *leaf);
/* Of the empty tree: SHA-256 of nothing. */
void tlog_root(const struct tlog_tree *t, struct tlog_hash *ret);

/* --- tiles --------------------------------------------------------------------------------------------------------- */

/* Tile n of level L holds nodes of level 8*L, from n*256 on; width 1..256 of them are there. */
struct tlog_tile {
    int level;
    int64_t n;
    int width;
};
/* "tile/0/x001/234", with ".p/17" behind it where the width is less than 256. entries: the bundle of entries beside level 0,
 * "tile/entries/x001/234". */
void tlog_tile_path(const struct tlog_tile *t, bool entries, char ret[TLOG_PATH_MAX]);
/* Reads the widest there is of a tile, at least `tile->width` hashes, into ret (room for TLOG_TILE). 0 or a negative WL_E*. */
typedef int tlog_reader(void *ctx, const struct tlog_tile *tile, struct tlog_hash ret[TLOG_TILE], struct err *e);

/* The tree of `size` leaves from its tiles: what a program that starts appends to. */
int tlog_open(int64_t size, tlog_reader *read, void *ctx, struct tlog_tree *ret, struct err *e);

/* --- proofs -------------------------------------------------------------------------------------------------------- */

/* That leaf `index` is in the tree of `size`. WL_EINVAL where 0 <= index < size does not hold. */
int tlog_prove_inclusion(int64_t index, int64_t size, tlog_reader *read, void *ctx,
                         struct tlog_hash ret[TLOG_PROOF_MAX], size_t *ret_n, struct err *e);
/* That the tree of `size` begins with that of `old`. WL_EINVAL where 0 <= old <= size does not hold; empty for 0 and size. */
int tlog_prove_consistency(int64_t old, int64_t size, tlog_reader *read, void *ctx,
                           struct tlog_hash ret[TLOG_PROOF_MAX], size_t *ret_n, struct err *e);
bool tlog_check_inclusion(int64_t index, int64_t size, const struct tlog_hash *leaf, const struct tlog_hash *proof,
                          size_t n, const struct tlog_hash *root);
bool tlog_check_consistency(int64_t old, int64_t size, const struct tlog_hash *old_root, const struct tlog_hash *root,
                            const struct tlog_hash *proof, size_t n);

#endif
