/* SPDX-License-Identifier: Apache-2.0
 * sandbox_webhooks.c - what the applications behind hear, and when: queues, posts, retries.
 *
 * An update is planned on the timer; when due it joins `ready` (or `held`) of every app that is to hear of it, and once a
 * round the timer thread packs ready updates into POSTs, as many at a time as are allowed in flight to each app. A
 * POST not answered with 200 comes back later with doubled pauses, for seven days, as its own unchanged bytes; when so
 * told, the other apps get those bytes once more too, signed with their secrets, as the real platform does. Nothing is kept
 * across a restart, and what waits is bounded. */
#include "sandbox/sandbox_apps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "sandbox/sandbox_people_live.h"

#define WAITING_MAX 2000000
#define MERGE_MAX   1000
#define RETRY_MAX   60000
#define RETRY_FOR   (7LL * 86400000)
#define TIMEOUT_MS  10000

const char *const sbx_mode_names[7] = {"duplicate", "out_of_order", "shuffle", "split", "merge", "hold", "drop"};
const char *const sbx_status_names[4] = {"sent", "delivered", "read", "failed"};
const char *const sbx_hook_names[5] = {"NONE", "PENDING", "DELIVERED", "RETRYING", "FAILED"};

/* One POST, kept until it was answered with 200 or given up. */
struct sbx_delivery {
    struct http_call call; /* first: the client's callbacks give it back */
    struct sandbox *sb;
    struct sbx_app *app;
    struct sbx_delivery *next, *all_next, **all_at;
    struct buf body;
    char *url;
    char signature[80];
    struct http_header headers[3];
    struct sbx_update *updates; /* to record their fate, and for the address of the others */
    int64_t first_ms, pause_ms;
    bool echo;      /* another app's retry: posted once */
    bool abandoned; /* a reset came while it was in flight */
};

/* --- queues ------------------------------------------------------------------------------------------- */

void sbx_hooks_init(struct sandbox *sb)
{
    struct sbx_app *a = sbx_app_add(sb, str_of(sb->o.app_id), str_of(sb->o.app_secret), str_of(sb->o.verify_token));
    sbx_set_text(&a->url, str_of(sb->o.webhook_url ? sb->o.webhook_url : ""));
}

static void free_update(struct sbx_update *u)
{
    sbx_message_unref(u->m);
    free(u);
}

static void free_updates(struct sbx_update *u)
{
    while (u != NULL) {
        struct sbx_update *next = u->next;
        free_update(u);
        u = next;
    }
}

static void mark(struct sbx_update *u, const struct sbx_app *a, enum sbx_hook fate)
{
    if (u->m != NULL && u->event < u->m->n_events)
        u->m->events[u->event].hook[a->index] = (unsigned char)fate;
}

static struct str keep(char **at, struct str s)
{
    struct str kept = {*at, s.n};
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

static struct sbx_update *new_update(struct sbx_message *m, const struct sbx_about *about, struct str text)
{
    struct sbx_update *u = calloc(1, sizeof *u + text.n + about->field.n + about->number_id.n + 1);
    if (u == NULL)
        abort();
    char *at = u->bytes;
    u->m = m;
    if (m != NULL)
        m->refs++;
    u->at_ms = about->at_ms > 0 ? about->at_ms : clock_now_ms();
    u->text = keep(&at, text);
    u->field = keep(&at, about->field);
    u->number_id = keep(&at, about->number_id);
    return u;
}

static struct sbx_update *copy_update(const struct sbx_update *u)
{
    const struct sbx_about about = {u->field, u->number_id, u->at_ms};
    struct sbx_update *copy = new_update(u->m, &about, u->text);
    copy->event = u->event;
    copy->status = u->status;
    copy->raw = u->raw;
    return copy;
}

/* [lock] At the end, or, where chance has the order, perhaps in front. */
static void join(struct sandbox *sb, struct sbx_update **first, struct sbx_update ***tail, struct sbx_update *u)
{
    if ((sb->hooks.mode & SBX_SHUFFLE) && *first != NULL && sbx_random(sb) % 2 == 0) {
        u->next = *first;
        *first = u;
        return;
    }
    u->next = NULL;
    **tail = u;
    *tail = &u->next;
}

/* [lock] A copy of the update for the app. */
static void arrive_at(struct sandbox *sb, struct sbx_app *a, struct sbx_update *u)
{
    struct sbx_hooks *h = &sb->hooks;
    if (sbx_app_url(sb, a, u->field, u->number_id)[0] == '\0') {
        mark(u, a, SBX_HOOK_NONE);
        return;
    }
    if ((h->mode & SBX_DROP) || h->waiting >= WAITING_MAX) {
        mark(u, a, SBX_HOOK_FAILED);
        a->dropped++;
        return;
    }
    mark(u, a, SBX_HOOK_PENDING);
    if (h->mode & SBX_HOLD)
        join(sb, &a->held, &a->held_tail, copy_update(u));
    else
        join(sb, &a->ready, &a->ready_tail, copy_update(u));
    h->waiting++;
}

/* [lock] Where an update that is due goes. It is freed. */
static void arrive(struct sandbox *sb, struct sbx_update *u)
{
    struct sbx_hooks *h = &sb->hooks;
    for (size_t i = 0; i < h->n_apps; i++)
        for (int times = h->mode & SBX_DUPLICATE ? 2 : 1; times > 0; times--)
            arrive_at(sb, h->apps[i], u);
    free_update(u);
}

/* --- statuses ----------------------------------------------------------------------------------------- */

static void status_due(void *sandbox, void *update)
{
    struct sandbox *sb = sandbox;
    struct sbx_update *u = update;
    pthread_mutex_lock(&sb->lock);
    struct sbx_message *m = u->m;
    if (m->n_events < sizeof m->events / sizeof *m->events) {
        u->event = m->n_events;
        m->events[m->n_events++] = (struct sbx_message_event){.at_ms = clock_now_ms(), .status = u->status};
    }
    arrive(sb, u);
    pthread_mutex_unlock(&sb->lock);
}

static void status_drop(void *sandbox, void *update)
{
    struct sandbox *sb = sandbox;
    pthread_mutex_lock(&sb->lock);
    free_update(update);
    pthread_mutex_unlock(&sb->lock);
}

/* The timer's drop takes the lock, which is held here; after the stop there is nobody to tell anyway. */
void sbx_hooks_plan(struct sandbox *sb, struct sbx_message *m, enum sbx_status status, int64_t after_ms)
{
    if (after_ms < 0 || sb->stopping)
        return;
    const struct sbx_about about = {STR("messages"), m->number_id, 0};
    struct sbx_update *u = new_update(m, &about, (struct str){NULL, 0});
    u->status = status;
    sbx_timer_add(&sb->timer, after_ms, status_due, status_drop, u);
}

void sbx_hooks_status_plan(struct sandbox *sb, struct sbx_message *m)
{
    int64_t at[3] = {sb->o.sent_ms, sb->o.delivered_ms, sb->o.read_ms};
    if (m->fail_code != 0) {
        sbx_hooks_plan(sb, m, SBX_FAILED, at[0] < 0 ? 0 : at[0]);
        return;
    }
    if (sbx_people_plan(sb, m))
        return;
    if (sb->hooks.mode & SBX_OUT_OF_ORDER) { /* the last comes first */
        at[0] = sb->o.read_ms;
        at[2] = sb->o.sent_ms;
    }
    sbx_hooks_plan(sb, m, SBX_SENT, at[0]);
    sbx_hooks_plan(sb, m, SBX_DELIVERED, at[1]);
    if (!str_eq(m->type, STR("reaction")))
        sbx_hooks_plan(sb, m, SBX_READ, at[2]);
}

void sbx_hooks_change(struct sandbox *sb, const struct sbx_about *about, struct str change)
{
    arrive(sb, new_update(NULL, about, change));
    sbx_timer_kick(&sb->timer);
}

void sbx_hooks_raw(struct sandbox *sb, struct str body)
{
    const struct sbx_about about = {{NULL, 0}, {NULL, 0}, 0};
    struct sbx_update *u = new_update(NULL, &about, body);
    u->raw = true;
    arrive(sb, u);
    sbx_timer_kick(&sb->timer);
}

/* [lock] Gives a list an order of chance. */
static void shuffle(struct sandbox *sb, struct sbx_update **first, struct sbx_update ***tail)
{
    size_t n = 0, i = 0;
    for (struct sbx_update *u = *first; u != NULL; u = u->next)
        n++;
    if (n < 2)
        return;
    struct sbx_update **all = calloc(n, sizeof(struct sbx_update *));
    if (all == NULL)
        abort();
    for (struct sbx_update *u = *first; u != NULL; u = u->next)
        all[i++] = u;
    for (i = n - 1; i > 0; i--) {
        size_t other = sbx_random(sb) % (i + 1);
        struct sbx_update *u = all[i];
        all[i] = all[other];
        all[other] = u;
    }
    *tail = first;
    for (i = 0; i < n; i++) {
        **tail = all[i];
        *tail = &all[i]->next;
    }
    **tail = NULL;
    free(all);
}

void sbx_hooks_set_mode(struct sandbox *sb, unsigned mode)
{
    struct sbx_hooks *h = &sb->hooks;
    h->mode = mode;
    if (mode & SBX_HOLD)
        return;
    for (size_t i = 0; i < h->n_apps; i++) {
        struct sbx_app *a = h->apps[i];
        if (a->held == NULL)
            continue;
        if (mode & SBX_SHUFFLE)
            shuffle(sb, &a->held, &a->held_tail);
        *a->ready_tail = a->held;
        a->ready_tail = a->held_tail;
        a->held = NULL;
        a->held_tail = &a->held;
    }
    sbx_timer_kick(&sb->timer);
}

/* --- posting ------------------------------------------------------------------------------------------ */

static void unlink_delivery(struct sbx_delivery *d)
{
    *d->all_at = d->all_next;
    if (d->all_next != NULL)
        d->all_next->all_at = d->all_at;
}

static void free_delivery(struct sbx_delivery *d)
{
    unlink_delivery(d);
    free_updates(d->updates);
    buf_done(&d->body);
    free(d->url);
    free(d);
}

/* [lock] An empty one to that address. */
static struct sbx_delivery *new_delivery(struct sandbox *sb, struct sbx_app *a, const char *url)
{
    struct sbx_hooks *h = &sb->hooks;
    struct sbx_delivery *d = calloc(1, sizeof *d);
    if (d == NULL || (d->url = strdup(url)) == NULL)
        abort();
    d->sb = sb;
    d->app = a;
    d->first_ms = clock_now_ms();
    d->pause_ms = sb->o.retry_ms;
    buf_init(&d->body, 2 * SBX_BODY_MAX);
    d->all_next = h->open;
    d->all_at = &h->open;
    if (h->open != NULL)
        h->open->all_at = &d->all_next;
    h->open = d;
    return d;
}

static void queue_again(struct sbx_delivery *d)
{
    d->next = NULL;
    *d->app->again_tail = d;
    d->app->again_tail = &d->next;
}

/* [lock] The same bytes to every other app that hears of such things. */
static void echo(struct sandbox *sb, const struct sbx_delivery *d)
{
    for (size_t i = 0; i < sb->hooks.n_apps; i++) {
        struct sbx_app *a = sb->hooks.apps[i];
        const char *url = sbx_app_url(sb, a, d->updates->field, d->updates->number_id);
        if (a == d->app || url[0] == '\0')
            continue;
        struct sbx_delivery *other = new_delivery(sb, a, url);
        other->echo = true;
        buf_putstr(&other->body, buf_str(&d->body));
        queue_again(other);
    }
}

static void again(void *sandbox, void *delivery)
{
    struct sandbox *sb = sandbox;
    struct sbx_delivery *d = delivery;
    pthread_mutex_lock(&sb->lock);
    queue_again(d);
    if (sb->hooks.retry_all && d->updates != NULL)
        echo(sb, d);
    pthread_mutex_unlock(&sb->lock);
}

static void give_up(void *sandbox, void *delivery)
{
    struct sandbox *sb = sandbox;
    pthread_mutex_lock(&sb->lock);
    free_delivery(delivery);
    pthread_mutex_unlock(&sb->lock);
}

static void mark_all(struct sbx_delivery *d, enum sbx_hook fate)
{
    for (struct sbx_update *u = d->updates; u != NULL; u = u->next)
        mark(u, d->app, fate);
}

static void retry(struct sandbox *sb, struct sbx_delivery *d)
{
    int64_t pause = d->pause_ms;
    d->pause_ms = pause * 2 < RETRY_MAX ? pause * 2 : RETRY_MAX;
    sbx_timer_add(&sb->timer, pause, again, give_up, d);
}

/* In the client's thread. */
static void posted(struct http_call *call)
{
    struct sbx_delivery *d = (struct sbx_delivery *)call;
    struct sandbox *sb = d->sb;
    struct sbx_app *a = d->app;
    bool ok = call->fate == HTTP_ANSWERED && call->status == 200;
    http_call_done(call);
    pthread_mutex_lock(&sb->lock);
    a->in_flight--;
    bool late = clock_now_ms() - d->first_ms > RETRY_FOR;
    bool finished = ok || d->echo || d->abandoned || late || sb->stopping;
    if (ok)
        a->delivered++;
    else
        a->failed++;
    mark_all(d, ok ? SBX_HOOK_DELIVERED : finished ? SBX_HOOK_FAILED : SBX_HOOK_RETRYING);
    if (finished)
        free_delivery(d);
    bool more = a->ready != NULL || a->again != NULL;
    pthread_mutex_unlock(&sb->lock);
    if (!finished)
        retry(sb, d);
    if (more)
        sbx_timer_kick(&sb->timer);
}

static void sign(struct sbx_delivery *d, const char *secret)
{
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX];
    hmac_sha256(str_of(secret), buf_str(&d->body), mac);
    hex_encode(mac, sizeof mac, hex);
    snprintf(d->signature, sizeof d->signature, "sha256=%s", hex);
    d->headers[0] = (struct http_header){STR("Content-Type"), STR("application/json")};
    d->headers[1] = (struct http_header){STR("X-Hub-Signature-256"), str_of(d->signature)};
    d->headers[2] = (struct http_header){STR("User-Agent"), STR("facebookexternalua")};
}

/* Hands the POST to the client; a full client means a pause. */
static void submit(struct sandbox *sb, struct sbx_delivery *d)
{
    d->call = (struct http_call){.method = STR("POST"),
                                 .url = str_of(d->url),
                                 .headers = d->headers,
                                 .n_headers = sizeof d->headers / sizeof *d->headers,
                                 .body = buf_str(&d->body),
                                 .timeout_ms = TIMEOUT_MS,
                                 .max_answer = 65536,
                                 .done = posted};
    if (http_client_submit(sb->client, &d->call) == 0)
        return;
    pthread_mutex_lock(&sb->lock);
    d->app->in_flight--;
    pthread_mutex_unlock(&sb->lock);
    retry(sb, d);
}

/* [lock] The next body of what is ready for the app. */
static struct sbx_delivery *take_new(struct sandbox *sb, struct sbx_app *a)
{
    struct sbx_hooks *h = &sb->hooks;
    struct sbx_delivery *d = new_delivery(sb, a, sbx_app_url(sb, a, a->ready->field, a->ready->number_id));
    size_t max = h->mode & SBX_SPLIT ? 1 : h->mode & SBX_MERGE ? MERGE_MAX : sb->o.webhook_batch, n;
    struct sbx_update *rest = sbx_body_pack(sb, a, a->ready, max, &d->body, &n);
    h->waiting -= n;
    for (struct sbx_update *u = a->ready; u != rest;) {
        struct sbx_update *next = u->next;
        u->next = d->updates;
        d->updates = u;
        u = next;
    }
    a->ready = rest;
    if (a->ready == NULL)
        a->ready_tail = &a->ready;
    return d;
}

/* [lock] Whether it has an address at all; while it has none, what is for it waits. */
static bool listens(const struct sandbox *sb, const struct sbx_app *a)
{
    bool any = a->url[0] != '\0' || a->account_url[0] != '\0';
    for (size_t i = 0; i < sb->n_numbers; i++)
        any = any || a->number_urls[i][0] != '\0';
    return any && a->subscribed;
}

/* [lock] What is ready and it does not want to hear of any more. */
static void drop_unheard(struct sandbox *sb, struct sbx_app *a)
{
    while (a->ready != NULL && sbx_app_url(sb, a, a->ready->field, a->ready->number_id)[0] == '\0') {
        struct sbx_update *u = a->ready;
        mark(u, a, SBX_HOOK_FAILED);
        a->dropped++;
        sb->hooks.waiting--;
        if ((a->ready = u->next) == NULL)
            a->ready_tail = &a->ready;
        free_update(u);
    }
}

static struct sbx_delivery *take_next(struct sandbox *sb, struct sbx_app *a, char *secret, size_t size)
{
    struct sbx_delivery *d = NULL;
    pthread_mutex_lock(&sb->lock);
    if (a->in_flight < sb->o.webhook_parallel && !sb->stopping && listens(sb, a)) {
        drop_unheard(sb, a);
        if (a->again != NULL) {
            d = a->again;
            a->again = d->next;
            if (a->again == NULL)
                a->again_tail = &a->again;
        } else if (a->ready != NULL) {
            d = take_new(sb, a);
        }
        a->in_flight += d != NULL;
    }
    snprintf(secret, size, "%s", a->secret);
    pthread_mutex_unlock(&sb->lock);
    return d;
}

static void round_of(struct sandbox *sb, struct sbx_app *a)
{
    struct sbx_delivery *d;
    char secret[256];
    while ((d = take_next(sb, a, secret, sizeof secret)) != NULL) {
        if (d->signature[0] == '\0')
            sign(d, secret);
        submit(sb, d);
    }
}

void sbx_hooks_round(void *sandbox)
{
    struct sandbox *sb = sandbox;
    pthread_mutex_lock(&sb->lock);
    size_t n = sb->hooks.n_apps;
    pthread_mutex_unlock(&sb->lock);
    for (size_t i = 0; i < n; i++) /* apps never go */
        round_of(sb, sb->hooks.apps[i]);
}

/* --- forgetting --------------------------------------------------------------------------------------- */

static void forget(struct sbx_app *a)
{
    free_updates(a->ready);
    free_updates(a->held);
    a->ready = a->held = NULL;
    a->ready_tail = &a->ready;
    a->held_tail = &a->held;
    a->delivered = a->failed = a->dropped = 0;
    while (a->again != NULL) {
        struct sbx_delivery *d = a->again;
        a->again = d->next;
        free_delivery(d);
    }
    a->again_tail = &a->again;
}

void sbx_hooks_reset(struct sandbox *sb)
{
    struct sbx_hooks *h = &sb->hooks;
    for (size_t i = 0; i < h->n_apps; i++)
        forget(h->apps[i]);
    h->waiting = 0;
    for (struct sbx_delivery *d = h->open; d != NULL; d = d->all_next)
        d->abandoned = true;
}

void sbx_hooks_forget_planned(struct sandbox *sb)
{
    sbx_timer_drop_if(&sb->timer, status_due);
    sbx_timer_drop_if(&sb->timer, again);
    sbx_people_forget_planned(sb);
}

void sbx_hooks_done(struct sandbox *sb)
{
    sbx_hooks_reset(sb);
    while (sb->hooks.open != NULL)
        free_delivery(sb->hooks.open);
    sbx_apps_free(sb);
}
