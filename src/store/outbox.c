/* SPDX-License-Identifier: Apache-2.0
 * outbox.c - the rows that wait to be sent, by line; and the callback data that is kept beside them.
 *
 * Everything is found by the primary key: a line is a range of it, its head the next to go, the next line one step
 * further. There is no index to keep. Moving a row is an update of its key: the body stays inside the engine. A write
 * that finds no row has written nothing, so its transaction may go on. */
#include "store/outbox.h"
#include "base/failpoint.h"
#include "store/db.h"

#define FORGET_STEP 2000 /* a deletion the writer's other jobs do not wait long for */

STATEMENT(outbox_insert,
          "INSERT INTO outbox (bucket, sender, class, campaign, due, id, path, flags, expected, ruleset, until_at, "
          "facts, findings, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
STATEMENT(outbox_remove, "DELETE FROM outbox WHERE bucket = $1 AND sender = $2 AND class = $3 AND campaign = $4 AND "
                         "due = $5 AND id = $6");
STATEMENT(outbox_put_off, "UPDATE outbox SET class = $1, due = $2 WHERE bucket = $3 AND sender = $4 AND "
                          "class = $5 AND campaign = $6 AND due = $7 AND id = $8");
STATEMENT(outbox_hold,
          "UPDATE outbox SET class = $1, due = $2, ruleset = $3, until_at = $4, facts = $5, findings = $6 WHERE "
          "bucket = $7 AND sender = $8 AND class = $9 AND campaign = $10 AND due = $11 AND id = $12");
STATEMENT(outbox_one, "SELECT due, id, path, flags, expected, ruleset, until_at, facts, findings, body FROM outbox "
                      "WHERE bucket = $1 AND sender = $2 AND class = $3 AND campaign = $4 AND due = $5 AND id = $6");
STATEMENT(outbox_after, "SELECT due, id FROM outbox "
                        "WHERE bucket = $1 AND sender = $2 AND class = $3 AND campaign = $4 AND (due, id) > ($5, $6) "
                        "AND due <= $7 ORDER BY due, id LIMIT $8");
/* Behind the last row the line could have: comparing less than the whole key would walk the line. */
STATEMENT(outbox_line, "SELECT sender, class, campaign, due, id FROM outbox WHERE bucket = $1 AND (sender, class, "
                       "campaign, due, id) > ($2, $3, $4, $5, $6) ORDER BY sender, class, campaign, due, id LIMIT 1");
STATEMENT(outbox_to,
          "SELECT o.sender, o.class, o.campaign, o.due, o.id, m.contact FROM outbox o JOIN msg m ON m.bucket = "
          "o.bucket AND m.id = o.id WHERE o.bucket = $1 AND (o.sender, o.class, o.campaign, o.due, o.id) > "
          "($2, $3, $4, $5, $6) ORDER BY o.sender, o.class, o.campaign, o.due, o.id LIMIT $7");
STATEMENT(outbox_length, "SELECT COUNT(*) FROM (SELECT id FROM outbox WHERE bucket = $1 AND sender = $2 AND class = $3 "
                         "AND campaign = $4 LIMIT $5) r");

STATEMENT(callback_put, "INSERT INTO callback_data (bucket, id, value) VALUES ($1, $2, $3) ON CONFLICT (bucket, id) "
                        "DO UPDATE SET value = excluded.value");
STATEMENT(callback_get, "SELECT value FROM callback_data WHERE bucket = $1 AND id = $2");
STATEMENT(callback_oldest, "SELECT id FROM callback_data WHERE bucket = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT 1 "
                           "OFFSET $4");
/* states 2, 5 and 7 are SENDING, AMBIGUOUS and WAITING: it has not ended. */
STATEMENT(
    callback_forget,
    "DELETE FROM callback_data WHERE bucket = $1 AND id > $2 AND id < $3 AND NOT EXISTS (SELECT 1 FROM msg m WHERE "
    "m.bucket = callback_data.bucket AND m.id = callback_data.id AND (m.state IN (2, 5, 7) OR m.ts_outcome > $4))");

static void bind_line(struct db_stmt *q, const struct outbox_key *k)
{
    db_i64(q, k->bucket);
    db_i64(q, k->sender);
    db_i64(q, k->class);
    db_i64(q, k->campaign);
}

static void bind_key(struct db_stmt *q, const struct outbox_key *k)
{
    bind_line(q, k);
    db_i64(q, k->due);
    db_i64(q, k->id);
}

/* What holds a row. */
static void bind_held(struct db_stmt *q, const struct outbox_row *r)
{
    db_i64(q, r->ruleset);
    db_i64(q, r->until);
    db_blob(q, r->facts.p, r->facts.n);
    db_blob(q, r->findings.p, r->findings.n);
}

static int insert(struct store *s, const struct outbox_row *r, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &outbox_insert, &q, e);
    if (rc != 0)
        return rc;
    bind_key(q, &r->key);
    db_i64(q, r->path);
    db_i64(q, r->flags);
    db_i64(q, r->expected);
    bind_held(q, r);
    db_blob(q, r->body.p, r->body.n);
    return db_exec(q, NULL, e);
}

int outbox_put(struct store *s, const struct outbox_row *r, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (r[i].body.n > OUTBOX_BODY_MAX)
            return err_set(e, WL_ETOOBIG, "the message is larger than the %u bytes kept for later", OUTBOX_BODY_MAX);
    int rc = write_start(s, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = insert(s, &r[i], e);
    failpoint(outbox_put);
    return write_end(s, rc);
}

/* Runs a bound write of one row; WL_ENOTFOUND when it met none. */
static int write_one(struct store *s, struct db_stmt *q, struct err *e)
{
    int64_t changed = 0;
    int rc = write_end(s, db_exec(q, &changed, e));
    return rc == 0 && changed == 0 ? err_set(e, WL_ENOTFOUND, "the outbox has no such row") : rc;
}

int outbox_delete(struct store *s, const struct outbox_key *k, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &outbox_remove, &q, e);
    if (rc != 0)
        return rc;
    bind_key(q, k);
    rc = write_one(s, q, e);
    failpoint(outbox_deleted);
    return rc;
}

int outbox_move(struct store *s, struct outbox_key *k, int class, int64_t due, const struct outbox_row *held,
                struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, held != NULL ? &outbox_hold : &outbox_put_off, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, class);
    db_i64(q, due);
    if (held != NULL)
        bind_held(q, held);
    bind_key(q, k);
    rc = write_one(s, q, e);
    failpoint(outbox_moved);
    if (rc == 0) {
        k->class = class;
        k->due = due;
    }
    return rc;
}

static int read_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct outbox_row *r = row;
    *r = (struct outbox_row){.key.due = col_i64(q)};
    r->key.id = col_i64(q);
    r->path = col_int(q);
    r->flags = col_i64(q);
    r->expected = col_int(q);
    r->ruleset = col_i64(q);
    r->until = col_i64(q);
    struct str *const blobs[] = {&r->facts, &r->findings, &r->body};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof blobs / sizeof *blobs; i++)
        rc = col_copy_blob(q, a, blobs[i], e);
    return rc;
}

static void place(struct outbox_row *r, const struct outbox_key *line)
{
    int64_t due = r->key.due, id = r->key.id;
    r->key = *line;
    r->key.due = due;
    r->key.id = id;
}

static int get_at(struct store *s, const struct outbox_key *k, struct arena *a, struct outbox_row *ret, struct err *e)
{
    struct outbox_row r;
    struct db_stmt *q;
    int rc = db_prepare(s, &outbox_one, &q, e);
    if (rc != 0)
        return rc;
    bind_key(q, k);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    bool there = rc == 1;
    rc = there ? read_row(q, a, &r, e) : err_set(e, WL_ENOTFOUND, "the outbox has no such row");
    db_reset(q);
    if (rc != 0)
        return rc;
    place(&r, k);
    *ret = r;
    return 0;
}

int outbox_get(struct store *s, const struct outbox_key *k, struct arena *a, struct outbox_row *ret, struct err *e)
{
    struct outbox_key parked = *k;
    int rc = get_at(s, k, a, ret, e);
    if (rc != WL_ENOTFOUND)
        return rc;
    parked.due = OUTBOX_PARKED;
    return get_at(s, &parked, a, ret, e);
}

static int read_key(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct outbox_key *k = row;
    (void)a, (void)e;
    k->due = col_i64(q);
    k->id = col_i64(q);
    return 0;
}

int outbox_read(struct store *s, const struct outbox_key *after, int64_t until, struct arena *a, size_t max,
                struct outbox_key **ret, size_t *ret_n, struct err *e)
{
    struct outbox_key *keys = NULL;
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &outbox_after, &q, e);
    if (rc != 0)
        return rc;
    bind_key(q, after);
    db_i64(q, until);
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof *keys, read_key, &keys, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        keys[i] =
            (struct outbox_key){after->bucket, after->sender, after->class, after->campaign, keys[i].due, keys[i].id};
    *ret = keys;
    *ret_n = n;
    return 0;
}

static int read_addressee(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct outbox_addressee *to = row;
    (void)a, (void)e;
    to->key.sender = col_i64(q);
    to->key.class = col_int(q);
    to->key.campaign = col_i64(q);
    to->key.due = col_i64(q);
    to->key.id = col_i64(q);
    to->contact = col_i64(q);
    return 0;
}

int outbox_addressees(struct store *s, const struct outbox_key *after, size_t max, struct arena *a,
                      struct outbox_addressee **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &outbox_to, &q, e);
    if (rc != 0)
        return rc;
    bind_line(q, after);
    db_i64(q, after->due);
    db_i64(q, after->id);
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof **ret, read_addressee, ret, ret_n, e);
    for (size_t i = 0; rc == 0 && i < *ret_n; i++)
        (*ret)[i].key.bucket = after->bucket;
    return rc;
}

int outbox_next_line(struct store *s, const struct outbox_key *after, struct outbox_key *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &outbox_line, &q, e);
    if (rc != 0)
        return rc;
    bind_line(q, after);
    db_i64(q, INT64_MAX);
    db_i64(q, INT64_MAX);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        ret->bucket = after->bucket;
        ret->sender = col_i64(q);
        ret->class = col_int(q);
        ret->campaign = col_i64(q);
        ret->due = col_i64(q);
        ret->id = col_i64(q);
    }
    db_reset(q);
    return rc == 1 ? 0 : err_set(e, WL_ENOTFOUND, "the outbox has no further line");
}

int outbox_count(struct store *s, const struct outbox_key *line, int64_t max, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &outbox_length, &q, e);
    if (rc != 0)
        return rc;
    bind_line(q, line);
    db_i64(q, max);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

int callback_data_put(struct store *s, int bucket, int64_t id, struct str value, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &callback_put, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, id);
    db_text(q, value);
    return write_end(s, db_exec(q, NULL, e));
}

int callback_data_get(struct store *s, int bucket, int64_t id, struct arena *a, struct str *ret, struct err *e)
{
    struct str value = {NULL, 0};
    struct db_stmt *q;
    int rc = db_prepare(s, &callback_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, id);
    rc = db_step(q, e);
    if (rc == 1)
        rc = col_copy(q, a, &value, e);
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret = value;
    return 0;
}

/* The id below which a step's worth of rows after this one lies; `before` when fewer are left. */
static int forget_bound(struct store *s, int bucket, int64_t after, int64_t before, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &callback_oldest, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, after);
    db_i64(q, before);
    db_i64(q, FORGET_STEP);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : before;
    db_reset(q);
    return 0;
}

int callback_data_forget(struct store *s, int bucket, int64_t before, int64_t ended_by, int64_t *after, struct err *e)
{
    struct db_stmt *q;
    int64_t bound = before;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = forget_bound(s, bucket, *after, before, &bound, e);
    if (rc == 0)
        rc = db_prepare(s, &callback_forget, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, *after);
    db_i64(q, bound);
    db_i64(q, ended_by);
    rc = write_end(s, db_exec(q, NULL, e));
    if (rc == 0)
        *after = bound < before ? bound - 1 : 0;
    return rc;
}
