/* SPDX-License-Identifier: Apache-2.0
 * admit.c - the one door: facts, decision, ledger and intent in one transaction.
 *
 * All sends that arrived during the last commit are judged as one batch, in order of arrival, whatever their mode:
 * everything they are about is read once (admit_batch.c), every send is decided against the state its predecessors left, and
 * messages, decisions and changed rows are written with version checks. Nothing is sent here. A HOLD short enough for the
 * caller's patience is waited out instead of being answered (admit_pace.c). Patience is measured by the monotonic clock: who
 * is judged again after it gets a hold for an answer and is never sent: the hold of now, which says when to come again, or
 * the one it waited for when nothing holds it any more.
 *
 * The sends of one number that wait for a decision take at most a quarter of the places there are, so that the line of a
 * slow number leaves room for others. Marketing leaves a quarter of its number's places to what people wait for
 * themselves: authentication, orders, answers. Those of the outbox have none of these places: the dispatcher brings few
 * at a time.
 *
 * `now` is the writer's, which never goes back within a life of the process (base/clock.h): of a wall clock set back the
 * latest time seen stands still until it is caught up, and of one set forward the new time is taken. */
#include "gateway/admit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/admit_impl.h"

#define DRAIN_MS    10000
#define SHARE       4 /* one number's part of the places: a quarter, */
#define SHARE_LEAST 8 /* but not fewer than these */
#define RESERVED    4 /* the part of a number's places that is not for marketing */

#define SHUTTING_DOWN "the gateway is shutting down; try again in a moment"

/* --- one batch ---------------------------------------------------------------------------------------------------- */

void decide_send(struct batch *b, struct send *s)
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

/* Its caller waits no longer: told how things stand, never sent. */
static void judge_late(struct batch *b, struct send *s, const struct about *about)
{
    struct facts facts = s->facts;
    struct decision held = s->decision;
    enum verdict shadow = s->shadow;
    person_facts(b, s, about);
    decide_send(b, s);
    if (s->decision.verdict != VERDICT_ALLOW)
        return;
    s->facts = facts;
    s->decision = held;
    s->shadow = shadow;
}

static int judge_new(struct batch *b, struct store *s, size_t i, struct err *e)
{
    struct send *send = b->send[i];
    bool settled;
    int rc = key_find(b, s, i, &settled, e);
    if (rc != 0 || settled)
        return rc;
    if (too_late(b, send)) {
        judge_late(b, send, &b->about[i]);
    } else {
        person_facts(b, send, &b->about[i]);
        decide_send(b, send);
        if (put_off(b, send))
            return 0;
    }
    return record_new(b, s, i, e);
}

/* What would be said of it, and that was all. */
static void judge_only(struct batch *b, struct send *send, const struct about *about)
{
    send->message = (struct message){.id = 0};
    person_facts(b, send, about);
    decide_send(b, send);
}

static int judge_one(struct batch *b, struct store *s, size_t i, struct err *e)
{
    struct send *send = b->send[i];
    switch (send->mode) {
    case SEND_QUEUED:
        return judge_queued(b, s, i, e);
    case SEND_JUDGE:
        judge_only(b, send, &b->about[i]);
        return 0;
    case SEND_NOW:
    case SEND_ACCEPT:
        break;
    }
    return judge_new(b, s, i, e);
}

static int judge(struct batch *b, struct store *s, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        struct send *send = b->send[i];
        send->leaves = send->replayed = false;
        send->epoch = 0;
        if (send->joined) /* in line since an earlier run of this transaction */
            writer_park(&send->job);
        else
            rc = judge_one(b, s, i, e);
    }
    return rc;
}

/* What was known of a held send's template, number and account may have changed while it waited. */
static void look_again(const struct batch *b, struct job *const *jobs)
{
    for (size_t i = 0; i < b->n; i++) {
        struct send *s = container_of(jobs[i], struct send, job);
        if (s->held)
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
    failpoint(door_read);
    if (rc == 0)
        rc = judge(&b, s, e);
    failpoint(door_judged);
    if (rc == 0)
        rc = batch_write(&b, s, e);
    snapshot_return(b.snap);
    return rc;
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

static void admit_parked(void *ctx, struct job *job)
{
    struct admit *ad = ctx;
    struct send *s = container_of(job, struct send, job);
    s->joined = false;
    s->parked = true;
    dispatch_park(ad->g->dispatch, s);
}

/* Once for every message that was decided: not for one that waits, which is judged again, nor for an earlier one. */
static void count(struct admit *ad, const struct send *s)
{
    static const enum metric by_verdict[] = {METRIC_ALLOWED, METRIC_HELD, METRIC_DENIED};
    const struct message *m = &s->message;
    if (s->replayed || s->mode == SEND_JUDGE ||
        s->book == NULL) /* no book: it had come to its end before it was its turn */
        return;
    if (m->life.state == LIFE_WAITING && s->mode != SEND_QUEUED) {
        metric_add(ad->g, METRIC_QUEUED, 1);
        dispatch_bell(ad->g->dispatch, s->sender);
    }
    if (!s->leaves && m->life.state != LIFE_REFUSED)
        return;
    metric_add(ad->g, by_verdict[s->decision.verdict], 1);
    if (s->book->shadow != NULL)
        rules_shadow_count(ad->g, s->book, m->bucket, m->id, s->decision.verdict, s->shadow);
}

static void admit_done(void *ctx, struct job *job)
{
    struct admit *ad = ctx;
    struct send *s = container_of(job, struct send, job);
    if (job->rc == WL_ENOMEM) /* ours was not enough; the send, whose size is bounded, may be asked for again */
        job->rc = job->err.code = WL_EBUSY;
    if (job->rc == 0) {
        right_remember(ad, s->sender, s->epoch);
        count(ad, s);
        if (s->mode == SEND_QUEUED)
            life_follow(ad->g, &s->after);
    }
    if (send_leaves(s))
        s->turn = false; /* used */
    else
        ad->open--;
    pace_give_back(ad, s);
    if (s->mode != SEND_QUEUED)
        shares_leave(ad->shares, s->sender);
    failpoint(door_telling);
    s->decided(s);
}

/* Allowed sends were handed to the client quietly, one by one; now it may begin with all of them. */
static void admit_after(void *ctx)
{
    struct admit *ad = ctx;
    http_client_wake(ad->g->client);
}

/* A campaign's message has a place, is named by nothing else, and waits in the outbox until its turn comes. */
static int admissible_recipient(const struct send *s, struct err *e)
{
    if (s->mode != SEND_ACCEPT && s->mode != SEND_JUDGE)
        return err_set(e, WL_EINVAL, "a campaign's message goes through the outbox");
    if (s->mode == SEND_ACCEPT && (s->place <= 0 || s->our_id || s->key.text.n > 0))
        return err_set(e, WL_EINVAL,
                       "a campaign's message is known by its place among the recipients, from 1 on, alone");
    return 0;
}

/* How many sends of this kind one number may have waiting for a decision. */
static size_t places(const struct send *s)
{
    size_t share = s->g->o.max_queue / SHARE;
    if (share < SHARE_LEAST)
        share = SHARE_LEAST;
    return send_category(s) == CATEGORY_MARKETING ? share - share / RESERVED : share;
}

static int admissible(const struct send *s, struct err *e)
{
    if (s->mode == SEND_ACCEPT && s->override != NULL)
        return err_set(e, WL_EINVAL, "an override is for a message that leaves at once, not for one that waits");
    if (s->mode == SEND_ACCEPT && s->body.n > OUTBOX_BODY_MAX)
        return err_set(e, WL_ETOOBIG, "a message that waits may have a body of at most %u KiB", OUTBOX_BODY_MAX >> 10);
    return s->campaign != 0 && s->mode != SEND_QUEUED ? admissible_recipient(s, e) : 0;
}

int admit_submit(struct send *s, struct err *e)
{
    struct admit *ad = s->g->admit;
    bool queued = s->mode == SEND_QUEUED;
    int rc = admissible(s, e);
    if (rc != 0)
        return rc;
    /* Counted first: whoever closes and then sees nothing open has seen all. */
    bool room = ad->open++ < s->g->o.max_queue;
    bool entered = !queued && shares_enter(ad->shares, s->sender, places(s));
    if (ad->closed)
        rc = err_set(e, WL_EBUSY, SHUTTING_DOWN);
    else if (!room)
        rc = err_set(e, WL_EBUSY, "too many messages are waiting for a decision or an answer; try again in a moment");
    else if (!entered && !queued)
        rc = err_set(e, WL_EBUSY, "too many messages of this number are waiting for their turn; try again in a moment");
    s->job.type = &ad->admit_type;
    s->turn = queued && s->turn;
    s->turn_us = s->turn ? s->turn_us : 0;
    s->held = s->joined = s->parked = s->leaves = false;
    if (rc == 0)
        rc = writer_submit(s->g->writer, &s->job, e);
    if (rc != 0 && entered)
        shares_leave(ad->shares, s->sender);
    if (rc != 0)
        ad->open--;
    return rc;
}

void admit_resume(struct send *s)
{
    struct err e = {0};
    int rc = writer_submit_always(s->g->writer, &s->job, &e);
    if (rc == 0)
        return;
    s->job.rc = rc;
    s->job.err = e;
    admit_done(s->g->admit, &s->job);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void load_places(struct admit *a)
{
    struct err why = {0};
    places_load(&a->places, NULL, &a->g->phones, &why);
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
    load_places(a);
    a->shares = shares_create();
    a->outcome_type =
        (struct job_type){.name = "outcome", .rank = 4, .run = outcome_run, .done = outcome_done, .ctx = a};
    a->outcome_again_type = a->outcome_type;
    a->outcome_again_type.done = outcome_done_again;
    a->admit_type = (struct job_type){.name = "admit",
                                      .rank = 5,
                                      .run = admit_run,
                                      .done = admit_done,
                                      .after = admit_after,
                                      .parked = admit_parked,
                                      .ctx = a};
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
    shares_free(a->shares);
    free(a);
}
