/* SPDX-License-Identifier: Apache-2.0
 * messages.c - message rows: written before the call, saved under the version that was read, read back.
 *
 * The primary key is time-ordered, so new rows land together; the other indexes hold only the few messages that are
 * SENDING or in doubt now, and those that were judged later than they were accepted. */
#include "store/messages_rows.h"
#include "base/failpoint.h"
#include "store/people_rows.h"

#define SCAN_MAX 100000 /* messages_of() looks no further back */

STATEMENT(msg_insert,
          "INSERT INTO msg (bucket, id, contact, sender, campaign, state, attempt, epoch, ts, kind, "
          "category, seen, code, ts_outcome, type, wamid, ver, life, due, begun_at, expires, decision, "
          "valid_until, place, stratum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
          "$17, $18, $19, $20, $21, $22, $23, $24, $25)");
STATEMENT(msg_save, "UPDATE msg SET state = $1, attempt = $2, epoch = $3, seen = $4, code = $5, ts_outcome = $6, "
                    "wamid = $7, ver = $8, life = $9, due = $10, begun_at = $11, decision = $12, valid_until = $13, "
                    "contact = $14, category = $15 WHERE bucket = $16 AND id = $17 AND ver = $18");
STATEMENT(msg_get, "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
                   "ts_outcome, type, wamid, ver, life, due, begun_at, expires, decision, valid_until, "
                   "place, stratum FROM msg WHERE "
                   "bucket = $1 AND id = $2");
STATEMENT(msg_recent, "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
                      "ts_outcome, type, wamid, ver, life, due, begun_at, expires, decision, valid_until, "
                      "place, stratum FROM msg WHERE "
                      "bucket = $1 ORDER BY id DESC LIMIT $2");
/* state 2 is SENDING, 5 is AMBIGUOUS: the partial indexes of the schema. */
STATEMENT(msg_left_sending,
          "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
          "ts_outcome, type, wamid, ver, life, due, begun_at, expires, decision, valid_until, "
          "place, stratum FROM msg WHERE "
          "bucket = $1 AND state = 2 AND epoch < $2 ORDER BY epoch, id LIMIT $3");
STATEMENT(msg_in_doubt, "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
                        "ts_outcome, type, wamid, ver, life, due, begun_at, expires, decision, valid_until, "
                        "place, stratum FROM msg WHERE "
                        "bucket = $1 AND state = 5 AND due <= $2 ORDER BY due, id LIMIT $3");
/* A range of one: an engine that puts $2 for decision everywhere would not know the partial index any more. */
STATEMENT(msg_decided, "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
                       "ts_outcome, type, wamid, ver, life, due, begun_at, expires, decision, valid_until, "
                       "place, stratum FROM msg WHERE "
                       "bucket = $1 AND decision >= $2 AND decision <= $2 AND decision <> 0 LIMIT 1");
STATEMENT(msg_of, "SELECT r.id, r.contact, r.sender, r.campaign, r.state, r.attempt, r.epoch, r.ts, r.kind, "
                  "r.category, r.seen, r.code, r.ts_outcome, r.type, r.wamid, r.ver, r.life, r.due, r.begun_at, "
                  "r.expires, r.decision, r.valid_until, r.place, r.stratum FROM (SELECT * FROM msg WHERE bucket = $1 "
                  "ORDER BY id DESC "
                  "LIMIT $2) r WHERE r.contact IN (SELECT CAST($3 AS BIGINT) UNION ALL SELECT m.gone FROM "
                  "person_merge m WHERE m.bucket = $1 AND m.kept = $3) ORDER BY r.id DESC LIMIT $4");

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
    db_i64(q, m->life.state);
    db_i64(q, m->life.attempts);
    db_i64(q, m->epoch);
    db_i64(q, m->ts);
    db_i64(q, m->kind);
    db_i64(q, m->life.category);
    db_i64(q, m->seen);
    db_i64(q, m->life.code);
    db_i64(q, m->changed_at);
    db_text(q, str_of(m->type));
    db_text(q, str_of(m->wamid));
    db_i64(q, m->ver);
    db_i64(q, life_bits(&m->life));
    db_i64(q, m->life.at);
    db_i64(q, m->life.begun_at);
    db_i64(q, m->life.expires);
    db_i64(q, m->decision);
    db_i64(q, m->valid_until);
    db_i64(q, m->place);
    db_i64(q, m->stratum);
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
        rc = d[i].id != 0 ? decision_insert(s, &d[i], e) : 0;
    failpoint(message_inserted);
    return write_end(s, rc);
}

static int save(struct store *s, const struct message *m, int64_t *ret_changed, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &msg_save, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, m->life.state);
    db_i64(q, m->life.attempts);
    db_i64(q, m->epoch);
    db_i64(q, m->seen);
    db_i64(q, m->life.code);
    db_i64(q, m->changed_at);
    db_text(q, str_of(m->wamid));
    db_i64(q, m->ver + 1);
    db_i64(q, life_bits(&m->life));
    db_i64(q, m->life.at);
    db_i64(q, m->life.begun_at);
    db_i64(q, m->decision);
    db_i64(q, m->valid_until);
    db_i64(q, m->contact);
    db_i64(q, m->life.category);
    db_i64(q, m->bucket);
    db_i64(q, m->id);
    db_i64(q, m->ver);
    return db_exec(q, ret_changed, e);
}

/* A save that finds another version has written nothing: its transaction may go on. */
int message_save(struct store *s, struct message *m, struct err *e)
{
    int64_t changed = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = save(s, m, &changed, e);
    failpoint(message_saved);
    rc = write_end(s, rc);
    if (rc == 0 && changed == 0)
        return err_set(e, WL_ECONFLICT, "the message was changed by somebody else");
    m->ver += rc == 0;
    return rc;
}

int message_read(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct message *m = row;
    (void)a, (void)e;
    *m = (struct message){.bucket = 0};
    m->id = col_i64(q);
    m->contact = col_i64(q);
    m->sender = col_i64(q);
    m->campaign = col_i64(q);
    m->life.state = (uint8_t)col_int(q);
    m->life.attempts = (uint8_t)col_int(q);
    m->epoch = col_i64(q);
    m->ts = col_i64(q);
    m->kind = col_int(q);
    m->life.category = (uint8_t)col_int(q);
    m->seen = (uint32_t)col_i64(q);
    m->life.code = col_int(q);
    m->changed_at = col_i64(q);
    col_chars(q, m->type, sizeof m->type);
    col_chars(q, m->wamid, sizeof m->wamid);
    m->ver = col_i64(q);
    life_set_bits(&m->life, col_i64(q));
    m->life.delivered |= (m->seen & (SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED)) != 0; /* all that older rows know */
    m->life.at = col_i64(q);
    m->life.begun_at = col_i64(q);
    m->life.expires = col_i64(q);
    m->decision = col_i64(q);
    m->valid_until = col_i64(q);
    m->place = col_i64(q);
    m->stratum = col_int(q);
    return 0;
}

/* The rows of a bound statement; their bucket is in none of its columns. */
static int read_rows(struct db_stmt *q, int bucket, struct arena *a, size_t max, struct message **ret, size_t *ret_n,
                     struct err *e)
{
    struct message *rows = NULL;
    size_t n = 0;
    int rc = db_rows(q, a, max, sizeof *rows, message_read, &rows, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        rows[i].bucket = bucket;
    *ret = rows;
    *ret_n = n;
    return 0;
}

/* The one row of a bound statement. */
static int read_one(struct db_stmt *q, int bucket, struct message *ret, struct err *e)
{
    int rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        message_read(q, NULL, ret, e);
        ret->bucket = bucket;
    }
    db_reset(q);
    return rc == 1 ? 0 : err_set(e, WL_ENOTFOUND, "there is no such message");
}

int messages_get(struct store *s, int bucket, int64_t id, struct message *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &msg_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, id);
    return read_one(q, bucket, ret, e);
}

int messages_decided(struct store *s, int bucket, int64_t decision, struct message *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &msg_decided, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, decision);
    return read_one(q, bucket, ret, e);
}

/* Rows of a partial index up to a bound of its own. */
static int up_to(struct store *s, const struct statement *st, int bucket, int64_t bound, struct arena *a, size_t max,
                 struct message **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, bound);
    db_i64(q, (int64_t)max);
    return read_rows(q, bucket, a, max, ret, ret_n, e);
}

int messages_left_sending(struct store *s, int bucket, int64_t epoch, struct arena *a, size_t max, struct message **ret,
                          size_t *ret_n, struct err *e)
{
    return up_to(s, &msg_left_sending, bucket, epoch, a, max, ret, ret_n, e);
}

int messages_in_doubt(struct store *s, int bucket, int64_t now, struct arena *a, size_t max, struct message **ret,
                      size_t *ret_n, struct err *e)
{
    return up_to(s, &msg_in_doubt, bucket, now, a, max, ret, ret_n, e);
}

int messages_of(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max, struct message **ret,
                size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
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
    return read_rows(q, bucket, a, max, ret, ret_n, e);
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
            message_read(q, NULL, &m, e);
            m.bucket = bucket;
            each(ctx, &m);
        }
        db_reset(q);
        if (rc < 0)
            return rc;
    }
    return 0;
}
