/* SPDX-License-Identifier: Apache-2.0
 * admit.c - the one door: facts, decision, ledger and intent in one transaction.
 *
 * All sends that arrived during the last commit are judged as one batch, in order of arrival: people and pairs are
 * read with one call each, every send is decided against the state its predecessors left, and message, decision and
 * pair rows are written with version checks. Nothing is sent here. A HOLD short enough for the caller's patience is
 * put back in the line instead of being answered.
 *
 * The outcome of a send comes back through the second job type: it moves the message out of SENDING under the epoch
 * that wrote it, remembers Meta's id, and learns the other names of the person from the answer. */
#include "gateway/admit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/pace.h"
#include "core/phone.h"
#include "gateway/apply.h"
#include "gateway/gateway_impl.h"
#include "store/people.h"
#include "store/senders.h"

#define LEASES_MAX 256  /* numbers beyond this take their lease at every batch */
#define PAIR_SLOTS 1024 /* > 2 x the largest batch */
#define DRAIN_MS   10000

#define SHUTTING_DOWN "the gateway is shutting down; try again in a moment"

struct admit {
    struct gateway *g;
    struct job_type admit_type, outcome_type;
    _Atomic size_t open; /* sends admitted or waiting, whose outcome is not written yet */
    atomic_bool closed;
    struct {
        int64_t sender, epoch;
    } lease[LEASES_MAX]; /* durable leases of this life: added when done, read when run */
    size_t n_leases;     /* under the lock, like the leases */
    pthread_mutex_t lock;
};

/* --- facts a face can gather ------------------------------------------------------------------------------------ */

static void template_facts(struct send *s, const struct snapshot *snap, const struct sender *number)
{
    const struct intent *in = s->intent;
    if (number == NULL || number->waba == 0)
        return; /* unknown: the rules say what follows */
    const struct known_template *t = snapshot_template(snap, number->waba, in->template_name, str_of(in->language));
    fact_set(&s->facts, FACT_TEMPLATE_KNOWN, t != NULL);
    if (t == NULL)
        return;
    fact_set(&s->facts, FACT_TEMPLATE_STATUS, t->status);
    if (t->category != CATEGORY_UNKNOWN)
        fact_set(&s->facts, FACT_MESSAGE_CATEGORY, t->category);
    fact_set(&s->facts, FACT_TEMPLATE_FIT, t->spec ? template_check(t->spec, in->components, NULL) : FIT_OK);
}

/* The sender's own number as digits, for "recipient equals sender". */
static bool same_number(const struct sender *number, const struct identity *to)
{
    struct identity own;
    return number != NULL && to->kind == IDENTITY_PHONE &&
           identity_phone(str_of(number->display_phone), &own, NULL) == 0 && strcmp(own.value, to->value) == 0;
}

static void country_fact(struct facts *f, const struct identity *to)
{
    char country[3] = "";
    if (to->kind == IDENTITY_PHONE)
        phone_country(strtoull(to->value, NULL, 10), country);
    else if (to->kind == IDENTITY_USER_ID || to->kind == IDENTITY_PARENT_ID)
        snprintf(country, sizeof country, "%.2s", to->value);
    fact_set_code(f, FACT_RECIPIENT_COUNTRY, country);
}

void send_facts(struct send *s, const struct snapshot *snap)
{
    const struct intent *in = s->intent;
    const struct sender *number = snapshot_sender(snap, s->sender);
    struct facts *f = &s->facts;
    fact_set(f, FACT_MESSAGE_KIND, in->kind);
    fact_set(f, FACT_MESSAGE_PATH, in->path);
    fact_set(f, FACT_MESSAGE_TYPE_REACTION, strcmp(in->type, "reaction") == 0);
    if (in->kind == INTENT_FREEFORM)
        fact_set(f, FACT_MESSAGE_CATEGORY, CATEGORY_SERVICE);
    else if (in->category != CATEGORY_UNKNOWN)
        fact_set(f, FACT_MESSAGE_CATEGORY, in->category);
    fact_set(f, FACT_RECIPIENT_FORM, in->to.kind);
    fact_set(f, FACT_RECIPIENT_VALID, in->to.kind != IDENTITY_NONE);
    fact_set(f, FACT_RECIPIENT_IS_SENDER, same_number(number, &in->to));
    country_fact(f, &in->to);
    if (number != NULL)
        fact_set(f, FACT_SENDER_STATUS, number->status);
    if (in->kind == INTENT_TEMPLATE)
        template_facts(s, snap, number);
}

/* --- facts about the person ------------------------------------------------------------------------------------- */

static void person_facts(struct send *s, const struct person *p, const struct pair *pair)
{
    struct facts *f = &s->facts;
    int64_t category = f->known[FACT_MESSAGE_CATEGORY] ? f->value[FACT_MESSAGE_CATEGORY] : CATEGORY_UNKNOWN;
    if (s->intent->to.kind == IDENTITY_NONE)
        return; /* nobody is named: what one would know of a person stays unknown */
    bool consented = category >= CATEGORY_MARKETING && category < CATEGORY_COUNT;
    fact_set(f, FACT_CONSENT_STATUS, consented ? p->consent.of[category].status : CONSENT_NONE);
    fact_set(f, FACT_CONSENT_AT, consented ? p->consent.of[category].at : 0);
    fact_set(f, FACT_CONSENT_PLATFORM_STOP, p->consent.platform_stop);
    fact_set(f, FACT_CONSENT_PLATFORM_AT, p->consent.platform_at);
    fact_set(f, FACT_RECIPIENT_UNDELIVERABLE_AT, p->undeliverable_at);
    fact_set(f, FACT_WINDOW_LAST_INBOUND, pair->last_inbound);
    fact_set(f, FACT_PAIR_TAT, pair->tat);
}

/* --- one batch --------------------------------------------------------------------------------------------------- */

struct batch {
    struct send **send;
    size_t n;
    struct identity *who;
    struct person *person;
    struct pair *pair; /* one per distinct (person, number) */
    size_t n_pairs;
    int *pair_of; /* send -> pair, -1: the person is nobody we know */
    bool *pair_changed;
    struct message *message;
    struct decision_row *row;
    size_t n_rows;
};

static int batch_alloc(struct batch *b, struct arena *a, struct job *const *jobs, size_t n, struct err *e)
{
    *b = (struct batch){.n = n};
    b->send = arena_new_array(a, struct send *, n);
    b->who = arena_new_array(a, struct identity, n);
    b->person = arena_new_array(a, struct person, n);
    b->pair = arena_new_array(a, struct pair, n);
    b->pair_of = arena_new_array(a, int, n);
    b->pair_changed = arena_new_array(a, bool, n);
    b->message = arena_new_array(a, struct message, n);
    b->row = arena_new_array(a, struct decision_row, n);
    if (b->row == NULL || b->message == NULL || b->pair_changed == NULL || b->pair_of == NULL || b->pair == NULL ||
        b->person == NULL || b->who == NULL || b->send == NULL)
        return err_set(e, WL_ENOMEM, "a batch of %zu sends does not fit its arena", n);
    for (size_t i = 0; i < n; i++) {
        b->send[i] = container_of(jobs[i], struct send, job);
        b->who[i] = b->send[i]->intent->to;
    }
    return 0;
}

/* Gives every distinct (person, number) one pair row, however many sends of the batch go there. */
static void batch_pairs(struct batch *b)
{
    int slot[PAIR_SLOTS];
    memset(slot, -1, sizeof slot);
    for (size_t i = 0; i < b->n; i++) {
        b->pair_of[i] = -1;
        if (b->person[i].id == 0)
            continue;
        uint64_t h = ((uint64_t)b->person[i].id * 0x9e3779b97f4a7c15u) ^ (uint64_t)b->send[i]->sender;
        size_t at = (size_t)(h >> 20) % PAIR_SLOTS;
        for (; slot[at] >= 0; at = (at + 1) % PAIR_SLOTS) {
            const struct pair *p = &b->pair[slot[at]];
            if (p->contact == b->person[i].id && p->sender == b->send[i]->sender)
                break;
        }
        if (slot[at] < 0) {
            slot[at] = (int)b->n_pairs;
            b->pair[b->n_pairs++] =
                (struct pair){.bucket = b->person[i].bucket, .contact = b->person[i].id, .sender = b->send[i]->sender};
        }
        b->pair_of[i] = slot[at];
    }
}

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

static void take_pair_rate(struct admit *ad, struct pair *pair, int64_t now)
{
    int64_t interval = 0;
    if (ruleset_value(rules_current(ad->g)->ruleset, "pair.rate", "interval", now, &interval) == 0)
        pair->tat = pace_take(pair->tat, now, interval);
    pair->last_out = now;
}

/* Fills the rows of one judged send. */
static int batch_record(struct batch *b, struct store *s, struct arena *a, size_t i, int64_t now, struct err *e)
{
    struct send *send = b->send[i];
    struct message *m = &b->message[b->n_rows];
    const struct finding *main = decision_main(&send->decision);
    bool allowed = send->decision.verdict == VERDICT_ALLOW;
    *m = (struct message){
        .bucket = b->person[i].id ? b->person[i].bucket : store_bucket(s, b->who[i].kind, str_of(b->who[i].value)),
        .id = store_id(s, now),
        .contact = b->person[i].id,
        .sender = send->sender,
        .state = allowed ? MESSAGE_SENDING : MESSAGE_REFUSED,
        .attempt = allowed ? 1 : 0,
        .epoch = send->epoch,
        .ts = now,
        .kind = send->intent->kind,
        .category = send->facts.known[FACT_MESSAGE_CATEGORY] ? (int)send->facts.value[FACT_MESSAGE_CATEGORY] : 0,
        .code = main ? rule_code(main->rule) : 0};
    memcpy(m->type, send->intent->type, sizeof m->type);
    uint8_t *facts = arena_alloc(a, FACTS_PACKED_MAX), *findings = arena_alloc(a, DECISION_PACKED_MAX);
    if (facts == NULL || findings == NULL)
        return err_set(e, WL_ENOMEM, "a batch of sends does not fit its arena");
    b->row[b->n_rows++] =
        (struct decision_row){.bucket = m->bucket,
                              .id = m->id,
                              .ts = now,
                              .ruleset = send->book->number,
                              .verdict = (int)send->decision.verdict,
                              .until = send->decision.until,
                              .facts = {(char *)facts, facts_pack(&send->facts, facts)},
                              .findings = {(char *)findings, decision_pack(&send->decision, findings)}};
    send->message = *m;
    return 0;
}

static int batch_judge(struct batch *b, struct admit *ad, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const struct pair nobody;
    for (size_t i = 0; i < b->n; i++) {
        struct send *send = b->send[i];
        struct pair *pair = b->pair_of[i] >= 0 ? &b->pair[b->pair_of[i]] : NULL;
        person_facts(send, &b->person[i], pair ? pair : &nobody);
        send->book = rules_current(ad->g);
        send->rules = send->book->ruleset;
        decide(send->rules, &send->facts, now, send->expires, &send->decision);
        if (send->decision.verdict == VERDICT_HOLD && send->decision.until <= send->hold_until_latest) {
            writer_defer(&send->job, send->decision.until);
            continue;
        }
        int rc = sender_epoch(ad, s, send->sender, now, &send->epoch, e);
        if (rc == 0)
            rc = batch_record(b, s, a, i, now, e);
        if (rc != 0)
            return rc;
        if (send->decision.verdict == VERDICT_ALLOW && pair != NULL) {
            take_pair_rate(ad, pair, now);
            b->pair_changed[b->pair_of[i]] = true;
        }
    }
    return 0;
}

static int admit_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                     struct err *e)
{
    struct admit *ad = ctx;
    struct batch b;
    if (ad->closed)
        return err_set(e, WL_EBUSY, SHUTTING_DOWN);
    int rc = batch_alloc(&b, a, jobs, n, e);
    if (rc == 0)
        rc = people_find(s, b.who, n, b.person, e);
    if (rc != 0)
        return rc;
    batch_pairs(&b);
    rc = pairs_get(s, b.pair, b.n_pairs, e);
    if (rc == 0)
        rc = batch_judge(&b, ad, s, a, now, e);
    if (rc == 0 && b.n_rows > 0)
        rc = messages_insert(s, b.message, b.row, b.n_rows, e);
    if (rc != 0)
        return rc;
    size_t changed = 0;
    for (size_t i = 0; i < b.n_pairs; i++)
        if (b.pair_changed[i])
            b.pair[changed++] = b.pair[i];
    return changed ? pairs_put(s, b.pair, changed, e) : 0;
}

static void admit_done(void *ctx, struct job *job)
{
    struct admit *ad = ctx;
    struct send *s = container_of(job, struct send, job);
    static const enum metric by_verdict[] = {METRIC_ALLOWED, METRIC_HELD, METRIC_DENIED};
    bool sending = job->rc == 0 && s->decision.verdict == VERDICT_ALLOW;
    if (job->rc == 0) {
        metric_add(ad->g, by_verdict[s->decision.verdict], 1);
        lease_remember(ad, s->sender, s->epoch);
    }
    if (!sending)
        ad->open--;
    s->decided(s);
}

/* Allowed sends were handed to the client quietly, one by one; now it may begin with all of them. */
static void admit_after(void *ctx)
{
    struct admit *ad = ctx;
    http_client_wake(ad->g->client);
}

int admit_submit(struct send *s, struct err *e)
{
    struct admit *ad = s->g->admit;
    /* Counted first: whoever closes and then sees nothing open has seen all. */
    bool room = ad->open++ < s->g->o.max_queue;
    int rc = 0;
    if (ad->closed)
        rc = err_set(e, WL_EBUSY, SHUTTING_DOWN);
    else if (!room)
        rc = err_set(e, WL_EBUSY, "too many messages are waiting for a decision or an answer; try again in a moment");
    s->job.type = &ad->admit_type;
    if (rc == 0)
        rc = writer_submit(s->g->writer, &s->job, e);
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
    char *copy = arena_strndup(a, id.p, id.n);
    if (copy == NULL)
        return;
    s->wamid = (struct str){copy, id.n};
    s->outcome = MESSAGE_ACCEPTED;
    s->outcome_code = 0;
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
    s->outcome = fate == HTTP_UNSENT ? MESSAGE_UNSENT : MESSAGE_AMBIGUOUS;
    s->outcome_code = 0;
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
            s->outcome = MESSAGE_REJECTED;
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

static int outcome_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                       struct err *e)
{
    struct admit *ad = ctx;
    struct outcome *o = arena_new_array(a, struct outcome, n);
    if (o == NULL)
        return err_set(e, WL_ENOMEM, "a batch of outcomes does not fit its arena");
    for (size_t i = 0; i < n; i++) {
        struct send *send = container_of(jobs[i], struct send, job);
        o[i] = (struct outcome){.bucket = send->message.bucket,
                                .id = send->message.id,
                                .epoch = send->epoch,
                                .state = send->outcome,
                                .code = send->outcome_code,
                                .at = now,
                                .wamid = send->wamid};
    }
    int rc = messages_outcome(s, o, n, NULL, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct send *send = container_of(jobs[i], struct send, job);
        if (send->outcome == MESSAGE_ACCEPTED)
            rc = learn_names(s, send, now, e);
        else if (send->outcome == MESSAGE_REJECTED)
            rc = apply_error_code(s, send->message.bucket, send->message.contact, send->sender, send->outcome_code, now,
                                  e);
        if (rc == 0 && send->wamid.n > 0)
            rc = apply_adopt(ad->g->apply, s, send->message.bucket, send->message.id, send->wamid, now, e);
    }
    return rc;
}

static void outcome_done(void *ctx, struct job *job)
{
    struct admit *ad = ctx;
    struct send *s = container_of(job, struct send, job);
    static const enum metric by_state[] = {[MESSAGE_ACCEPTED] = METRIC_ACCEPTED,
                                           [MESSAGE_REJECTED] = METRIC_REJECTED,
                                           [MESSAGE_AMBIGUOUS] = METRIC_AMBIGUOUS,
                                           [MESSAGE_UNSENT] = METRIC_UNSENT};
    if (job->rc != 0)
        log_error("admit", "the outcome of a message could not be written, it stays in doubt: %s", job->err.text);
    else
        metric_add(ad->g, by_state[s->outcome], 1);
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

int admit_create(struct admit **ret, struct gateway *g, struct err *e)
{
    (void)e;
    struct admit *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->g = g;
    pthread_mutex_init(&a->lock, NULL);
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
    if (a != NULL)
        pthread_mutex_destroy(&a->lock);
    free(a);
}
