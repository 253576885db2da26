/* SPDX-License-Identifier: Apache-2.0
 * idempotency.c - callers' keys, a week to a range.
 *
 * A key is written under the week of its moment and looked for in this week and the one before, so it stands for seven
 * days at least; also in the next, because a clock that was set back must not make a key unknown and its message a
 * second one. Older weeks are a range at the front of the bucket's keys, deleted a step at a
 * time: nobody reads them any more, so nothing hurries. */
#include "store/idempotency.h"
#include "base/failpoint.h"
#include "store/db.h"

#define WEEK_MS     INT64_C(604800000)
#define FORGET_STEP 2000 /* a deletion the writer's other jobs do not wait long for */

STATEMENT(idempotency_find, "SELECT msg, fingerprint FROM idempotency WHERE bucket = $1 AND week IN ($2, $3, $4) AND "
                            "key = $5 LIMIT 1"); /* there is one at most */
STATEMENT(idempotency_set, "INSERT INTO idempotency (bucket, week, key, msg, fingerprint) VALUES ($1, $2, $3, $4, $5) "
                           "ON CONFLICT (bucket, week, key) DO UPDATE SET msg = excluded.msg, "
                           "fingerprint = excluded.fingerprint");
STATEMENT(idempotency_unset, "DELETE FROM idempotency WHERE bucket = $1 AND week IN ($2, $3) AND key = $4");
STATEMENT(idempotency_oldest, "SELECT week, key FROM idempotency WHERE bucket = $1 AND week < $2 ORDER BY week, key "
                              "LIMIT 1 OFFSET $3");
STATEMENT(idempotency_drop, "DELETE FROM idempotency WHERE bucket = $1 AND week < $2");
STATEMENT(idempotency_drop_upto, "DELETE FROM idempotency WHERE bucket = $1 AND (week, key) < ($2, $3)");

static int64_t week_of(int64_t now)
{
    return now / WEEK_MS;
}

int idempotency_get(struct store *s, int bucket, const uint8_t key[IDEMPOTENCY_KEY_BYTES], int64_t now,
                    struct idempotency *ret, struct err *e)
{
    struct idempotency v = {.bucket = bucket};
    struct db_stmt *q;
    int rc = db_prepare(s, &idempotency_find, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    for (int64_t week = week_of(now) - 1; week <= week_of(now) + 1; week++)
        db_i64(q, week);
    db_blob(q, key, IDEMPOTENCY_KEY_BYTES);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        v.msg = col_i64(q);
        v.fingerprint = col_i64(q);
    }
    db_reset(q);
    memcpy(v.key, key, sizeof v.key);
    *ret = v;
    return 0;
}

static int set(struct store *s, const struct idempotency *v, int64_t week, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &idempotency_set, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->bucket);
    db_i64(q, week);
    db_blob(q, v->key, sizeof v->key);
    db_i64(q, v->msg);
    db_i64(q, v->fingerprint);
    return db_exec(q, NULL, e);
}

/* What the key stood for in the weeks beside this one. */
static int unset(struct store *s, const struct idempotency *v, int64_t week, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &idempotency_unset, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->bucket);
    db_i64(q, week - 1);
    db_i64(q, week + 1);
    db_blob(q, v->key, sizeof v->key);
    return db_exec(q, NULL, e);
}

int idempotency_put(struct store *s, const struct idempotency *v, int64_t now, struct err *e)
{
    int rc = write_start(s, e);
    if (rc == 0)
        rc = set(s, v, week_of(now), e);
    if (rc == 0)
        rc = unset(s, v, week_of(now), e);
    failpoint(key_kept);
    return write_end(s, rc);
}

/* Where the next step's worth of old keys ends. *ret_more false: fewer are left. */
static int forget_bound(struct store *s, int bucket, int64_t before, bool *ret_more, int64_t *ret_week,
                        uint8_t ret_key[IDEMPOTENCY_KEY_BYTES], struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &idempotency_oldest, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, before);
    db_i64(q, FORGET_STEP);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret_more = rc == 1;
    if (rc == 1) {
        *ret_week = col_i64(q);
        struct str key = col_blob(q);
        memcpy(ret_key, key.p, key.n < IDEMPOTENCY_KEY_BYTES ? key.n : IDEMPOTENCY_KEY_BYTES);
    }
    db_reset(q);
    return 0;
}

int idempotency_forget(struct store *s, int bucket, int64_t now, struct err *e)
{
    struct db_stmt *q;
    uint8_t key[IDEMPOTENCY_KEY_BYTES] = {0};
    int64_t week = week_of(now) - 1;
    bool more = false;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = forget_bound(s, bucket, week, &more, &week, key, e);
    if (rc == 0)
        rc = db_prepare(s, more ? &idempotency_drop_upto : &idempotency_drop, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, week);
    if (more)
        db_blob(q, key, sizeof key);
    return write_end(s, db_exec(q, NULL, e));
}
