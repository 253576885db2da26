/* SPDX-License-Identifier: Apache-2.0
 * erasures.c - one erasure after the other, in small steps, each of which may be made again.
 *
 * A person is gone over in the order in which nothing is missed: callers' keys (they are found through messages), messages,
 * webhooks, and at last the person. Each step looks at a page with a reader and hands what it found to the
 * writer at the lowest rank. Messages that wait are taken back, doubts are given up; one that is on its way is waited for. What
 * came while we looked is looked at once more in the last transaction, in which nothing can come any more.
 *
 * There are two ends. Where proof is still to be kept, the person stays restricted, with their names and the ledger, and
 * comes up again when that time is over: then all of it is gone over anew, because people write to us in between. Else the ledger's
 * rows, the key of their entries and the names go in one transaction with the entry that says so, and the names are left as
 * hashes only.
 *
 * Nothing of where it is in a person is durable but the row: after a crash a person is gone over from the beginning. */
#include "gateway/erasures.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/wamid.h"
#include "core/webhook_redact.h"
#include "gateway/chore.h"
#include "gateway/gateway_impl.h"
#include "gateway/lives.h"
#include "gateway/scrub.h"
#include "store/erasures.h"
#include "store/inbox.h"
#include "store/ledger.h"
#include "store/suppressed.h"

#define REST_MS    500
#define BACKLOG_MS 5
#define MEMORY     (32u << 20)
#define LOOK       2000   /* rows of a page, and so most that are taken out in one transaction */
#define EVENTS     100000 /* of the messages of a page */
#define LAST       200    /* what the last transaction looks at by itself */
#define SHRED      2000   /* consent events that go in one transaction */
#define RETRY_MS   60000
#define RECORD_MAX 1024

enum step { STEP_KEYS, STEP_MESSAGES, STEP_WEBHOOKS, STEP_WORDINGS, STEP_LAST };
static const char *const step_words[] = {"callers' keys", "messages", "webhooks", "wordings", "the person"};

/* What is known of the person that is being erased. */
struct task {
    struct erasure row;
    struct lives lives; /* none of somebody nobody knows */
    struct scrub scrub; /* has their names */
    struct wordings wordings;
    int64_t worded; /* the person's last entry of the log when wordings were begun with; -1: they were not */
    enum step step;
    int64_t at;         /* messages: looked at up to this id */
    int64_t on_its_way; /* the first message that was when it was looked at; 0: none */
    struct key_at key;
    bool shred; /* the proof goes, too */
    int64_t messages, webhooks, changed;
};

struct erasures {
    struct gateway *g;
    struct chore *chore;
    bool busy; /* there is a task */
    struct task task;
    bool log_full; /* the database's log may still have what was taken out: also after a start, because of a crash */
    struct arena *pages, *kept;

    /* --- what a look found, for the writer --- */
    const struct message *message;
    const struct message_event *event;
    const struct key_at *key;
    size_t n_messages, n_events, n_keys;
    struct life_after after;
    bool open_met; /* a message was on its way by then */
    bool again;    /* the last transaction found that there is more: which step */
    enum step again_at;

    pthread_mutex_t lock; /* of what follows */
    int64_t viewed;       /* id; 0: nothing is being done */
    struct erasure_view view;
};

static void show(struct erasures *x, bool waits)
{
    const struct task *t = &x->task;
    pthread_mutex_lock(&x->lock);
    x->viewed = x->busy ? t->row.id : 0;
    x->view = (struct erasure_view){step_words[t->step], t->messages, t->webhooks, t->changed, waits};
    pthread_mutex_unlock(&x->lock);
}

bool erasures_look(struct erasures *x, int64_t id, struct erasure_view *ret)
{
    pthread_mutex_lock(&x->lock);
    bool is = id != 0 && x->viewed == id;
    if (is)
        *ret = x->view;
    pthread_mutex_unlock(&x->lock);
    return is;
}

/* --- beginning with one ------------------------------------------------------------------------------------------------ */

/* Somebody nobody knew may have become known since, by a body that had come already. */
static int find_again(struct task *t, struct store *reader, struct err *e)
{
    struct str value, kind = str_cut(str_of(t->row.name), ':', &value);
    struct person p = {.id = 0};
    (void)kind;
    if (identity_parse(value, &t->scrub.name[0], e) != 0)
        return err_set(e, WL_ECORRUPT, "an erasure has a name that is none");
    t->scrub.n_names = 1;
    int rc = people_find(reader, t->scrub.name, 1, &p, e);
    if (rc == 0)
        t->row.contact = p.id;
    return rc;
}

static int find_person(struct task *t, struct store *reader, struct err *e)
{
    int rc = t->row.contact == 0 ? find_again(t, reader, e) : 0;
    if (rc != 0 || t->row.contact == 0)
        return rc;
    rc = lives_of(reader, t->row.bucket, t->row.contact, &t->lives, e);
    if (rc == 0)
        rc = people_identities(reader, t->row.bucket, t->lives.id[0], t->scrub.name, SCRUB_NAMES, &t->scrub.n_names, e);
    return rc == 0 && t->scrub.n_names == SCRUB_NAMES ? err_set(e, WL_EBUG, "a person with %d names", SCRUB_NAMES) : rc;
}

static int begin(struct erasures *x, struct store *reader, struct err *e)
{
    struct task *t = &x->task;
    int64_t now = clock_now_ms();
    *t = (struct task){.step = STEP_KEYS, .worded = -1};
    int rc = erasure_due(reader, now, &t->row, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    t->shred = t->row.until <= now;
    t->lives.bucket = t->row.bucket;
    x->busy = true;
    return find_person(t, reader, e);
}

/* --- callers' keys ------------------------------------------------------------------------------------------- */

static int take_keys(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct erasures *x = ctx;
    int rc = 0;
    (void)a, (void)now;
    for (size_t i = 0; i < x->n_keys && rc == 0; i++)
        rc = key_drop(s, x->task.row.bucket, &x->key[i], e);
    return rc;
}

static int hand_over(struct erasures *x, writer_task *task, struct err *e)
{
    return writer_call(x->g->writer, CHORE_RANK, task, x, e);
}

static int look_at_keys(struct erasures *x, struct store *reader, struct err *e)
{
    struct task *t = &x->task;
    struct key_at *found = NULL, at = t->key;
    bool end = false;
    int rc = keys_after(reader, &t->lives, &at, LOOK, x->pages, &found, &x->n_keys, &end, e);
    x->key = found;
    if (rc == 0 && x->n_keys > 0)
        rc = hand_over(x, take_keys, e);
    if (rc != 0)
        return rc;
    t->key = at;
    if (end)
        t->step = STEP_MESSAGES;
    return 0;
}

/* --- messages ------------------------------------------------------------------------------------------------------------ */

/* Of somebody nobody knew when it was accepted: their number is in Meta's id, or in what waits. */
static bool names_them(const struct task *t, struct store *reader, const struct message *m, struct arena *a)
{
    struct outbox_key key;
    struct outbox_row row;
    if (wamid_names(str_of(m->wamid), t->scrub.name, t->scrub.n_names))
        return true;
    return life_row(m, &key) && outbox_get(reader, &key, a, &row, NULL) == 0 &&
           webhook_names(row.body, t->scrub.name, t->scrub.n_names);
}

/* One message as it is by now. */
static int forget_message(struct erasures *x, struct store *s, const struct message *seen, int64_t now, struct err *e)
{
    static const struct life_news news = {.event = {.kind = STEP_FORGET}};
    const struct task *t = &x->task;
    struct message m;
    int rc = messages_get(s, seen->bucket, seen->id, &m, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    if (!life_ended(&m.life))
        rc = life_hear(s, &m, &news, now, &x->after, e);
    if (rc != 0)
        return rc;
    if (!life_ended(&m.life)) {
        x->open_met = true;
        return 0;
    }
    return message_strip(s, m.bucket, m.id, t->shred || m.contact == 0, e);
}

static int forget_messages(struct erasures *x, struct store *s, int64_t now, struct err *e)
{
    int rc = 0;
    x->after = (struct life_after){.n_bells = 0}; /* the transaction may run a second time */
    x->open_met = false;
    for (size_t i = 0; i < x->n_messages && rc == 0; i++)
        rc = forget_message(x, s, &x->message[i], now, e);
    for (size_t i = 0; i < x->n_events && rc == 0; i++)
        rc = participant_drop(s, &x->event[i], e);
    return rc;
}

static int take_messages(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a;
    int rc = forget_messages(ctx, s, now, e);
    return rc;
}

static bool is_theirs(const struct task *t, struct str participant)
{
    for (size_t i = 0; i < t->scrub.n_names; i++)
        if (str_eq(participant, str_of(t->scrub.name[i].value)))
            return true;
    return false;
}

/* Messages after *at, which moves on, and events of others' messages that name them. *ret_end: these were the last. */
static int find_messages(struct erasures *x, struct store *reader, size_t look, int64_t *at, bool *ret_end,
                         struct err *e)
{
    const struct task *t = &x->task;
    struct message *m = NULL;
    struct message_event *ev = NULL;
    size_t n = 0, events = 0;
    int64_t from = *at, to = from;
    int rc = messages_after(reader, &t->lives, &to, look, x->pages, &m, &n, ret_end, e);
    if (rc == 0)
        rc = participants_between(reader, t->row.bucket, from, to, EVENTS, x->pages, &ev, &events, e);
    if (rc != 0)
        return rc;
    x->n_messages = x->n_events = 0;
    for (size_t i = 0; i < n; i++)
        if (lives_have(&t->lives, m[i].contact) || names_them(t, reader, &m[i], x->pages))
            m[x->n_messages++] = m[i];
    for (size_t i = 0; i < events; i++)
        if (is_theirs(t, ev[i].participant))
            ev[x->n_events++] = ev[i];
    x->message = m;
    x->event = ev;
    *at = to;
    return 0;
}

/* One that is on its way is come back to. */
static void note_open(struct erasures *x)
{
    struct task *t = &x->task;
    if (x->open_met && t->on_its_way == 0)
        t->on_its_way = t->at + 1;
}

static int look_at_messages(struct erasures *x, struct store *reader, bool *ret_wait, struct err *e)
{
    struct task *t = &x->task;
    int64_t at = t->at;
    bool end = false;
    int rc = find_messages(x, reader, LOOK, &at, &end, e);
    if (rc == 0 && (x->n_messages > 0 || x->n_events > 0)) {
        rc = hand_over(x, take_messages, e);
        if (rc == 0)
            life_follow(x->g, &x->after);
    }
    if (rc != 0)
        return rc;
    if (x->n_messages > 0)
        note_open(x);
    t->messages += (int64_t)x->n_messages;
    t->at = at;
    if (!end)
        return 0;
    *ret_wait = t->on_its_way != 0;
    if (t->on_its_way == 0) {
        t->step = STEP_WEBHOOKS;
        return scrub_begin(&t->scrub, reader, e);
    }
    t->at = t->on_its_way - 1;
    t->on_its_way = 0;
    return 0;
}

/* --- webhooks ------------------------------------------------------------------------------------------------------------ */

static int take_webhooks(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct erasures *x = ctx;
    (void)a, (void)now;
    int rc = scrub_take_out(&x->task.scrub, s, e);
    return rc;
}

static int last_entry(const struct task *t, struct store *s, int64_t *ret, struct err *e)
{
    struct person p;
    *ret = 0;
    int rc = t->lives.n > 0 ? people_get(s, t->row.bucket, t->lives.id[0], &p, e) : 0;
    if (rc == 0 && t->lives.n > 0)
        *ret = p.leaf < 0 ? 0 : p.leaf;
    return rc;
}

static int begin_wordings(struct task *t, struct store *reader, struct err *e)
{
    memset(&t->wordings, 0, sizeof t->wordings);
    int rc = last_entry(t, reader, &t->worded, e);
    if (rc == 0)
        rc = wordings_next(reader, &t->lives, &t->wordings, e);
    t->step = t->wordings.n > 0 ? STEP_WORDINGS : STEP_LAST;
    return rc;
}

static int look_at_webhooks(struct erasures *x, struct store *reader, bool *ret_wait, struct err *e)
{
    struct task *t = &x->task;
    arena_reset(x->kept);
    int rc = scrub_look(&t->scrub, reader, x->pages, x->kept, e);
    if (rc == 0 && scrub_found(&t->scrub))
        rc = hand_over(x, take_webhooks, e);
    if (rc != 0)
        return rc;
    t->webhooks += (int64_t)t->scrub.scanned;
    t->changed += (int64_t)t->scrub.erased;
    *ret_wait = t->scrub.waits;
    if (!scrub_over(&t->scrub))
        return 0;
    if (!t->shred) {
        t->step = STEP_LAST;
        return 0;
    }
    return begin_wordings(t, reader, e);
}

static int take_wordings(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct erasures *x = ctx;
    (void)a, (void)now;
    return wordings_drop(s, x->task.row.bucket, &x->task.wordings, e);
}

/* Some after the others. A wording that many were shown is soon met with somebody else; one that is theirs alone costs a look
 * through the ledger. */
static int look_at_wordings(struct erasures *x, struct store *reader, struct err *e)
{
    struct task *t = &x->task;
    struct wordings *w = &t->wordings;
    bool end = false;
    int rc = wordings_look(reader, &t->lives, w, LOOK, &end, e);
    if (rc != 0 || !end)
        return rc;
    if (w->n > 0)
        rc = hand_over(x, take_wordings, e);
    if (rc == 0)
        rc = wordings_next(reader, &t->lives, w, e);
    if (rc == 0 && w->n == 0)
        t->step = STEP_LAST;
    return rc;
}

/* --- the last transaction -------------------------------------------------------------------------------------------------- */

static void once_more(struct erasures *x, enum step at)
{
    x->again = true;
    x->again_at = at;
}

/* What came since. Where it is too much, it is looked at with a reader. */
static int look_once_more(struct erasures *x, struct store *s, int64_t now, struct err *e)
{
    struct task *t = &x->task;
    int64_t at = t->at;
    bool end = false, all = false;
    int rc = find_messages(x, s, LAST, &at, &end, e);
    if (rc == 0)
        rc = forget_messages(x, s, now, e);
    if (rc == 0 && (!end || x->open_met)) {
        once_more(x, STEP_MESSAGES);
        return 0;
    }
    if (rc == 0)
        rc = scrub_rest(&t->scrub, s, LAST, &all, e);
    if (rc == 0 && !all)
        once_more(x, STEP_WEBHOOKS);
    return rc;
}

/* That they asked to be erased is a refusal, and so is what they refused later. */
static int suppress(const struct task *t, struct store *s, struct err *e)
{
    struct suppressed v = {.scope = CONSENT_ALL, .at = t->row.asked_at};
    struct person p;
    if (t->lives.n > 0) {
        int rc = people_get(s, t->row.bucket, t->lives.id[0], &p, e);
        if (rc != 0)
            return rc;
        for (int c = 0; c < CATEGORY_COUNT; c++)
            if (p.consent.of[c].status == CONSENT_WITHDRAWN && p.consent.of[c].at > v.at)
                v.at = p.consent.of[c].at;
        v.platform_at = p.consent.platform_stop ? p.consent.platform_at : 0;
    }
    return suppress_names(s, t->row.bucket, t->scrub.name, t->scrub.n_names, &v, e);
}

/* The entry of the log that says so. */
static int write_entry(struct store *s, struct erasure *row, int64_t now, struct err *e)
{
    const struct leaf leaf = {.kind = LEAF_ERASURE, .at = now, .count = (uint64_t)row->leaves};
    struct buf record;
    buf_init(&record, RECORD_MAX);
    int rc = erasure_record(row, &record, e);
    if (rc == 0)
        rc = log_append(s, row->bucket, 0, &leaf, buf_str(&record), &row->leaf, &row->n, e);
    buf_done(&record);
    return rc;
}

static int shred(struct erasures *x, struct store *s, struct erasure *row, int64_t now, struct err *e)
{
    struct task *t = &x->task;
    bool left = false;
    int64_t last = 0;
    int rc = last_entry(t, s, &last, e);
    if (rc == 0 &&
        last != t->worded) { /* not looked at, because they were in no hurry then; or something was said since */
        once_more(x, STEP_WORDINGS);
        return 0;
    }
    if (rc == 0)
        rc = ledger_shred(s, &t->lives, SHRED, &left, &row->leaves, e);
    if (rc != 0 || left) {
        once_more(x, STEP_LAST);
        return rc;
    }
    if (t->lives.n > 0) /* whoever was heard with one of them since has it */
        rc = people_identities(s, row->bucket, t->lives.id[0], t->scrub.name, SCRUB_NAMES, &t->scrub.n_names, e);
    if (rc == 0)
        rc = suppress(t, s, e);
    if (rc == 0)
        rc = person_shred(s, &t->lives, t->scrub.name, t->scrub.n_names, e);
    row->contact = 0;
    row->name[0] = '\0';
    row->cleaned_at = row->cleaned_at != 0 ? row->cleaned_at : now;
    row->done_at = now;
    return rc == 0 ? write_entry(s, row, now, e) : rc;
}

static int keep_proof(const struct task *t, struct store *s, struct erasure *row, int64_t now, struct err *e)
{
    row->cleaned_at = now;
    row->due = row->until;
    return person_strip(s, &t->lives, e);
}

/* *row is as somebody may have changed it meanwhile. */
static int end(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct erasures *x = ctx;
    struct erasure row;
    (void)a;
    x->again = false; /* the transaction may run a second time */
    int rc = erasure_get(s, x->task.row.id, &row, e);
    if (rc == 0)
        rc = look_once_more(x, s, now, e);
    if (rc != 0 || x->again)
        return rc;
    if (x->task.shred)
        rc = shred(x, s, &row, now, e);
    else if (row.until != x->task.row.until)
        once_more(x, STEP_LAST); /* it is wanted at once by now: it comes up again */
    else
        rc = keep_proof(&x->task, s, &row, now, e);
    if (rc == 0)
        rc = erasure_save(s, &row, e);
    if (rc == 0)
        x->task.row = row;
    return rc == 0 ? store_empty_log(s, e) : rc;
}

/* Where the last transaction wants it to go on. */
static int go_back(struct erasures *x, struct store *reader, struct err *e)
{
    struct task *t = &x->task;
    t->step = x->again_at;
    t->shred = t->shred || t->row.until <= clock_now_ms();
    if (t->step == STEP_WORDINGS)
        return begin_wordings(t, reader, e);
    if (t->step != STEP_WEBHOOKS)
        return 0;
    t->scrub.phase = SCRUB_BODIES;
    t->scrub.at = t->scrub.until;
    t->scrub.key = 0;
    return inbox_newest(reader, &t->scrub.until, e);
}

static int finish(struct erasures *x, struct store *reader, bool *ret_wait, struct err *e)
{
    int rc = hand_over(x, end, e);
    if (rc != 0)
        return rc;
    life_follow(x->g, &x->after);
    if (x->again) {
        *ret_wait = x->open_met;
        return go_back(x, reader, e);
    }
    x->busy = false;
    x->log_full = true;
    if (x->task.row.done_at != 0)
        log_info("erasures", "erasure e%lld is done: %lld entries of the log have no record any more",
                 (long long)x->task.row.id, (long long)x->task.row.leaves);
    return rc;
}

/* --- the chore ----------------------------------------------------------------------------------------------------------- */

static int put_off(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct erasures *x = ctx;
    struct erasure row;
    (void)a;
    int rc = erasure_get(s, x->task.row.id, &row, e);
    row.due = now + RETRY_MS;
    return rc == 0 && row.done_at == 0 ? erasure_save(s, &row, e) : rc;
}

/* One that fails lets others go first. */
static void fail(struct erasures *x)
{
    struct err e = {0};
    if (x->task.row.id != 0 && hand_over(x, put_off, &e) != 0)
        log_warn("erasures", "%s", e.text);
    x->busy = false;
}

static int go_on(struct erasures *x, struct store *reader, bool *ret_wait, struct err *e)
{
    switch (x->task.step) {
    case STEP_KEYS:
        return look_at_keys(x, reader, e);
    case STEP_MESSAGES:
        return look_at_messages(x, reader, ret_wait, e);
    case STEP_WEBHOOKS:
        return look_at_webhooks(x, reader, ret_wait, e);
    case STEP_WORDINGS:
        return look_at_wordings(x, reader, e);
    default:
        return finish(x, reader, ret_wait, e);
    }
}

static int ask_to_empty(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)ctx, (void)a, (void)now;
    return store_empty_log(s, e);
}

static int empty_log(struct erasures *x, struct err *e)
{
    bool emptied = false;
    int rc = hand_over(x, ask_to_empty, e);
    if (rc == 0)
        rc = scrub_end(x->g, &emptied, e);
    x->log_full = !emptied;
    return rc;
}

static int step(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct erasures *x = ctx;
    bool wait = false;
    x->pages = a;
    int rc = x->busy ? go_on(x, reader, &wait, e) : begin(x, reader, e);
    if (rc == 0 && !x->busy && x->log_full)
        rc = empty_log(x, e);
    if (rc != 0 && rc != WL_EBUSY)
        fail(x);
    show(x, wait);
    *ret_more = rc == 0 && x->busy && !wait;
    return rc;
}

int erasures_start(struct erasures **ret, struct gateway *g, struct err *e)
{
    struct erasures *x = calloc(1, sizeof *x);
    if (x == NULL || (x->kept = arena_create(MEMORY)) == NULL)
        abort();
    x->g = g;
    x->log_full = true;
    pthread_mutex_init(&x->lock, NULL);
    int rc = chore_start(&x->chore, g->o.store_url,
                         &(struct chore_options){.name = "erasures",
                                                 .failed = "an erasure is tried again in a minute",
                                                 .memory = SCRUB_PAGES,
                                                 .rest_ms = REST_MS,
                                                 .backlog_ms = BACKLOG_MS,
                                                 .step = step,
                                                 .ctx = x},
                         e);
    if (rc != 0) {
        erasures_free(x);
        return rc;
    }
    *ret = x;
    return 0;
}

void erasures_ring(struct erasures *x)
{
    if (x != NULL)
        chore_ring(x->chore);
}

void erasures_stop(struct erasures *x)
{
    if (x != NULL)
        chore_stop(x->chore);
}

void erasures_free(struct erasures *x)
{
    if (x == NULL)
        return;
    chore_free(x->chore);
    arena_free(x->kept);
    pthread_mutex_destroy(&x->lock);
    free(x);
}
