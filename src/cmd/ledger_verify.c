/* SPDX-License-Identifier: Apache-2.0
 * ledger_verify.c - `wayleave ledger verify`: has anything been changed?
 *
 * With a gateway: its database is compared with the ledger's log, page by page, and the log with what is published. Offline:
 * a directory alone, as anybody may have copied it. All entries are hashed again and must give every tile and the root of the
 * signed checkpoint. Each thing that does not fit is a line on standard output; the exit status is then 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/ledger_proofs.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "gateway/ledger_dir.h"
#include "gateway/ledger_tiles.h"

#define PATH_MOST     512
#define PROBLEMS_MOST 1000
#define TEXT_MOST     (1u << 20)

struct found {
    bool json;
    int64_t n;
    struct buf list; /* JSON texts with commas */
};

static void found(struct found *f, struct str what)
{
    struct json_out o;
    if (f->n++ >= PROBLEMS_MOST)
        return;
    if (!f->json) {
        term_text(stdout, TONE_BAD, what);
        fputc('\n', stdout);
        return;
    }
    if (f->list.len > 0)
        buf_putc(&f->list, ',');
    json_out_init(&o, &f->list);
    jo_str(&o, what);
}

static void found_text(struct found *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void found_text(struct found *f, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    found(f, str_of(text));
}

/* --- with a gateway --------------------------------------------------------------------------------------------------- */

struct sums {
    int64_t size; /* what was sealed when it began */
    int64_t leaves, records, people, checkpoints, gone, erased;
};

/* One page; *ret_next -1: it was the last of its part. */
static int audit(struct rest *r, const char *part, int64_t from, struct sums *s, struct found *f, int64_t *ret_next)
{
    struct json answer;
    char path[PATH_MOST];
    snprintf(path, sizeof path,
             "/ledger/audit?part=%s&from=%" PRId64 "&size=%" PRId64 "&gone=%" PRId64 "&erased=%" PRId64, part, from,
             s->size, s->gone, s->erased);
    int rc = rest_call(r, "GET", path, (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(r, answer);
    if (rc != CMD_OK)
        return rc;
    for (struct json_iter it = json_iter(json_get(answer, "problems")); json_next(&it);)
        found(f, json_str_or(it.value, STR("?")));
    s->leaves += show_number(answer, "leaves");
    s->records += show_number(answer, "records");
    s->people += show_number(answer, "people");
    s->checkpoints += show_number(answer, "checkpoints");
    s->gone += show_number(answer, "gone");
    s->erased += show_number(answer, "erased");
    struct json next = json_get(answer, "next");
    *ret_next = json_type(next) == JSON_NULL ? -1 : show_number(answer, "next");
    return CMD_OK;
}

/* The size to begin with, and whether the checkpoint is signed. */
static int look(struct rest *r, const char *key, struct sums *s, struct found *f)
{
    struct json answer;
    struct str note;
    struct buf text;
    struct checkpoint cp;
    struct err e = {0};
    int rc = rest_call(r, "GET", "/ledger", (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(r, answer);
    if (rc != CMD_OK)
        return rc;
    s->size = show_number(answer, "sealed");
    if (!json_str(json_get(answer, "checkpoint"), &note))
        return CMD_OK;
    buf_init(&text, NOTE_MAX);
    if (ledger_read_note(note, key != NULL ? str_of(key) : show_text(answer, "key"), &text, &cp, &e) != 0)
        found_text(f, "the checkpoint: %s", e.text);
    buf_done(&text);
    return CMD_OK;
}

static int verify_online(const struct args *a, struct sums *s, struct found *f)
{
    static const char *const parts[] = {"leaves", "people", "checkpoints", "sum"};
    struct rest r;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = look(&r, args_get(a, "key"), s, f);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && rc == CMD_OK; i++)
        for (int64_t next = 0; next >= 0 && rc == CMD_OK;)
            rc = audit(&r, parts[i], next, s, f, &next);
    rest_close(&r);
    return rc;
}

/* --- a directory alone -------------------------------------------------------------------------------------------------- */

struct offline {
    struct ledger_dir dir;
    struct found *f;
    struct ledger_tiles tiles;
    int64_t size;
};

/* A tile as the entries give it, against the file. */
static int compare(void *ctx, const struct tlog_tile *tile, const struct tlog_hash *hash, const uint8_t *bundle,
                   struct err *e)
{
    (void)bundle;
    struct offline *o = ctx;
    struct tlog_hash there[TLOG_TILE];
    char name[TLOG_PATH_MAX];
    struct err why = {0};
    tlog_tile_path(tile, false, name);
    if (ledger_dir_tile(&o->dir, tile, there, &why) != 0) {
        found_text(o->f, "%s: %s", name, why.text);
        return 0;
    }
    for (int i = 0; i < tile->width; i++) {
        if (memcmp(&there[i], &hash[i], sizeof *hash) == 0)
            continue;
        if (tile->level == 0)
            found_text(o->f, "leaf %lld: its entry does not have the hash in %s", (long long)(tile->n * TLOG_TILE + i),
                       name);
        else
            found_text(o->f, "%s: hash %d is not that of the tiles below it", name, i);
        return 0;
    }
    (void)e;
    return 0;
}

/* The entries of one bundle; a full one may stand for a narrow one. */
static int read_bundle(struct offline *o, uint8_t out[LEDGER_FILE_MAX], int *ret_width, struct err *e)
{
    int64_t left = o->size - o->tiles.tree.size;
    struct tlog_tile t = {0, o->tiles.tree.size / TLOG_TILE, left < TLOG_TILE ? (int)left : TLOG_TILE};
    size_t n;
    *ret_width = t.width;
    int rc = ledger_dir_exact(&o->dir, &t, true, out, &n, e);
    if (rc != WL_ENOTFOUND || t.width == TLOG_TILE)
        return rc;
    t.width = TLOG_TILE;
    return ledger_dir_exact(&o->dir, &t, true, out, &n, NULL) == 0 ? 0 : rc;
}

static int walk(struct offline *o, struct err *e)
{
    uint8_t bundle[LEDGER_FILE_MAX];
    int rc = 0, width = 0;
    while (rc == 0 && o->tiles.tree.size < o->size) {
        rc = read_bundle(o, bundle, &width, e);
        for (int i = 0; i < width && rc == 0; i++) {
            const uint8_t *one = bundle + (size_t)i * LEDGER_BUNDLE_ENTRY;
            struct leaf leaf;
            struct err why = {0};
            if (one[0] != 0 || one[1] != LEAF_BYTES)
                return err_set(e, WL_ECORRUPT, "leaf %lld: its entry has a wrong length",
                               (long long)o->tiles.tree.size);
            if (leaf_read(one + 2, LEAF_BYTES, &leaf, &why) != 0)
                found_text(o->f, "leaf %lld: %s", (long long)o->tiles.tree.size, why.text);
            rc = ledger_tiles_add(&o->tiles, one + 2, compare, o, e);
        }
    }
    return rc == 0 ? ledger_tiles_edge(&o->tiles, compare, o, e) : rc;
}

/* The checkpoint; without a key its signature is not looked at. */
static int read_checkpoint(struct offline *o, struct arena *a, const char *key, struct buf *text,
                           struct checkpoint *ret, struct err *e)
{
    struct str note = {NULL, 0};
    int rc = ledger_dir_checkpoint(&o->dir, a, &note, e);
    if (rc != 0)
        return rc;
    if (key != NULL)
        return ledger_read_note(note, str_of(key), text, ret, e);
    const char *end = NULL; /* the text ends with the last empty line */
    for (size_t i = 0; i + 1 < note.n; i++)
        if (note.p[i] == '\n' && note.p[i + 1] == '\n')
            end = note.p + i + 1;
    if (end == NULL)
        return err_set(e, WL_EINVAL, "it is no signed note");
    buf_put(text, note.p, (size_t)(end - note.p));
    return checkpoint_parse(buf_str(text), ret, e);
}

static int verify_offline(const char *path, const char *key, struct sums *s, struct found *f)
{
    struct offline *o = calloc(1, sizeof *o);
    struct arena *a = arena_create(4u << 20);
    struct checkpoint cp = {.size = 0};
    struct tlog_hash root;
    struct buf text;
    struct err e = {0};
    if (o == NULL || a == NULL)
        abort();
    o->f = f;
    buf_init(&text, NOTE_MAX);
    int rc = ledger_dir_open(&o->dir, path, false, &e);
    bool opened = rc == 0;
    if (rc == 0 && (rc = read_checkpoint(o, a, key, &text, &cp, &e)) != 0)
        found_text(f, "%s/checkpoint: %s", path, e.text);
    o->size = cp.size;
    if (rc == 0 && (rc = walk(o, &e)) != 0)
        found_text(f, "%s", e.text);
    tlog_root(&o->tiles.tree, &root);
    if (rc == 0 && memcmp(&root, &cp.root, sizeof root) != 0)
        found_text(f, "the root of %lld entries is not the one in the checkpoint", (long long)cp.size);
    s->leaves = o->tiles.tree.size;
    s->checkpoints = rc == 0;
    ledger_dir_done(&o->dir);
    buf_done(&text);
    arena_free(a);
    free(o);
    return opened ? CMD_OK : cmd_fail(CMD_FAILED, NULL, "%s", e.text);
}

/* --- the answer ----------------------------------------------------------------------------------------------------------- */

static int print_json(const struct sums *s, const struct found *f)
{
    struct buf b;
    buf_init(&b, 2 * TEXT_MOST);
    buf_printf(&b,
               "{\"leaves\":%" PRId64 ",\"records\":%" PRId64 ",\"people\":%" PRId64 ",\"checkpoints\":%" PRId64
               ",\"erased\":%" PRId64 ",\"found\":%" PRId64 ",\"problems\":[%s]}",
               s->leaves, s->records, s->people, s->checkpoints, s->gone, f->n, buf_cstr(&f->list));
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

static void print_sums(const struct args *a, const struct sums *s, const struct found *f)
{
    if (f->n > 0) {
        term_printf(stdout, TONE_BAD, "%" PRId64 " things do not fit\n", f->n);
        return;
    }
    if (args_has(a, "offline"))
        printf("%" PRId64 " entries give every tile and the root of the checkpoint\n", s->leaves);
    else
        printf("everything fits: %" PRId64 " leaves, %" PRId64 " records, %" PRId64 " people, %" PRId64
               " checkpoints; %" PRId64 " leaves are of people who were erased\n",
               s->leaves, s->records, s->people, s->checkpoints, s->gone);
    if (args_has(a, "offline") && !args_has(a, "key"))
        puts("the signature was not looked at: say with --key whose it must be");
}

int ledger_verify_run(const struct args *a)
{
    struct sums s = {0};
    struct found f = {.json = args_has(a, "json")};
    const char *path = args_get(a, "offline"), *key = args_get(a, "key");
    struct note_key k;
    struct err e = {0};
    if (key != NULL && note_key_parse(str_trim(str_of(key)), &k, &e) != 0)
        return cmd_fail(CMD_USAGE, "as wayleave ledger checkpoint --key prints it", "--key: %s", e.text);
    buf_init(&f.list, TEXT_MOST);
    int rc = path != NULL ? verify_offline(path, key, &s, &f) : verify_online(a, &s, &f);
    if (rc == CMD_OK && f.json)
        rc = print_json(&s, &f);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        print_sums(a, &s, &f);
    buf_done(&f.list);
    return rc == CMD_OK && f.n > 0 ? CMD_FAILED : rc;
}
