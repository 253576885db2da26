/* SPDX-License-Identifier: Apache-2.0
 * rest_ledger.c - the ledger over our own API: how it stands, proofs of a person's events, its audit in pages.
 *
 * A proof is checked before it is given away: where the record is not the one its leaf commits to, the wording not the one the
 * record names, or the published tiles do not lead from the leaf to the signed root, the answer says so instead. Events come with all a stranger needs to verify them: record, salt, entry, wording; whoever has the
 * admin key may have those. A caller that reads several pages says of which size they are to be, so that all of them lead to one
 * checkpoint. */
#include "gateway/checkpoints_impl.h"
#include "gateway/ledger_audit.h"
#include "gateway/ledger_watch.h"
#include "gateway/rest_impl.h"
#include "store/ledger.h"

#define EVENTS_MOST   10000
#define EVENTS_PAGE   100
#define PAGE_BYTES    (2u << 20)
#define PROBLEMS_MOST 1000
#define AUDIT_PAGES   16

/* --- how it stands -------------------------------------------------------------------------------------------------- */

void rest_ledger_members(struct gateway *g, struct json_out *o)
{
    struct ledger_watched w;
    ledger_watch_look(g->ledger_watch, &w);
    jo_kcstr(o, "origin", g->checkpoints->origin);
    jo_kint(o, "generation", g->checkpoints->generation);
    jo_kint(o, "sealed", checkpoints_sealed(g->checkpoints));
    rest_time(o, "sealed_at", checkpoints_sealed_at(g->checkpoints));
    rest_time(o, "audited_at", w.done_at);
    jo_kint(o, "problems", w.problems);
    jo_kcstr(o, "problem", w.first[0] != '\0' ? w.first : NULL);
}

static void key_member(struct json_out *o, const struct checkpoints *c)
{
    struct buf text;
    buf_init(&text, 1024);
    note_key_text(checkpoints_key(c), &text);
    jo_kstr(o, "key", buf_str(&text));
    buf_done(&text);
}

/* "checkpoint": the signed text, null before the first. */
static int note_member(struct rest_call *c, struct arena *a, struct str *ret, struct err *e)
{
    *ret = (struct str){NULL, 0};
    int rc = checkpoints_note(c->g->checkpoints, a, ret, e);
    if (rc != 0 && rc != WL_ENOTFOUND)
        return rc;
    jo_key(&c->out, "checkpoint");
    if (ret->n > 0)
        jo_str(&c->out, *ret);
    else
        jo_null(&c->out);
    return 0;
}

int rest_ledger(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)now;
    struct str note;
    int64_t size = 0;
    int rc = log_size(s, &size, e);
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    rest_ledger_members(c->g, &c->out);
    jo_kint(&c->out, "leaves", size);
    key_member(&c->out, c->g->checkpoints);
    rc = note_member(c, a, &note, e);
    jo_end(&c->out);
    return rc;
}

/* --- queries ---------------------------------------------------------------------------------------------------------- */

struct query {
    int64_t from, size; /* size -1: not given */
    int part;
    int64_t gone, erased;
};

static bool read_count(struct str v, int64_t *ret)
{
    return str_i64(v, ret) && *ret >= 0;
}

static bool read_from(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_count(v, &((struct query *)to)->from);
}

static bool read_size(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_count(v, &((struct query *)to)->size);
}

static bool read_gone(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_count(v, &((struct query *)to)->gone);
}

static bool read_erased(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_count(v, &((struct query *)to)->erased);
}

enum { PART_LEAVES, PART_PEOPLE, PART_CHECKPOINTS, PART_SUM, PARTS };
static const char *const part_name[PARTS] = {"leaves", "people", "checkpoints", "sum"};

static bool read_part(void *to, struct str v, int64_t now)
{
    (void)now;
    struct query *q = to;
    for (q->part = 0; q->part < PARTS; q->part++)
        if (str_eq(v, str_of(part_name[q->part])))
            return true;
    return false;
}

static const struct rest_parameter proof_parameters[] = {
    {"from", read_from, "from is the number of events to leave out", false},
    {"size", read_size, "size is a number of leaves", false},
    {0},
};

static const struct rest_parameter audit_parameters[] = {
    {"part", read_part, "part is leaves, people, checkpoints or sum", false},
    {"from", read_from, "from is where a page before said that the next begins", false},
    {"size", read_size, "size is a number of leaves", false},
    {"gone", read_gone, "gone is a number of leaves", false},
    {"erased", read_erased, "erased is a number of leaves", false},
    {0},
};

/* What was published when the caller began; the database they look into is not older. */
static bool known_size(struct rest_call *c, struct query *q)
{
    int64_t sealed = checkpoints_sealed(c->g->checkpoints);
    if (q->size <= sealed)
        return true;
    rest_wrong(c, WL_EINVAL, "size", "size is %lld, and the last checkpoint has %lld leaves", (long long)q->size,
               (long long)sealed);
    return false;
}

/* --- proofs ------------------------------------------------------------------------------------------------------------- */

struct prover {
    struct checkpoints *c;
    int64_t size;
    struct tlog_hash root;
};

/* How many leaves our own checkpoint is over. */
static int size_of(const struct checkpoints *c, struct str note, int64_t *ret, struct err *e)
{
    struct checkpoint cp;
    struct note_seen seen;
    struct str text;
    size_t n;
    int rc = note_verify(note, checkpoints_key(c), 1, &text, &seen, &n, e);
    if (rc == 0)
        rc = checkpoint_parse(text, &cp, e);
    if (rc == 0)
        *ret = cp.size;
    return rc;
}

/* The root of the size asked for, by the published tiles. */
static int open_prover(struct prover *p, struct err *e)
{
    struct tlog_tree tree;
    int rc = tlog_open(p->size, ledger_dir_tile, &p->c->dir, &tree, e);
    if (rc == 0)
        tlog_root(&tree, &p->root);
    return rc;
}

static int prove(const struct prover *p, const struct log_entry *entry, struct json_out *o, struct err *e)
{
    struct tlog_hash hash[TLOG_PROOF_MAX], leaf;
    struct buf text;
    size_t n = 0;
    int rc = checkpoints_prove(p->c, entry->idx, p->size, hash, &n, e);
    tlog_leaf_hash(entry->bytes, LEAF_BYTES, &leaf);
    if (rc == 0 && !tlog_check_inclusion(entry->idx, p->size, &leaf, hash, n, &p->root))
        rc = err_set(e, WL_ECORRUPT, "leaf %lld is not what was published: see wayleave ledger verify",
                     (long long)entry->idx);
    if (rc != 0)
        return rc;
    buf_init(&text, 64);
    jo_key(o, "proof");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        buf_clear(&text);
        base64_encode(&text, hash[i].b, sizeof hash[i].b);
        jo_str(o, buf_str(&text));
    }
    jo_end(o);
    buf_done(&text);
    return 0;
}

int rest_ledger_proof(struct rest_call *c, struct arena *a, const struct log_entry *entry, bool *ret_sealed,
                      struct err *e)
{
    struct prover p = {.c = c->g->checkpoints};
    struct str note;
    jo_kcstr(&c->out, "origin", p.c->origin);
    key_member(&c->out, p.c);
    int rc = note_member(c, a, &note, e);
    if (rc == 0 && note.n > 0)
        rc = size_of(p.c, note, &p.size, e);
    jo_kint(&c->out, "size", p.size);
    *ret_sealed = rc == 0 && entry->idx < p.size;
    if (!*ret_sealed) {
        jo_kcstr(&c->out, "proof", NULL);
        return rc;
    }
    rc = open_prover(&p, e);
    return rc == 0 ? prove(&p, entry, &c->out, e) : rc;
}

/* That the wording that is kept is the one the record names. */
static int check_wording(const struct consent_row *row, struct err *e)
{
    static const uint8_t none[SHA256_BYTES];
    uint8_t digest[SHA256_BYTES] = {0};
    if (row->wording.n > 0)
        sha256(row->wording.p, row->wording.n, digest);
    if (memcmp(digest, row->notice, sizeof digest) == 0)
        return 0;
    if (memcmp(row->notice, none, sizeof none) == 0)
        return err_set(e, WL_ECORRUPT,
                       "leaf %lld: a wording is kept, and its record names none: see wayleave ledger verify",
                       (long long)row->leaf);
    return err_set(e, WL_ECORRUPT, "leaf %lld: the wording that was shown is %s: see wayleave ledger verify",
                   (long long)row->leaf, row->wording.n > 0 ? "not the one that is kept" : "gone");
}

static int salt_member(struct store *s, const struct consent_row *row, struct str record, const struct leaf *leaf,
                       struct json_out *o, struct err *e)
{
    uint8_t key[LEAF_KEY_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    char hex[SHA256_HEX];
    int rc = subject_key_get(s, row->bucket, row->contact, key, e);
    if (rc != 0)
        return rc;
    leaf_salt(key, (uint64_t)row->n, salt);
    leaf_commit(salt, record, commit);
    if (memcmp(commit, leaf->commit, sizeof commit) != 0)
        return err_set(e, WL_ECORRUPT,
                       "the record behind leaf %lld is not the one the leaf commits to: see wayleave ledger verify",
                       (long long)row->leaf);
    hex_encode(salt, sizeof salt, hex);
    jo_kcstr(o, "salt", hex);
    return 0;
}

static int record_members(struct store *s, const struct consent_row *row, const struct leaf *leaf, struct json_out *o,
                          struct err *e)
{
    struct buf record;
    buf_init(&record, CONSENT_RECORD_MAX + 1);
    int rc = ledger_record(row, &record, e);
    if (rc == 0)
        rc = salt_member(s, row, buf_str(&record), leaf, o, e);
    if (rc == 0)
        rc = check_wording(row, e);
    if (rc == 0)
        jo_kstr(o, "record", buf_str(&record));
    buf_done(&record);
    jo_key(o, "notice");
    if (row->wording.n > 0)
        jo_str(o, row->wording);
    else
        jo_null(o);
    return rc;
}

static int show_event(const struct prover *p, struct store *s, const struct consent_row *row, struct json_out *o,
                      struct err *e)
{
    struct log_entry entry;
    struct leaf leaf;
    struct buf text;
    size_t n = 0;
    int rc = log_read(s, row->leaf, 1, &entry, &n, e);
    if (rc == 0 && n == 0)
        rc = err_set(e, WL_ECORRUPT, "leaf %lld is gone", (long long)row->leaf);
    if (rc == 0)
        rc = leaf_read(entry.bytes, LEAF_BYTES, &leaf, e);
    if (rc != 0)
        return rc;
    buf_init(&text, 256);
    base64_encode(&text, entry.bytes, LEAF_BYTES);
    jo_object(o);
    jo_kint(o, "leaf", row->leaf);
    jo_kcstr(o, "kind", leaf_kind_name(leaf.kind));
    rest_time(o, "at", row->event.at);
    rest_time(o, "recorded_at", row->recorded_at);
    jo_kstr(o, "entry", buf_str(&text));
    buf_done(&text);
    rc = record_members(s, row, &leaf, o, e);
    if (rc == 0 && row->leaf < p->size)
        rc = prove(p, &entry, o, e);
    else if (rc == 0)
        jo_kcstr(o, "proof", NULL);
    jo_end(o);
    return rc;
}

/* Those with a place in the log, in its order. */
static void sort_by_leaf(struct consent_row *rows, size_t n)
{
    for (size_t i = 1; i < n; i++) { /* they come by time, which is nearly it */
        struct consent_row row = rows[i];
        size_t k = i;
        for (; k > 0 && rows[k - 1].leaf > row.leaf; k--)
            rows[k] = rows[k - 1];
        rows[k] = row;
    }
}

static int show_events(struct rest_call *c, const struct prover *p, struct store *s, struct arena *a,
                       const struct person *who, int64_t from, struct err *e)
{
    struct consent_row *rows = NULL;
    size_t n = 0, shown = 0, i = (size_t)from;
    int rc = ledger_list(s, who->bucket, who->id, a, EVENTS_MOST, &rows, &n, e);
    if (rc == 0)
        sort_by_leaf(rows, n);
    jo_key(&c->out, "events");
    jo_array(&c->out);
    for (; i < n && rc == 0 && shown < EVENTS_PAGE && c->answer.len < PAGE_BYTES; i++) {
        if (rows[i].leaf < 0)
            continue;
        rc = show_event(p, s, &rows[i], &c->out, e);
        shown++;
    }
    jo_end(&c->out);
    jo_key(&c->out, "next");
    if (i < n)
        jo_int(&c->out, (int64_t)i);
    else
        jo_null(&c->out);
    return rc;
}

/* What is stored does not fit: for whoever asks that is an answer, and for the other jobs nothing happened. */
static int say_corrupt(struct rest_call *c, int rc, struct err *e)
{
    if (rc != WL_ECORRUPT && rc != WL_ENOTFOUND && rc != WL_EINVAL)
        return rc;
    return rest_wrong(c, WL_ECORRUPT, NULL, "%s", e->text);
}

int rest_ledger_proofs(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct query q = {.size = -1};
    struct person who;
    struct str note;
    char id[48];
    struct err own = {0};
    if (!rest_query(c, a, proof_parameters, &q, now) || !known_size(c, &q))
        return 0;
    int rc = rest_find_person(c, s, c->param, &who, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    struct prover p = {.c = c->g->checkpoints, .size = q.size};
    jo_object(&c->out);
    rest_contact_id(&who, id);
    jo_kcstr(&c->out, "contact", id);
    jo_kcstr(&c->out, "origin", p.c->origin);
    key_member(&c->out, p.c);
    rc = note_member(c, a, &note, &own);
    if (q.size < 0 && rc == 0 && note.n > 0) {
        rc = size_of(p.c, note, &p.size, &own);
    }
    p.size = p.size > 0 ? p.size : 0;
    jo_kint(&c->out, "size", p.size);
    if (rc == 0)
        rc = open_prover(&p, &own);
    if (rc == 0)
        rc = show_events(c, &p, s, a, &who, q.from, &own);
    jo_end(&c->out);
    if (rc != 0 && e != NULL)
        *e = own;
    return rc != 0 ? say_corrupt(c, rc, &own) : 0;
}

/* --- the audit ------------------------------------------------------------------------------------------------------------ */

struct telling {
    struct json_out *out;
    size_t n;
};

static void tell(void *ctx, const char *what)
{
    struct telling *t = ctx;
    if (t->n++ < PROBLEMS_MOST)
        jo_cstr(t->out, what);
}

static int audit_part(struct ledger_audit *au, const struct query *q, int64_t *ret_next, struct err *e)
{
    typedef int of_part(struct ledger_audit * au, int64_t from, int64_t * ret_next, struct err * e);
    static of_part *const parts[] = {ledger_audit_leaves, ledger_audit_people, ledger_audit_heads};
    int64_t next = q->from;
    int rc = 0;
    if (q->part == PART_SUM)
        return ledger_audit_end(au, q->gone, q->erased, e);
    for (int i = 0; i < AUDIT_PAGES && rc == 0 && next >= 0; i++) {
        rc = parts[q->part](au, next, &next, e);
        if (rc == WL_ENOMEM && i > 0) /* the next call begins with this page */
            rc = 0;
    }
    *ret_next = next;
    return rc;
}

int rest_ledger_audit(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct query q = {.size = -1};
    struct telling t = {.out = &c->out};
    int64_t next = -1;
    if (!rest_query(c, a, audit_parameters, &q, now) || !known_size(c, &q))
        return 0;
    if (q.size < 0)
        return rest_wrong(c, WL_EINVAL, "size", "size is what GET ledger said under sealed before");
    struct checkpoints *of = c->g->checkpoints;
    struct ledger_audit au = {.s = s,
                              .a = a,
                              .dir = &of->dir,
                              .key = &of->key,
                              .generation = of->generation,
                              .sealed = q.size,
                              .tell = tell,
                              .ctx = &t};
    jo_object(&c->out);
    jo_kcstr(&c->out, "part", part_name[q.part]);
    jo_key(&c->out, "problems");
    jo_array(&c->out);
    int rc = audit_part(&au, &q, &next, e);
    jo_end(&c->out);
    jo_kint(&c->out, "found", (int64_t)t.n);
    jo_kint(&c->out, "leaves", au.leaves);
    jo_kint(&c->out, "records", au.records);
    jo_kint(&c->out, "people", au.people);
    jo_kint(&c->out, "checkpoints", au.heads);
    jo_kint(&c->out, "gone", au.gone);
    jo_kint(&c->out, "erased", au.erased);
    jo_key(&c->out, "next");
    if (next >= 0)
        jo_int(&c->out, next);
    else
        jo_null(&c->out);
    jo_end(&c->out);
    return rc;
}
