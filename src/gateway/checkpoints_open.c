/* SPDX-License-Identifier: Apache-2.0
 * checkpoints_open.c - the ledger's log before anything relies on it: is it what was signed?
 *
 * Every leaf in the database is hashed again. The root at the size of the directory's checkpoint must be that checkpoint's,
 * the root at the size of the last row of log_head must be that row's, and both must be there: so an entry that was changed,
 * taken out, or lost with a database from an older backup is found before the first message. One checkpoint that is signed must be
 * left of a log that has people's events, but for one that was cut short before its first. Tiles are compared on the way:
 * where the root is right a tile that differs is the one that is damaged, and is written again; where it is wrong they tell which
 * leaf was changed.
 *
 * Nothing is guessed: what differs ends the start with a sentence that names it. Way out is what was there before, or a new
 * generation (`wayleave ledger reopen`), which leaves the old directory aside. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/checkpoints_impl.h"
#include "gateway/chore.h"

#define PAGE       4096
#define ADOPT_MANY 2000 /* rows in a transaction */
#define YOUNG_MS   (2 * INT64_C(3600000))
#define BUCKET     0 /* one holds everything while the spread is 1 */
#define REOPEN     "wayleave ledger reopen --reason TEXT begins a new log and keeps the old one aside"

/* --- rows of before there was a log ---------------------------------------------------------------------------------- */

struct adoption {
    int64_t left;
};

static int adopt_some(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a;
    struct adoption *of = ctx;
    return ledger_adopt(s, BUCKET, ADOPT_MANY, now, &of->left, e);
}

/* Also makes everything of before durable: it is a transaction of the writer. */
static int adopt(struct checkpoints *c, struct err *e)
{
    struct adoption of = {0};
    int64_t before = 0, after = 0;
    int rc = log_size(c->reader, &before, e);
    do {
        if (rc == 0)
            rc = writer_call(c->g->writer, CHORE_RANK, adopt_some, &of, e);
    } while (rc == 0 && of.left > 0);
    if (rc == 0)
        rc = log_size(c->reader, &after, e);
    if (rc == 0 && after > before)
        log_info("ledger", "%lld records of before got their place in the ledger", (long long)(after - before));
    return rc;
}

/* --- whose log it is --------------------------------------------------------------------------------------------------- */

#define GENERATION "/gen"

int64_t ledger_origin_generation(struct str origin)
{
    int64_t v;
    size_t at = origin.n;
    while (at > 0 && origin.p[at - 1] >= '0' && origin.p[at - 1] <= '9')
        at--;
    struct str number = {origin.p + at, origin.n - at}, before = {origin.p, at};
    return str_ends(before, STR(GENERATION)) && str_i64(number, &v) && v > 0 ? v : 0;
}

/* Short where nobody says otherwise: it stands twice in every proof. */
int ledger_origin(const struct gateway_options *o, const uint8_t public_key[SIGN_PUBLIC_BYTES], int64_t generation,
                  char ret[NOTE_NAME_MAX + 1], struct err *e)
{
    uint8_t digest[SHA256_BYTES];
    char hex[9], tail[32] = "";
    const char *own = o->ledger_origin != NULL ? o->ledger_origin : "";
    sha256(public_key, SIGN_PUBLIC_BYTES, digest);
    hex_encode(digest, 4, hex);
    if (generation > 1)
        snprintf(tail, sizeof tail, GENERATION "%lld", (long long)generation);
    if (ledger_origin_generation(str_of(own)) != 0)
        return err_set(e, WL_EINVAL,
                       "ledger.origin may not end in " GENERATION "<number>: that is how logs are told "
                       "apart after wayleave ledger reopen");
    int n =
        snprintf(ret, NOTE_NAME_MAX + 1, "%s%s%s", own[0] != '\0' ? own : "wayleave/", own[0] != '\0' ? "" : hex, tail);
    return n <= NOTE_NAME_MAX ? 0 : err_set(e, WL_EINVAL, "ledger.origin is longer than %d bytes", NOTE_NAME_MAX);
}

int ledger_set_aside(const char *path, int64_t generation, struct err *e)
{
    char aside[4200];
    snprintf(aside, sizeof aside, "%s.%lld", path, (long long)generation);
    for (int i = 2; access(aside, F_OK) == 0; i++)
        snprintf(aside, sizeof aside, "%s.%lld.%d", path, (long long)generation, i);
    if (rename(path, aside) != 0 && errno != ENOENT)
        return err_set(e, WL_EIO, "%s cannot be renamed to %s: %s", path, aside, strerror(errno));
    return 0;
}

static int be_generation(struct checkpoints *c, int64_t generation, struct err *e)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    sign_public(c->g->ledger_key, public_key);
    c->generation = generation;
    int rc = ledger_origin(&c->g->o, public_key, generation, c->origin, e);
    if (rc == 0 && note_key_make(str_of(c->origin), NOTE_ED25519, public_key, &c->key, e) != 0)
        rc = err_prefix(e, "ledger.origin");
    return rc;
}

/* --- what was signed --------------------------------------------------------------------------------------------------- */

struct signed_size {
    int64_t size; /* 0: nothing was */
    struct tlog_hash root;
    bool noted; /* its signature is there */
};

/* A checkpoint that we signed, else how it is not. `where` names it. */
static int read_signed(const struct checkpoints *c, const char *where, struct str note, struct checkpoint *ret,
                       struct err *e)
{
    struct note_seen seen;
    struct str text;
    struct err why = {0};
    size_t n;
    int rc = note_verify(note, &c->key, 1, &text, &seen, &n, &why);
    if (rc == 0)
        rc = checkpoint_parse(text, ret, &why);
    if (rc == WL_EDENIED)
        return err_set(
            e, WL_ECORRUPT,
            "%s is not signed with ledger.key as %s: put ledger.key and ledger.origin back as they were, or " REOPEN,
            where, c->origin);
    if (rc != 0)
        return err_set(e, WL_ECORRUPT, "%s is damaged: %s", where, why.text);
    return 0;
}

/* The directory's checkpoint says which generation it is of. */
static int look_at_origin(struct checkpoints *c, const char *where, struct str note, bool *ret_older, struct err *e)
{
    struct str rest, origin = str_cut(note, '\n', &rest);
    int64_t told = ledger_origin_generation(origin), generation = told > 0 ? told : 1;
    *ret_older = false;
    if (str_eq(origin, str_of(c->origin)))
        return 0;
    if (generation < c->generation) {
        *ret_older = true;
        return 0;
    }
    if (generation > c->generation)
        return err_set(
            e, WL_ECORRUPT,
            "%s is of generation %lld of the log, the database of %lld: the database is older. Restore a newer "
            "one, or " REOPEN,
            where, (long long)generation, (long long)c->generation);
    return err_set(e, WL_ECORRUPT,
                   "%s is of the log %.*s, and this gateway's is %s: put ledger.key and ledger.origin back as they "
                   "were, or " REOPEN,
                   where, (int)(origin.n < 80 ? origin.n : 80), origin.p, c->origin);
}

static int open_directory(struct checkpoints *c, struct signed_size *ret, struct err *e)
{
    char path[sizeof c->dir.path], where[sizeof path + 16];
    struct str note = {NULL, 0};
    struct checkpoint cp;
    struct str rest;
    bool older = false;
    snprintf(path, sizeof path, "%s/ledger", c->g->o.state_dir);
    snprintf(where, sizeof where, "%s/checkpoint", path);
    int rc = ledger_dir_open(&c->dir, path, true, e);
    if (rc != 0)
        return rc;
    rc = ledger_dir_checkpoint(&c->dir, c->arena, &note, e);
    if (rc == WL_ENOTFOUND)
        return 0;
    if (rc == 0)
        rc = look_at_origin(c, where, note, &older, e);
    if (rc == 0 && older) {
        ledger_dir_done(&c->dir);
        int64_t generation = ledger_origin_generation(str_cut(note, '\n', &rest));
        rc = ledger_set_aside(path, generation > 0 ? generation : 1, e);
        return rc == 0 ? ledger_dir_open(&c->dir, path, true, e) : rc;
    }
    if (rc == 0)
        rc = read_signed(c, where, note, &cp, e);
    if (rc != 0)
        return rc;
    *ret = (struct signed_size){cp.size, cp.root, true};
    buf_clear(&c->note);
    buf_putstr(&c->note, note);
    return 0;
}

/* The last row of log_head, and with it the generation. */
static int read_head(struct checkpoints *c, struct signed_size *ret, struct err *e)
{
    struct log_head h = {.generation = 1};
    struct checkpoint cp;
    int rc = log_head_last(c->reader, c->arena, &h, e);
    if (rc == WL_ENOTFOUND)
        return be_generation(c, 1, e);
    if (rc == 0)
        rc = be_generation(c, h.generation, e);
    if (rc == 0 && h.note.n > 0)
        rc = read_signed(c, "the database's last checkpoint", h.note, &cp, e);
    if (rc != 0)
        return rc;
    ret->size = h.size;
    ret->noted = h.note.n > 0;
    memcpy(ret->root.b, h.root, sizeof ret->root.b);
    return 0;
}

static bool has_directory(const struct checkpoints *c)
{
    char path[sizeof c->dir.path];
    snprintf(path, sizeof path, "%s/ledger", c->g->o.state_dir);
    return access(path, F_OK) == 0;
}

/* Whether all there is was recorded within an hour or so. */
static int is_young(struct checkpoints *c, int64_t size, bool *ret, struct err *e)
{
    struct log_entry first, last;
    struct leaf from, to;
    size_t n = 0;
    *ret = false;
    int rc = size > 0 ? log_read(c->reader, 0, 1, &first, &n, e) : 0;
    if (rc == 0 && n == 1)
        rc = log_read(c->reader, size - 1, 1, &last, &n, e);
    if (rc == 0 && n == 1 && leaf_read(first.bytes, LEAF_BYTES, &from, NULL) == 0 &&
        leaf_read(last.bytes, LEAF_BYTES, &to, NULL) == 0)
        *ret = to.at - from.at <= YOUNG_MS;
    return rc;
}

/* Events of people got their places, and no signature over any of them is left: that is how a log begins that was cut short before
 * its first checkpoint, and what is left of one that somebody took away. The beginning has a directory, and is short. */
static int check_begun(struct checkpoints *c, const struct signed_size *dir, const struct signed_size *row, bool had,
                       struct err *e)
{
    bool begun = false, young = false;
    int64_t size = 0;
    if (dir->noted || row->noted)
        return 0;
    int rc = log_begun(c->reader, BUCKET, &begun, e);
    if (rc == 0)
        rc = log_size(c->reader, &size, e);
    if (rc != 0 || !begun || (size == 0 && c->generation > 1)) /* it was just reopened */
        return rc;
    if (had)
        rc = is_young(c, size, &young, e);
    if (rc != 0 || young)
        return rc;
    return err_set(
        e, WL_ECORRUPT,
        "people's events were in the ledger (%lld leaves are), and no signed checkpoint of them is left, neither "
        "in the database nor in %s/ledger. Put the directory back, or restore the database, or " REOPEN,
        (long long)size, c->g->o.state_dir);
}

/* --- every leaf again ---------------------------------------------------------------------------------------------------- */

struct look {
    struct checkpoints *c;
    int64_t differs; /* the first leaf that has another hash in its tile; -1: none */
    size_t broken;   /* tiles that are not there, or are not what they should be */
    bool mend;       /* write those again */
};

/* Whether the tile is there and says the same. */
static bool same_tile(struct look *l, const struct tlog_tile *tile, const struct tlog_hash *hash)
{
    struct tlog_hash there[TLOG_TILE];
    size_t n;
    if (ledger_dir_exact(&l->c->dir, tile, false, there, &n, NULL) != 0)
        return false;
    int i = 0;
    while (i < tile->width && memcmp(&there[i], &hash[i], sizeof *hash) == 0)
        i++;
    if (i < tile->width && tile->level == 0 && l->differs < 0)
        l->differs = tile->n * TLOG_TILE + i;
    return i == tile->width;
}

static bool same_bundle(struct look *l, const struct tlog_tile *tile, const uint8_t *bundle)
{
    uint8_t there[LEDGER_FILE_MAX];
    size_t n;
    return ledger_dir_exact(&l->c->dir, tile, true, there, &n, NULL) == 0 && memcmp(there, bundle, n) == 0;
}

static int mend(struct look *l, const struct tlog_tile *tile, bool entries, const void *bytes, struct err *e)
{
    struct ledger_file f = {*tile, entries};
    size_t each = entries ? LEDGER_BUNDLE_ENTRY : sizeof(struct tlog_hash);
    l->broken++;
    if (!l->mend)
        return 0;
    int rc = ledger_dir_begin(&l->c->dir, &f, bytes, (size_t)tile->width * each, e);
    return rc == 0 ? ledger_dir_finish(&l->c->dir, &f, 1, e) : rc;
}

static int look_at_tile(void *ctx, const struct tlog_tile *tile, const struct tlog_hash *hash, const uint8_t *bundle,
                        struct err *e)
{
    struct look *l = ctx;
    int rc = same_tile(l, tile, hash) ? 0 : mend(l, tile, false, hash, e);
    if (rc == 0 && bundle != NULL && !same_bundle(l, tile, bundle))
        rc = mend(l, tile, true, bundle, e);
    return rc;
}

/* Adds the leaves up to `size`; l: NULL, their tiles are not looked at. */
static int walk(struct checkpoints *c, struct ledger_tiles *t, int64_t size, struct look *l, struct err *e)
{
    int rc = 0;
    while (rc == 0 && t->tree.size < size) {
        int64_t left = size - t->tree.size;
        size_t n = 0;
        arena_reset(c->arena);
        struct log_entry *page = arena_new_array(c->arena, struct log_entry, PAGE);
        rc = page != NULL ? log_read(c->reader, t->tree.size, left < PAGE ? (size_t)left : PAGE, page, &n, e)
                          : err_set(e, WL_ENOMEM, "leaves do not fit their memory");
        if (rc == 0 && n == 0)
            rc = err_set(e, WL_ECORRUPT, "database: entry %lld of the log is missing", (long long)t->tree.size);
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = ledger_tiles_add(t, page[i].bytes, l != NULL ? look_at_tile : NULL, l, e);
    }
    return rc == 0 && l != NULL ? ledger_tiles_edge(t, look_at_tile, l, e) : rc;
}

static bool root_is(const struct ledger_tiles *t, const struct tlog_hash *want)
{
    struct tlog_hash root;
    tlog_root(&t->tree, &root);
    return memcmp(&root, want, sizeof root) == 0;
}

static int not_enough(int64_t have, int64_t size, const char *what, struct err *e)
{
    return err_set(
        e, WL_ECORRUPT,
        "the ledger in the database has %lld leaves, and %s was signed over %lld: leaf %lld and what follows is "
        "gone, as after restoring an older database. Restore a newer one, or " REOPEN,
        (long long)have, what, (long long)size, (long long)have);
}

static int changed(const struct look *l, const char *what, int64_t from, int64_t size, struct err *e)
{
    if (l->differs >= 0)
        return err_set(e, WL_ECORRUPT,
                       "leaf %lld of the ledger in the database is not what was published: the root of %s, over %lld "
                       "leaves, is another. Restore the database, or " REOPEN,
                       (long long)l->differs, what, (long long)size);
    return err_set(
        e, WL_ECORRUPT,
        "a leaf from %lld to %lld of the ledger in the database is not what it was: the root of %s is another. "
        "Restore the database, or " REOPEN,
        (long long)from, (long long)(size - 1), what);
}

#define DIRECTORY "the directory's checkpoint"
#define ROW       "the database's last checkpoint"

/* c->tiles up to what the directory has. */
static int look_through(struct checkpoints *c, struct look *l, const struct signed_size *dir,
                        const struct signed_size *row, struct err *e)
{
    int64_t size = 0;
    int rc = log_size(c->reader, &size, e);
    if (rc == 0 && size < dir->size)
        return not_enough(size, dir->size, DIRECTORY, e);
    if (rc == 0 && size < row->size)
        return not_enough(size, row->size, ROW, e);
    if (rc == 0)
        rc = walk(c, &c->tiles, dir->size, l, e);
    if (rc == 0 && dir->size > 0 && !root_is(&c->tiles, &dir->root))
        return changed(l, DIRECTORY, 0, dir->size, e);
    c->next = c->tiles;
    if (rc == 0)
        rc = walk(c, &c->next, row->size, NULL, e);
    if (rc == 0 && row->size > 0 && row->size >= dir->size && !root_is(&c->next, &row->root))
        return changed(l, ROW, dir->size, row->size, e);
    return rc;
}

/* The root is right, so what differs is the directory's. */
static int mend_directory(struct checkpoints *c, struct look *l, int64_t size, struct err *e)
{
    log_warn("ledger", "%zu tiles in %s are missing or damaged, and are written again from the database", l->broken,
             c->dir.path);
    memset(&c->tiles, 0, sizeof c->tiles);
    l->mend = true;
    return walk(c, &c->tiles, size, l, e);
}

int checkpoints_open(struct checkpoints *c, struct err *e)
{
    struct signed_size dir = {0}, row = {0};
    bool had = has_directory(c);
    struct look l = {.c = c, .differs = -1};
    int64_t begun_ns = clock_mono_ns();
    int rc = read_head(c, &row, e);
    if (rc == 0)
        rc = had ? 0 : check_begun(c, &dir, &row, false, e); /* before there is a new one */
    if (rc == 0)
        rc = open_directory(c, &dir, e);
    if (rc == 0 && had)
        rc = check_begun(c, &dir, &row, true, e);
    if (rc == 0)
        rc = adopt(c, e);
    if (rc == 0)
        rc = look_through(c, &l, &dir, &row, e);
    if (rc == 0 && l.broken > 0)
        rc = mend_directory(c, &l, dir.size, e);
    if (rc != 0)
        return rc;
    atomic_store(&c->sealed, dir.size);
    atomic_store(&c->sealed_at, dir.size > 0 ? clock_now_ms() : 0);
    log_info("ledger", "log %s: %lld leaves looked through in %lld ms", c->origin, (long long)c->next.tree.size,
             (long long)((clock_mono_ns() - begun_ns) / 1000000));
    return 0;
}
