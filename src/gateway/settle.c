/* SPDX-License-Identifier: Apache-2.0
 * settle.c - one thread that keeps time, and the leases.
 *
 * Everything it does is a task of the writer's, of at most SETTLE_STEP messages, and all news go through life_hear().
 * Leases are renewed first and at the highest rank, so that load does not cost us the right to send; the moment counted is
 * the one before the task was handed over. With them the watermarks are kept: how far statuses have been applied.
 *
 * The state directory is ours alone on this machine (gateway.c), so the leases of an earlier life may be taken at once. */
#include "gateway/settle.h"

#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/dispatch_impl.h"
#include "store/idempotency.h"
#include "store/leases.h"

#define RANK_RENEWAL 0
#define RANK_SETTLE                                                                                                    \
    3 /* after webhooks, which may say what became of a doubt, and before the next messages are judged */
#define DOUBTS_US     SECOND_US
#define FORGET_US     (3600 * SECOND_US)
#define ASIDE_KEPT_MS (INT64_C(14) * 86400 * 1000) /* a status may come seven days late */
#define LINES_START   100000                       /* looked at for numbers whose lease is taken at start */

/* --- leases -------------------------------------------------------------------------------------------------------- */

struct renewal {
    struct dispatch *d;
    struct watermark mark[NUMBERS_MAX];
    size_t n;
};

static int renew(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct renewal *r = ctx;
    (void)a, (void)now;
    int rc = leases_renew(s, r->d->g->incarnation, r->mark, r->n, e);
    failpoint(lease_renewed);
    return rc;
}

static void renewed(struct dispatch *d, int64_t begun_us)
{
    struct lease_clock c = {.begun_us = atomic_load_explicit(&d->renewed_us, memory_order_acquire)};
    lease_renewed(&c, begun_us);
    atomic_store_explicit(&d->renewed_us, c.begun_us, memory_order_release);
}

static void renew_leases(struct dispatch *d, struct renewal *r)
{
    struct err e = {0};
    r->n = 0;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->n_numbers; i++)
        if (d->number[i]->watermark != 0)
            r->mark[r->n++] = (struct watermark){d->number[i]->sender, d->number[i]->watermark};
    pthread_mutex_unlock(&d->lock);
    int64_t begun_us = mono_us();
    if (writer_call(d->g->writer, RANK_RENEWAL, renew, r, &e) == 0)
        renewed(d, begun_us);
    else
        log_error("settle", "the leases could not be renewed: %s", e.text);
}

/* --- what an earlier life left -------------------------------------------------------------------------------------- */

int settle_left_sending(struct store *s, struct arena *a, int64_t now, struct life_after *after, size_t *ret_n,
                        struct err *e)
{
    const struct life_news gone = {.event = {.kind = STEP_RESTART}};
    struct message *left;
    size_t n = 0;
    int rc = messages_left_sending(s, OUTBOX_SPREAD, INT64_MAX, a, SETTLE_STEP, &left, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = life_hear(s, &left[i], &gone, now, after, e);
    if (n > 0)
        failpoint(settle_left);
    *ret_n = n;
    return rc;
}

/* --- what is due ---------------------------------------------------------------------------------------------------- */

int settle_doubts(struct dispatch *d, struct store *s, struct arena *a, int64_t now, struct life_after *after,
                  size_t *ret_n, struct err *e)
{
    struct message *m;
    size_t n = 0;
    int rc = messages_in_doubt(s, OUTBOX_SPREAD, now, a, SETTLE_STEP, &m, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct life_news timer = {.event = {.kind = STEP_TIMER,
                                            .watermark = dispatch_watermark(d, m[i].sender),
                                            .listening = d->g->started_at}};
        rc = life_hear(s, &m[i], &timer, now, after, e);
        failpoint(settle_doubt);
    }
    *ret_n = n;
    return rc;
}

struct settling {
    struct dispatch *d;
    struct life_after after;
    struct ending ended[ENDINGS_MAX];
    size_t n, done; /* of these */
    size_t found;
};

static int left_sending(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct settling *t = ctx;
    t->after = (struct life_after){.n_bells = 0};
    return settle_left_sending(s, a, now, &t->after, &t->found, e);
}

static int doubts(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct settling *t = ctx;
    t->after = (struct life_after){.n_bells = 0};
    return settle_doubts(t->d, s, a, now, &t->after, &t->found, e);
}

static int endings(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct settling *t = ctx;
    int rc = 0;
    (void)a;
    t->after = (struct life_after){.n_bells = 0};
    for (size_t i = t->done; i < t->n && i < t->done + SETTLE_STEP && rc == 0; i++) {
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

/* Runs it until it finds less than a step's worth. */
static int all(struct settling *t, writer_task *task, size_t *ret_n, struct err *e)
{
    int rc = 0;
    size_t n = 0;
    do {
        rc = writer_call(t->d->g->writer, RANK_SETTLE, task, t, e);
        if (rc != 0)
            break;
        n += t->found;
        life_follow(t->d->g, &t->after);
    } while (t->found == SETTLE_STEP);
    *ret_n = n;
    return rc;
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
    for (t->done = 0; t->done < t->n; t->done += SETTLE_STEP) {
        if (writer_call(d->g->writer, RANK_SETTLE, endings, t, &e) == 0)
            life_follow(d->g, &t->after);
        else
            log_error("settle", "messages that are over could not be ended, they are found again: %s", e.text);
    }
}

static int forget(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)ctx, (void)a;
    int rc = idempotency_forget(s, OUTBOX_SPREAD, now, e);
    return rc != 0 ? rc : callback_data_forget(s, OUTBOX_SPREAD, (now - ASIDE_KEPT_MS) << 22, e);
}

static void forget_old(struct dispatch *d)
{
    struct err e = {0};
    failpoint(settle_forget);
    if (writer_call(d->g->writer, RANK_SETTLE, forget, NULL, &e) != 0)
        log_error("settle", "old keys could not be forgotten, it is tried again: %s", e.text);
}

/* --- the thread ---------------------------------------------------------------------------------------------------- */

void *settle_run(void *arg)
{
    struct dispatch *d = arg;
    struct renewal *r = calloc(1, sizeof *r);
    struct settling *t = calloc(1, sizeof *t);
    int64_t renew_us = 0, doubts_us = 0, forget_us = 0;
    if (r == NULL || t == NULL)
        abort();
    r->d = t->d = d;
    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        int64_t now_us = mono_us(), next_us = renew_us < doubts_us ? renew_us : doubts_us;
        bool ended = d->n_ended > 0;
        if (now_us < next_us && !ended) {
            dispatch_sleep(d, &d->wake_settle, next_us);
            continue;
        }
        pthread_mutex_unlock(&d->lock);
        if (now_us >= renew_us) {
            renew_us = now_us + LEASE_RENEW_US;
            renew_leases(d, r);
        }
        if (ended)
            settle_endings(t);
        if (now_us >= doubts_us) {
            doubts_us = now_us + DOUBTS_US;
            settle_due(t);
        }
        if (now_us >= forget_us) {
            forget_us = now_us + FORGET_US;
            forget_old(d);
        }
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    free(r);
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

/* How far statuses were applied is as true as it was in the earlier life. */
static int read_watermarks(struct dispatch *d, struct err *e)
{
    struct lease *lease;
    size_t n = 0;
    int rc = leases_list(d->reader, d->scratch, &lease, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (lease[i].watermark != 0)
            dispatch_applied(d, lease[i].sender, lease[i].watermark);
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
        renewed(d, begun_us);
        rc = read_watermarks(d, e);
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
    if (writer_call(d->g->writer, RANK_RENEWAL, release, d, &e) != 0)
        log_warn("settle", "the leases could not be given back: %s", e.text);
}
