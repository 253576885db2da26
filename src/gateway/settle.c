/* SPDX-License-Identifier: Apache-2.0
 * settle.c - one thread that keeps time, and the leases.
 *
 * Everything it does is a task of the writer's, of at most SETTLE_STEP messages, and all news go through life_hear(). An
 * attempt whose outcome could not be written is in doubt as soon as something can be written again: nobody else would
 * look at it in this life.
 * Leases are renewed first and at the highest rank, so that load does not cost us the right to send; the moment counted is
 * the one before the task was handed over. What goes with them is keep.c's matter.
 *
 * The state directory is ours alone on this machine (gateway.c), so the leases of an earlier life may be taken at once. */
#include "gateway/settle.h"

#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/keep.h"
#include "store/idempotency.h"
#include "store/leases.h"

#define RANK_RENEWAL 0
#define RANK_SETTLE                                                                                                    \
    3 /* after webhooks, which may say what became of a doubt, and before the next messages are judged */
#define DOUBTS_US       SECOND_US
#define PASSED_OVER_MAX 64 /* beyond these it is not the messages */
#define LEFT_US         (5 * SECOND_US)
#define COUNT_US        (5 * SECOND_US)
#define COUNT_ROOM      (8u << 20)
#define FORGET_US       (12 * 3600 * SECOND_US)      /* between two walks; of keys there has to be one in every week */
#define ASIDE_KEPT_MS   (INT64_C(14) * 86400 * 1000) /* after the end: a status may come seven days late */
#define LINES_START     100000                       /* looked at for numbers whose lease is taken at start */

/* --- leases -------------------------------------------------------------------------------------------------------- */

void settle_renewed(struct dispatch *d, int64_t begun_us)
{
    struct lease_clock c = {.begun_us = atomic_load_explicit(&d->renewed_us, memory_order_acquire)};
    lease_renewed(&c, begun_us);
    atomic_store_explicit(&d->renewed_us, c.begun_us, memory_order_release);
}

/* --- what an earlier life left -------------------------------------------------------------------------------------- */

int settle_left_sending(struct store *s, struct arena *a, int64_t now, struct settle_step step,
                        struct life_after *after, size_t *ret_n, struct err *e)
{
    const struct life_news gone = {.event = {.kind = STEP_RESTART}};
    struct message *left;
    size_t n = 0;
    int rc = messages_left_sending(s, OUTBOX_SPREAD, INT64_MAX, a, step.skip + step.most, &left, &n, e);
    for (size_t i = step.skip; i < n && rc == 0; i++)
        rc = life_hear(s, &left[i], &gone, now, after, e);
    if (n > 0)
        failpoint(settle_left);
    *ret_n = n > step.skip ? n - step.skip : 0;
    return rc;
}

/* --- what is due ---------------------------------------------------------------------------------------------------- */

int settle_doubts(struct dispatch *d, struct store *s, struct arena *a, int64_t now, struct settle_step step,
                  struct life_after *after, size_t *ret_n, struct err *e)
{
    struct message *m;
    size_t n = 0;
    int rc = messages_in_doubt(s, OUTBOX_SPREAD, now, a, step.skip + step.most, &m, &n, e);
    for (size_t i = step.skip; i < n && rc == 0; i++) {
        struct life_news timer = {.event = {.kind = STEP_TIMER,
                                            .watermark = dispatch_watermark(d, m[i].sender),
                                            .listening = d->g->started_at}};
        rc = life_hear(s, &m[i], &timer, now, after, e);
        failpoint(settle_doubt);
    }
    *ret_n = n > step.skip ? n - step.skip : 0;
    return rc;
}

struct settling {
    struct dispatch *d;
    struct life_after after;
    struct ending ended[ENDINGS_MAX];
    size_t n, done; /* of these */
    struct left_open left[SETTLE_STEP];
    size_t n_left;
    struct settle_step step;
    size_t found;
};

static int left_sending(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct settling *t = ctx;
    t->after = (struct life_after){.n_bells = 0};
    return settle_left_sending(s, a, now, t->step, &t->after, &t->found, e);
}

static int doubts(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct settling *t = ctx;
    t->after = (struct life_after){.n_bells = 0};
    return settle_doubts(t->d, s, a, now, t->step, &t->after, &t->found, e);
}

static int endings(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct settling *t = ctx;
    int rc = 0;
    (void)a;
    t->after = (struct life_after){.n_bells = 0};
    for (size_t i = t->done; i < t->n && i < t->done + t->step.most && rc == 0; i++) {
        struct life_news news = {.event = {.kind = t->ended[i].kind, .code = t->ended[i].code}};
        struct message m;
        struct err why = {0};
        rc = messages_get(s, OUTBOX_SPREAD, t->ended[i].id, &m, &why);
        if (rc == WL_ENOTFOUND)
            rc = 0;
        else if (rc != 0)
            *e = why;
        else
            rc = life_hear(s, &m, &news, now, &t->after, e);
    }
    return rc;
}

/* Whether another message may fare better: neither the disk nor the writer is to blame. */
static bool about_one(int rc)
{
    return rc != WL_EIO && rc != WL_EBUSY;
}

/* Runs it until it finds less than a step's worth. When a step fails its messages are taken one by one, and the one that
 * fails alone is passed over: it must not keep the others from being settled, nor the program from starting. */
static int all(struct settling *t, writer_task *task, size_t *ret_n, struct err *e)
{
    size_t n = 0;
    int rc = 0;
    t->step = (struct settle_step){.most = SETTLE_STEP};
    do {
        struct err why = {0};
        rc = writer_call(t->d->g->writer, RANK_SETTLE, task, t, &why);
        if (rc == 0) {
            n += t->found;
            life_follow(t->d->g, &t->after);
        } else if (t->step.most > 1 && about_one(rc)) {
            t->step.most = 1;
        } else if (t->step.skip < PASSED_OVER_MAX && about_one(rc)) {
            log_error("settle", "a message cannot be settled and is passed over: %s", why.text);
            t->step.skip++;
            t->step.most = SETTLE_STEP;
        } else {
            *e = why;
            break;
        }
    } while (rc != 0 || t->found == t->step.most);
    *ret_n = n;
    return rc;
}

/* --- what could not be written -------------------------------------------------------------------------------------- */

void dispatch_lost(struct dispatch *d, const struct message *m)
{
    if (d == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    if (d->n_left == d->left_room) {
        d->left_room = d->left_room == 0 ? 64 : d->left_room * 2;
        if ((d->left = realloc(d->left, d->left_room * sizeof *d->left)) == NULL)
            abort();
    }
    d->left[d->n_left++] = (struct left_open){m->id, m->decision};
    pthread_mutex_unlock(&d->lock);
}

static int left_open(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct life_news gone = {.event = {.kind = STEP_RESTART}};
    struct settling *t = ctx;
    int rc = 0;
    (void)a;
    t->after = (struct life_after){.n_bells = 0};
    for (size_t i = 0; i < t->n_left && rc == 0; i++) {
        struct message m;
        rc = messages_get(s, OUTBOX_SPREAD, t->left[i].id, &m, e);
        if (rc == 0 && m.life.state == LIFE_SENDING && m.decision == t->left[i].decision)
            rc = life_hear(s, &m, &gone, now, &t->after, e);
        else if (rc == WL_ENOTFOUND)
            rc = 0;
    }
    return rc;
}

/* The first of them, one step's worth; false: none is left, or they cannot be settled now and are the last ones again. */
static bool settle_left_open(struct settling *t, size_t most)
{
    struct dispatch *d = t->d;
    struct err e = {0};
    pthread_mutex_lock(&d->lock);
    t->n_left = d->n_left < most ? d->n_left : most;
    if (t->n_left > 0)
        memcpy(t->left, d->left, t->n_left * sizeof *t->left);
    pthread_mutex_unlock(&d->lock);
    if (t->n_left == 0)
        return false;
    int rc = writer_call(d->g->writer, RANK_SETTLE, left_open, t, &e);
    if (rc == 0)
        life_follow(d->g, &t->after);
    else if (!about_one(rc))
        return false;
    else if (most > 1)
        return settle_left_open(t, 1);
    else
        log_error("settle", "what became of message %lld still cannot be written: %s", (long long)t->left[0].id,
                  e.text);
    pthread_mutex_lock(&d->lock);
    d->n_left -= t->n_left; /* others only add behind them */
    memmove(d->left, d->left + t->n_left, d->n_left * sizeof *d->left);
    if (rc != 0)
        d->left[d->n_left++] = t->left[0];
    pthread_mutex_unlock(&d->lock);
    return rc == 0;
}

static void settle_due(struct settling *t)
{
    struct err e = {0};
    size_t n;
    if (all(t, doubts, &n, &e) != 0)
        log_error("settle", "messages in doubt could not be settled, they are tried again: %s", e.text);
}

static void settle_endings(struct settling *t)
{
    struct dispatch *d = t->d;
    struct err e = {0};
    pthread_mutex_lock(&d->lock);
    t->n = d->n_ended;
    memcpy(t->ended, d->ended, t->n * sizeof *t->ended);
    d->n_ended = 0;
    pthread_mutex_unlock(&d->lock);
    t->step.most = SETTLE_STEP;
    for (t->done = 0; t->done < t->n; t->done += t->step.most) {
        int rc = writer_call(d->g->writer, RANK_SETTLE, endings, t, &e);
        if (rc == 0) {
            life_follow(d->g, &t->after);
        } else if (t->step.most > 1 && about_one(rc)) {
            t->step.most = 1;
            t->done--; /* the same again, one by one */
        } else {
            log_error("settle", "a message that is over could not be ended, it is found again: %s", e.text);
        }
    }
}

/* One walk along all keys, then one along what was kept aside. */
struct forgetting {
    struct idempotency_at key, next_key;
    int64_t id, next_id; /* of a message */
    bool aside;          /* the keys are done */
};

static int forget(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct forgetting *f = ctx;
    int64_t by = now - ASIDE_KEPT_MS;
    (void)a;
    f->next_key = f->key;
    f->next_id = f->id;
    return f->aside ? callback_data_forget(s, OUTBOX_SPREAD, by << 22, by, &f->next_id, e)
                    : idempotency_forget(s, OUTBOX_SPREAD, now, &f->next_key, e);
}

/* A step; true: there is more. */
static bool forget_old(struct dispatch *d, struct forgetting *f)
{
    static const struct idempotency_at end;
    struct err e = {0};
    failpoint(settle_forget);
    if (writer_call(d->g->writer, RANK_SETTLE, forget, f, &e) != 0) {
        log_error("settle", "old keys could not be forgotten, it is tried again: %s", e.text);
        return true;
    }
    f->key = f->next_key;
    f->id = f->next_id;
    if (f->aside)
        f->aside = f->id != 0;
    else
        f->aside = memcmp(&f->key, &end, sizeof end) == 0;
    return f->aside || memcmp(&f->key, &end, sizeof end) != 0;
}

/* --- counting ------------------------------------------------------------------------------------------------------ */

struct counting {
    struct store *reader; /* NULL: it cannot be opened, and nothing is counted */
    struct arena *scratch;
};

static void counting_begin(struct dispatch *d, struct counting *c)
{
    struct err e = {0};
    c->reader = NULL;
    if ((c->scratch = arena_create(COUNT_ROOM)) == NULL)
        abort();
    if (store_open(&c->reader, d->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0)
        log_error("settle", "what waits cannot be counted: %s", e.text);
}

static void counting_end(struct counting *c)
{
    store_free(c->reader);
    arena_free(c->scratch);
}

/* --- the thread ---------------------------------------------------------------------------------------------------- */

/* When what is due is done next. */
struct due {
    int64_t renew_us, doubts_us, left_us, count_us, forget_us;
    struct forgetting forgetting;
};

static void beat(struct dispatch *d, struct keeper *k)
{
    keeper_renew(k);
    keeper_take_back(k);
    stops_tell(d);
}

static void settle_round(struct settling *t, struct keeper *k, struct counting *c, struct due *due, bool stops,
                         bool ended)
{
    struct dispatch *d = t->d;
    int64_t now_us = mono_us();
    if (now_us >= due->renew_us || stops) {
        due->renew_us = now_us + LEASE_RENEW_US;
        beat(d, k);
    }
    if (ended)
        settle_endings(t);
    if (now_us >= due->doubts_us) {
        due->doubts_us = now_us + DOUBTS_US;
        settle_due(t);
    }
    if (now_us >= due->left_us && !settle_left_open(t, SETTLE_STEP))
        due->left_us = now_us + LEFT_US;
    if (now_us >= due->count_us && c->reader != NULL) {
        due->count_us = now_us + COUNT_US;
        census_take(d, c->reader, c->scratch);
    }
    if (now_us >= due->forget_us) {
        bool more = forget_old(d, &due->forgetting);
        due->forget_us = now_us + (more ? SECOND_US : FORGET_US);
    }
}

void *settle_run(void *arg)
{
    struct dispatch *d = arg;
    struct keeper *k = keeper_make(d);
    struct settling *t = calloc(1, sizeof *t);
    struct counting c;
    struct due due = {0};
    if (t == NULL)
        abort();
    t->d = d;
    counting_begin(d, &c);
    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        int64_t next_us = due.renew_us < due.doubts_us ? due.renew_us : due.doubts_us;
        bool ended = d->n_ended > 0, stops = d->stops;
        if (mono_us() < next_us && !ended && !stops) {
            dispatch_sleep(d, &d->wake_settle, next_us);
            continue;
        }
        d->stops = false;
        pthread_mutex_unlock(&d->lock);
        settle_round(t, k, &c, &due, stops, ended);
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    counting_end(&c);
    keeper_free(k);
    free(t);
    return NULL;
}

/* --- start and end -------------------------------------------------------------------------------------------------- */

/* Numbers of the configuration and those with a line in the outbox. */
static int take_leases(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct dispatch *d = ctx;
    const struct gateway *g = d->g;
    struct outbox_key k = {.bucket = OUTBOX_SPREAD};
    struct err why = {0};
    int64_t epoch, last = 0;
    int rc = 0;
    (void)a;
    for (size_t i = 0; i < g->o.n_senders && rc == 0; i++)
        rc = lease_take(s, g->o.senders[i].id, g->incarnation, now, &epoch, e);
    for (int i = 0; i < LINES_START && rc == 0 && outbox_next_line(s, &k, &k, &why) == 0; i++) {
        if (k.sender != last)
            rc = lease_take(s, k.sender, g->incarnation, now, &epoch, e);
        last = k.sender;
    }
    failpoint(start_leases);
    return rc;
}

int settle_start(struct dispatch *d, struct err *e)
{
    struct settling *t = calloc(1, sizeof *t);
    int64_t begun_us = mono_us();
    size_t n = 0;
    if (t == NULL)
        abort();
    t->d = d;
    int rc = writer_call(d->g->writer, RANK_RENEWAL, take_leases, d, e);
    if (rc == 0) {
        settle_renewed(d, begun_us);
        rc = keeper_recall(d, e);
    }
    if (rc == 0)
        rc = all(t, left_sending, &n, e);
    if (n > 0)
        log_warn("settle", "%zu messages were in flight when the last run ended; they are in doubt now", n);
    free(t);
    return rc;
}

static int release(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct dispatch *d = ctx;
    (void)a, (void)now;
    failpoint(stop_leases);
    return leases_release(s, d->g->incarnation, e);
}

void settle_end(struct dispatch *d)
{
    struct err e = {0};
    struct keeper *k = keeper_make(d);
    keeper_renew(k); /* what was learned since the last beat */
    keeper_free(k);
    if (writer_call(d->g->writer, RANK_RENEWAL, release, d, &e) != 0)
        log_warn("settle", "the leases could not be given back: %s", e.text);
}
