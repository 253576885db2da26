/* SPDX-License-Identifier: Apache-2.0
 * leases.c - who may send for which number, and the epoch that proves it.
 *
 * An incarnation of the program takes all its numbers under one epoch, higher than every epoch before it, so that
 * "an earlier epoch" means the same for every row whoever wrote it. Taking what one already holds keeps the epoch. A row
 * stays when its number is released (owner 0): its epoch is what the next one has to exceed, and its watermark is about
 * the number, not about its owner. No clock decides anything here: `taken_at` is for people to read. A watermark that is later
 * than the moment of a taking comes from a clock that was ahead: it would let every doubt pass, and is forgotten.
 *
 * The fence is read, not locked. Where transactions run beside each other one may pass it just before the number is taken
 * over and commit just after; its bytes do not leave, because the lease's deadline has passed by then, and what it wrote
 * under the old epoch is found as an attempt left behind. */
#include "store/leases.h"
#include "store/db.h"

#define LEASES_MAX 100000

STATEMENT(lease_get, "SELECT owner, epoch FROM sender_lease WHERE sender = $1");
STATEMENT(lease_epochs, "SELECT COALESCE(MAX(epoch), 0), COALESCE(MAX(CASE WHEN owner = $1 THEN epoch ELSE 0 END), 0) "
                        "FROM sender_lease LIMIT 1");
STATEMENT(lease_put, "INSERT INTO sender_lease (sender, owner, epoch, beat, taken_at) VALUES ($1, $2, $3, 1, $4) "
                     "ON CONFLICT (sender) DO UPDATE SET owner = excluded.owner, epoch = excluded.epoch, "
                     "beat = sender_lease.beat + 1, taken_at = excluded.taken_at, wm_ts = CASE WHEN "
                     "sender_lease.wm_ts > excluded.taken_at THEN 0 ELSE sender_lease.wm_ts END");
STATEMENT(lease_take_over, "UPDATE sender_lease SET owner = $1, epoch = $2, beat = beat + 1, taken_at = $3, "
                           "wm_ts = CASE WHEN wm_ts > $3 THEN 0 ELSE wm_ts END WHERE "
                           "sender = $4 AND owner = $5 AND epoch = $6 AND beat = $7");
STATEMENT(lease_beat, "UPDATE sender_lease SET beat = beat + 1 WHERE owner = $1");
STATEMENT(lease_watermark, "UPDATE sender_lease SET wm_ts = $1 WHERE sender = $2 AND owner = $3 AND wm_ts < $1");
STATEMENT(lease_memory, "UPDATE sender_lease SET stop_until = $1, stop_ms = $2, stop_code = $3, pace = $4, shelf = $5, "
                        "hold_ms = $6 WHERE sender = $7 AND owner = $8");
STATEMENT(lease_held, "SELECT epoch FROM sender_lease WHERE sender = $1 AND owner = $2 AND epoch = $3");
STATEMENT(lease_give_up, "UPDATE sender_lease SET owner = 0, beat = beat + 1 WHERE owner = $1");
STATEMENT(lease_all, "SELECT sender, owner, epoch, beat, wm_ts, stop_until, stop_ms, stop_code, pace, shelf, hold_ms "
                     "FROM sender_lease ORDER BY sender LIMIT $1");

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

int lease_challenge(struct store *s, const struct lease *seen, int64_t owner, int64_t now, int64_t *ret_epoch,
                    struct err *e)
{
    struct db_stmt *q;
    int64_t epoch = 0, changed = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = next_epoch(s, owner, seen->epoch, &epoch, e);
    if (rc == 0)
        rc = db_prepare(s, &lease_take_over, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, owner);
    db_i64(q, epoch);
    db_i64(q, now);
    db_i64(q, seen->sender);
    db_i64(q, seen->owner);
    db_i64(q, seen->epoch);
    db_i64(q, seen->beat);
    rc = write_end(s, db_exec(q, &changed, e));
    if (rc == 0 && changed == 0)
        return err_set(e, WL_ECONFLICT, "the number's holder is alive, or another one was faster");
    if (rc == 0)
        *ret_epoch = epoch;
    return rc;
}

/* A statement about every lease of one owner. */
static int all_of(struct store *s, const struct statement *st, int64_t owner, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, owner);
    return db_exec(q, NULL, e);
}

static int raise_watermark(struct store *s, int64_t owner, const struct watermark *w, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &lease_watermark, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, w->at);
    db_i64(q, w->sender);
    db_i64(q, owner);
    return db_exec(q, NULL, e);
}

int leases_renew(struct store *s, int64_t owner, const struct watermark *w, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc == 0)
        rc = all_of(s, &lease_beat, owner, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = raise_watermark(s, owner, &w[i], e);
    return write_end(s, rc);
}

int lease_remember(struct store *s, int64_t sender, int64_t owner, const struct lane_memory *m, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &lease_memory, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, m->until_ms);
    db_i64(q, m->circuit_ms);
    db_i64(q, m->code);
    db_i64(q, m->pace_permille);
    db_i64(q, m->shelf_permille);
    db_i64(q, m->hold_ms);
    db_i64(q, sender);
    db_i64(q, owner);
    return write_end(s, db_exec(q, NULL, e));
}

int lease_fence(struct store *s, int64_t sender, int64_t owner, int64_t epoch, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &lease_held, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, sender);
    db_i64(q, owner);
    db_i64(q, epoch);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    db_reset(q);
    return rc == 1 ? 0 : err_set(e, WL_ECONFLICT, "somebody else sends for this number by now");
}

int leases_release(struct store *s, int64_t owner, struct err *e)
{
    int rc = write_start(s, e);
    if (rc == 0)
        rc = all_of(s, &lease_give_up, owner, e);
    return write_end(s, rc);
}

static int read_lease(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct lease *l = row;
    (void)a, (void)e;
    l->sender = col_i64(q);
    l->owner = col_i64(q);
    l->epoch = col_i64(q);
    l->beat = col_i64(q);
    l->watermark = col_i64(q);
    l->memory.until_ms = col_i64(q);
    l->memory.circuit_ms = col_i64(q);
    l->memory.code = col_i64(q);
    l->memory.pace_permille = col_i64(q);
    l->memory.shelf_permille = col_i64(q);
    l->memory.hold_ms = col_i64(q);
    return 0;
}

int leases_list(struct store *s, struct arena *a, struct lease **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &lease_all, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, LEASES_MAX);
    return db_rows(q, a, LEASES_MAX, sizeof **ret, read_lease, ret, ret_n, e);
}
