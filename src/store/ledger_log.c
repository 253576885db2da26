/* SPDX-License-Identifier: Apache-2.0
 * ledger_log.c - the log: entries without a gap, the keys they are made with, and its checkpoints.
 *
 * A transaction looks once where the log ends and counts on from there; nobody else writes meanwhile, and what is rolled back
 * leaves no gap. An entry is fixed when it is written and knows nothing of the tree: hashes are made from durable
 * entries later, elsewhere. A person's key is made up with their first entry. The number that makes tag and salt of an entry is
 * its place with the log's generation above it: so no two entries of a key ever get the same, not even when a backup was
 * restored and places are given again. */
#include <string.h>

#include "store/campaigns_leaves.h"
#include "store/ledger_rows.h"
#include "store/people_rows.h"

#define PLACE_BITS 40

STATEMENT(log_end, "SELECT idx FROM log_leaf ORDER BY idx DESC LIMIT 1");
STATEMENT(log_add, "INSERT INTO log_leaf (idx, gone, entry) VALUES ($1, 0, $2)");
STATEMENT(log_entries, "SELECT idx, gone, entry FROM log_leaf WHERE idx >= $1 ORDER BY idx LIMIT $2");
STATEMENT(log_gone, "UPDATE log_leaf SET gone = 1 WHERE idx = $1");
STATEMENT(key_of, "SELECT key FROM subject_key WHERE bucket = $1 AND contact = $2");
STATEMENT(key_keep, "INSERT INTO subject_key (bucket, contact, key) VALUES ($1, $2, $3)");
STATEMENT(person_logged, "UPDATE person SET leaf = $1 WHERE bucket = $2 AND id = $3 AND merged_into = 0");
STATEMENT(log_head_add,
          "INSERT INTO log_head (generation, size, root, at, note) VALUES ($1, $2, $3, $4, $5) "
          "ON CONFLICT (generation, size) DO UPDATE SET note = excluded.note WHERE log_head.root = excluded.root");
STATEMENT(log_head_newest,
          "SELECT generation, size, at, root, note FROM log_head ORDER BY generation DESC, size DESC LIMIT 1");
/* One goes when the one after it is of the same day. */
STATEMENT(log_head_thin, "DELETE FROM log_head WHERE at < $1 AND at / 86400000 = "
                         "(SELECT n.at / 86400000 FROM log_head n WHERE n.generation = log_head.generation AND "
                         "n.size > log_head.size ORDER BY n.size LIMIT 1)");
STATEMENT(log_clear, "DELETE FROM log_leaf WHERE idx >= $1");
STATEMENT(consent_unplace, "UPDATE ledger SET leaf = -1 WHERE bucket = $1 AND leaf >= 0");
STATEMENT(people_unplace, "UPDATE person SET leaf = -1 WHERE bucket = $1 AND leaf >= 0");
STATEMENT(rules_unplace, "UPDATE rules_event SET leaf = $1 WHERE leaf >= 0");
STATEMENT(erasures_unplace, "UPDATE erasure SET leaf = $1 WHERE leaf >= 0");
STATEMENT(erasures_begun, "UPDATE erasure SET leaves = $1 WHERE done_at = 0 AND leaves > 0");
STATEMENT(consent_placed, "SELECT leaf FROM ledger WHERE bucket = $1 AND leaf >= 0 LIMIT 1");
STATEMENT(key_any, "SELECT contact FROM subject_key WHERE bucket = $1 AND contact > 0 LIMIT 1");

/* --- keys ----------------------------------------------------------------------------------------------------------- */

/* WL_ENOTFOUND: there is none. */
static int read_key(struct store *s, struct log_key *k, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &key_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, k->bucket);
    db_i64(q, k->contact);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    struct str key = rc == 1 ? col_blob(q) : (struct str){NULL, 0};
    if (rc == 0)
        rc = err_set(e, WL_ENOTFOUND, "the person has no key");
    else if (key.n != LEAF_KEY_BYTES)
        rc =
            err_set(e, WL_ECORRUPT, "database: the key of a person has %zu bytes instead of %d", key.n, LEAF_KEY_BYTES);
    else {
        memcpy(k->key, key.p, LEAF_KEY_BYTES);
        rc = 0;
    }
    db_reset(q);
    return rc;
}

int log_key_take(struct store *s, int bucket, int64_t contact, struct log_key *ret, struct err *e)
{
    struct log_key k = {.bucket = bucket, .contact = contact};
    int rc = read_key(s, &k, e);
    if (rc == WL_ENOTFOUND) {
        random_bytes(k.key, sizeof k.key);
        k.is_new = true;
        rc = 0;
    }
    if (rc == 0)
        *ret = k;
    return rc;
}

int subject_key_get(struct store *s, int bucket, int64_t contact, uint8_t ret[LEAF_KEY_BYTES], struct err *e)
{
    struct log_key k = {.bucket = bucket, .contact = contact};
    int rc = read_key(s, &k, e);
    if (rc == 0)
        memcpy(ret, k.key, LEAF_KEY_BYTES);
    return rc;
}

static int keep_key(struct store *s, const struct log_key *k, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &key_keep, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, k->bucket);
    db_i64(q, k->contact);
    db_blob(q, k->key, LEAF_KEY_BYTES);
    return db_exec(q, NULL, e);
}

/* --- entries -------------------------------------------------------------------------------------------------------- */

int log_size(struct store *s, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &log_end, &q, e);
    if (rc != 0)
        return rc;
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) + 1 : 0;
    db_reset(q);
    return 0;
}

/* Of the checkpoint that is newest; 1 before there is any. */
static int last_generation(struct store *s, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &log_head_newest, &q, e);
    if (rc != 0)
        return rc;
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 1;
    db_reset(q);
    return 0;
}

int log_next(struct store *s, struct log_place *ret, struct err *e)
{
    int rc = 0;
    if (s->log_next < 0) {
        int64_t next = 0;
        rc = last_generation(s, &s->log_generation, e);
        if (rc == 0)
            rc = log_size(s, &next, e);
        if (rc == 0)
            s->log_next = next;
    }
    if (rc == 0)
        *ret = (struct log_place){s->log_next, s->log_generation << PLACE_BITS | s->log_next};
    return rc;
}

static int add_entry(struct store *s, int64_t idx, const uint8_t bytes[LEAF_BYTES], struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &log_add, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, idx);
    db_blob(q, bytes, LEAF_BYTES);
    return db_exec(q, NULL, e);
}

static int reach(struct store *s, int bucket, int64_t contact, int64_t idx, int64_t *ret_changed, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &person_logged, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, idx);
    db_i64(q, bucket);
    db_i64(q, contact);
    return db_exec(q, ret_changed, e);
}

/* The person's row says how far the log has to be sealed until all that is theirs is. Somebody erased has none. */
static int reach_person(struct store *s, int bucket, int64_t contact, int64_t idx, struct err *e)
{
    int64_t changed = 0, root = 0;
    if (contact == 0)
        return 0;
    int rc = reach(s, bucket, contact, idx, &changed, e);
    if (rc != 0 || changed > 0)
        return rc;
    rc = person_root(s, bucket, contact, &root, e);
    if (rc == WL_ENOTFOUND)
        return 0;
    return rc == 0 ? reach(s, bucket, root, idx, &changed, e) : rc;
}

int log_put(struct store *s, struct log_key *k, const struct leaf *l, struct str record, struct log_place *ret,
            struct err *e)
{
    struct leaf leaf = *l;
    struct log_place at;
    uint8_t salt[SHA256_BYTES], bytes[LEAF_BYTES];
    int rc = log_next(s, &at, e);
    if (rc != 0)
        return rc;
    leaf_tag(k->key, (uint64_t)at.n, leaf.tag);
    leaf_salt(k->key, (uint64_t)at.n, salt);
    leaf_commit(salt, record, leaf.commit);
    leaf_write(&leaf, bytes);
    rc = add_entry(s, at.idx, bytes, e);
    if (rc == 0 && k->is_new)
        rc = keep_key(s, k, e);
    if (rc == 0)
        rc = reach_person(s, k->bucket, k->contact, at.idx, e);
    if (rc != 0)
        return rc;
    k->is_new = false;
    s->log_next = at.idx + 1;
    *ret = at;
    return 0;
}

int log_append(struct store *s, int bucket, int64_t contact, const struct leaf *l, struct str record, int64_t *ret_leaf,
               int64_t *ret_n, struct err *e)
{
    struct log_key k;
    struct log_place at;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    rc = log_key_take(s, bucket, contact, &k, e);
    if (rc == 0)
        rc = log_put(s, &k, l, record, &at, e);
    if (rc == 0) {
        *ret_leaf = at.idx;
        *ret_n = at.n;
    }
    return write_end(s, rc);
}

static int read_entry(struct db_stmt *q, int64_t idx, struct log_entry *ret, struct err *e)
{
    ret->idx = col_i64(q);
    ret->gone = col_i64(q) != 0;
    struct str bytes = col_blob(q);
    if (ret->idx != idx)
        return err_set(e, WL_ECORRUPT, "database: entry %lld of the log is missing", (long long)idx);
    if (bytes.n != LEAF_BYTES)
        return err_set(e, WL_ECORRUPT, "database: entry %lld of the log has %zu bytes instead of %d", (long long)idx,
                       bytes.n, LEAF_BYTES);
    memcpy(ret->bytes, bytes.p, LEAF_BYTES);
    return 0;
}

int log_read(struct store *s, int64_t from, size_t max, struct log_entry *ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &log_entries, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, from);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1) {
        rc = read_entry(q, from + (int64_t)n, &ret[n], e);
        if (rc != 0)
            break;
        n++;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_n = n;
    return 0;
}

/* Runs a statement with one number; how many rows it changed is nobody's business. */
static int run_with(struct store *s, const struct statement *st, int64_t v, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v);
    return db_exec(q, NULL, e);
}

int log_mark_gone(struct store *s, const int64_t *idx, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = run_with(s, &log_gone, idx[i], e);
    return write_end(s, rc);
}

/* --- checkpoints ---------------------------------------------------------------------------------------------------- */

static int put_head(struct store *s, const struct log_head *h, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = db_prepare(s, &log_head_add, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, h->generation);
    db_i64(q, h->size);
    db_blob(q, h->root, SHA256_BYTES);
    db_i64(q, h->at);
    db_text(q, h->note);
    rc = db_exec(q, &changed, e);
    if (rc == 0 && changed == 0)
        rc = err_set(e, WL_ECORRUPT, "the log of %lld entries has a checkpoint with another root", (long long)h->size);
    return rc;
}

int log_head_put(struct store *s, const struct log_head *h, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, put_head(s, h, e));
}

static int read_head(struct db_stmt *q, struct arena *a, struct log_head *ret, struct err *e)
{
    struct log_head h = {.generation = col_i64(q)};
    h.size = col_i64(q);
    h.at = col_i64(q);
    struct str root = col_blob(q);
    if (root.n != SHA256_BYTES)
        return err_set(e, WL_ECORRUPT, "database: the root of a checkpoint has %zu bytes", root.n);
    memcpy(h.root, root.p, SHA256_BYTES);
    int rc = col_copy(q, a, &h.note, e);
    if (rc == 0)
        *ret = h;
    return rc;
}

int log_head_last(struct store *s, struct arena *a, struct log_head *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &log_head_newest, &q, e);
    if (rc != 0)
        return rc;
    if ((rc = db_step(q, e)) < 0)
        return rc;
    rc = rc == 1 ? read_head(q, a, ret, e) : err_set(e, WL_ENOTFOUND, "the log has no checkpoint yet");
    db_reset(q);
    return rc;
}

int log_heads_thin(struct store *s, int64_t before, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, run_with(s, &log_head_thin, before, e));
}

/* Whether the statement gives a row. */
static int any_row(struct store *s, const struct statement *st, int64_t v, bool *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v);
    rc = db_step(q, e);
    db_reset(q);
    *ret = rc == 1;
    return rc < 0 ? rc : 0;
}

int log_begun(struct store *s, int bucket, bool *ret, struct err *e)
{
    int rc = any_row(s, &consent_placed, bucket, ret, e);
    return rc == 0 && !*ret ? any_row(s, &key_any, bucket, ret, e) : rc;
}

/* --- a new generation ----------------------------------------------------------------------------------------------- */

/* The first checkpoint of a generation is of nothing; it says which one it is. What was erased was in the log before, and so is the
 * entry that says it: neither comes again. */
static int restart(struct store *s, int64_t now, struct err *e)
{
    struct log_head h = {.at = now};
    sha256("", 0, h.root);
    int rc = last_generation(s, &h.generation, e);
    h.generation++;
    if (rc == 0)
        rc = put_head(s, &h, e);
    if (rc == 0)
        rc = run_with(s, &log_clear, 0, e);
    if (rc == 0)
        rc = run_with(s, &rules_unplace, -1, e);
    if (rc == 0)
        rc = campaign_events_unplace(s, e);
    if (rc == 0)
        rc = run_with(s, &erasures_unplace, -1, e);
    if (rc == 0)
        rc = run_with(s, &erasures_begun, 0, e);
    for (int bucket = 0; rc == 0 && bucket < s->spread; bucket++) {
        rc = run_with(s, &consent_unplace, bucket, e);
        if (rc == 0)
            rc = run_with(s, &people_unplace, bucket, e);
    }
    s->log_next = -1;
    return rc;
}

int log_restart(struct store *s, int64_t now, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, restart(s, now, e));
}
