/* SPDX-License-Identifier: Apache-2.0
 * fanout_post.c - one POST to a subscriber, and what its answer means.
 *
 * Signed as Meta signs: with the subscriber's own secret, or with the secret of the app it belongs to, whichever app's copy of
 * an event came first: it knows no other. `Wayleave-Event-Id` is the same in every attempt. Address, secret and terms are
 * those of the moment it leaves. A 2xx takes it, whatever its body; a redirect does not: the address is what somebody
 * allowed. Answers are read to 64 KiB and dropped. */
#include "gateway/fanout_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/seal.h"

#define TIMEOUT_MS  10000
#define ANSWER_MAX  (64u << 10)
#define RETRY_MOST  86400 /* seconds of a Retry-After that are believed; the window's own limit is lower */
#define BUSY_MS     100
#define SECRET_ROOM 4096

/* --- the secret ------------------------------------------------------------------------------------------------------- */

struct str fanout_app_secret(const struct gateway_options *o, int64_t app, bool *ret_known)
{
    *ret_known = true;
    for (size_t i = 0; i < o->n_webhook_apps; i++)
        if (app != 0 && o->webhook_apps[i].id == app && o->webhook_apps[i].secret != NULL)
            return str_of(o->webhook_apps[i].secret);
    *ret_known = app == 0 || app == o->webhook_app_id;
    if (o->webhook_app_secret != NULL)
        return str_of(o->webhook_app_secret);
    return o->n_webhook_apps > 0 && o->webhook_apps[0].secret != NULL ? str_of(o->webhook_apps[0].secret) : STR("");
}

static struct str secret_for(const struct fanout *f, const struct target *t)
{
    bool known;
    if (t->by_configuration && f->g->o.forward_secret != NULL)
        return str_of(f->g->o.forward_secret);
    if (t->secret.n > 0)
        return t->secret;
    return fanout_app_secret(&f->g->o, t->app, &known);
}

static void sign(struct str secret, struct str body, char out[7 + SHA256_HEX])
{
    uint8_t mac[SHA256_BYTES];
    hmac_sha256(secret, body, mac);
    memcpy(out, "sha256=", 8);
    hex_encode(mac, sizeof mac, out + 7);
}

/* --- leaving ---------------------------------------------------------------------------------------------------------- */

static enum http_reach reach_of(const struct gateway *g, bool by_configuration)
{
    return by_configuration || g->o.webhook_private ? HTTP_NOT_LINK_LOCAL : HTTP_PUBLIC;
}

static void fill_headers(const struct gateway *g, struct http_header h[6], const char *signature, const char *name,
                         const char *attempt)
{
    h[0] = (struct http_header){STR("Content-Type"), STR("application/json")};
    h[1] = (struct http_header){STR("User-Agent"), STR("Wayleave/" WAYLEAVE_VERSION)};
    h[2] = (struct http_header){STR("X-Hub-Signature-256"), str_of(signature)};
    h[3] = (struct http_header){STR("Wayleave-Event-Id"), str_of(name)};
    h[4] = (struct http_header){STR("Wayleave-Attempt"), str_of(attempt)};
    h[5] = (struct http_header){STR(WEBHOOK_VIA_HEADER), str_of(g->via)};
}

static void fill_call(struct http_call *c, const char *url, const struct http_header *h, struct str body)
{
    *c = (struct http_call){.method = STR("POST"),
                            .url = str_of(url),
                            .headers = h,
                            .n_headers = 6,
                            .body = body,
                            .body_length = (int64_t)body.n,
                            .timeout_ms = TIMEOUT_MS,
                            .max_answer = ANSWER_MAX};
}

/* In the client's thread. */
static void answered(struct http_call *c)
{
    struct post *p = container_of(c, struct post, call);
    struct fanout *f = c->user;
    p->link.next = NULL;
    pthread_mutex_lock(&f->lock);
    bool first = f->answered == NULL;
    *f->last_answered = &p->link;
    f->last_answered = &p->link.next;
    if (first)
        pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

bool post_start(struct fanout *f, struct post *p, const struct delivery_thing *thing)
{
    struct target *t = p->stream->target;
    struct str body = {p->body, p->n};
    free(p->url);
    p->url = strdup(t->url);
    if (p->url == NULL)
        abort();
    p->thing = thing;
    sign(secret_for(f, t), body, p->signature);
    int n = snprintf(p->name, sizeof p->name, "%lld", (long long)p->seq);
    if (p->event >= 0)
        snprintf(p->name + n, sizeof p->name - (size_t)n, ".%d", p->event);
    snprintf(p->attempt, sizeof p->attempt, "%u", thing->attempts);
    fill_headers(f->g, p->headers, p->signature, p->name, p->attempt);
    fill_call(&p->call, p->url, p->headers, body);
    p->call.reach = reach_of(f->g, t->by_configuration);
    p->call.done = answered;
    p->call.user = f;
    if (http_client_submit_quietly(f->client, &p->call) == 0) {
        t->open++;
        return true;
    }
    p->thing = NULL;
    f->retry_ms = fanout_mono_ms() + BUSY_MS;
    return false;
}

void post_free(struct post *p)
{
    free(p->url);
    free(p);
}

/* --- the answer ------------------------------------------------------------------------------------------------------- */

static int64_t retry_after_ms(const struct http_call *c)
{
    int64_t seconds;
    struct str value = http_call_header(c, "Retry-After");
    if (!str_i64(str_trim(value), &seconds) || seconds <= 0)
        return 0;
    return (seconds < RETRY_MOST ? seconds : RETRY_MOST) * 1000;
}

static void say(const struct http_call *c, char *out, size_t n)
{
    bool redirect = c->status >= 300 && c->status < 400;
    if (c->status != 0)
        snprintf(out, n, "HTTP %d%s", c->status, redirect ? ", and redirects are not followed" : "");
    else
        snprintf(out, n, "%.110s", c->err.text[0] != '\0' ? c->err.text : "no answer");
}

/* Whether it is down, or again well, is said once. It is well when it took something, not when there is hope. */
static void say_down(struct target *t, const char *why, bool taken)
{
    bool was = t->view.down_since != 0, down = false;
    for (int k = 0; k < STREAMS; k++)
        down |= t->stream[k].window != NULL && delivery_down(t->stream[k].window) != 0;
    if (down == was || (was && !taken))
        return;
    t->view.down_since = down ? clock_now_ms() : 0;
    if (down)
        log_warn("fanout", "subscriber '%s' takes no webhooks (%s); they wait for it", t->name, why);
    else
        log_info("fanout", "subscriber '%s' takes webhooks again", t->name);
}

void post_given_up(const struct post *p, const struct delivery_thing *thing, enum delivery_end end, const char *said)
{
    struct target *t = p->stream->target;
    struct loss l = {.seq = p->seq,
                     .event = p->event,
                     .at = clock_now_ms(),
                     .attempts = (int)thing->attempts,
                     .status = thing->status};
    if (thing->attempts == 0)
        snprintf(l.why, sizeof l.why, "not taken for too long: nothing was");
    else if (end == DELIVERY_EXPIRED)
        snprintf(l.why, sizeof l.why, "not taken for too long, last: %.80s", said);
    else
        snprintf(l.why, sizeof l.why, "refused after %d attempts, last: %.70s", l.attempts, said);
    t->view.dead++;
    loss_add(t, &l);
}

/* Whether it fails again and again while others are taken. */
static void note_failure(struct post *p, const struct delivery_thing *thing)
{
    uint64_t delivered = p->stream->target->view.delivered;
    p->attempts = thing->attempts;
    p->status = thing->status;
    if (!p->failed)
        p->taken_then = delivered;
    p->failed = true;
    if (p->stuck || p->attempts < FANOUT_STUCK || delivered == p->taken_then)
        return;
    p->stuck = true;
    p->stream->n_stuck++;
}

static void conclude(struct post *p)
{
    struct stream *st = p->stream;
    struct target *t = st->target;
    struct delivery_thing was = *p->thing;
    struct loss dead_no_more = {.seq = p->seq, .event = p->event, .taken = true};
    char said[120] = "";
    int64_t now = clock_now_ms(), wait = retry_after_ms(&p->call);
    say(&p->call, said, sizeof said);
    http_call_done(&p->call);
    enum delivery_end end = delivery_answered(st->window, p->thing, p->call.status, wait, fanout_mono_ms(), now);
    p->thing = NULL;
    for (int k = 0; k < STREAMS; k++) /* what it says of when to come again it says to all of us */
        if (t->stream[k].window != NULL)
            delivery_hold(t->stream[k].window, delivery_held(st->window));
    was.status = t->view.last_status = p->call.status;
    t->view.last_at = now;
    if (end == DELIVERY_TAKEN) {
        failpoint(fanout_taken);
        t->view.delivered++;
        t->view.last_error[0] = '\0';
        if (st->kind == STREAM_DEAD)
            loss_add(t, &dead_no_more);
    } else {
        snprintf(t->view.last_error, sizeof t->view.last_error, "%s", said);
        t->view.failed++;
        note_failure(p, &was);
    }
    say_down(t, said, end == DELIVERY_TAKEN);
    if (end == DELIVERY_REFUSED || end == DELIVERY_EXPIRED)
        post_given_up(p, &was, end, said);
    if (end != DELIVERY_AGAIN)
        stream_remove(st, p);
}

void post_settle(struct post *p, bool stopping)
{
    struct stream *st = p->stream;
    struct target *t = st->target;
    t->open--;
    t->touched = true;
    if (t->gone || (stopping && p->call.status == 0)) {
        http_call_done(&p->call);
        delivery_untried(p->stream->window, p->thing);
        p->thing = NULL;
    } else {
        conclude(p);
    }
    stream_settled(st);
}

/* --- one that somebody wants to see ----------------------------------------------------------------------------------- */

struct fanout_test_call {
    struct http_call call;
    struct http_header headers[6];
    struct fanout_test *test;
    char signature[7 + SHA256_HEX], *url;
    int64_t begun_ms;
};

static void test_free(struct fanout_test_call *c)
{
    http_call_done(&c->call);
    free(c->url);
    free(c);
}

static void test_done(struct http_call *call)
{
    struct fanout_test_call *c = container_of(call, struct fanout_test_call, call);
    struct fanout_test *t = c->test;
    t->status = call->status;
    t->took_ms = fanout_mono_ms() - c->begun_ms;
    if (call->status < 200 || call->status > 299)
        say(call, t->error, sizeof t->error);
    test_free(c);
    t->done(t);
}

static int test_sign(const struct gateway *g, struct fanout_test_call *c, struct err *e)
{
    const struct fanout_test *t = c->test;
    bool known;
    int rc = 0;
    struct arena *a = arena_create(SECRET_ROOM);
    struct str secret = fanout_app_secret(&g->o, t->app, &known), own = {NULL, 0};
    if (a == NULL)
        abort();
    if (t->by_configuration && g->o.forward_secret != NULL)
        secret = str_of(g->o.forward_secret);
    else if (t->secret.n > 0)
        rc = unseal(g->seal_key, t->secret, a, &own, e);
    if (rc == 0)
        sign(own.n > 0 ? own : secret, t->body, c->signature);
    if (own.n > 0)
        explicit_bzero((char *)(uintptr_t)own.p, own.n);
    arena_free(a);
    return rc;
}

int fanout_test(struct fanout *f, struct fanout_test *t, struct err *e)
{
    struct fanout_test_call *c = calloc(1, sizeof *c);
    if (c == NULL || (c->url = strndup(t->url.p, t->url.n)) == NULL)
        abort();
    c->test = t;
    t->status = 0;
    t->error[0] = '\0';
    int rc = test_sign(f->g, c, e);
    fill_headers(f->g, c->headers, c->signature, "test", "1");
    fill_call(&c->call, c->url, c->headers, t->body);
    c->call.reach = reach_of(f->g, t->by_configuration);
    c->call.done = test_done;
    c->begun_ms = fanout_mono_ms();
    if (rc == 0 && http_client_submit(f->client, &c->call) != 0)
        rc = err_set(e, WL_EBUSY, "too many webhooks are on their way; try again in a moment");
    if (rc != 0)
        test_free(c);
    return rc;
}

int fanout_check_url(const struct gateway *g, struct str url, struct err *e)
{
    if (url.n > 2048)
        return err_set(e, WL_EINVAL, "a URL has at most 2048 characters");
    return http_url_check(url, reach_of(g, false), e);
}
