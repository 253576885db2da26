/* SPDX-License-Identifier: Apache-2.0
 * campaigns_leaves.c - finds approvals by their entry in the log, and gives them one in a log that begins anew.
 *
 * The record was written with the approval and is kept word for word, so that an entry of a new log commits to the same text. */
#include "store/campaigns_leaves.h"

#include "store/db.h"
#include "store/ledger.h"

#define CHUNK       64
#define CHUNK_BYTES (8u << 20)

STATEMENT(campaign_leaves_from,
          "SELECT id, campaign, at, act, actor, detail, record, leaf, n FROM campaign_event WHERE "
          "leaf >= 0 AND leaf >= $1 ORDER BY leaf LIMIT $2");
STATEMENT(campaign_events_unplaced, "SELECT id, campaign, at, act, actor, detail, record, leaf, n FROM campaign_event "
                                    "WHERE leaf = -1 AND record <> '' ORDER BY id LIMIT $1");
STATEMENT(campaign_events_waiting,
          "SELECT COUNT(*) FROM (SELECT id FROM campaign_event WHERE leaf = -1 AND record <> '' "
          "LIMIT $1) few LIMIT 1");
STATEMENT(campaign_event_place, "UPDATE campaign_event SET leaf = $1, n = $2 WHERE id = $3");
STATEMENT(campaign_leaves_drop, "UPDATE campaign_event SET leaf = $1 WHERE leaf >= 0");

static int read_event(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct campaign_event_row *ev = row;
    *ev = (struct campaign_event_row){.id = col_i64(q)};
    ev->campaign = col_i64(q);
    ev->at = col_i64(q);
    ev->act = col_int(q);
    int rc = col_copy(q, a, &ev->actor, e);
    if (rc == 0)
        rc = col_copy(q, a, &ev->detail, e);
    if (rc == 0)
        rc = col_copy(q, a, &ev->record, e);
    if (rc == 0) {
        ev->leaf = col_i64(q);
        ev->n = col_i64(q);
    }
    return rc;
}

int campaign_events_by_leaf(struct store *s, int64_t leaf, size_t max, struct arena *a, struct campaign_event_row **ret,
                            size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_leaves_from, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, leaf);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_event, ret, ret_n, e);
}

static int place(struct store *s, const struct campaign_event_row *ev, int64_t at, struct err *e)
{
    const struct leaf l = {.kind = LEAF_CAMPAIGN, .at = at};
    struct db_stmt *q;
    int64_t leaf = 0, n = 0;
    int rc = log_append(s, 0, 0, &l, ev->record, &leaf, &n, e);
    if (rc == 0)
        rc = db_prepare(s, &campaign_event_place, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, leaf);
    db_i64(q, n);
    db_i64(q, ev->id);
    return db_exec(q, NULL, e);
}

static int adopt_some(struct store *s, struct arena *a, size_t max, int64_t at, size_t *ret_n, struct err *e)
{
    struct campaign_event_row *v = NULL;
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &campaign_events_unplaced, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof *v, read_event, &v, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = place(s, &v[i], at, e);
    *ret_n = n;
    return rc;
}

int campaign_events_adopt(struct store *s, size_t max, int64_t at, struct err *e)
{
    struct arena *a = arena_create(CHUNK_BYTES);
    size_t n = 1;
    int rc = a != NULL ? 0 : err_set(e, WL_ENOMEM, "out of memory");
    for (; rc == 0 && n > 0 && max > 0; max -= n) {
        arena_reset(a);
        rc = adopt_some(s, a, max < CHUNK ? max : CHUNK, at, &n, e);
    }
    arena_free(a);
    return rc;
}

int campaign_events_left(struct store *s, int64_t max, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_events_waiting, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, max);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

int campaign_events_unplace(struct store *s, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_leaves_drop, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, -1);
    return db_exec(q, NULL, e);
}
