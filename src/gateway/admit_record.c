/* SPDX-License-Identifier: Apache-2.0
 * admit_record.c - what becomes of a new message: refused, attempted at once, or taken into the outbox.
 *
 * Who waits for the outcome gets one attempt, opened in this very transaction, or the refusal. What is taken into the outbox is ours
 * from then on: the message waits, its row has everything that sending takes and, if a rule holds it, what was decided;
 * nothing is counted for it and no decision is logged, because the one that counts is made in its turn.
 *
 * A message of a campaign is written together with the move of the campaign's cursor past its recipient, whatever was decided; so it is
 * written once however often it is handed in, and by nobody but whoever runs the campaign. */
#include "core/callback.h"
#include "gateway/admit_impl.h"
#include "store/campaigns.h"

#define NO_BATCH "a batch of sends does not fit its arena"

int decision_pack_row(const struct batch *b, const struct send *s, int bucket, int64_t id, struct decision_row *ret,
                      struct err *e)
{
    uint8_t facts[FACTS_PACKED_MAX], findings[DECISION_PACKED_MAX];
    size_t n_facts = facts_pack(&s->facts, facts), n_findings = decision_pack(&s->decision, findings);
    char *kept = arena_alloc(b->a, n_facts + n_findings);
    if (kept == NULL)
        return err_set(e, WL_ENOMEM, NO_BATCH);
    memcpy(kept, facts, n_facts);
    memcpy(kept + n_facts, findings, n_findings);
    *ret = (struct decision_row){.bucket = bucket,
                                 .id = id,
                                 .ts = b->now,
                                 .ruleset = s->book->number,
                                 .verdict = (int)s->decision.verdict,
                                 .until = s->decision.until,
                                 .facts = {kept, n_facts},
                                 .findings = {kept + n_facts, n_findings}};
    return 0;
}

static int64_t latest(int64_t a, int64_t b, int64_t c)
{
    int64_t most = a > b ? a : b;
    return most > c ? most : c;
}

/* Its caller waits for one attempt, which begins with its row, or for the refusal; or it waits in the outbox. */
static void begin_life(const struct batch *b, const struct send *send, enum life_state state, struct message *m)
{
    const struct finding *main = decision_main(&send->decision);
    struct life_effects fx;
    life_init(&m->life, send_category(send), b->now, 0);
    m->life.once = send->mode == SEND_NOW && state != LIFE_WAITING;
    if (state == LIFE_SENDING) {
        life_step(&m->life, &(struct life_event){.kind = STEP_BEGIN}, b->now, &fx);
        m->valid_until = send->ttl > 0 ? b->now + send->ttl : 0;
    } else if (state == LIFE_WAITING) {
        m->life.at = latest(b->now, send->not_before, send->decision.until);
    } else {
        m->life.state = LIFE_REFUSED;
        m->life.code = main != NULL ? rule_code(main->rule) : 0;
    }
    m->life.expires = send->expires;
}

static int put_row(struct store *s, const struct send *send, const struct decision_row *d, struct err *e)
{
    struct outbox_row row = {.path = send->intent->path,
                             .flags = send->our_id ? OUTBOX_OUR_ID : 0,
                             .expected = (int)send->expected,
                             .body = send->body};
    if (send->decision.verdict == VERDICT_HOLD) {
        row.ruleset = d->ruleset;
        row.until = d->until;
        row.facts = d->facts;
        row.findings = d->findings;
    }
    life_row(&send->message, &row.key);
    return outbox_put(s, &row, 1, e);
}

/* A client's own callback data that finds no room beside our mark. */
static int keep_aside(struct store *s, const struct send *send, struct err *e)
{
    struct str own = send->intent->opaque;
    if (own.p == NULL || callback_fits(own))
        return 0;
    return callback_data_put(s, send->message.bucket, send->message.id, own, e);
}

static enum life_state fate(const struct send *s)
{
    enum verdict v = s->decision.verdict;
    if (v != VERDICT_DENY &&
        (s->mode == SEND_ACCEPT || (v == VERDICT_HOLD && s->or_queue && s->body.n <= OUTBOX_BODY_MAX)))
        return LIFE_WAITING;
    return v == VERDICT_ALLOW ? LIFE_SENDING : LIFE_REFUSED;
}

/* The campaign's cursor moves past its recipient. False: it is not there, or not the caller's any more, and the send is over: nothing may
 * be written of it, while others of the batch go on. */
static int move_cursor(struct store *s, struct send *send, const struct message *m, bool *ret_moved, struct err *e)
{
    const struct campaign_cursor at = {.bucket = m->bucket, .campaign = send->campaign, .epoch = send->campaign_epoch};
    struct err why = {0};
    int rc = send->campaign != 0 ? campaign_cursor_move(s, &at, send->place, m->id, &why) : 0;
    *ret_moved = rc == 0;
    if (rc == WL_ECONFLICT)
        writer_refuse(&send->job, &why);
    return rc == 0 || rc == WL_ECONFLICT ? 0 : err_set(e, rc, "%s", why.text);
}

/* send->message.id 0: nothing was written. */
static int write_new(struct batch *b, struct store *s, size_t i, enum life_state state, struct err *e)
{
    struct send *send = b->send[i];
    const struct person *p = b->about[i].person != NULL ? &b->about[i].person->p : NULL;
    struct message *m = &b->message[b->n_rows];
    struct decision_row *d = &b->row[b->n_rows];
    *m = (struct message){.bucket = bucket_of(b, s, i),
                          .id = store_id(s, b->now),
                          .contact = p != NULL ? p->id : 0,
                          .sender = send->sender,
                          .campaign = send->campaign,
                          .place = send->place,
                          .stratum = send->stratum,
                          .epoch = send->epoch,
                          .ts = b->now,
                          .kind = send->intent->kind};
    memcpy(m->type, send->intent->type, sizeof m->type);
    bool moved = true;
    send->message.id = 0;
    int rc = move_cursor(s, send, m, &moved, e);
    if (rc != 0 || !moved)
        return rc;
    begin_life(b, send, state, m);
    rc = decision_pack_row(b, send, m->bucket, m->id, d, e);
    if (rc != 0)
        return rc;
    send->message = *m;
    if (state == LIFE_WAITING)
        rc = put_row(s, send, d, e);
    if (state == LIFE_WAITING)
        *d = (struct decision_row){.id = 0};
    b->n_rows++;
    return rc;
}

int record_new(struct batch *b, struct store *s, size_t i, struct err *e)
{
    struct send *send = b->send[i];
    enum life_state state = fate(send);
    int rc = state == LIFE_SENDING ? right_to_send(b, s, send->sender, &send->epoch, e) : 0;
    if (rc == 0 && state == LIFE_SENDING && send->epoch == 0) {
        right_refuse(send);
        return 0;
    }
    if (rc == 0)
        rc = write_new(b, s, i, state, e);
    if (rc == 0 && send->message.id == 0)
        return 0;
    if (rc == 0 && send->override != NULL)
        rc = rules_override_log(s, send->book, send, b->now, e);
    if (rc != 0 || state == LIFE_REFUSED)
        return rc;
    rc = key_keep(b, s, send, e);
    if (rc == 0)
        rc = keep_aside(s, send, e);
    if (rc != 0 || state != LIFE_SENDING)
        return rc;
    send->leaves = true;
    pace_leave(b, send);
    batch_effects(b, send, &b->about[i]);
    return 0;
}
