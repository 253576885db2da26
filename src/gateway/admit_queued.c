/* SPDX-License-Identifier: Apache-2.0
 * admit_queued.c - a message of the outbox that has its turn, judged again with what is known now.
 *
 * The row is read again in this transaction: what was read ahead may be old by now. One that is being sent already, was
 * taken back or was put off meanwhile is left as it is. It leaves as the category its template has now: that one was judged
 * and counted, and says what a doubt about it is worth. The decision gets an id of its own; the message points to the one
 * that let it go. A hold moves the row to when it ends and says there what holds it; nobody is told, so nothing is logged.
 * In every case decided() shows the message as it is then, and a turn that was not used goes back. One that is only looked at
 * because its person refused something or its campaign goes on (recheck.h) is judged before its time, and ends, stays or is due sooner. */
#include "gateway/admit_impl.h"

#define AT_LEAST_MS 1000 /* a hold that is over already is looked at again after this */

static int hear(const struct batch *b, struct store *s, struct send *send, const struct life_news *news, struct err *e)
{
    int rc = life_hear(s, &send->message, news, b->now, &send->after, e);
    life_row(&send->message, &send->row);
    return rc;
}

static int hold(const struct batch *b, struct store *s, struct send *send, struct err *e)
{
    struct decision_row d;
    int64_t until = send->decision.until;
    int rc = decision_pack_row(b, send, send->message.bucket, 0, &d, e);
    if (rc != 0)
        return rc;
    struct outbox_row held = {.ruleset = d.ruleset, .until = d.until, .facts = d.facts, .findings = d.findings};
    struct life_news news = {.event = {.kind = STEP_PUT_OFF, .at = until > b->now ? until : b->now + AT_LEAST_MS},
                             .held = &held};
    return hear(b, s, send, &news, e);
}

/* It has no turn now. What held it until the time of its row may hold it for less by now; it never waits for longer. */
static int hold_less(const struct batch *b, struct store *s, struct send *send, struct err *e)
{
    bool held = send->decision.verdict == VERDICT_HOLD;
    int64_t at = held && send->decision.until > b->now ? send->decision.until : b->now;
    const struct life_news free = {.event = {.kind = STEP_PUT_OFF, .at = b->now}};
    if (!send->sooner || at >= send->message.life.at || send->row.due != send->message.life.at)
        return 0;
    return held ? hold(b, s, send, e) : hear(b, s, send, &free, e);
}

/* Steps the message and writes the decision that made it, if it did. */
static int decided_by(struct batch *b, struct store *s, struct send *send, struct life_news *news, struct err *e)
{
    struct decision_row *d = &b->judged[b->n_judged];
    int64_t id = store_id(s, b->now);
    int rc = decision_pack_row(b, send, send->message.bucket, id, d, e);
    news->decision = id;
    if (rc == 0)
        rc = hear(b, s, send, news, e);
    if (rc == 0 && send->message.decision == id)
        b->n_judged++;
    return rc;
}

static int refuse(struct batch *b, struct store *s, struct send *send, struct err *e)
{
    const struct finding *main = decision_main(&send->decision);
    struct life_news news = {.event = {.kind = STEP_REFUSED, .code = main != NULL ? rule_code(main->rule) : 0}};
    return decided_by(b, s, send, &news, e);
}

static int begin(struct batch *b, struct store *s, size_t i, struct err *e)
{
    struct send *send = b->send[i];
    int rc = right_to_send(b, s, send->sender, &send->epoch, e);
    if (rc != 0)
        return rc;
    if (send->epoch == 0) {
        right_refuse(send);
        return 0;
    }
    const struct person *p = b->about[i].person != NULL ? &b->about[i].person->p : NULL;
    if (send->message.contact == 0 && p != NULL && p->bucket == send->message.bucket)
        send->message.contact = p->id; /* we know them since: what is counted now may have to be taken back */
    struct life_news news = {.event = {.kind = STEP_BEGIN, .category = send_category(send)},
                             .epoch = send->epoch,
                             .valid_until = send->ttl > 0 ? b->now + send->ttl : 0};
    rc = decided_by(b, s, send, &news, e);
    if (rc != 0 || send->message.decision != news.decision) /* somebody else was faster */
        return rc;
    send->leaves = true;
    pace_leave(b, send);
    batch_effects(b, send, &b->about[i]);
    return 0;
}

static void not_now(struct send *s, int code, const char *why)
{
    struct err e = {0};
    err_set(&e, code, "%s", why);
    writer_refuse(&s->job, &e);
}

/* A row whose message has ended, or is not there, is in the way of others only. Usually it is gone since it was read. */
static int no_row(struct store *s, const struct send *send, struct err *e)
{
    int rc = outbox_delete(s, &send->row, e);
    return rc == WL_ENOTFOUND ? 0 : rc;
}

static int judge_waiting(struct batch *b, struct store *s, size_t i, struct err *e)
{
    static const struct life_news timer = {.event = {.kind = STEP_TIMER}};
    struct send *send = b->send[i];
    const struct life *l = &send->message.life;
    send->expires = l->expires;
    if (l->expires != 0 && b->now >= l->expires)
        return hear(b, s, send, &timer, e);
    person_facts(b, send, &b->about[i]);
    decide_send(b, send);
    if (send->only_refuse && send->decision.verdict != VERDICT_DENY)
        return hold_less(b, s, send, e);
    switch (send->decision.verdict) {
    case VERDICT_ALLOW:
        return begin(b, s, i, e);
    case VERDICT_HOLD:
        return hold(b, s, send, e);
    default:
        return refuse(b, s, send, e);
    }
}

int send_from_row(struct send *s, const struct outbox_row *row, struct arena *a, struct intent *intent, struct err *e)
{
    struct json root;
    int rc = json_parse(thread_json(), row->body, false, &root, e);
    if (rc == 0)
        rc = intent_parse(root, (enum intent_path)row->path, a, intent, e);
    if (rc != 0)
        return rc;
    s->row = row->key;
    s->expected = (enum category)row->expected;
    s->our_id = (row->flags & OUTBOX_OUR_ID) != 0;
    s->intent = intent;
    struct snapshot *snap = snapshot_borrow(s->g->snapshots);
    send_facts(s, snap);
    snapshot_return(snap);
    return 0;
}

int judge_queued(struct batch *b, struct store *s, size_t i, struct err *e)
{
    struct send *send = b->send[i];
    const struct life *l = &send->message.life;
    send->after = (struct life_after){.n_bells = 0};
    int rc = messages_get(s, send->row.bucket, send->row.id, &send->message, e);
    if (rc == WL_ENOTFOUND) {
        not_now(send, rc, "the message is not there any more");
        return no_row(s, send, e);
    }
    if (rc != 0)
        return rc;
    send->campaign = send->message.campaign;
    send->place = send->message.place;
    send->stratum = send->message.stratum;
    if (life_ended(l))
        return no_row(s, send, e);
    if (l->state == LIFE_SENDING)
        not_now(send, WL_ECONFLICT, "the message is being sent already");
    if (l->state != LIFE_WAITING || (l->at > b->now && !send->only_refuse))
        return 0;
    return judge_waiting(b, s, i, e);
}
