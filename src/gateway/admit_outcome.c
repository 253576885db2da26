/* SPDX-License-Identifier: Apache-2.0
 * admit_outcome.c - what Meta answered, read and written.
 *
 * An answer below 500 means what it says. One of 500 and more may hide a message that was accepted, whatever error it names:
 * it leaves a doubt. Unless the error speaks about the number or its account (reactions.def, CIRCUIT): Meta answers some of
 * these with 500, and a number that may not send has sent nothing (docs/platform.md §2.2, §2.5). Code 0 alone is no such
 * word there, because an error that names none has it, too.
 *
 * The outcome of a send moves its message out of SENDING (lives.h), gives back what was counted for an attempt that reached
 * nobody (uncount.h), remembers Meta's id, and learns the other names of the person from the answer. A webhook may have
 * been faster: what it said stands, and nothing is given back for an attempt it says was accepted. A message of the outbox
 * that was refused for now or never left waits again; it is counted anew when its turn comes again. One in doubt stays
 * counted, also when the doubt is never settled. An outcome that cannot be written is tried once more and then a doubt
 * itself (settle.c): the message must not look as if it were still being sent. */
#include "base/log.h"
#include "base/failpoint.h"
#include "gateway/accounts.h"
#include "gateway/admit_impl.h"
#include "gateway/apply.h"
#include "gateway/apply_activity.h"
#include "gateway/campaign_counts.h"
#include "gateway/uncount.h"

#define CODE_STOPPED   131050 /* the person wants no marketing of ours any more */
#define UNSENT_REST_MS 1000   /* before a message of ours that did not leave is tried again */

static void read_success(struct send *s, struct json body, struct arena *a)
{
    struct json_iter it = json_iter(json_get(body, "messages"));
    struct str id;
    if (!json_next(&it) || !json_str(json_get(it.value, "id"), &id) || id.n == 0 || id.n >= WAMID_MAX)
        return;
    struct json message = it.value;
    char *copy = arena_strndup(a, id.p, id.n);
    if (copy == NULL)
        return;
    s->wamid = (struct str){copy, id.n};
    s->outcome = LIFE_ACCEPTED;
    s->outcome_code = 0;
    s->outcome_held =
        str_eq(json_str_or(json_get(message, "message_status"), STR("")), STR("held_for_quality_assessment"));
    it = json_iter(json_get(body, "contacts"));
    struct str name;
    if (!json_next(&it) || s->intent->to.kind == IDENTITY_GROUP)
        return;
    if (json_str(json_get(it.value, "wa_id"), &name))
        identity_phone(name, &s->wa_id, NULL);
    if (json_str(json_get(it.value, "user_id"), &name))
        identity_user_id(name, &s->user_id, NULL);
}

static bool is_definite(int status, int code)
{
    return status < 500 || (code != 0 && reaction_to(code).reaction == REACT_CIRCUIT);
}

void outcome_read(struct send *s, enum http_fate fate, int status, struct str body, struct json_parser *parser,
                  struct arena *a)
{
    s->outcome = fate == HTTP_UNSENT ? LIFE_UNSENT : LIFE_AMBIGUOUS;
    s->outcome_code = 0;
    s->outcome_held = false;
    s->wamid = (struct str){NULL, 0};
    s->wa_id.kind = s->user_id.kind = IDENTITY_NONE;
    struct json root;
    if (fate != HTTP_ANSWERED || json_parse(parser, body, false, &root, NULL) != 0)
        return;
    int64_t code;
    if (status >= 200 && status < 300) {
        read_success(s, root, a);
    } else if (json_i64(json_at(root, "error", "code"), &code)) {
        s->outcome_code = (int)code;
        if (is_definite(status, s->outcome_code))
            s->outcome = LIFE_REJECTED;
    }
}

/* The names Meta answered with belong to the person we addressed. */
static int learn_names(struct store *s, const struct send *send, int64_t now, struct err *e)
{
    const struct identity *names[] = {&send->wa_id, &send->user_id};
    for (size_t i = 0; i < 2 && send->message.contact != 0; i++) {
        const struct identity *to = &send->intent->to;
        if (names[i]->kind == IDENTITY_NONE || (names[i]->kind == to->kind && strcmp(names[i]->value, to->value) == 0))
            continue;
        struct person p;
        int rc = people_get(s, send->message.bucket, send->message.contact, &p, e);
        if (rc == 0)
            rc = people_add_identity(s, &p, names[i], now, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Whether one of Meta's refusals stood against account or number when the message was judged. */
static bool refusal_stood(const struct facts *f)
{
    static const uint8_t times[] = {FACT_ACCOUNT_PAYMENT_AT, FACT_ACCOUNT_MISUSE_AT, FACT_SENDER_SPAM_AT};
    bool stood = false;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        stood = stood || (f->known[times[i]] && f->value[times[i]] != 0);
    return stood;
}

/* What Meta's answer to one send says beyond its fate. */
static int outcome_said(struct admit *ad, struct store *s, struct arena *a, struct send *send, int64_t now,
                        struct err *e)
{
    const struct message *m = &send->message;
    struct error_word w = {.bucket = m->bucket,
                           .contact = m->contact,
                           .sender = send->sender,
                           .waba = send->waba,
                           .code = send->outcome_code,
                           .at = now};
    int rc = 0;
    if (send->outcome == LIFE_ACCEPTED)
        rc = learn_names(s, send, now, e);
    else if (send->outcome == LIFE_REJECTED)
        rc = apply_error_code(s, &w, now, &send->control_changed, e);
    if (rc == 0 && send->outcome == LIFE_REJECTED)
        rc = apply_activity_refusal(s, m, send->outcome_code, now, e);
    if (rc == 0 && send->outcome == LIFE_REJECTED && send->outcome_code == CODE_STOPPED)
        rc = campaign_told(s, m, TOLD_OPTED_OUT, e);
    if (rc == 0 && send->outcome == LIFE_ACCEPTED && m->life.category != CATEGORY_SERVICE &&
        refusal_stood(&send->facts))
        rc = apply_taken(s, send->waba, send->sender, &send->control_changed, e);
    if (rc == 0 && send->wamid.n > 0)
        rc = apply_adopt(ad->g->apply, s, a, m->bucket, m->id, send->wamid, now, &send->control_changed, &send->after,
                         e);
    return rc;
}

/* Steps the message; whether its attempt is known to have been accepted says send->life. */
static int outcome_heard(struct store *s, struct send *send, int64_t now, struct err *e)
{
    static const enum life_step_kind steps[] = {[LIFE_ACCEPTED] = STEP_ACCEPTED,
                                                [LIFE_REJECTED] = STEP_REJECTED,
                                                [LIFE_AMBIGUOUS] = STEP_SILENT,
                                                [LIFE_UNSENT] = STEP_UNSENT};
    struct life_news news = {.event = {.kind = steps[send->outcome],
                                       .attempt = send->message.life.attempts,
                                       .code = send->outcome_code,
                                       .held = send->outcome_held,
                                       .at = now + UNSENT_REST_MS},
                             .wamid = send->wamid};
    struct message m = send->message; /* the transaction may be run again from what was sent */
    send->after = (struct life_after){.n_bells = 0};
    int rc = life_hear(s, &m, &news, now, &send->after, e);
    send->life = m.life;
    return rc;
}

static bool was_accepted(const struct send *send)
{
    return send->life.accepted >> (send->message.life.attempts - 1) & 1;
}

int outcome_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) /* the rows first: the pages of a table stay at hand */
        rc = outcome_heard(s, container_of(jobs[i], struct send, job), now, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct send *send = container_of(jobs[i], struct send, job);
        if (!was_accepted(send))
            rc = uncount_send(s, send, e);
        if (rc == 0)
            rc = outcome_said(ctx, s, a, send, now, e);
    }
    return rc != 0 ? rc : failpoint_io(outcome_written, e);
}

/* It is over, written or not. */
static void outcome_over(struct admit *ad, struct send *s)
{
    struct job *job = &s->job;
    if (job->rc != 0) {
        log_error("admit", "the outcome of message %lld could not be written, it is in doubt: %s",
                  (long long)s->message.id, job->err.text);
        dispatch_lost(ad->g->dispatch, &s->message);
    } else {
        life_follow(ad->g, &s->after);
    }
    if (job->rc == 0 && s->control_changed)
        accounts_publish(ad->g->accounts);
    ad->open--;
    if (s->recorded != NULL)
        s->recorded(s);
}

void outcome_done_again(void *ctx, struct job *job)
{
    outcome_over(ctx, container_of(job, struct send, job));
}

static int write_outcome(struct send *s, const struct job_type *type)
{
    struct err e = {0};
    s->job.type = type;
    int rc = writer_submit_always(s->g->writer, &s->job, &e);
    if (rc != 0) {
        s->job.rc = rc;
        s->job.err = e;
    }
    return rc;
}

/* What Meta said is known here and nowhere else: what failed for want of memory may succeed now. */
void outcome_done(void *ctx, struct job *job)
{
    struct admit *ad = ctx;
    struct send *s = container_of(job, struct send, job);
    dispatch_heard(ad->g->dispatch, s->sender, s->turn_us, s->outcome, s->outcome_code);
    if (job->rc == 0 || write_outcome(s, &ad->outcome_again_type) != 0)
        outcome_over(ad, s);
}

void outcome_submit(struct send *s)
{
    struct admit *ad = s->g->admit;
    if (write_outcome(s, &ad->outcome_type) != 0)
        outcome_done(ad, &s->job);
}
