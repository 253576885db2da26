/* SPDX-License-Identifier: Apache-2.0
 * campaigns_people.c - the recipients of campaigns, and the cursor that goes along them.
 *
 * The cursor and its recipient are written by one transaction with the message (docs/decisions/0005-store.md), and the statement that moves
 * it asks for everything at once: it stands at this place, under this epoch, this recipient has no message, and is still somebody where they get one now. So a verb that comes late, twice
 * or from an earlier life of the runner changes nothing and says so, and the transaction it is in may go on with others.
 *
 * A recipient whose contact is 0 is nobody any more: they were erased, or turned out to be the same person as another recipient. Their
 * place stays, because cursors and reports count places.
 *
 * Rows are written recipients first: rows the other way round without a recipient would be found by nobody who clears them. */
#include "store/campaigns.h"

#include <string.h>

#include "store/messages_rows.h"

#define CLEAR_MOST 4096

STATEMENT(
    recipient_add,
    "INSERT INTO campaign_recipient (bucket, campaign, place, contact, sender, stratum, variant, skip, told, msg, "
    "language, rule, params) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
STATEMENT(contact_campaign_add, "INSERT INTO contact_campaign (bucket, contact, campaign, place) VALUES ($1, $2, $3, "
                                "$4) ON CONFLICT (bucket, contact, campaign) DO NOTHING");
STATEMENT(recipients_from,
          "SELECT place, contact, sender, stratum, variant, skip, told, msg, language, rule, params FROM "
          "campaign_recipient WHERE bucket = $1 AND campaign = $2 AND place >= $3 ORDER BY place LIMIT $4");
STATEMENT(recipient_one,
          "SELECT place, contact, sender, stratum, variant, skip, told, msg, language, rule, params FROM "
          "campaign_recipient WHERE bucket = $1 AND campaign = $2 AND place = $3");
STATEMENT(recipient_fates,
          "SELECT r.place, r.contact, r.sender, r.stratum, r.variant, r.skip, r.told, r.msg, r.language, r.rule, "
          "r.params, m.id, m.contact, m.sender, m.campaign, m.state, m.attempt, m.epoch, m.ts, m.kind, m.category, "
          "m.seen, m.code, m.ts_outcome, m.type, m.wamid, m.ver, m.life, m.due, m.begun_at, m.expires, m.decision, "
          "m.valid_until, m.place, m.stratum FROM campaign_recipient r LEFT JOIN msg m ON m.bucket = r.bucket AND "
          "m.id = r.msg WHERE r.bucket = $1 AND r.campaign = $2 AND r.place >= $3 ORDER BY r.place LIMIT $4");
STATEMENT(recipient_states,
          "SELECT r.place, CASE WHEN m.state IS NULL THEN 0 ELSE m.state END FROM campaign_recipient r LEFT JOIN msg m "
          "ON m.bucket = r.bucket AND m.id = r.msg WHERE r.bucket = $1 AND r.campaign = $2 AND r.place >= $3 AND "
          "r.place < $4 ORDER BY r.place LIMIT $5");
STATEMENT(recipients_of_contact, "SELECT campaign, place FROM contact_campaign WHERE bucket = $1 AND contact = $2 "
                                 "ORDER BY campaign DESC LIMIT $3");
STATEMENT(recipients_to_clear, "SELECT place, contact FROM campaign_recipient WHERE bucket = $1 AND campaign = $2 "
                               "ORDER BY place LIMIT $3");
STATEMENT(contact_campaign_drop, "DELETE FROM contact_campaign WHERE bucket = $1 AND contact = $2 AND campaign = $3");
STATEMENT(recipients_drop, "DELETE FROM campaign_recipient WHERE bucket = $1 AND campaign = $2 AND place <= $3");
STATEMENT(recipient_said, "SELECT told FROM campaign_recipient WHERE bucket = $1 AND campaign = $2 AND place = $3");
STATEMENT(recipient_tell, "UPDATE campaign_recipient SET told = $1 WHERE bucket = $2 AND campaign = $3 AND place = $4");
STATEMENT(recipient_has, "UPDATE campaign_recipient SET msg = $1 WHERE bucket = $2 AND campaign = $3 AND place = $4");

STATEMENT(cursor_one, "SELECT cur, epoch FROM campaign_cursor WHERE bucket = $1 AND campaign = $2");
STATEMENT(cursor_take, "INSERT INTO campaign_cursor (bucket, campaign, cur, epoch) VALUES ($1, $2, 1, $3) "
                       "ON CONFLICT (bucket, campaign) DO UPDATE SET epoch = excluded.epoch");
STATEMENT(cursor_move,
          "UPDATE campaign_cursor SET cur = cur + 1 WHERE bucket = $1 AND campaign = $2 AND cur = $3 AND epoch = $4 "
          "AND EXISTS (SELECT 1 FROM campaign_recipient r WHERE r.bucket = $1 AND r.campaign = $2 AND r.place = $3 "
          "AND r.msg = 0 AND (r.contact <> 0 OR CAST($5 AS BIGINT) = 0) LIMIT 1)");

/* A statement about one campaign of a bucket, the rest to be bound by the caller. */
static int about(struct store *s, const struct statement *st, int bucket, int64_t campaign, struct db_stmt **ret,
                 struct err *e)
{
    int rc = db_prepare(s, st, ret, e);
    if (rc != 0)
        return rc;
    db_i64(*ret, bucket);
    db_i64(*ret, campaign);
    return 0;
}

/* --- writing them ---------------------------------------------------------------------------------------------------- */

static int add(struct store *s, const struct campaign_recipient *r, struct err *e)
{
    struct db_stmt *q;
    int rc = about(s, &recipient_add, r->bucket, r->campaign, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, r->place);
    db_i64(q, r->contact);
    db_i64(q, r->sender);
    db_i64(q, r->stratum);
    db_i64(q, r->variant);
    db_i64(q, r->skip);
    db_i64(q, r->told);
    db_i64(q, r->msg);
    db_text(q, r->language);
    db_text(q, r->rule);
    db_blob(q, r->params.p, r->params.n);
    return db_exec(q, NULL, e);
}

int recipients_put(struct store *s, const struct campaign_recipient *r, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add(s, &r[i], e);
    return write_end(s, rc);
}

int recipients_index(struct store *s, int bucket, int64_t campaign, const int64_t (*contact_place)[2], size_t n,
                     struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = db_prepare(s, &contact_campaign_add, &q, e);
        if (rc != 0)
            break;
        db_i64(q, bucket);
        db_i64(q, contact_place[i][0]);
        db_i64(q, campaign);
        db_i64(q, contact_place[i][1]);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

/* --- taking them away ------------------------------------------------------------------------------------------------ */

struct place_of {
    int64_t place, contact;
};

static int read_place(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct place_of *p = row;
    (void)a, (void)e;
    p->place = col_i64(q);
    p->contact = col_i64(q);
    return 0;
}

static int drop_index(struct store *s, int bucket, int64_t contact, int64_t campaign, struct err *e)
{
    struct db_stmt *q;
    int rc = about(s, &contact_campaign_drop, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, campaign);
    return db_exec(q, NULL, e);
}

static int clear_some(struct store *s, int bucket, int64_t campaign, size_t max, size_t *ret_n, struct err *e)
{
    struct arena *a = arena_create(CLEAR_MOST * sizeof(struct place_of) * 4);
    struct place_of *p = NULL;
    struct db_stmt *q;
    size_t n = 0;
    int rc = a != NULL ? about(s, &recipients_to_clear, bucket, campaign, &q, e)
                       : err_set(e, WL_ENOMEM, "no memory to take recipients away");
    if (rc == 0) {
        db_i64(q, (int64_t)max);
        rc = db_rows(q, a, max, sizeof *p, read_place, &p, &n, e);
    }
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = p[i].contact != 0 ? drop_index(s, bucket, p[i].contact, campaign, e) : 0;
    if (rc == 0 && n > 0)
        rc = about(s, &recipients_drop, bucket, campaign, &q, e);
    if (rc == 0 && n > 0) {
        db_i64(q, p[n - 1].place);
        rc = db_exec(q, NULL, e);
    }
    arena_free(a);
    *ret_n = n;
    return rc;
}

int recipients_clear(struct store *s, int64_t campaign, size_t max, bool *ret_left, struct err *e)
{
    size_t left = max < CLEAR_MOST ? max : CLEAR_MOST;
    int rc = write_start(s, e);
    for (int bucket = 0; bucket < s->spread && rc == 0; bucket++) {
        struct campaign_cursor c = {.bucket = bucket, .campaign = campaign};
        rc = campaign_cursor_get(s, &c, e);
        if (rc == 0 && c.cur > 1)
            return err_set(e, WL_ECONFLICT, "the campaign has begun: its recipients stay as they are");
    }
    if (rc != 0)
        return write_end(s, rc);
    for (int bucket = 0; bucket < s->spread && rc == 0 && left > 0; bucket++) {
        size_t n = 0;
        rc = clear_some(s, bucket, campaign, left, &n, e);
        left -= n;
    }
    if (rc == 0)
        *ret_left = left == 0;
    return write_end(s, rc);
}

/* --- reading them ---------------------------------------------------------------------------------------------------- */

static int read_recipient(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct campaign_recipient *r = row;
    *r = (struct campaign_recipient){.place = col_i64(q)};
    r->contact = col_i64(q);
    r->sender = col_i64(q);
    r->stratum = col_int(q);
    r->variant = col_int(q);
    r->skip = col_int(q);
    r->told = col_int(q);
    r->msg = col_i64(q);
    int rc = col_copy(q, a, &r->language, e);
    if (rc == 0)
        rc = col_copy(q, a, &r->rule, e);
    return rc == 0 ? col_copy_blob(q, a, &r->params, e) : rc;
}

int recipients_read(struct store *s, int bucket, int64_t campaign, int64_t place, struct arena *a, size_t max,
                    struct campaign_recipient **ret, size_t *ret_n, struct err *e)
{
    struct campaign_recipient *rows = NULL;
    struct db_stmt *q;
    size_t n = 0;
    int rc = about(s, &recipients_from, bucket, campaign, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, place);
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof *rows, read_recipient, &rows, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        rows[i].bucket = bucket;
        rows[i].campaign = campaign;
    }
    *ret = rows;
    *ret_n = n;
    return 0;
}

int recipient_get(struct store *s, int bucket, int64_t campaign, int64_t place, struct arena *a,
                  struct campaign_recipient *ret, struct err *e)
{
    struct campaign_recipient r;
    struct db_stmt *q;
    int rc = about(s, &recipient_one, bucket, campaign, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, place);
    rc = db_step(q, e);
    if (rc >= 0)
        rc = rc == 1 ? read_recipient(q, a, &r, e) : err_set(e, WL_ENOTFOUND, "the campaign has no such recipient");
    db_reset(q);
    if (rc != 0)
        return rc;
    r.bucket = bucket;
    r.campaign = campaign;
    *ret = r;
    return 0;
}

static int read_place_of(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct campaign_recipient *r = row;
    (void)a, (void)e;
    *r = (struct campaign_recipient){.campaign = col_i64(q)};
    r->place = col_i64(q);
    return 0;
}

int recipients_of(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max,
                  struct campaign_recipient **ret, size_t *ret_n, struct err *e)
{
    struct campaign_recipient *rows = NULL;
    struct db_stmt *q;
    size_t n = 0;
    int rc = about(s, &recipients_of_contact, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof *rows, read_place_of, &rows, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        rows[i].bucket = bucket;
        rows[i].contact = contact;
    }
    *ret = rows;
    *ret_n = n;
    return 0;
}

static int read_fate(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct recipient_fate *f = row;
    int rc = read_recipient(q, a, &f->r, e);
    return rc == 0 ? message_read(q, a, &f->m, e) : rc;
}

int recipients_fates(struct store *s, int bucket, int64_t campaign, int64_t place, struct arena *a, size_t max,
                     struct recipient_fate **ret, size_t *ret_n, struct err *e)
{
    struct recipient_fate *rows = NULL;
    struct db_stmt *q;
    size_t n = 0;
    int rc = about(s, &recipient_fates, bucket, campaign, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, place);
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof *rows, read_fate, &rows, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        rows[i].r.bucket = rows[i].m.bucket = bucket;
        rows[i].r.campaign = campaign;
    }
    *ret = rows;
    *ret_n = n;
    return 0;
}

/* Messages that are gone from the table were kept for long after their end. */
static bool is_open(int state)
{
    const struct life l = {.state = (uint8_t)state};
    return state != 0 && !life_ended(&l);
}

int recipients_first_open(struct store *s, int bucket, int64_t campaign, int64_t from, size_t max, int64_t *ret_place,
                          struct err *e)
{
    struct campaign_cursor c = {.bucket = bucket, .campaign = campaign};
    struct db_stmt *q;
    size_t seen = 0;
    int rc = campaign_cursor_get(s, &c, e);
    if (rc == 0)
        rc = about(s, &recipient_states, bucket, campaign, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, from);
    db_i64(q, c.cur);
    db_i64(q, (int64_t)max);
    int64_t next = from;
    bool open = false;
    while (!open && seen < max && (rc = db_step(q, e)) == 1) {
        int64_t place = col_i64(q);
        open = is_open(col_int(q));
        next = open ? place : place + 1;
        seen++;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_place = open || seen == max ? next : c.cur;
    return 0;
}

/* --- the cursor ------------------------------------------------------------------------------------------------------ */

int campaign_cursor_get(struct store *s, struct campaign_cursor *c, struct err *e)
{
    struct db_stmt *q;
    int rc = about(s, &cursor_one, c->bucket, c->campaign, &q, e);
    if (rc != 0)
        return rc;
    rc = db_step(q, e);
    if (rc >= 0) {
        c->cur = rc == 1 ? col_i64(q) : 0;
        c->epoch = rc == 1 ? col_i64(q) : 0;
    }
    db_reset(q);
    return rc < 0 ? rc : 0;
}

int campaign_cursor_take(struct store *s, int bucket, int64_t campaign, int64_t epoch, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = about(s, &cursor_take, bucket, campaign, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, epoch);
    return write_end(s, db_exec(q, NULL, e));
}

static int move(struct store *s, const struct campaign_cursor *c, int64_t place, int64_t msg, int64_t *ret_changed,
                struct err *e)
{
    struct db_stmt *q;
    int rc = about(s, &cursor_move, c->bucket, c->campaign, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, place);
    db_i64(q, c->epoch);
    db_i64(q, msg);
    return db_exec(q, ret_changed, e);
}

static int has(struct store *s, const struct campaign_cursor *c, int64_t place, int64_t msg, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &recipient_has, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, msg);
    db_i64(q, c->bucket);
    db_i64(q, c->campaign);
    db_i64(q, place);
    return db_exec(q, NULL, e);
}

int campaign_cursor_move(struct store *s, const struct campaign_cursor *c, int64_t place, int64_t msg, struct err *e)
{
    int64_t changed = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = move(s, c, place, msg, &changed, e);
    if (rc == 0 && changed != 0 && msg != 0)
        rc = has(s, c, place, msg, e);
    rc = write_end(s, rc);
    return rc == 0 && changed == 0
               ? err_set(e, WL_ECONFLICT, "it is not this recipient's turn, or somebody else runs the campaign")
               : rc;
}

/* --- what they did about it ------------------------------------------------------------------------------------------ */

static int tell(struct store *s, int bucket, int64_t campaign, int64_t place, int told, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &recipient_tell, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, told);
    db_i64(q, bucket);
    db_i64(q, campaign);
    db_i64(q, place);
    return db_exec(q, NULL, e);
}

static int told_so_far(struct store *s, int bucket, int64_t campaign, int64_t place, int *ret, bool *ret_there,
                       struct err *e)
{
    struct db_stmt *q;
    int rc = about(s, &recipient_said, bucket, campaign, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, place);
    rc = db_step(q, e);
    if (rc == 1)
        *ret = col_int(q);
    *ret_there = rc == 1;
    db_reset(q);
    return rc < 0 ? rc : 0;
}

int recipient_told(struct store *s, int bucket, int64_t campaign, int64_t place, int bits, int *ret_new, struct err *e)
{
    int before = 0;
    bool there = false;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = told_so_far(s, bucket, campaign, place, &before, &there, e);
    int new = there ? bits & ~before : 0;
    if (rc == 0 && new != 0)
        rc = tell(s, bucket, campaign, place, before | new, e);
    if (rc == 0)
        *ret_new = new;
    return write_end(s, rc);
}
