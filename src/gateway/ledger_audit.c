/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit.c - leaves, their records and their tiles, a tile's worth at a time; and checkpoints.
 *
 * For each leaf there is exactly one of: the record it commits to, an erasure's row, or a mark that its record was erased. A
 * record is written anew from its row, with the salt that follows from its person's key, and must give the leaf's commitment; so a
 * row, a key or a leaf that was changed shows. The tile of the same leaves must hold their hashes, and each full tile's root must
 * stand in the tile above it, up to the root that was signed. */
#include "gateway/ledger_audit.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/consent.h"
#include "gateway/campaign_id.h"
#include "gateway/ledger_audit_impl.h"
#include "gateway/ledger_tiles.h"
#include "store/campaigns_leaves.h"
#include "store/ledger.h"
#include "store/ledger_audit.h"
#include "store/rules_log.h"

#define PAGE     TLOG_TILE
#define HEADS    64
#define UNPLACED 64 /* of these so many are named */

void ledger_audit_say(struct ledger_audit *au, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    au->tell(au->ctx, text);
}

/* What one page is about. */
struct page {
    int64_t from;
    size_t n;
    struct log_entry entry[PAGE];
    struct leaf leaf[PAGE];
    bool sound[PAGE]; /* its leaf could be read */
    bool met[PAGE];   /* something lies behind it */
    int64_t contact;  /* whose key is at hand; -1 nobody's */
    int key_rc;
    uint8_t key[LEAF_KEY_BYTES];
};

/* --- tiles ------------------------------------------------------------------------------------------------------------ */

/* The directory's hashes of a tile, `width` at least; false: told. */
static bool tile_there(struct ledger_audit *au, int level, int64_t n, int width, struct tlog_hash ret[TLOG_TILE])
{
    struct err e = {0};
    const struct tlog_tile tile = {level, n, width};
    if (ledger_dir_tile(au->dir, &tile, ret, &e) == 0)
        return true;
    ledger_audit_say(au, "tile %d/%lld of the published ledger cannot be read: %s", level, (long long)n, e.text);
    return false;
}

/* Full tiles that end with this one, each against the one above it. */
static void audit_above(struct ledger_audit *au, const struct tlog_hash full[TLOG_TILE], int64_t n)
{
    struct tlog_hash hash[TLOG_TILE], above[TLOG_TILE], root;
    memcpy(hash, full, sizeof hash);
    for (int level = 1; level < LEDGER_LEVELS; level++) {
        int at = (int)(n % TLOG_TILE);
        n /= TLOG_TILE;
        ledger_tile_root(hash, &root);
        if (!tile_there(au, level, n, at + 1, above))
            return;
        if (memcmp(&above[at], &root, sizeof root) != 0)
            ledger_audit_say(au, "hash %d of tile %d/%lld of the published ledger is not that of the tile below it", at,
                             level, (long long)n);
        if (at + 1 < TLOG_TILE)
            return;
        memcpy(hash, above, sizeof hash);
    }
}

static void audit_bundle(struct ledger_audit *au, const struct page *p, int width)
{
    uint8_t bundle[LEDGER_FILE_MAX];
    struct tlog_tile tile = {0, p->from / TLOG_TILE, width};
    struct err e = {0};
    size_t n;
    int rc = ledger_dir_exact(au->dir, &tile, true, bundle, &n, &e);
    tile.width = TLOG_TILE;
    if (rc == WL_ENOTFOUND && width < TLOG_TILE)
        rc = ledger_dir_exact(au->dir, &tile, true, bundle, &n, NULL);
    if (rc != 0) {
        ledger_audit_say(au, "entries from leaf %lld on cannot be read in the published ledger: %s", (long long)p->from,
                         e.text);
        return;
    }
    for (int i = 0; i < width; i++) {
        const uint8_t *one = bundle + (size_t)i * LEDGER_BUNDLE_ENTRY;
        if (one[0] != 0 || one[1] != LEAF_BYTES || memcmp(one + 2, p->entry[i].bytes, LEAF_BYTES) != 0) {
            ledger_audit_say(au, "leaf %lld: the published entry is not the database's", (long long)(p->from + i));
            return;
        }
    }
}

static void audit_tile(struct ledger_audit *au, const struct page *p)
{
    int64_t sealed = au->sealed - p->from;
    int width = sealed < (int64_t)p->n ? (int)sealed : (int)p->n;
    struct tlog_hash there[TLOG_TILE], mine[TLOG_TILE];
    if (width <= 0 || !tile_there(au, 0, p->from / TLOG_TILE, width, there))
        return;
    for (int i = 0; i < width; i++) {
        tlog_leaf_hash(p->entry[i].bytes, LEAF_BYTES, &mine[i]);
        if (memcmp(&mine[i], &there[i], sizeof mine[i]) != 0)
            ledger_audit_say(au, "leaf %lld in the database is not the one that was published",
                             (long long)(p->from + i));
    }
    audit_bundle(au, p, width);
    if (width == TLOG_TILE)
        audit_above(au, there, p->from / TLOG_TILE);
}

/* --- what lies behind leaves -------------------------------------------------------------------------------------------- */

/* The page's leaf of a row, if it is there, once and not erased; else told. */
static bool claim(struct ledger_audit *au, struct page *p, int64_t leaf, const char *what, size_t *ret)
{
    size_t i = (size_t)(leaf - p->from);
    if (leaf < p->from || i >= p->n)
        return false;
    if (p->met[i])
        ledger_audit_say(au, "%s: another record has the same leaf %lld", what, (long long)leaf);
    else if (p->entry[i].gone)
        ledger_audit_say(au, "%s is there, but its leaf %lld is marked as erased", what, (long long)leaf);
    *ret = i;
    p->met[i] = true;
    au->records++;
    return p->sound[i];
}

/* Tag and commitment as the record and the key give them. */
static void audit_record(struct ledger_audit *au, const struct page *p, size_t i, const char *what, int64_t n,
                         struct str record)
{
    uint8_t tag[SHA256_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    const struct leaf *l = &p->leaf[i];
    if (p->key_rc != 0) {
        ledger_audit_say(au, "%s: the key of its leaf %lld is gone", what, (long long)(p->from + (int64_t)i));
        return;
    }
    leaf_tag(p->key, (uint64_t)n, tag);
    leaf_salt(p->key, (uint64_t)n, salt);
    leaf_commit(salt, record, commit);
    if (memcmp(commit, l->commit, sizeof commit) != 0)
        ledger_audit_say(au, "%s does not fit its leaf %lld: the record, its key or the leaf was changed", what,
                         (long long)(p->from + (int64_t)i));
    else if (memcmp(tag, l->tag, sizeof tag) != 0)
        ledger_audit_say(au, "%s fits leaf %lld, whose tag is somebody else's", what,
                         (long long)(p->from + (int64_t)i));
}

static int take_key(struct ledger_audit *au, struct page *p, int bucket, int64_t contact, struct err *e)
{
    if (p->contact == contact)
        return 0;
    p->contact = contact;
    p->key_rc = subject_key_get(au->s, bucket, contact, p->key, e);
    return p->key_rc == WL_ENOTFOUND || p->key_rc == WL_ECORRUPT ? 0 : p->key_rc;
}

static bool kind_fits(enum leaf_kind kind, enum consent_act act)
{
    static const enum leaf_kind kinds[] = {[CONSENT_GRANT] = LEAF_GRANT,
                                           [CONSENT_WITHDRAW] = LEAF_WITHDRAW,
                                           [CONSENT_STOP] = LEAF_STOP,
                                           [CONSENT_RESUME] = LEAF_RESUME};
    return act >= CONSENT_GRANT && act <= CONSENT_RESUME && kinds[act] == kind;
}

static void audit_wording(struct ledger_audit *au, const struct consent_row *row, const char *what)
{
    static const uint8_t none[SHA256_BYTES];
    uint8_t digest[SHA256_BYTES];
    if (memcmp(row->notice, none, sizeof none) == 0)
        return;
    sha256(row->wording.n > 0 ? row->wording.p : "", row->wording.n, digest);
    if (memcmp(digest, row->notice, sizeof digest) != 0)
        ledger_audit_say(au, "%s (leaf %lld): the wording that was shown is %s", what, (long long)row->leaf,
                         row->wording.n > 0 ? "not the one that is kept" : "gone");
}

static int audit_row(struct ledger_audit *au, struct page *p, const struct consent_row *row, struct err *e)
{
    char id[STORE_ID_TEXT], what[96];
    struct err why = {0};
    struct buf record;
    size_t i;
    snprintf(what, sizeof what, "record %s of contact c%lld-%d", store_id_text(row->bucket, row->id, id),
             (long long)row->contact, row->bucket);
    if (!claim(au, p, row->leaf, what, &i))
        return 0;
    int rc = take_key(au, p, row->bucket, row->contact, e);
    if (rc != 0)
        return rc;
    buf_init(&record, CONSENT_RECORD_MAX + 1);
    if (!kind_fits(p->leaf[i].kind, row->event.act))
        ledger_audit_say(au, "%s is a %s, its leaf %lld a %s", what, consent_act_name(row->event.act),
                         (long long)row->leaf, leaf_kind_name(p->leaf[i].kind));
    else if (ledger_record(row, &record, &why) != 0)
        ledger_audit_say(au, "%s (leaf %lld) cannot be written: %s", what, (long long)row->leaf, why.text);
    else
        audit_record(au, p, i, what, row->n, buf_str(&record));
    buf_done(&record);
    audit_wording(au, row, what);
    return 0;
}

/* Rows without a place in the log. */
static int audit_unplaced(struct ledger_audit *au, struct err *e)
{
    struct consent_row *rows = NULL;
    char id[STORE_ID_TEXT];
    size_t n = 0;
    int rc = ledger_by_leaf(au->s, LEDGER_BUCKET, INT64_MIN, UNPLACED, au->a, &rows, &n, e);
    for (size_t i = 0; i < n && rc == 0 && rows[i].leaf < 0; i++)
        ledger_audit_say(au, "record %s has no leaf", store_id_text(LEDGER_BUCKET, rows[i].id, id));
    return rc;
}

static int audit_rows(struct ledger_audit *au, struct page *p, struct err *e)
{
    struct consent_row *rows = NULL;
    size_t n = 0;
    int rc = p->from == 0 ? audit_unplaced(au, e) : 0;
    if (rc == 0)
        rc = ledger_by_leaf(au->s, LEDGER_BUCKET, p->from, PAGE + 1, au->a, &rows, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rows[i].bucket = LEDGER_BUCKET;
        rc = audit_row(au, p, &rows[i], e);
    }
    return rc;
}

static int audit_rules(struct ledger_audit *au, struct page *p, struct err *e)
{
    struct rules_event *v = NULL;
    size_t n = 0;
    int rc = rules_log_by_leaf(au->s, p->from, PAGE, au->a, &v, &n, e);
    for (size_t k = 0; k < n && rc == 0; k++) {
        char what[64];
        struct buf record;
        size_t i;
        snprintf(what, sizeof what, "event %lld of the rules", (long long)v[k].id);
        if (!claim(au, p, v[k].leaf, what, &i))
            continue;
        rc = take_key(au, p, 0, 0, e);
        buf_init(&record, CONSENT_RECORD_MAX + 1);
        if (rc == 0)
            rc = rules_log_record(&v[k], &record, e);
        if (rc == 0 && p->leaf[i].kind != LEAF_RULES)
            ledger_audit_say(au, "%s has leaf %lld, a %s", what, (long long)v[k].leaf, leaf_kind_name(p->leaf[i].kind));
        else if (rc == 0)
            audit_record(au, p, i, what, v[k].n, buf_str(&record));
        buf_done(&record);
    }
    return rc;
}

static int audit_campaigns(struct ledger_audit *au, struct page *p, struct err *e)
{
    struct campaign_event_row *v = NULL;
    size_t n = 0;
    int rc = campaign_events_by_leaf(au->s, p->from, PAGE, au->a, &v, &n, e);
    for (size_t k = 0; k < n && rc == 0; k++) {
        char what[64], id[STORE_ID_TEXT];
        size_t i;
        snprintf(what, sizeof what, "the approval of campaign %s", campaign_id_text(v[k].campaign, id));
        if (!claim(au, p, v[k].leaf, what, &i))
            continue;
        rc = take_key(au, p, 0, 0, e);
        if (rc == 0 && p->leaf[i].kind != LEAF_CAMPAIGN)
            ledger_audit_say(au, "%s has leaf %lld, a %s", what, (long long)v[k].leaf, leaf_kind_name(p->leaf[i].kind));
        else if (rc == 0)
            audit_record(au, p, i, what, v[k].n, v[k].record);
    }
    return rc;
}

/* A leaf that neither a record nor an event of the rules or of a campaign has claimed. */
static int audit_alone(struct ledger_audit *au, const struct page *p, size_t i, struct err *e)
{
    long long leaf = (long long)(p->from + (int64_t)i);
    const struct leaf *l = &p->leaf[i];
    if (p->entry[i].gone || !p->sound[i])
        return 0;
    if (l->kind != LEAF_ERASURE) {
        ledger_audit_say(au, "leaf %lld (%s): its record is gone, and no erasure took it", leaf,
                         leaf_kind_name(l->kind));
        return 0;
    }
    return ledger_audit_erasure(au, p->from + (int64_t)i, l, e);
}

static void read_leaves(struct ledger_audit *au, struct page *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct err why = {0};
        p->sound[i] = leaf_read(p->entry[i].bytes, LEAF_BYTES, &p->leaf[i], &why) == 0;
        if (!p->sound[i])
            ledger_audit_say(au, "leaf %lld cannot be read: %s", (long long)(p->from + (int64_t)i), why.text);
        au->gone += p->entry[i].gone;
        au->erased += p->sound[i] && p->leaf[i].kind == LEAF_ERASURE ? (int64_t)p->leaf[i].count : 0;
    }
    au->leaves += (int64_t)p->n;
}

static int audit_page(struct ledger_audit *au, struct page *p, struct err *e)
{
    read_leaves(au, p);
    audit_tile(au, p);
    int rc = audit_rows(au, p, e);
    if (rc == 0)
        rc = audit_rules(au, p, e);
    if (rc == 0)
        rc = audit_campaigns(au, p, e);
    for (size_t i = 0; i < p->n && rc == 0; i++)
        if (!p->met[i])
            rc = audit_alone(au, p, i, e);
    return rc;
}

/* Behind the last leaf nothing has a place. */
static int audit_behind(struct ledger_audit *au, int64_t size, struct err *e)
{
    struct consent_row *row = NULL;
    char id[STORE_ID_TEXT];
    size_t n = 0;
    if (size < au->sealed)
        ledger_audit_say(au, "%lld leaves were published, the database has %lld: leaf %lld and what follows is gone",
                         (long long)au->sealed, (long long)size, (long long)size);
    int rc = ledger_by_leaf(au->s, LEDGER_BUCKET, size, 1, au->a, &row, &n, e);
    if (rc == 0 && n > 0)
        ledger_audit_say(au, "record %s has leaf %lld, and the log ends before",
                         store_id_text(LEDGER_BUCKET, row->id, id), (long long)row->leaf);
    return rc;
}

int ledger_audit_leaves(struct ledger_audit *au, int64_t from, int64_t *ret_next, struct err *e)
{
    struct page *p = arena_new(au->a, struct page);
    struct err gap = {0};
    int64_t size = 0;
    if (p == NULL)
        return err_set(e, WL_ENOMEM, "a page of the ledger does not fit its memory");
    p->from = from - from % PAGE;
    p->contact = -1;
    int rc = log_size(au->s, &size, e);
    if (rc != 0)
        return rc;
    rc = log_read(au->s, p->from, PAGE, p->entry, &p->n, &gap);
    if (rc == WL_ECORRUPT)
        ledger_audit_say(au, "%s", gap.text);
    else if (rc != 0)
        return e != NULL ? (*e = gap, rc) : rc;
    else
        rc = audit_page(au, p, e);
    if (rc != 0 && rc != WL_ECORRUPT)
        return rc;
    *ret_next = p->from + PAGE < size ? p->from + PAGE : -1;
    return *ret_next < 0 ? audit_behind(au, size, e) : 0;
}

/* --- checkpoints --------------------------------------------------------------------------------------------------------- */

/* Whether the tiles give this root at this size. */
static bool root_fits(struct ledger_audit *au, int64_t size, const uint8_t root[SHA256_BYTES], const char *what)
{
    struct tlog_tree tree;
    struct tlog_hash is;
    struct err e = {0};
    if (tlog_open(size, ledger_dir_tile, au->dir, &tree, &e) != 0) {
        ledger_audit_say(au, "%s of %lld leaves: its tiles cannot be read: %s", what, (long long)size, e.text);
        return false;
    }
    tlog_root(&tree, &is);
    if (memcmp(is.b, root, sizeof is.b) == 0)
        return true;
    ledger_audit_say(au, "%s of %lld leaves has another root than the published tiles", what, (long long)size);
    return false;
}

static void audit_note(struct ledger_audit *au, struct str note, const char *what, int64_t size)
{
    struct checkpoint cp;
    struct note_seen seen;
    struct str text;
    struct err why = {0};
    size_t n;
    int rc = note_verify(note, au->key, 1, &text, &seen, &n, &why);
    if (rc == 0)
        rc = checkpoint_parse(text, &cp, &why);
    if (rc != 0)
        ledger_audit_say(au, "%s: %s", what, why.text);
    else if (size >= 0 && cp.size != size)
        ledger_audit_say(au, "%s of %lld leaves is signed over %lld", what, (long long)size, (long long)cp.size);
    else
        root_fits(au, cp.size, cp.root.b, what);
}

static void audit_published(struct ledger_audit *au)
{
    struct str note;
    struct err why = {0};
    int rc = ledger_dir_checkpoint(au->dir, au->a, &note, &why);
    if (rc == 0)
        audit_note(au, note, "the published checkpoint", -1);
    else if (au->sealed > 0)
        ledger_audit_say(au, "the published checkpoint cannot be read: %s", why.text);
}

int ledger_audit_heads(struct ledger_audit *au, int64_t from, int64_t *ret_next, struct err *e)
{
    struct log_head *h = NULL;
    size_t n = 0;
    if (from == 0)
        audit_published(au);
    int rc = log_heads_after(au->s, au->generation, from, HEADS, au->a, &h, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if (h[i].size > au->sealed) /* about to be published */
            continue;
        au->heads++;
        if (root_fits(au, h[i].size, h[i].root, "the database's checkpoint") && h[i].note.n > 0)
            audit_note(au, h[i].note, "the database's checkpoint", h[i].size);
    }
    *ret_next = n == HEADS ? h[n - 1].size : -1;
    return 0;
}
