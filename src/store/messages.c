/* SPDX-License-Identifier: Apache-2.0
 * messages.c - message rows: written before the call, moved once by its outcome, read back.
 *
 * The primary key is time-ordered, so new rows land together; the only other index holds the few messages that
 * are SENDING now. An outcome moves a row only while it is SENDING under the epoch that wrote it, which is what
 * keeps an earlier life of the program (or a late answer) from changing what is already settled. */
#include "store/messages_rows.h"
#include "store/people_rows.h"

#define SCAN_MAX 100000 /* messages_of() looks no further back */

STATEMENT(
    msg_insert,
    "INSERT INTO msg (bucket, id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
    "ts_outcome, type, wamid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)");
STATEMENT(msg_outcome, "UPDATE msg SET state = $1, code = $2, ts_outcome = $3, wamid = $4 "
                       "WHERE bucket = $5 AND id = $6 AND state = 2 AND epoch = $7");
STATEMENT(msg_settle, "UPDATE msg SET state = 5, ts_outcome = $1 WHERE bucket = $2 AND state = 2 AND epoch < $3");
STATEMENT(msg_get, "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
                   "ts_outcome, type, wamid "
                   "FROM msg WHERE bucket = $1 AND id = $2");
STATEMENT(msg_recent, "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
                      "ts_outcome, type, wamid "
                      "FROM msg WHERE bucket = $1 ORDER BY id DESC LIMIT $2");
STATEMENT(msg_of,
          "SELECT r.id, r.contact, r.sender, r.campaign, r.state, r.attempt, r.epoch, r.ts, r.kind, r.category, "
          "r.seen, r.code, "
          "r.ts_outcome, r.type, r.wamid FROM (SELECT * FROM msg WHERE bucket = $1 ORDER BY id DESC LIMIT $2) r "
          "WHERE r.contact IN (SELECT CAST($3 AS BIGINT) UNION ALL "
          "SELECT m.gone FROM person_merge m WHERE m.bucket = $1 AND m.kept = $3) ORDER BY r.id DESC LIMIT $4");

static const char *const state_names[] = {
    [MESSAGE_REFUSED] = "refused",   [MESSAGE_SENDING] = "sending",     [MESSAGE_ACCEPTED] = "accepted",
    [MESSAGE_REJECTED] = "rejected", [MESSAGE_AMBIGUOUS] = "ambiguous", [MESSAGE_UNSENT] = "unsent",
};

const char *message_state_name(enum message_state state)
{
    size_t i = (size_t)state;
    return i < sizeof state_names / sizeof *state_names && state_names[i] ? state_names[i] : "unknown";
}

static int insert(struct store *s, const struct message *m, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &msg_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, m->bucket);
    db_i64(q, m->id);
    db_i64(q, m->contact);
    db_i64(q, m->sender);
    db_i64(q, m->campaign);
    db_i64(q, m->state);
    db_i64(q, m->attempt);
    db_i64(q, m->epoch);
    db_i64(q, m->ts);
    db_i64(q, m->kind);
    db_i64(q, m->category);
    db_i64(q, m->seen);
    db_i64(q, m->code);
    db_i64(q, m->ts_outcome);
    db_text(q, str_of(m->type));
    db_text(q, str_of(m->wamid));
    return db_exec(q, NULL, e);
}

int messages_insert(struct store *s, const struct message *m, const struct decision_row *d, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    /* one table after the other: the pages of a table stay at hand */
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = insert(s, &m[i], e);
    for (size_t i = 0; rc == 0 && d != NULL && i < n; i++)
        rc = decision_insert(s, &d[i], e);
    return write_end(s, rc);
}

static int outcome(struct store *s, const struct outcome *o, int64_t *ret_changed, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &msg_outcome, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, o->state);
    db_i64(q, o->code);
    db_i64(q, o->at);
    db_text(q, o->wamid);
    db_i64(q, o->bucket);
    db_i64(q, o->id);
    db_i64(q, o->epoch);
    return db_exec(q, ret_changed, e);
}

int messages_outcome(struct store *s, const struct outcome *o, size_t n, size_t *ret_moved, struct err *e)
{
    size_t moved = 0;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int64_t changed = 0;
        if (o[i].wamid.n >= WAMID_MAX)
            rc = err_set(e, WL_ETOOBIG, "a message id of Meta's is longer than %d bytes", WAMID_MAX - 1);
        else
            rc = outcome(s, &o[i], &changed, e);
        moved += (size_t)changed;
    }
    if (rc == 0 && ret_moved != NULL)
        *ret_moved = moved;
    return write_end(s, rc);
}

int messages_settle(struct store *s, int bucket, int64_t epoch, int64_t now, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &msg_settle, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, now);
    db_i64(q, bucket);
    db_i64(q, epoch);
    rc = db_exec(q, &changed, e);
    if (rc == 0 && ret_n != NULL)
        *ret_n = (size_t)changed;
    return write_end(s, rc);
}

static void read_row(struct db_stmt *q, int bucket, struct message *m)
{
    m->bucket = bucket;
    m->id = col_i64(q);
    m->contact = col_i64(q);
    m->sender = col_i64(q);
    m->campaign = col_i64(q);
    m->state = (enum message_state)col_i64(q);
    m->attempt = col_int(q);
    m->epoch = col_i64(q);
    m->ts = col_i64(q);
    m->kind = col_int(q);
    m->category = col_int(q);
    m->seen = (uint32_t)col_i64(q);
    m->code = col_int(q);
    m->ts_outcome = col_i64(q);
    col_chars(q, m->type, sizeof m->type);
    col_chars(q, m->wamid, sizeof m->wamid);
}

int messages_get(struct store *s, int bucket, int64_t id, struct message *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &msg_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, id);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 1)
        read_row(q, bucket, ret);
    db_reset(q);
    return rc == 1 ? 0 : err_set(e, WL_ENOTFOUND, "there is no such message");
}

int messages_of(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max, struct message **ret,
                size_t *ret_n, struct err *e)
{
    struct message *rows = NULL;
    struct db_stmt *q;
    size_t n = 0, cap = 0;
    int64_t root = 0;
    int rc = person_root(s, bucket, contact, &root, e);
    if (rc == WL_ENOTFOUND)
        root = contact;
    else if (rc != 0)
        return rc;
    rc = db_prepare(s, &msg_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, SCAN_MAX);
    db_i64(q, root);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1) {
        struct message *grown = arena_grow(a, rows, n, &cap, max, sizeof *rows);
        if (grown == NULL) {
            rc = err_set(e, WL_ENOMEM, "the answer is larger than its memory limit");
            break;
        }
        rows = grown;
        read_row(q, bucket, &rows[n++]);
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret = rows;
    *ret_n = n;
    return 0;
}

int messages_recent(struct store *s, size_t max, void (*each)(void *ctx, const struct message *m), void *ctx,
                    struct err *e)
{
    for (int bucket = 0; bucket < s->spread; bucket++) {
        struct message m = {0};
        struct db_stmt *q;
        int rc = db_prepare(s, &msg_recent, &q, e);
        if (rc != 0)
            return rc;
        db_i64(q, bucket);
        db_i64(q, (int64_t)max);
        while ((rc = db_step(q, e)) == 1) {
            read_row(q, bucket, &m);
            each(ctx, &m);
        }
        db_reset(q);
        if (rc < 0)
            return rc;
    }
    return 0;
}
