/* SPDX-License-Identifier: Apache-2.0
 * campaigns.c - campaigns as rows, what happened to them, and how they ended.
 *
 * A campaign is changed under the version it was read with, so that of two people who press two buttons one is told. Its events are added and
 * never changed; one that somebody has to answer for (an approval) has an entry in the log, under the business's own key, which
 * commits to `record`. */
#include "store/campaigns.h"

#include <string.h>

#include "store/ledger_rows.h"

STATEMENT(campaign_add,
          "INSERT INTO campaign (id, ver, name, state, cause, why, busy, definition, series, occurrence, audience, "
          "people, plan, created_at, created_by, checked_at, approved_at, approved_by, generation, started_at, "
          "ended_at, resume_at, target, target_at, beat_at, due) VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
          "$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)");
STATEMENT(campaign_update,
          "UPDATE campaign SET ver = ver + 1, name = $1, state = $2, cause = $3, why = $4, busy = $5, definition = $6, "
          "series = $7, occurrence = $8, audience = $9, people = $10, plan = $11, created_at = $12, created_by = $13, "
          "checked_at = $14, approved_at = $15, approved_by = $16, generation = $17, started_at = $18, "
          "ended_at = $19, resume_at = $20, target = $21, target_at = $22, beat_at = $23, due = $24 "
          "WHERE id = $25 AND ver = $26");
STATEMENT(campaign_one,
          "SELECT id, ver, name, state, cause, why, busy, definition, series, occurrence, audience, people, plan, "
          "created_at, created_by, checked_at, approved_at, approved_by, generation, started_at, ended_at, resume_at, "
          "target, target_at, beat_at, due FROM campaign WHERE id = $1");
STATEMENT(campaigns_before,
          "SELECT id, ver, name, state, cause, why, busy, definition, series, occurrence, audience, people, plan, "
          "created_at, created_by, checked_at, approved_at, approved_by, generation, started_at, ended_at, resume_at, "
          "target, target_at, beat_at, due FROM campaign WHERE id < $1 AND state IN ($2, $3, $4, $5, $6, $7, $8, $9) "
          "ORDER BY id DESC LIMIT $10");
STATEMENT(campaigns_due,
          "SELECT id, ver, name, state, cause, why, busy, definition, series, occurrence, audience, people, plan, "
          "created_at, created_by, checked_at, approved_at, approved_by, generation, started_at, ended_at, resume_at, "
          "target, target_at, beat_at, due FROM campaign WHERE due <> 0 ORDER BY id LIMIT $1");
STATEMENT(
    campaigns_in_series,
    "SELECT id, ver, name, state, cause, why, busy, definition, series, occurrence, audience, people, plan, "
    "created_at, created_by, checked_at, approved_at, approved_by, generation, started_at, ended_at, resume_at, "
    "target, target_at, beat_at, due FROM campaign WHERE series = $1 AND series <> 0 ORDER BY occurrence LIMIT $2");

STATEMENT(campaign_event_add, "INSERT INTO campaign_event (id, campaign, at, act, actor, detail, record, leaf, n) "
                              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
STATEMENT(campaign_events_of, "SELECT id, campaign, at, act, actor, detail, record, leaf, n FROM campaign_event "
                              "WHERE campaign = $1 ORDER BY id LIMIT $2");

STATEMENT(campaign_events_since, "SELECT id, campaign, act FROM campaign_event WHERE id > $1 ORDER BY id LIMIT $2");
STATEMENT(campaign_events_last, "SELECT id FROM campaign_event ORDER BY id DESC LIMIT 1");

STATEMENT(campaign_outcome_set,
          "INSERT INTO campaign_outcome (campaign, ended_at, country, category, hour, sent, opted_out, undeliverable, "
          "complained, n_60, read_60, n_240, read_240, n_1440, read_1440) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
          "$10, $11, $12, $13, $14, $15) ON CONFLICT (campaign) DO UPDATE SET ended_at = excluded.ended_at, "
          "country = excluded.country, category = excluded.category, hour = excluded.hour, sent = excluded.sent, "
          "opted_out = excluded.opted_out, undeliverable = excluded.undeliverable, complained = excluded.complained, "
          "n_60 = excluded.n_60, read_60 = excluded.read_60, n_240 = excluded.n_240, read_240 = excluded.read_240, "
          "n_1440 = excluded.n_1440, read_1440 = excluded.read_1440");
STATEMENT(campaign_outcomes_newest,
          "SELECT campaign, ended_at, country, category, hour, sent, opted_out, undeliverable, complained, n_60, "
          "read_60, n_240, read_240, n_1440, read_1440 FROM campaign_outcome WHERE ($1 = '' OR country = $1) AND "
          "category = $2 AND hour >= $3 AND hour <= $4 ORDER BY ended_at DESC, campaign DESC LIMIT $5");

/* --- campaigns ------------------------------------------------------------------------------------------------------ */

/* What both statements write, in their order. */
static void bind_row(struct db_stmt *q, const struct campaign_row *c)
{
    static const uint8_t none[1];
    db_text(q, c->name);
    db_i64(q, c->state);
    db_i64(q, c->cause);
    db_text(q, c->why);
    db_i64(q, c->busy);
    db_text(q, c->definition);
    db_i64(q, c->series);
    db_i64(q, c->occurrence);
    db_i64(q, c->audience);
    db_i64(q, c->people);
    db_blob(q, c->planned ? c->plan : none, c->planned ? sizeof c->plan : 0);
    db_i64(q, c->created_at);
    db_text(q, c->created_by);
    db_i64(q, c->checked_at);
    db_i64(q, c->approved_at);
    db_text(q, c->approved_by);
    db_i64(q, c->generation);
    db_i64(q, c->started_at);
    db_i64(q, c->ended_at);
    db_i64(q, c->resume_at);
    db_i64(q, c->target);
    db_i64(q, c->target_at);
    db_i64(q, c->beat_at);
    db_i64(q, c->due);
}

int campaign_insert(struct store *s, struct campaign_row *c, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &campaign_add, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, c->id);
    bind_row(q, c);
    rc = write_end(s, db_exec(q, NULL, e));
    if (rc == 0)
        c->ver = 1;
    return rc;
}

/* A save that finds another version has written nothing: its transaction may go on. */
int campaign_save(struct store *s, struct campaign_row *c, struct err *e)
{
    int64_t changed = 0;
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &campaign_update, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    bind_row(q, c);
    db_i64(q, c->id);
    db_i64(q, c->ver);
    rc = write_end(s, db_exec(q, &changed, e));
    if (rc == 0 && changed == 0)
        return err_set(e, WL_ECONFLICT, "the campaign was changed by somebody else meanwhile");
    c->ver += rc == 0;
    return rc;
}

static int read_texts(struct db_stmt *q, struct arena *a, struct str *const *into, size_t n, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = col_copy(q, a, into[i], e);
    return rc;
}

static int read_campaign(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct campaign_row *c = row;
    *c = (struct campaign_row){.id = col_i64(q)};
    c->ver = col_i64(q);
    int rc = col_copy(q, a, &c->name, e);
    c->state = col_int(q);
    c->cause = col_int(q);
    if (rc == 0)
        rc = col_copy(q, a, &c->why, e);
    c->busy = col_i64(q) != 0;
    if (rc == 0)
        rc = col_copy(q, a, &c->definition, e);
    if (rc != 0)
        return rc;
    c->series = col_i64(q);
    c->occurrence = col_i64(q);
    c->audience = col_i64(q);
    c->people = col_i64(q);
    struct str plan = col_blob(q);
    c->planned = plan.n == sizeof c->plan;
    if (c->planned)
        memcpy(c->plan, plan.p, sizeof c->plan);
    c->created_at = col_i64(q);
    rc = col_copy(q, a, &c->created_by, e);
    c->checked_at = col_i64(q);
    c->approved_at = col_i64(q);
    if (rc == 0)
        rc = col_copy(q, a, &c->approved_by, e);
    c->generation = col_i64(q);
    c->started_at = col_i64(q);
    c->ended_at = col_i64(q);
    c->resume_at = col_i64(q);
    c->target = col_i64(q);
    c->target_at = col_i64(q);
    c->beat_at = col_i64(q);
    c->due = col_i64(q);
    return rc;
}

int campaign_get(struct store *s, int64_t id, struct arena *a, struct campaign_row *ret, struct err *e)
{
    struct campaign_row c;
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_one, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, id);
    rc = db_step(q, e);
    if (rc >= 0)
        rc = rc == 1 ? read_campaign(q, a, &c, e) : err_set(e, WL_ENOTFOUND, "there is no such campaign");
    db_reset(q);
    if (rc == 0)
        *ret = c;
    return rc;
}

int campaigns_list(struct store *s, int64_t before, unsigned states, struct arena *a, size_t max,
                   struct campaign_row **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaigns_before, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, before != 0 ? before : INT64_MAX);
    for (int st = CAMPAIGN_DRAFT; st <= CAMPAIGN_CANCELLED; st++)
        db_i64(q, states == 0 || (states & 1u << st) != 0 ? st : 0);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_campaign, ret, ret_n, e);
}

int campaigns_open(struct store *s, struct arena *a, size_t max, struct campaign_row **ret, size_t *ret_n,
                   struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaigns_due, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_campaign, ret, ret_n, e);
}

int campaigns_of_series(struct store *s, int64_t series, struct arena *a, size_t max, struct campaign_row **ret,
                        size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaigns_in_series, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, series);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_campaign, ret, ret_n, e);
}

/* --- what happened -------------------------------------------------------------------------------------------------- */

int campaign_event_append(struct store *s, struct campaign_event_row *ev, struct err *e)
{
    const struct leaf l = {.kind = LEAF_CAMPAIGN, .at = ev->at};
    struct db_stmt *q;
    int64_t leaf = -1, n = 0;
    int rc = write_start(s, e);
    if (rc == 0 && ev->record.n > 0)
        rc = log_append(s, 0, 0, &l, ev->record, &leaf, &n, e);
    if (rc == 0)
        rc = db_prepare(s, &campaign_event_add, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, ev->id);
    db_i64(q, ev->campaign);
    db_i64(q, ev->at);
    db_i64(q, ev->act);
    db_text(q, ev->actor);
    db_text(q, ev->detail);
    db_text(q, ev->record);
    db_i64(q, leaf);
    db_i64(q, n);
    rc = write_end(s, db_exec(q, NULL, e));
    if (rc == 0) {
        ev->leaf = leaf;
        ev->n = n;
    }
    return rc;
}

static int read_event(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct campaign_event_row *ev = row;
    struct str *const texts[] = {&ev->actor, &ev->detail, &ev->record};
    *ev = (struct campaign_event_row){.id = col_i64(q)};
    ev->campaign = col_i64(q);
    ev->at = col_i64(q);
    ev->act = col_int(q);
    int rc = read_texts(q, a, texts, sizeof texts / sizeof *texts, e);
    if (rc != 0)
        return rc;
    ev->leaf = col_i64(q);
    ev->n = col_i64(q);
    return 0;
}

int campaign_events(struct store *s, int64_t campaign, struct arena *a, size_t max, struct campaign_event_row **ret,
                    size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_events_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, campaign);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_event, ret, ret_n, e);
}

static int read_act(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct campaign_event_row *ev = row;
    (void)a, (void)e;
    *ev = (struct campaign_event_row){.id = col_i64(q)};
    ev->campaign = col_i64(q);
    ev->act = col_int(q);
    return 0;
}

int campaign_events_after(struct store *s, int64_t id, struct arena *a, size_t max, struct campaign_event_row **ret,
                          size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_events_since, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, id);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_act, ret, ret_n, e);
}

int campaign_events_newest(struct store *s, int64_t *ret_id, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_events_last, &q, e);
    if (rc != 0)
        return rc;
    rc = db_step(q, e);
    if (rc >= 0)
        *ret_id = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return rc < 0 ? rc : 0;
}

/* --- how they ended ------------------------------------------------------------------------------------------------- */

int campaign_outcome_put(struct store *s, const struct campaign_outcome *o, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &campaign_outcome_set, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, o->campaign);
    db_i64(q, o->ended_at);
    db_text(q, str_of(o->country));
    db_i64(q, o->category);
    db_i64(q, o->hour);
    db_i64(q, o->o.sent);
    db_i64(q, o->o.opted_out);
    db_i64(q, o->o.undeliverable);
    db_i64(q, o->o.complained);
    for (size_t i = 0; i < sizeof o->o.n / sizeof o->o.n[0]; i++) {
        db_i64(q, o->o.n[i]);
        db_i64(q, o->o.read[i]);
    }
    return write_end(s, db_exec(q, NULL, e));
}

static int read_outcome(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct campaign_outcome *o = row;
    (void)a, (void)e;
    *o = (struct campaign_outcome){.campaign = col_i64(q)};
    o->ended_at = col_i64(q);
    col_chars(q, o->country, sizeof o->country);
    o->category = col_int(q);
    o->hour = col_int(q);
    o->o.sent = col_i64(q);
    o->o.opted_out = col_i64(q);
    o->o.undeliverable = col_i64(q);
    o->o.complained = col_i64(q);
    for (size_t i = 0; i < sizeof o->o.n / sizeof o->o.n[0]; i++) {
        o->o.n[i] = col_i64(q);
        o->o.read[i] = col_i64(q);
    }
    return 0;
}

int campaign_outcomes(struct store *s, struct str country, int category, int block, struct arena *a, size_t max,
                      struct campaign_outcome **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_outcomes_newest, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, country);
    db_i64(q, category);
    db_i64(q, block < 0 ? 0 : 6 * block);
    db_i64(q, block < 0 ? 23 : 6 * block + 5);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_outcome, ret, ret_n, e);
}
