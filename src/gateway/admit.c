/* SPDX-License-Identifier: Apache-2.0
 * admit.c - the one door: facts, decision, ledger and intent in one transaction.
 *
 * All sends that arrived during the last commit are judged as one batch, in order of arrival: everything they are about is
 * read once (admit_batch.c), every send is decided against the state its predecessors left, and messages, decisions and
 * changed rows are written with version checks. Nothing is sent here. A HOLD short enough for the caller's patience is
 * put back in the line instead of being answered; a send that waits for its number's turn, and for nothing longer, keeps
 * the turn it was given, so that those behind it get later ones and nobody waits behind another number. Patience is
 * measured by the monotonic clock: who is judged again after it gets the hold for an answer and is never sent.
 *
 * The sends of one number that wait for a decision take at most a quarter of the places there are, so that the line of a
 * slow number leaves room for others. Marketing leaves a quarter of its number's places, and of the time a turn may be
 * waited for, to what people wait for themselves: authentication, orders, answers.
 *
 * `now` is the writer's, which never goes back within a life of the process (base/clock.h): of a wall clock set back the
 * latest time seen stands still until it is caught up, and of one set forward the new time is taken.
 *
 * The outcome of a send comes back through the second job type: it moves the message out of SENDING under the epoch
 * that wrote it, gives back what was counted for one that reached nobody (uncount.h), remembers Meta's id, and learns the
 * other names of the person from the answer. */
#include "gateway/admit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/accounts.h"
#include "gateway/admit_impl.h"
#include "gateway/apply.h"
#include "gateway/lives.h"
#include "gateway/uncount.h"
#include "store/leases.h"
#include "store/senders.h"

#define DRAIN_MS    10000
#define SHARE       4 /* one number's part of the places: a quarter, */
#define SHARE_LEAST 8 /* but not fewer than these */
#define RESERVED    4 /* the part of a number's turns and places that is not for marketing */

#define SHUTTING_DOWN "the gateway is shutting down; try again in a moment"

/* --- leases ------------------------------------------------------------------------------------------------------- */

static int64_t lease_held(struct admit *ad, int64_t sender)
{
    int64_t epoch = 0;
    pthread_mutex_lock(&ad->lock);
    for (size_t i = 0; i < ad->n_leases && epoch == 0; i++)
        if (ad->lease[i].sender == sender)
            epoch = ad->lease[i].epoch;
    pthread_mutex_unlock(&ad->lock);
    return epoch;
}

static void lease_remember(struct admit *ad, int64_t sender, int64_t epoch)
{
    if (lease_held(ad, sender) != 0)
        return;
    pthread_mutex_lock(&ad->lock);
    if (ad->n_leases < LEASES_MAX) {
        ad->lease[ad->n_leases].sender = sender;
        ad->lease[ad->n_leases++].epoch = epoch;
    }
    pthread_mutex_unlock(&ad->lock);
}

static int sender_epoch(struct admit *ad, struct store *s, int64_t sender, int64_t now, int64_t *ret, struct err *e)
{
    int64_t held = lease_held(ad, sender);
    if (held == 0)
        return lease_take(s, sender, ad->g->incarnation, now, ret, e);
    *ret = held;
    return 0;
}

/* --- one batch ---------------------------------------------------------------------------------------------------- */

/* Its caller waits for one attempt, which begins with its row, or for the refusal. */
static void begin_life(const struct batch *b, const struct send *send, struct message *m, bool allowed, int code)
{
    const struct facts *f = &send->facts;
    enum category c =
        f->known[FACT_MESSAGE_CATEGORY] ? (enum category)f->value[FACT_MESSAGE_CATEGORY] : CATEGORY_UNKNOWN;
    struct life_effects fx;
    life_init(&m->life, c, b->now, send->expires);
    m->life.once = true;
    life_step(&m->life, &(struct life_event){.kind = allowed ? STEP_BEGIN : STEP_REFUSED, .code = code}, b->now, &fx);
    m->life.code = code;
}

/* Fills the rows of one judged send. */
static int record(struct batch *b, struct store *s, size_t i, struct err *e)
{
    struct send *send = b->send[i];
    const struct person *p = b->about[i].person != NULL ? &b->about[i].person->p : NULL;
    struct message *m = &b->message[b->n_rows];
    const struct finding *main = decision_main(&send->decision);
    bool allowed = send->decision.verdict == VERDICT_ALLOW;
    *m = (struct message){.bucket = p != NULL ? p->bucket : store_bucket(s, b->who[i].kind, str_of(b->who[i].value)),
                          .id = store_id(s, b->now),
                          .contact = p != NULL ? p->id : 0,
                          .sender = send->sender,
                          .epoch = send->epoch,
                          .ts = b->now,
                          .kind = send->intent->kind};
    begin_life(b, send, m, allowed, main != NULL ? rule_code(main->rule) : 0);
    memcpy(m->type, send->intent->type, sizeof m->type);
    uint8_t facts[FACTS_PACKED_MAX], findings[DECISION_PACKED_MAX];
    size_t n_facts = facts_pack(&send->facts, facts), n_findings = decision_pack(&send->decision, findings);
    char *kept = arena_alloc(b->a, n_facts + n_findings);
    if (kept == NULL)
        return err_set(e, WL_ENOMEM, "a batch of sends does not fit its arena");
    memcpy(kept, facts, n_facts);
    memcpy(kept + n_facts, findings, n_findings);
    b->row[b->n_rows++] = (struct decision_row){.bucket = m->bucket,
                                                .id = m->id,
                                                .ts = b->now,
                                                .ruleset = send->book->number,
                                                .verdict = (int)send->decision.verdict,
                                                .until = send->decision.until,
                                                .facts = {kept, n_facts},
                                                .findings = {kept + n_facts, n_findings}};
    send->message = *m;
    return 0;
}

/* Gives the send its turn among its number's messages, once: it is kept while the send waits and when a transaction is
 * run again. */
static void take_turn(const struct batch *b, struct send *s)
{
    if (s->slot_us == 0)
        s->slot_us = pacer_take(b->ad->pacer, s->sender, send_pace(b, s), b->mono_us);
}

static bool is_marketing(const struct send *s)
{
    return s->facts.known[FACT_MESSAGE_CATEGORY] && s->facts.value[FACT_MESSAGE_CATEGORY] == CATEGORY_MARKETING;
}

/* Whether a hold is short enough to be waited out; then the send comes back later. Its turn is taken only when the pace is
 * what holds it longest: a turn that is past when the other hold ends would be no turn, and many would leave at once. */
static bool put_off(const struct batch *b, struct send *s)
{
    if (s->decision.verdict != VERDICT_HOLD)
        return false;
    bool turn = s->facts.known[FACT_SENDER_FREE_AT] && s->facts.value[FACT_SENDER_FREE_AT] == s->decision.until;
    int64_t wait = s->decision.until - b->now, latest = s->hold_until_latest;
    if (turn && is_marketing(s))
        latest -= b->ad->g->o.hold_budget_ms * 1000 / RESERVED;
    if (wait > (latest - b->mono_us) / 1000)
        return false;
    if (turn)
        take_turn(b, s);
    else
        s->slot_us = 0;
    s->held = true;
    writer_defer(&s->job, b->mono_us + wait * 1000);
    return true;
}

/* Nobody waits for it any more: it keeps the hold it was put off with, whatever would be said now. */
static bool too_late(const struct batch *b, const struct send *s)
{
    return s->held && s->decision.verdict == VERDICT_HOLD && b->mono_us > s->hold_until_latest;
}

static void decide_send(struct batch *b, struct send *s)
{
    struct override bits;
    const struct rules_book *book = b->book;
    s->book = book;
    s->rules = book->ruleset;
    decide_overridden(s->rules, &s->facts, b->now, s->expires, rules_override_bits(s->override, s->rules, &bits),
                      &s->decision);
    if (book->shadow == NULL)
        return;
    decide_overridden(book->shadow, &s->facts, b->now, s->expires,
                      rules_override_bits(s->override, book->shadow, &bits), &b->shadow);
    s->shadow = b->shadow.verdict;
}

static int judge(struct batch *b, struct store *s, struct err *e)
{
    for (size_t i = 0; i < b->n; i++) {
        struct send *send = b->send[i];
        if (!too_late(b, send)) {
            person_facts(b, send, &b->about[i]);
            decide_send(b, send);
            if (put_off(b, send))
                continue;
        }
        int rc = sender_epoch(b->ad, s, send->sender, b->now, &send->epoch, e);
        if (rc == 0)
            rc = record(b, s, i, e);
        if (rc == 0 && send->override != NULL)
            rc = rules_override_log(s, send->book, send, b->now, e);
        if (rc != 0)
            return rc;
        if (send->decision.verdict != VERDICT_ALLOW)
            continue;
        take_turn(b, send);
        batch_effects(b, send, &b->about[i]);
    }
    return 0;
}

/* What was known of a held send's template, number and account may have changed while it waited. */
static void look_again(const struct batch *b, struct job *const *jobs)
{
    for (size_t i = 0; i < b->n; i++) {
        struct send *s = container_of(jobs[i], struct send, job);
        if (s->held && !too_late(b, s))
            send_facts_again(s, b->snap);
    }
}

static int admit_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                     struct err *e)
{
    struct admit *ad = ctx;
    if (ad->closed)
        return err_set(e, WL_EBUSY, SHUTTING_DOWN);
    struct batch b; /* its decision is some kilobytes: not zeroed */
    memset(&b, 0, offsetof(struct batch, shadow));
    b.ad = ad;
    b.book = rules_current(ad->g);
    rule_values_read(&ad->values, b.book, now);
    b.values = &ad->values;
    b.now = now;
    b.mono_us = clock_mono_ns() / 1000;
    b.a = a;
    b.n = n;
    b.snap = snapshot_borrow(ad->g->snapshots);
    look_again(&b, jobs);
    int rc = batch_read(&b, s, jobs, e);
    if (rc == 0)
        rc = judge(&b, s, e);
    if (rc == 0)
        rc = batch_write(&b, s, e);
    snapshot_return(b.snap);
    return rc;
}

void admit_inbound(struct admit *a, int64_t sender, size_t n)
{
    pacer_inbound(a->pacer, sender, n < UINT32_MAX ? (uint32_t)n : UINT32_MAX);
}

int64_t admit_patience(const struct gateway *g)
{
    return clock_mono_ns() / 1000 + g->o.hold_budget_ms * 1000;
}

bool admit_places_known(const struct admit *a)
{
    return places_known(a->places);
}

size_t admit_places_damaged(const struct admit *a)
{
    return places_damaged(a->places);
}

bool admit_zone_known(const struct admit *a, struct str name)
{
    return places_has_zone(a->places, name);
}

static void admit_done(void *ctx, struct job *job)
{
    struct admit *ad = ctx;
    struct send *s = container_of(job, struct send, job);
    static const enum metric by_verdict[] = {METRIC_ALLOWED, METRIC_HELD, METRIC_DENIED};
    bool sending = job->rc == 0 && s->decision.verdict == VERDICT_ALLOW;
    if (job->rc == 0) {
        metric_add(ad->g, by_verdict[s->decision.verdict], 1);
        if (s->book->shadow != NULL)
            rules_shadow_count(ad->g, s->book, s->message.bucket, s->message.id, s->decision.verdict, s->shadow);
        lease_remember(ad, s->sender, s->epoch);
    }
    if (!sending)
        ad->open--;
    pacer_leave(ad->pacer, s->sender);
    s->decided(s);
}

/* Allowed sends were handed to the client quietly, one by one; now it may begin with all of them. */
static void admit_after(void *ctx)
{
    struct admit *ad = ctx;
    http_client_wake(ad->g->client);
}

/* How many sends of this kind one number may have waiting for a decision. */
static size_t places(const struct send *s)
{
    size_t share = s->g->o.max_queue / SHARE;
    if (share < SHARE_LEAST)
        share = SHARE_LEAST;
    return is_marketing(s) ? share - share / RESERVED : share;
}

int admit_submit(struct send *s, struct err *e)
{
    struct admit *ad = s->g->admit;
    /* Counted first: whoever closes and then sees nothing open has seen all. */
    bool room = ad->open++ < s->g->o.max_queue, entered = pacer_enter(ad->pacer, s->sender, places(s));
    int rc = 0;
    if (ad->closed)
        rc = err_set(e, WL_EBUSY, SHUTTING_DOWN);
    else if (!room)
        rc = err_set(e, WL_EBUSY, "too many messages are waiting for a decision or an answer; try again in a moment");
    else if (!entered)
        rc = err_set(e, WL_EBUSY, "too many messages of this number are waiting for their turn; try again in a moment");
    s->job.type = &ad->admit_type;
    s->slot_us = 0;
    s->held = false;
    if (rc == 0)
        rc = writer_submit(s->g->writer, &s->job, e);
    if (rc != 0 && entered)
        pacer_leave(ad->pacer, s->sender);
    if (rc != 0)
        ad->open--;
    return rc;
}

/* --- outcomes ---------------------------------------------------------------------------------------------------- */

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
        /* A 5xx may hide an accepted message; only a refusal in so many words is definite (docs/platform.md §1.1). */
        if (status < 500)
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
    if (rc == 0 && send->outcome == LIFE_ACCEPTED && m->life.category != CATEGORY_SERVICE &&
        refusal_stood(&send->facts))
        rc = apply_taken(s, send->waba, send->sender, &send->control_changed, e);
    if (rc == 0 && send->wamid.n > 0)
        rc = apply_adopt(ad->g->apply, s, a, m->bucket, m->id, send->wamid, now, &send->control_changed, e);
    return rc;
}

static int outcome_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                       struct err *e)
{
    static const enum life_step_kind steps[] = {[LIFE_ACCEPTED] = STEP_ACCEPTED,
                                                [LIFE_REJECTED] = STEP_REJECTED,
                                                [LIFE_AMBIGUOUS] = STEP_SILENT,
                                                [LIFE_UNSENT] = STEP_UNSENT};
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) { /* the rows first: the pages of a table stay at hand */
        struct send *send = container_of(jobs[i], struct send, job);
        struct life_news news = {.event = {.kind = steps[send->outcome],
                                           .attempt = send->message.life.attempts,
                                           .code = send->outcome_code,
                                           .held = send->outcome_held},
                                 .wamid = send->wamid};
        struct message m = send->message; /* the transaction may be run again from what was sent */
        rc = life_hear(s, &m, &news, now, NULL, e);
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct send *send = container_of(jobs[i], struct send, job);
        rc = uncount_send(s, send, e);
        if (rc == 0)
            rc = outcome_said(ctx, s, a, send, now, e);
    }
    return rc;
}

static void outcome_done(void *ctx, struct job *job)
{
    struct admit *ad = ctx;
    struct send *s = container_of(job, struct send, job);
    static const enum metric by_state[] = {[LIFE_ACCEPTED] = METRIC_ACCEPTED,
                                           [LIFE_REJECTED] = METRIC_REJECTED,
                                           [LIFE_AMBIGUOUS] = METRIC_AMBIGUOUS,
                                           [LIFE_UNSENT] = METRIC_UNSENT};
    if (job->rc != 0)
        log_error("admit", "the outcome of a message could not be written, it stays in doubt: %s", job->err.text);
    else
        metric_add(ad->g, by_state[s->outcome], 1);
    if (job->rc == 0 && s->control_changed)
        accounts_publish(ad->g->accounts);
    ad->open--;
    if (s->recorded != NULL)
        s->recorded(s);
}

void outcome_submit(struct send *s)
{
    s->job.type = &s->g->admit->outcome_type;
    struct err e = {0};
    int rc = writer_submit_always(s->g->writer, &s->job, &e);
    if (rc == 0)
        return;
    s->job.rc = rc;
    s->job.err = e;
    outcome_done(s->g->admit, &s->job);
}

static void load_places(struct admit *a, const char *folder)
{
    struct err why = {0};
    places_load(&a->places, folder, &why);
    if (!places_known(a->places))
        log_error("admit",
                  "there is no time zone database (%s): nobody's local time is known, and rules about quiet hours do "
                  "what they say for that; install tzdata and restart",
                  why.text);
}

int admit_create(struct admit **ret, struct gateway *g, struct err *e)
{
    (void)e;
    struct admit *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->g = g;
    pthread_mutex_init(&a->lock, NULL);
    load_places(a, NULL);
    a->pacer = pacer_create(clock_mono_ns() / 1000);
    a->outcome_type =
        (struct job_type){.name = "outcome", .rank = 4, .run = outcome_run, .done = outcome_done, .ctx = a};
    a->admit_type = (struct job_type){
        .name = "admit", .rank = 5, .run = admit_run, .done = admit_done, .after = admit_after, .ctx = a};
    *ret = a;
    return 0;
}

void admit_close(struct admit *a)
{
    if (a != NULL)
        a->closed = true;
}

void admit_drain(struct admit *a)
{
    int64_t until = clock_mono_ns() + DRAIN_MS * INT64_C(1000000);
    while (a != NULL && a->open > 0) {
        if (clock_mono_ns() > until) {
            log_error("admit", "%zu messages have no outcome; they are in doubt after the next start", (size_t)a->open);
            return;
        }
        usleep(2000);
    }
}

size_t admit_open(const struct admit *a)
{
    return a->open;
}

void admit_free(struct admit *a)
{
    if (a == NULL)
        return;
    pthread_mutex_destroy(&a->lock);
    places_free(a->places);
    pacer_free(a->pacer);
    free(a);
}
