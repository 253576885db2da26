/* SPDX-License-Identifier: Apache-2.0
 * census.c - how many messages wait, and for what; see census.h for the bound every count has.
 *
 * The outbox is counted along its key, never touching the bodies; what a rule holds and what is in doubt have partial
 * indexes of their own, which are empty while nothing is. */
#include "store/census.h"
#include "store/db.h"
#include "store/outbox.h"

#define SENDERS_MAX 100000

STATEMENT(census_lines, "SELECT sender, SUM(CASE WHEN due <= $1 THEN 1 ELSE 0 END), "
                        "SUM(CASE WHEN due > $1 AND due < $2 THEN 1 ELSE 0 END), "
                        "SUM(CASE WHEN due = $2 THEN 1 ELSE 0 END) FROM "
                        "(SELECT sender, due FROM outbox WHERE bucket = $3 ORDER BY sender, class, campaign, due, id "
                        "LIMIT $4) r GROUP BY sender ORDER BY sender LIMIT $5");
STATEMENT(census_holds, "SELECT COUNT(*) FROM (SELECT due FROM outbox WHERE bucket = $1 AND ruleset <> 0 AND due > $2 "
                        "AND due < $3 LIMIT $4) r");
STATEMENT(census_holds_of, "SELECT sender, COUNT(*) FROM (SELECT sender FROM outbox WHERE bucket = $1 AND ruleset <> 0 "
                           "AND due > $2 AND due < $3 LIMIT $4) r GROUP BY sender ORDER BY sender LIMIT $5");
/* Whenever they are due: saying so lets the planner see the index of doubts. */
STATEMENT(census_doubts,
          "SELECT COUNT(*) FROM (SELECT due FROM msg WHERE bucket = $1 AND state = 5 AND due <= $2 LIMIT $3) r");

static int read_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct census_row *r = row;
    (void)a, (void)e;
    r->sender = col_i64(q);
    r->due = col_i64(q);
    r->later = col_i64(q);
    r->parked = col_i64(q);
    return 0;
}

int census_outbox(struct store *s, int bucket, int64_t now, int64_t most, struct arena *a, struct census_row **ret,
                  size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &census_lines, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, now);
    db_i64(q, OUTBOX_PARKED);
    db_i64(q, bucket);
    db_i64(q, most);
    db_i64(q, SENDERS_MAX);
    return db_rows(q, a, SENDERS_MAX, sizeof **ret, read_row, ret, ret_n, e);
}

static int one_count(struct db_stmt *q, int64_t *ret, struct err *e)
{
    int rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

int census_held(struct store *s, int bucket, int64_t now, int64_t most, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &census_holds, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, now);
    db_i64(q, OUTBOX_PARKED);
    db_i64(q, most);
    return one_count(q, ret, e);
}

static int read_held(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct census_row *r = row;
    (void)a, (void)e;
    *r = (struct census_row){.sender = col_i64(q)};
    r->later = col_i64(q);
    return 0;
}

int census_held_of(struct store *s, int bucket, int64_t now, int64_t most, struct arena *a, struct census_row **ret,
                   size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &census_holds_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, now);
    db_i64(q, OUTBOX_PARKED);
    db_i64(q, most);
    db_i64(q, SENDERS_MAX);
    return db_rows(q, a, SENDERS_MAX, sizeof **ret, read_held, ret, ret_n, e);
}

int census_in_doubt(struct store *s, int bucket, int64_t most, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &census_doubts, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, INT64_MAX);
    db_i64(q, most);
    return one_count(q, ret, e);
}
