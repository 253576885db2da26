/* SPDX-License-Identifier: Apache-2.0
 * forward.c - at least once, in order, at the receiver's own pace.
 *
 * A thread of its own with a cursor of its own: a slow or dead receiver delays nobody else and loses nothing. The body's
 * bytes are those Meta sent, but for our mark, in whose place the receiver finds what it gave with its message, if
 * anything (mark.h); the signature is made with the secret the receiver expects. Anything but a 2xx is tried again, waiting
 * twice as long each time up to five minutes. Two things end that, with a log line, a count and a note beside the body,
 * which stays in the inbox: the receiver refuses the body itself (4xx) ten times, some eight minutes, or the body is
 * older than seven days, Meta's own patience (docs/platform.md §6.1).
 *
 * What came before there was a receiver is not handed on. */
#include "gateway/forward.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/gateway_impl.h"
#include "gateway/mark.h"
#include "store/inbox.h"

#define CURSOR        "forward"
#define RANK          3 /* of writing the position: nobody waits for it */
#define ROWS_MAX      64
#define BYTES_MAX     (8u << 20)
#define BODY_MAX      (16u << 20) /* restored: a value may come back where a short mark stood */
#define WAIT_FIRST_MS 1000
#define WAIT_MOST_MS  (5 * 60 * 1000)
#define GIVE_UP_MS    (7LL * 24 * 3600 * 1000)
#define TIMEOUT_MS    10000
#define REFUSALS_MAX  10

struct forwarder {
    struct gateway *g;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool rung, stop;
    struct store *reader;
    int64_t cursor;
    int64_t parked; /* seq of a body that is passed over with the position, 0: none */
    char why[80];
};

static int position_run(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct forwarder *f = ctx;
    (void)a, (void)now;
    int rc = f->parked != 0 ? inbox_problem(s, f->parked, str_of(f->why), e) : 0;
    return rc != 0 ? rc : cursor_set(s, CURSOR, f->cursor, e);
}

/* Writes how far we are. A failure only means that something is forwarded once more. */
static int save_position(struct forwarder *f, int64_t seq, struct err *e)
{
    f->cursor = seq;
    int rc = writer_call(f->g->writer, RANK, position_run, f, e);
    f->parked = rc == 0 ? 0 : f->parked;
    return rc;
}

/* The receiver's status, 0 when it gave none. */
static int post(struct forwarder *f, struct str body)
{
    const struct gateway_options *o = &f->g->o;
    uint8_t mac[SHA256_BYTES];
    char signature[7 + SHA256_HEX] = "sha256=";
    hmac_sha256(str_of(o->forward_secret ? o->forward_secret : o->webhook_app_secret), body, mac);
    hex_encode(mac, sizeof mac, signature + 7);
    struct http_header h[] = {{STR("Content-Type"), STR("application/json")},
                              {STR("X-Hub-Signature-256"), str_of(signature)}};
    struct http_call c = {.method = STR("POST"),
                          .url = str_of(o->forward_url),
                          .headers = h,
                          .n_headers = 2,
                          .body = body,
                          .body_length = (int64_t)body.n,
                          .timeout_ms = TIMEOUT_MS,
                          .max_answer = 64u << 10};
    int status = http_fetch(&c, NULL, NULL) == 0 ? c.status : 0;
    http_call_done(&c);
    return status;
}

/* Waits ms, or until told to stop. False: stop. */
static bool pause_for(struct forwarder *f, int64_t ms)
{
    int64_t until = clock_now_ms() + ms;
    struct timespec ts = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&f->lock);
    while (!f->stop && clock_now_ms() < until)
        pthread_cond_timedwait(&f->wake, &f->lock, &ts);
    bool go_on = !f->stop;
    pthread_mutex_unlock(&f->lock);
    return go_on;
}

/* The receiver does not want this body, whatever we do; time-outs and rates (408, 429) are about the moment. */
static bool refuses(int status)
{
    return status >= 400 && status < 500 && status != 408 && status != 429;
}

/* Notes why a body is passed over; written with the position after it. */
static void park(struct forwarder *f, const struct inbox_row *row)
{
    metric_add(f->g, METRIC_FORWARD_PARKED, 1);
    log_error("forward", "a webhook body was passed over and kept: %s", f->why);
    f->parked = row->problem.p == NULL ? row->seq : 0; /* a reason that is there already is worth more */
}

/* Hands on, or parks, one body as its receiver is to see it. False: told to stop. */
static bool forward_body(struct forwarder *f, const struct inbox_row *row, struct str body)
{
    int64_t wait = WAIT_FIRST_MS;
    int status, refusals = 0;
    while ((status = post(f, body)) < 200 || status >= 300) {
        metric_add(f->g, METRIC_FORWARD_RETRIES, 1);
        refusals += refuses(status);
        if (refusals == REFUSALS_MAX)
            snprintf(f->why, sizeof f->why, "the receiver of webhooks refused it %d times (HTTP %d)", refusals, status);
        else if (clock_now_ms() - row->at > GIVE_UP_MS)
            snprintf(f->why, sizeof f->why, "the receiver of webhooks did not take it for seven days");
        else if (!pause_for(f, wait))
            return false;
        else {
            wait = wait * 2 < WAIT_MOST_MS ? wait * 2 : WAIT_MOST_MS;
            continue;
        }
        park(f, row);
        return true;
    }
    failpoint(forward_taken);
    metric_add(f->g, METRIC_FORWARDED, 1);
    return true;
}

static bool forward_row(struct forwarder *f, const struct inbox_row *row)
{
    struct buf restored;
    buf_init(&restored, BODY_MAX);
    bool ours = mark_restore(f->g, f->reader, row->body, &restored) && !restored.failed;
    bool go_on = forward_body(f, row, ours ? buf_str(&restored) : row->body);
    buf_done(&restored);
    return go_on;
}

static void drain(struct forwarder *f, struct arena *a)
{
    for (;;) {
        int64_t after;
        struct inbox_row *rows;
        size_t n = 0;
        struct err e = {0};
        arena_reset(a);
        int rc = cursor_get(f->reader, CURSOR, &after, &e);
        if (rc == 0)
            rc = inbox_read(f->reader, after, ROWS_MAX, BYTES_MAX, a, &rows, &n, &e);
        if (rc != 0)
            log_error("forward", "the inbox cannot be read: %s", e.text);
        if (rc != 0 || n == 0)
            return;
        for (size_t i = 0; i < n; i++) {
            if (!pause_for(f, 0) || !forward_row(f, &rows[i]))
                return;
            save_position(f, rows[i].seq, NULL);
            failpoint(forward_noted);
        }
    }
}

static void *forwarder_run(void *arg)
{
    struct forwarder *f = arg;
    struct arena *a = arena_create(64u << 20);
    if (a == NULL)
        abort();
    pthread_mutex_lock(&f->lock);
    while (!f->stop) {
        f->rung = false;
        pthread_mutex_unlock(&f->lock);
        drain(f, a);
        pthread_mutex_lock(&f->lock);
        while (!f->rung && !f->stop)
            pthread_cond_wait(&f->wake, &f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    arena_free(a);
    return NULL;
}

/* A receiver that is new here gets what comes from now on, not the whole inbox. Written down before anything can come. */
static int find_start(struct forwarder *f, struct err *e)
{
    int64_t at = 0, newest = 0;
    int rc = cursor_get(f->reader, CURSOR, &at, e);
    if (rc == 0 && at == 0)
        rc = inbox_newest(f->reader, &newest, e);
    if (rc != 0 || at != 0)
        return rc;
    return save_position(f, newest != 0 ? newest : 1, e); /* 0 would mean: never set */
}

static void give_back(struct forwarder *f)
{
    store_free(f->reader);
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

int forwarder_start(struct forwarder **ret, struct gateway *g, struct err *e)
{
    struct forwarder *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    f->g = g;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wake, NULL);
    int rc = store_open(&f->reader, g->o.store_url, &(struct store_options){.read_only = true}, e);
    if (rc == 0)
        rc = find_start(f, e);
    if (rc == 0 && thread_start(&f->thread, "forwarder", forwarder_run, f) != 0)
        rc = err_set(e, WL_EIO, "cannot start the forwarder thread");
    if (rc != 0) {
        give_back(f);
        return rc;
    }
    *ret = f;
    return 0;
}

void forwarder_bell(struct forwarder *f)
{
    pthread_mutex_lock(&f->lock);
    f->rung = true;
    pthread_cond_broadcast(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

void forwarder_stop(struct forwarder *f)
{
    if (f == NULL || f->stop)
        return;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_broadcast(&f->wake);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
}

void forwarder_free(struct forwarder *f)
{
    if (f == NULL)
        return;
    forwarder_stop(f);
    give_back(f);
}
