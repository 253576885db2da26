/* SPDX-License-Identifier: Apache-2.0
 * ledger_adopt.c - events that have no place in the log get one: those of before there was a log, and all of them after a new
 * generation began.
 *
 * Oldest first, by their ids, consent before rules and these before approvals of campaigns. An entry's time is when it came into the log, the record behind it says when
 * the event was recorded: so nothing looks as if it had been proven earlier than it was. A row of before gets what rows have
 * today: the name its person is known by, the digest of its wording (the text moves to where wordings are kept), the
 * fingerprint that makes the same report recognisable when it comes once more. */
#include <string.h>

#include "store/campaigns_leaves.h"
#include "store/ledger_rows.h"
#include "store/rules_log_rows.h"

#define CHUNK       256
#define CHUNK_BYTES (64u << 20) /* of rows of at most some 30 KB each */
#define COUNT_MAX   100000

STATEMENT(consent_unplaced,
          "SELECT l.contact, l.at, l.act, l.scope, l.method, l.leaf, l.n, l.id, l.recorded_at, l.sender, l.expires, "
          "l.subject, l.business, l.source, l.notice, l.language, l.policy, l.jurisdiction, l.evidence, l.actor, "
          "l.wording, w.text, l.fingerprint FROM ledger l LEFT JOIN wording w ON w.hash = l.notice WHERE l.bucket = $1 "
          "AND l.leaf = -1 ORDER BY l.id LIMIT $2");
STATEMENT(consent_place,
          "UPDATE ledger SET leaf = $1, n = $2, fingerprint = $3, subject = $4, notice = $5, wording = '' "
          "WHERE bucket = $6 AND contact = $7 AND at = $8 AND act = $9 AND scope = $10 AND method = $11 AND "
          "fingerprint = $12");
STATEMENT(consent_known, "SELECT leaf FROM ledger WHERE bucket = $1 AND contact = $2 AND at = $3 AND act = $4 AND "
                         "scope = $5 AND method = $6 AND fingerprint = $7");
STATEMENT(consent_left,
          "SELECT COUNT(*) FROM (SELECT id FROM ledger WHERE bucket = $1 AND leaf = -1 LIMIT $2) few LIMIT 1");

struct adoptee {
    struct consent_row row;
    int64_t fingerprint; /* as it is kept */
};

static int read_adoptee(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct adoptee *r = row;
    int rc = consent_row_read(q, a, &r->row, e);
    r->fingerprint = rc == 0 ? col_i64(q) : 0;
    return rc;
}

static void bind_key(struct db_stmt *q, const struct consent_row *r, int64_t fingerprint)
{
    db_i64(q, r->bucket);
    db_i64(q, r->contact);
    db_i64(q, r->event.at);
    db_i64(q, r->event.act);
    db_i64(q, r->event.scope);
    db_text(q, r->method);
    db_i64(q, fingerprint);
}

/* The same event may have been reported again since: then this row keeps the fingerprint it has. */
static int free_fingerprint(struct store *s, const struct adoptee *r, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int64_t wanted = row_fingerprint(&r->row, r->row.notice);
    *ret = r->fingerprint;
    if (wanted == r->fingerprint)
        return 0;
    int rc = db_prepare(s, &consent_known, &q, e);
    if (rc != 0)
        return rc;
    bind_key(q, &r->row, wanted);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    db_reset(q);
    if (rc == 0)
        *ret = wanted;
    return 0;
}

static int place(struct store *s, const struct adoptee *r, const struct log_place *at, int64_t fingerprint,
                 struct err *e)
{
    static const uint8_t none[SHA256_BYTES];
    const struct consent_row *row = &r->row;
    struct db_stmt *q;
    int rc = db_prepare(s, &consent_place, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, at->idx);
    db_i64(q, at->n);
    db_i64(q, fingerprint);
    db_text(q, row->subject);
    db_blob(q, row->notice, memcmp(row->notice, none, sizeof none) != 0 ? SHA256_BYTES : 0);
    bind_key(q, row, r->fingerprint);
    return db_exec(q, NULL, e);
}

static int adopt(struct store *s, struct ledger_pen *pen, struct adoptee *r, int64_t now, struct err *e)
{
    char subject[IDENTITY_TEXT_MAX];
    struct log_place at;
    int64_t fingerprint = 0;
    int rc = log_next(s, &at, e);
    if (rc == 0)
        rc = pen_key(s, pen, &r->row, e);
    if (rc == 0 && r->row.wording.n > 0)
        rc = pen_wording(s, pen, &r->row, r->row.notice, e);
    if (rc == 0 && r->row.subject.n == 0) {
        rc = first_subject(s, r->row.bucket, r->row.contact, subject, e);
        r->row.subject = str_of(subject);
    }
    if (rc == 0)
        rc = free_fingerprint(s, r, &fingerprint, e);
    if (rc == 0)
        rc = pen_leaf(s, pen, &r->row, now, e);
    return rc == 0 ? place(s, r, &at, fingerprint, e) : rc;
}

/* Some rows; *ret_n: how many. */
static int adopt_some(struct store *s, struct ledger_pen *pen, struct arena *a, int bucket, size_t max, int64_t now,
                      size_t *ret_n, struct err *e)
{
    struct adoptee *rows = NULL;
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &consent_unplaced, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof *rows, read_adoptee, &rows, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rows[i].row.bucket = bucket;
        rc = adopt(s, pen, &rows[i], now, e);
    }
    *ret_n = n;
    return rc;
}

static int adopt_rows(struct store *s, int bucket, size_t max, int64_t now, size_t *ret_n, struct err *e)
{
    struct ledger_pen pen;
    struct arena *a = arena_create(CHUNK_BYTES);
    size_t done = 0, n = 1;
    int rc = a != NULL ? 0 : err_set(e, WL_ENOMEM, "out of memory");
    pen_init(&pen);
    while (rc == 0 && n > 0 && done < max) {
        arena_reset(a);
        pen.wording = STR(""); /* lay in there */
        rc = adopt_some(s, &pen, a, bucket, max - done < CHUNK ? max - done : CHUNK, now, &n, e);
        done += n;
    }
    pen_done(&pen);
    arena_free(a);
    *ret_n = done;
    return rc;
}

static int count_left(struct store *s, int bucket, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &consent_left, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, COUNT_MAX);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

int ledger_adopt(struct store *s, int bucket, size_t max, int64_t now, int64_t *ret_left, struct err *e)
{
    size_t done = 0;
    int64_t left = 0, rules = 0, campaigns = 0;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    rc = adopt_rows(s, bucket, max, now, &done, e);
    if (rc == 0)
        rc = count_left(s, bucket, &left, e);
    if (rc == 0 && left == 0)
        rc = rules_log_adopt(s, max - done, now, e);
    if (rc == 0)
        rc = rules_log_left(s, COUNT_MAX, &rules, e);
    if (rc == 0 && left + rules == 0)
        rc = campaign_events_adopt(s, max - done, now, e);
    if (rc == 0)
        rc = campaign_events_left(s, COUNT_MAX, &campaigns, e);
    if (rc == 0)
        *ret_left = left + rules + campaigns;
    return write_end(s, rc);
}
