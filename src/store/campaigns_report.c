/* SPDX-License-Identifier: Apache-2.0
 * campaigns_report.c - reads all recipients of a campaign along their places, without keeping any of them.
 *
 * A million rows are looked at for one report, so nothing is copied: the caller counts as they pass. Messages were made in the order of
 * places and their ids rise with it, so the look-up of each is beside the last one's. */
#include "store/campaigns_report.h"

#include "store/db.h"

STATEMENT(recipients_pass,
          "SELECT r.place, r.contact, r.sender, r.stratum, r.variant, r.skip, r.told, r.msg, r.language, r.rule, m.id, "
          "m.sender, m.state, m.attempt, m.ts, m.category, m.seen, m.code, m.ts_outcome, m.life, m.due, m.begun_at, "
          "m.expires, m.decision, m.valid_until FROM campaign_recipient r LEFT JOIN msg m ON m.bucket = r.bucket AND "
          "m.id = r.msg WHERE r.bucket = $1 AND r.campaign = $2 AND r.place >= $3 ORDER BY r.place LIMIT $4");

static void read_recipient(struct db_stmt *q, struct campaign_recipient *r)
{
    r->place = col_i64(q);
    r->contact = col_i64(q);
    r->sender = col_i64(q);
    r->stratum = col_int(q);
    r->variant = col_int(q);
    r->skip = col_int(q);
    r->told = col_int(q);
    r->msg = col_i64(q);
    r->language = col_text(q);
    r->rule = col_text(q);
}

static void read_message(struct db_stmt *q, struct message *m)
{
    m->id = col_i64(q);
    m->sender = col_i64(q);
    m->life.state = (uint8_t)col_int(q);
    m->life.attempts = (uint8_t)col_int(q);
    m->ts = col_i64(q);
    m->life.category = (uint8_t)col_int(q);
    m->seen = (uint32_t)col_i64(q);
    m->life.code = col_int(q);
    m->changed_at = col_i64(q);
    life_set_bits(&m->life, col_i64(q));
    m->life.at = col_i64(q);
    m->life.begun_at = col_i64(q);
    m->life.expires = col_i64(q);
    m->decision = col_i64(q);
    m->valid_until = col_i64(q);
}

int recipients_each(struct store *s, int bucket, int64_t campaign,
                    int (*each)(void *ctx, const struct recipient_fate *f, struct err *e), void *ctx, struct err *e)
{
    struct recipient_fate f;
    struct db_stmt *q;
    int rc = db_prepare(s, &recipients_pass, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, campaign);
    db_i64(q, 0);
    db_i64(q, CAMPAIGN_PEOPLE_MAX);
    int got = 0;
    while (rc == 0 && (got = db_step(q, e)) == 1) {
        f.r = (struct campaign_recipient){.bucket = bucket, .campaign = campaign};
        f.m = (struct message){.bucket = bucket, .campaign = campaign};
        read_recipient(q, &f.r);
        read_message(q, &f.m);
        f.m.contact = f.r.contact;
        f.m.place = f.r.place;
        f.m.stratum = f.r.stratum;
        rc = each(ctx, &f, e);
    }
    db_reset(q);
    return rc != 0 ? rc : got;
}
