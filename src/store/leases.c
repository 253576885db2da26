/* SPDX-License-Identifier: Apache-2.0
 * leases.c - who may send for which number, and the epoch that proves it.
 *
 * An incarnation of the program takes all its numbers under one epoch, higher than every epoch before it, so that
 * "an earlier epoch" means the same for every row whoever wrote it. Taking what one already holds keeps the epoch.
 * No clock decides anything here: `taken_at` is for people to read. */
#include "store/db.h"
#include "store/leases.h"

STATEMENT(lease_get, "SELECT owner, epoch FROM sender_lease WHERE sender = $1");
STATEMENT(lease_epochs, "SELECT COALESCE(MAX(epoch), 0), COALESCE(MAX(CASE WHEN owner = $1 THEN epoch ELSE 0 END), 0) "
                        "FROM sender_lease LIMIT 1");
STATEMENT(lease_put, "INSERT INTO sender_lease (sender, owner, epoch, beat, taken_at) VALUES ($1, $2, $3, 1, $4) "
                     "ON CONFLICT (sender) DO UPDATE SET owner = excluded.owner, epoch = excluded.epoch, "
                     "beat = sender_lease.beat + 1, taken_at = excluded.taken_at");

/* The epoch `owner` may send under for a number that was last held by somebody else at `held`. */
static int next_epoch(struct store *s, int64_t owner, int64_t held, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &lease_epochs, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, owner);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    int64_t highest = rc == 1 ? col_i64(q) : 0;
    int64_t own = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    *ret = own > held ? own : highest + 1;
    return 0;
}

int lease_take(struct store *s, int64_t sender, int64_t owner, int64_t now, int64_t *ret_epoch, struct err *e)
{
    struct db_stmt *q;
    int64_t held_by = 0, epoch = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &lease_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, sender);
    rc = db_step(q, e);
    if (rc < 0)
        return write_end(s, rc);
    bool known = rc == 1;
    if (known) {
        held_by = col_i64(q);
        epoch = col_i64(q);
    }
    db_reset(q);
    rc = known && held_by == owner ? 0 : next_epoch(s, owner, epoch, &epoch, e);
    if (rc == 0)
        rc = db_prepare(s, &lease_put, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, sender);
    db_i64(q, owner);
    db_i64(q, epoch);
    db_i64(q, now);
    rc = db_exec(q, NULL, e);
    if (rc == 0)
        *ret_epoch = epoch;
    return write_end(s, rc);
}
