/* SPDX-License-Identifier: Apache-2.0
 * ledger_dir.h - the directory in which the ledger's log is published: tiles and the signed checkpoint, as C2SP tlog-tiles
 * lays them out.
 *
 * A file is there as a whole or not at all, and what it holds is on the disk before its name is. Full tiles never change; narrow
 * ones go when their tile is full. Anybody may copy the directory while it grows. */
#ifndef WL_GATEWAY_LEDGER_DIR_H
#define WL_GATEWAY_LEDGER_DIR_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/leaf.h"
#include "core/tlog.h"

#define LEDGER_BUNDLE_ENTRY (2 + LEAF_BYTES) /* its length, big end first, and an entry */
#define LEDGER_FILE_MAX     (TLOG_TILE * LEDGER_BUNDLE_ENTRY)

struct ledger_dir {
    int fd; /* -1: not open */
    char path[4096];
};

/* make: where it is not there it is made. WL_ENOTFOUND, WL_EIO. */
int ledger_dir_open(struct ledger_dir *d, const char *path, bool make, struct err *e);
void ledger_dir_done(struct ledger_dir *d);

/* A file's bytes, at most max; `name` is "checkpoint" or a tile's path. WL_ENOTFOUND; WL_ECORRUPT: longer than max. */
int ledger_dir_read(const struct ledger_dir *d, const char *name, void *out, size_t max, size_t *ret_n, struct err *e);
/* The signed checkpoint's text, in the arena; WL_ENOTFOUND: there is none. */
int ledger_dir_checkpoint(const struct ledger_dir *d, struct arena *a, struct str *ret, struct err *e);
/* In its place at once, on the disk when this returns. `name` is a path below the directory. */
int ledger_dir_put(const struct ledger_dir *d, const char *name, struct str bytes, struct err *e);
int ledger_dir_put_checkpoint(const struct ledger_dir *d, struct str note, struct err *e);

/* The tile a path speaks of ("tile/0/x001/067", "tile/entries/067.p/17"), in the one spelling it has; false: it is none. */
bool ledger_path_parse(struct str path, struct tlog_tile *ret, bool *ret_entries);

/* The hashes of a tile, its own width or, where that is not there, a wider one: a tlog_reader with ctx a ledger_dir.
 * WL_ENOTFOUND; WL_ECORRUPT: of another length than its name says. */
int ledger_dir_tile(void *ctx, const struct tlog_tile *tile, struct tlog_hash ret[TLOG_TILE], struct err *e);
/* Exactly this tile, or the bundle of entries beside it: its bytes, TLOG_TILE hashes or LEDGER_FILE_MAX. */
int ledger_dir_exact(const struct ledger_dir *d, const struct tlog_tile *tile, bool entries, void *out, size_t *ret_n,
                     struct err *e);

/* --- writing: begin as many as you like, then all at once ------------------------------------------------------------ */

struct ledger_file {
    struct tlog_tile tile;
    bool entries;
};
/* Written beside its place; nobody reads it yet. */
int ledger_dir_begin(const struct ledger_dir *d, const struct ledger_file *f, const void *bytes, size_t n,
                     struct err *e);
/* To the disk, then to their places; narrow forms of tiles that are full now go. */
int ledger_dir_finish(const struct ledger_dir *d, const struct ledger_file *f, size_t n, struct err *e);

#endif
