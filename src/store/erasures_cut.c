/* SPDX-License-Identifier: Apache-2.0
 * erasures_cut.c - taking a person's rows out.
 *
 * A message's row stays without anything that leads to somebody: what was sent, when, under which rules and what became of it
 * is counted for years, and nobody is named by it. Its decision stays for the same reason: facts are times, words and numbers
 * of the message and of what was known then, and no name is among them. Events of messages go, because theirs are the words of
 * Meta, who may name anybody.
 *
 * Their places in campaigns stay, because cursors and reports count places, with nobody in them and without what was to be put into the
 * message.
 *
 * Entries of the log stay as they are, and are marked: nobody can say any more whose they were. */
#include <string.h>

#include "store/db.h"
#include "store/erasures.h"
#include "store/ledger.h"

#define ROW_KEYS_MOST 4000

STATEMENT(msg_strip, "UPDATE msg SET wamid = '-', ver = ver + 1 WHERE bucket = $1 AND id = $2");
STATEMENT(msg_unlink, "UPDATE msg SET contact = 0, wamid = '-', ver = ver + 1 WHERE bucket = $1 AND id = $2");
STATEMENT(msg_events_drop, "DELETE FROM msg_event WHERE bucket = $1 AND msg = $2");
STATEMENT(msg_callback_drop, "DELETE FROM callback_data WHERE bucket = $1 AND id = $2");
STATEMENT(event_drop, "DELETE FROM msg_event WHERE bucket = $1 AND msg = $2 AND at = $3 AND status = $4 AND "
                      "participant = $5 AND code = $6");
STATEMENT(key_delete, "DELETE FROM idempotency WHERE bucket = $1 AND week = $2 AND key = $3");
STATEMENT(person_clear, "UPDATE person SET name = '', lang = '', zone = '', caps = '', ver = ver + 1 "
                        "WHERE bucket = $1 AND id = $2");
STATEMENT(pairs_delete, "DELETE FROM pair WHERE bucket = $1 AND contact = $2");
STATEMENT(reach_delete, "DELETE FROM reach WHERE bucket = $1 AND contact = $2");
STATEMENT(activity_erase, "DELETE FROM activity WHERE bucket = $1 AND contact = $2");
STATEMENT(attributes_erase, "DELETE FROM attribute WHERE bucket = $1 AND contact = $2");
STATEMENT(tags_erase, "DELETE FROM tag WHERE bucket = $1 AND contact = $2");
STATEMENT(contact_sources_erase, "DELETE FROM contact_source WHERE bucket = $1 AND contact = $2");
STATEMENT(recipients_blank, "UPDATE campaign_recipient SET contact = 0, params = '' WHERE bucket = $1 AND "
                            "(campaign, place) IN (SELECT c.campaign, c.place FROM contact_campaign c WHERE "
                            "c.bucket = $1 AND c.contact = $2)");
STATEMENT(contact_campaigns_erase, "DELETE FROM contact_campaign WHERE bucket = $1 AND contact = $2");
/* id > 0 is always so: it makes the planner take the index by person. */
STATEMENT(errands_delete, "DELETE FROM errand WHERE bucket = $1 AND contact = $2 AND id > 0");
STATEMENT(ledger_of, "SELECT at, act, scope, method, fingerprint, leaf FROM ledger WHERE bucket = $1 AND contact = $2 "
                     "LIMIT $3");
STATEMENT(ledger_delete,
          "DELETE FROM ledger WHERE bucket = $1 AND contact = $2 AND at = $3 AND act = $4 AND scope = $5 "
          "AND method = $6 AND fingerprint = $7");
STATEMENT(wording_since, "SELECT contact FROM ledger WHERE bucket = $1 AND leaf > $2 AND notice = $3 LIMIT 1");
STATEMENT(wording_delete, "DELETE FROM wording WHERE hash = $1");
STATEMENT(subject_key_delete, "DELETE FROM subject_key WHERE bucket = $1 AND contact = $2 AND contact <> 0");
STATEMENT(identities_delete, "DELETE FROM person_identity WHERE bucket = $1 AND contact = $2 AND added_at >= 0");
STATEMENT(merges_delete, "DELETE FROM person_merge WHERE bucket = $1 AND kept = $2");
STATEMENT(person_delete, "DELETE FROM person WHERE bucket = $1 AND id = $2");
STATEMENT(claims_of_name, "DELETE FROM identity_claim WHERE bucket = $1 AND kind = $2 AND value = $3");
/* Names that are somebody else's by now stay such as two people had: nothing that was granted under them counts. */
STATEMENT(
    claims_unname,
    "INSERT INTO identity_claim (bucket, kind, value, user_id, since, contact) SELECT DISTINCT bucket, kind, value, "
    "'-', 0, 0 FROM identity_claim WHERE bucket = $1 AND contact = $2 "
    "ON CONFLICT (bucket, kind, value, user_id) DO UPDATE SET since = 0, contact = 0");
STATEMENT(claims_by_person, "DELETE FROM identity_claim WHERE bucket = $1 AND contact = $2");
STATEMENT(claims_by_name, "DELETE FROM identity_claim WHERE bucket = $1 AND user_id = $2");
STATEMENT(people_one_less, "UPDATE bucket_head SET people = people - 1 WHERE bucket = $1");

/* Runs a statement whose parameters are all numbers. */
static int run(struct store *s, const struct statement *st, const int64_t *v, size_t n, int64_t *ret_changed,
               struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        db_i64(q, v[i]);
    return db_exec(q, ret_changed, e);
}

static int run_two(struct store *s, const struct statement *st, int64_t a, int64_t b, struct err *e)
{
    return run(s, st, (const int64_t[]){a, b}, 2, NULL, e);
}

/* --- messages and what hangs on them ---------------------------------------------------------------------------------- */

int message_strip(struct store *s, int bucket, int64_t id, bool unlink, struct err *e)
{
    int rc = write_start(s, e);
    if (rc == 0)
        rc = run_two(s, unlink ? &msg_unlink : &msg_strip, bucket, id, e);
    if (rc == 0)
        rc = run_two(s, &msg_events_drop, bucket, id, e);
    if (rc == 0)
        rc = run_two(s, &msg_callback_drop, bucket, id, e);
    return write_end(s, rc);
}

int participant_drop(struct store *s, const struct message_event *ev, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &event_drop, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, ev->bucket);
    db_i64(q, ev->msg);
    db_i64(q, ev->at);
    db_text(q, ev->status);
    db_text(q, ev->participant);
    db_i64(q, ev->code);
    return write_end(s, db_exec(q, NULL, e));
}

int key_drop(struct store *s, int bucket, const struct key_at *key, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &key_delete, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, key->week);
    db_blob(q, key->key, sizeof key->key);
    return write_end(s, db_exec(q, NULL, e));
}

/* --- the person ------------------------------------------------------------------------------------------------------ */

static int for_each_life(struct store *s, const struct lives *l, const struct statement *const *st, size_t n,
                         struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < n && rc == 0; k++)
            rc = run_two(s, st[k], l->bucket, l->id[i], e);
    return rc;
}

int person_strip(struct store *s, const struct lives *l, struct err *e)
{
    static const struct statement *const all[] = {&person_clear,     &pairs_delete,
                                                  &reach_delete,     &errands_delete,
                                                  &activity_erase,   &attributes_erase,
                                                  &tags_erase,       &contact_sources_erase,
                                                  &recipients_blank, &contact_campaigns_erase};
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, for_each_life(s, l, all, sizeof all / sizeof *all, e));
}

static int drop_claims(struct store *s, int bucket, const struct identity *name, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &claims_of_name, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, name->kind);
    db_text(q, str_of(name->value));
    rc = db_exec(q, NULL, e);
    if (rc != 0 || name->kind != IDENTITY_USER_ID)
        return rc;
    rc = db_prepare(s, &claims_by_name, &q,
                    e); /* of names that are somebody else's by now; there are few rows of claims */
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_text(q, str_of(name->value));
    return db_exec(q, NULL, e);
}

int person_shred(struct store *s, const struct lives *l, const struct identity *name, size_t n, struct err *e)
{
    static const struct statement *const all[] = {
        &subject_key_delete, &pairs_delete,          &reach_delete,     &errands_delete,         &merges_delete,
        &identities_delete,  &claims_unname,         &claims_by_person, &activity_erase,         &attributes_erase,
        &tags_erase,         &contact_sources_erase, &recipients_blank, &contact_campaigns_erase};
    int64_t bucket = l->bucket, gone = 0;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    rc = for_each_life(s, l, all, sizeof all / sizeof *all, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = drop_claims(s, l->bucket, &name[i], e);
    for (size_t i = 0; i < l->n && rc == 0; i++)
        rc = run(s, &person_delete, (const int64_t[]){bucket, l->id[i]}, 2, i == 0 ? &gone : NULL, e);
    if (rc == 0 && gone > 0)
        rc = run(s, &people_one_less, &bucket, 1, NULL, e);
    return write_end(s, rc);
}

/* --- the proof ------------------------------------------------------------------------------------------------------- */

struct row_key {
    int64_t at, act, scope, fingerprint, leaf;
    char method[128];
};

static int read_keys(struct store *s, int bucket, int64_t contact, struct row_key *ret, size_t max, size_t *ret_n,
                     struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &ledger_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    db_i64(q, (int64_t)max);
    *ret_n = 0;
    while (*ret_n < max && (rc = db_step(q, e)) == 1) {
        struct row_key *k = &ret[(*ret_n)++];
        k->at = col_i64(q);
        k->act = col_i64(q);
        k->scope = col_i64(q);
        col_chars(q, k->method, sizeof k->method);
        k->fingerprint = col_i64(q);
        k->leaf = col_i64(q);
    }
    db_reset(q);
    return rc < 0 ? rc : 0;
}

static int delete_row(struct store *s, int bucket, int64_t contact, const struct row_key *k, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &ledger_delete, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    db_i64(q, k->at);
    db_i64(q, k->act);
    db_i64(q, k->scope);
    db_text(q, str_of(k->method));
    db_i64(q, k->fingerprint);
    int64_t changed = 0;
    rc = db_exec(q, &changed, e);
    return rc == 0 && changed != 1 ? err_set(e, WL_ECORRUPT, "a consent event of a person cannot be found again") : rc;
}

/* Of one life, at most max. */
static int shred_some(struct store *s, int bucket, int64_t contact, struct row_key *k, size_t max, size_t *ret_n,
                      int64_t *ret_leaves, struct err *e)
{
    int rc = read_keys(s, bucket, contact, k, max, ret_n, e);
    for (size_t i = 0; i < *ret_n && rc == 0; i++) {
        rc = delete_row(s, bucket, contact, &k[i], e);
        if (rc == 0 && k[i].leaf >= 0) {
            rc = log_mark_gone(s, &k[i].leaf, 1, e);
            ++*ret_leaves;
        }
    }
    return rc;
}

int ledger_shred(struct store *s, const struct lives *l, size_t max, bool *ret_left, int64_t *ret_leaves, struct err *e)
{
    max = max < ROW_KEYS_MOST ? max : ROW_KEYS_MOST;
    struct arena *a = arena_create(2 * ROW_KEYS_MOST * sizeof(struct row_key));
    struct row_key *keys = a != NULL ? arena_new_array(a, struct row_key, max) : NULL;
    size_t left = max;
    int64_t leaves = 0;
    int rc = keys != NULL ? write_start(s, e) : err_set(e, WL_ENOMEM, "out of memory");
    if (rc != 0) {
        arena_free(a);
        return rc;
    }
    for (size_t i = 0; i < l->n && left > 0 && rc == 0; i++) {
        size_t n = 0;
        rc = shred_some(s, l->bucket, l->id[i], keys, left, &n, &leaves, e);
        left -= n;
    }
    arena_free(a);
    if (rc == 0) {
        *ret_left = left == 0;
        *ret_leaves += leaves;
    }
    return write_end(s, rc);
}

static int shown_since(struct store *s, int bucket, int64_t at, const uint8_t *hash, bool *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &wording_since, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, at);
    db_blob(q, hash, SHA256_BYTES);
    rc = db_step(q, e);
    db_reset(q);
    *ret = rc == 1;
    return rc < 0 ? rc : 0;
}

static int drop_wording(struct store *s, const uint8_t *hash, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &wording_delete, &q, e);
    if (rc != 0)
        return rc;
    db_blob(q, hash, SHA256_BYTES);
    return db_exec(q, NULL, e);
}

int wordings_drop(struct store *s, int bucket, const struct wordings *w, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < w->n && rc == 0; i++) {
        bool since = false;
        rc = shown_since(s, bucket, w->at, w->hash[i], &since, e);
        if (rc == 0 && !since)
            rc = drop_wording(s, w->hash[i], e);
    }
    return write_end(s, rc);
}
