/* SPDX-License-Identifier: Apache-2.0
 * idempotency.c - callers' keys, a week to a range.
 *
 * A key is written under the week of its moment and looked for in this week and the one before, so it stands for seven
 * days at least; also in the next, because a clock that was set back must not make a key unknown and its message a
 * second one.
 *
 * A message may wait longer than that, and must not be accepted again under its key meanwhile. So the keys of last week are
 * walked along, a step at a time, once in every week at least: those of messages that have not ended are written under
 * this week. What is older than last week is deleted on the way: nobody reads it any more. */
#include "store/idempotency.h"
#include "base/failpoint.h"
#include "store/db.h"

#define WEEK_MS     INT64_C(604800000)
#define FORGET_STEP 500 /* keys whose messages are looked at: the writer's other jobs do not wait long for it */

STATEMENT(idempotency_find, "SELECT msg, fingerprint FROM idempotency WHERE bucket = $1 AND week IN ($2, $3, $4) AND "
                            "key = $5 LIMIT 1"); /* there is one at most */
STATEMENT(idempotency_set, "INSERT INTO idempotency (bucket, week, key, msg, fingerprint) VALUES ($1, $2, $3, $4, $5) "
                           "ON CONFLICT (bucket, week, key) DO UPDATE SET msg = excluded.msg, "
                           "fingerprint = excluded.fingerprint");
STATEMENT(idempotency_unset, "DELETE FROM idempotency WHERE bucket = $1 AND week IN ($2, $3) AND key = $4");
STATEMENT(idempotency_ahead,
          "SELECT week, key FROM idempotency WHERE bucket = $1 AND (week, key) >= ($2, $3) AND week < $4 "
          "ORDER BY week, key LIMIT 1 OFFSET $5");
/* states 2, 5 and 7 are SENDING, AMBIGUOUS and WAITING: it has not ended. What the key stands for by now is not touched. */
STATEMENT(idempotency_carry,
          "INSERT INTO idempotency (bucket, week, key, msg, fingerprint) SELECT o.bucket, CAST($1 AS BIGINT), o.key, "
          "o.msg, o.fingerprint FROM idempotency o WHERE o.bucket = $2 AND (o.week, o.key) >= ($3, $4) AND (o.week, "
          "o.key) < ($5, $6) AND EXISTS (SELECT 1 FROM msg m WHERE m.bucket = o.bucket AND m.id = o.msg AND m.state IN "
          "(2, 5, 7)) AND NOT EXISTS (SELECT 1 FROM idempotency n WHERE n.bucket = o.bucket AND n.week IN ($1, $7) AND "
          "n.key = o.key) ON CONFLICT (bucket, week, key) DO NOTHING");
STATEMENT(
    idempotency_drop,
    "DELETE FROM idempotency WHERE bucket = $1 AND (week, key) >= ($2, $3) AND (week, key) < ($4, $5) AND (week < $6 "
    "OR EXISTS (SELECT 1 FROM idempotency n WHERE n.bucket = idempotency.bucket AND n.week = $7 AND n.key = "
    "idempotency.key))");

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

static bool begins(const struct idempotency_at *at)
{
    static const struct idempotency_at none;
    return memcmp(at, &none, sizeof none) == 0;
}

/* Where the next step's worth of keys ends; zeroed: there are fewer, and they end where this week begins. */
static int step_bound(struct store *s, int bucket, const struct idempotency_at *at, int64_t week,
                      struct idempotency_at *ret, struct err *e)
{
    struct idempotency_at bound;
    struct db_stmt *q;
    memset(&bound, 0, sizeof bound);
    int rc = db_prepare(s, &idempotency_ahead, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, at->week);
    db_blob(q, at->key, sizeof at->key);
    db_i64(q, week);
    db_i64(q, FORGET_STEP);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        bound.week = col_i64(q);
        struct str key = col_blob(q);
        memcpy(bound.key, key.p, key.n < sizeof bound.key ? key.n : sizeof bound.key);
    }
    db_reset(q);
    *ret = bound;
    return 0;
}

static void bind_range(struct db_stmt *q, int bucket, const struct idempotency_at *from,
                       const struct idempotency_at *to)
{
    db_i64(q, bucket);
    db_i64(q, from->week);
    db_blob(q, from->key, sizeof from->key);
    db_i64(q, to->week);
    db_blob(q, to->key, sizeof to->key);
}

int idempotency_forget(struct store *s, int bucket, int64_t now, struct idempotency_at *at, struct err *e)
{
    struct idempotency_at next, to;
    struct db_stmt *q;
    int64_t week = week_of(now);
    int rc = write_start(s, e);
    if (rc == 0)
        rc = step_bound(s, bucket, at, week, &next, e);
    if (rc != 0)
        return write_end(s, rc);
    to = next;
    if (begins(&next))
        to.week = week;
    if ((rc = db_prepare(s, &idempotency_carry, &q, e)) != 0)
        return write_end(s, rc);
    db_i64(q, week);
    bind_range(q, bucket, at, &to);
    db_i64(q, week + 1);
    rc = db_exec(q, NULL, e);
    if (rc == 0)
        rc = db_prepare(s, &idempotency_drop, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    bind_range(q, bucket, at, &to);
    db_i64(q, week - 1);
    db_i64(q, week);
    rc = write_end(s, db_exec(q, NULL, e));
    if (rc == 0)
        *at = next;
    return rc;
}
