/* SPDX-License-Identifier: Apache-2.0
 * sandbox_webhooks.c - what the application behind hears: statuses, changes and raw bodies, signed and retried.
 *
 * An update is planned on the timer; when due it joins `ready` (or `held`), and once a round the timer thread packs
 * ready updates into POSTs, as many at a time as are allowed in flight. A POST not answered with 200 comes back later
 * with doubled pauses, for seven days, as its own unchanged bytes. Non-ASCII text is written as \uXXXX and the
 * signature is over exactly the bytes sent. Nothing is kept across a restart, and what waits is bounded. */
#include "sandbox/sandbox_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"

#define WAITING_MAX 2000000
#define BODY_MAX    (3u << 20)
#define RETRY_MAX   60000
#define RETRY_FOR   (7LL * 86400000)
#define TIMEOUT_MS  10000

const char *const sbx_mode_names[5] = {"normal", "duplicate", "out_of_order", "hold", "drop"};
const char *const sbx_status_names[4] = {"sent", "delivered", "read", "failed"};
const char *const sbx_hook_names[5] = {"NONE", "PENDING", "DELIVERED", "RETRYING", "FAILED"};

/* One thing to tell: a status of a message, or text ready to be sent. */
struct sbx_update {
    struct sbx_update *next;
    struct sbx_message *m; /* a reference; NULL for text */
    size_t event;          /* index in m->events */
    enum sbx_status status;
    bool raw; /* text is a whole body, not a change */
    size_t n;
    char text[];
};

/* One POST, kept until it was answered with 200 or given up. */
struct sbx_delivery {
    struct http_call call; /* first: the client's callbacks give it back */
    struct sandbox *sb;
    struct sbx_delivery *next, *all_next, **all_at;
    struct buf body;
    char *url;
    char signature[80];
    struct http_header headers[3];
    struct sbx_update *updates; /* those with a message, to record their fate */
    int64_t first_ms, pause_ms;
    bool abandoned; /* a reset came while it was in flight */
};

/* --- queues ------------------------------------------------------------------------------------------- */

void sbx_hooks_init(struct sandbox *sb)
{
    struct sbx_hooks *h = &sb->hooks;
    h->ready_tail = &h->ready;
    h->held_tail = &h->held;
    h->again_tail = &h->again;
    h->url = strdup(sb->o.webhook_url ? sb->o.webhook_url : "");
    h->secret = strdup(sb->o.app_secret);
    h->verify_token = strdup(sb->o.verify_token);
    if (h->url == NULL || h->secret == NULL || h->verify_token == NULL)
        abort();
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

static void mark(struct sbx_update *u, enum sbx_hook fate)
{
    if (u->m != NULL && u->event < u->m->n_events)
        u->m->events[u->event].hook = fate;
}

/* [lock] Where an update that is due goes; it is freed when nobody is to hear of it. */
static void arrive(struct sandbox *sb, struct sbx_update *u)
{
    struct sbx_hooks *h = &sb->hooks;
    u->next = NULL;
    if (h->url[0] == '\0' || h->mode == SBX_DROP || h->waiting >= WAITING_MAX) {
        mark(u, h->url[0] == '\0' ? SBX_HOOK_NONE : SBX_HOOK_FAILED);
        h->dropped += h->url[0] != '\0';
        free_update(u);
        return;
    }
    mark(u, SBX_HOOK_PENDING);
    struct sbx_update ***tail = h->mode == SBX_HOLD ? &h->held_tail : &h->ready_tail;
    **tail = u;
    *tail = &u->next;
    h->waiting++;
}

static struct sbx_update *new_update(struct sbx_message *m, struct str text)
{
    struct sbx_update *u = calloc(1, sizeof *u + text.n + 1);
    if (u == NULL)
        abort();
    u->m = m;
    if (m != NULL)
        m->refs++;
    u->n = text.n;
    if (text.n > 0)
        memcpy(u->text, text.p, text.n);
    return u;
}

static struct sbx_update *copy_update(const struct sbx_update *u)
{
    struct sbx_update *copy = new_update(u->m, (struct str){u->text, u->n});
    copy->event = u->event;
    copy->status = u->status;
    copy->raw = u->raw;
    return copy;
}

static void arrive_all(struct sandbox *sb, struct sbx_update *u)
{
    if (sb->hooks.mode == SBX_DUPLICATE)
        arrive(sb, copy_update(u));
    arrive(sb, u);
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
        m->events[m->n_events++] = (struct sbx_message_event){clock_now_ms(), u->status, SBX_HOOK_NONE};
    }
    arrive_all(sb, u);
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
static void plan(struct sandbox *sb, struct sbx_message *m, enum sbx_status status, int64_t after_ms)
{
    if (after_ms < 0 || sb->stopping)
        return;
    struct sbx_update *u = new_update(m, (struct str){NULL, 0});
    u->status = status;
    sbx_timer_add(&sb->timer, after_ms, status_due, status_drop, u);
}

void sbx_hooks_status_plan(struct sandbox *sb, struct sbx_message *m)
{
    int64_t at[3] = {sb->o.sent_ms, sb->o.delivered_ms, sb->o.read_ms};
    if (m->fail_code != 0) {
        plan(sb, m, SBX_FAILED, at[0] < 0 ? 0 : at[0]);
        return;
    }
    if (sb->hooks.mode == SBX_OUT_OF_ORDER) { /* the last comes first */
        at[0] = sb->o.read_ms;
        at[2] = sb->o.sent_ms;
    }
    plan(sb, m, SBX_SENT, at[0]);
    plan(sb, m, SBX_DELIVERED, at[1]);
    if (!str_eq(m->type, STR("reaction")))
        plan(sb, m, SBX_READ, at[2]);
}

void sbx_hooks_change(struct sandbox *sb, struct str change)
{
    arrive_all(sb, new_update(NULL, change));
    sbx_timer_kick(&sb->timer);
}

void sbx_hooks_raw(struct sandbox *sb, struct str body)
{
    struct sbx_update *u = new_update(NULL, body);
    u->raw = true;
    arrive_all(sb, u);
    sbx_timer_kick(&sb->timer);
}

void sbx_hooks_set_mode(struct sandbox *sb, enum sbx_mode mode)
{
    struct sbx_hooks *h = &sb->hooks;
    h->mode = mode;
    if (mode == SBX_HOLD || h->held == NULL)
        return;
    *h->ready_tail = h->held;
    h->ready_tail = h->held_tail;
    h->held = NULL;
    h->held_tail = &h->held;
    sbx_timer_kick(&sb->timer);
}

void sbx_hooks_set_url(struct sandbox *sb, struct str url)
{
    char *copy = strndup(url.p ? url.p : "", url.n);
    if (copy == NULL)
        abort();
    free(sb->hooks.url);
    sb->hooks.url = copy;
}

/* --- bodies ------------------------------------------------------------------------------------------- */

static void write_errors(struct json_out *o, int code)
{
    jo_key(o, "errors");
    jo_array(o);
    jo_object(o);
    jo_kint(o, "code", code);
    jo_kcstr(o, "title", sbx_error_title(code));
    jo_kcstr(o, "message", sbx_error_title(code));
    jo_key(o, "error_data");
    jo_object(o);
    jo_kcstr(o, "details", sbx_error_details(code));
    jo_end(o);
    jo_kcstr(o, "href", "/documentation/business-messaging/whatsapp/support/error-codes");
    jo_end(o);
    jo_end(o);
}

static void write_pricing(struct json_out *o, const struct sbx_message *m)
{
    jo_key(o, "pricing");
    jo_object(o);
    jo_kbool(o, "billable", strcmp(m->pricing_type, "regular") == 0);
    jo_kcstr(o, "pricing_model", "PMP");
    jo_kcstr(o, "type", m->pricing_type);
    jo_kcstr(o, "category", m->category);
    jo_end(o);
}

static void write_status(struct json_out *o, const struct sbx_update *u)
{
    const struct sbx_message *m = u->m;
    char seconds[24];
    int64_t at = u->event < m->n_events ? m->events[u->event].at_ms : m->at_ms;
    snprintf(seconds, sizeof seconds, "%lld", (long long)(at / 1000));
    jo_object(o);
    jo_kstr(o, "id", m->wamid);
    jo_kcstr(o, "status", sbx_status_names[u->status]);
    jo_kcstr(o, "timestamp", seconds);
    jo_kstr(o, m->bsuid ? "recipient_user_id" : "recipient_id", m->user);
    if (m->group)
        jo_kcstr(o, "recipient_type", "group");
    if (m->callback.n > 0)
        jo_kstr(o, "biz_opaque_callback_data", m->callback);
    if (u->status == SBX_FAILED)
        write_errors(o, m->fail_code);
    else if (u->status != SBX_READ)
        write_pricing(o, m);
    jo_end(o);
}

static void write_change(struct json_out *o, const struct sbx_update *u)
{
    if (u->m == NULL) {
        jo_raw(o, (struct str){u->text, u->n});
        return;
    }
    jo_object(o);
    jo_key(o, "value");
    jo_object(o);
    jo_kcstr(o, "messaging_product", "whatsapp");
    jo_key(o, "metadata");
    jo_object(o);
    jo_kstr(o, "display_phone_number", u->m->display);
    jo_kstr(o, "phone_number_id", u->m->number_id);
    jo_end(o);
    jo_key(o, "statuses");
    jo_array(o);
    write_status(o, u);
    jo_end(o);
    jo_end(o);
    jo_kcstr(o, "field", "messages");
    jo_end(o);
}

/* The length of the UTF-8 sequence at p and its code point; the text is known to be valid. */
static size_t code_point(const unsigned char *p, uint32_t *ret)
{
    if (p[0] < 0xe0) {
        *ret = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        return 2;
    }
    if (p[0] < 0xf0) {
        *ret = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        return 3;
    }
    *ret = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    return 4;
}

/* Meta writes non-ASCII as \uXXXX in lower-case hex and slashes as \/; both occur only inside strings. */
static void escape(struct buf *out, struct str json)
{
    size_t plain = 0, i = 0;
    while (i < json.n) {
        unsigned char ch = (unsigned char)json.p[i];
        if (ch < 0x80 && ch != '/') {
            i++;
            continue;
        }
        buf_put(out, json.p + plain, i - plain);
        if (ch == '/') {
            buf_puts(out, "\\/");
            i++;
        } else {
            uint32_t cp;
            i += code_point((const unsigned char *)json.p + i, &cp);
            if (cp >= 0x10000)
                buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10), 0xdc00 + ((cp - 0x10000) & 0x3ff));
            else
                buf_printf(out, "\\u%04x", cp);
        }
        plain = i;
    }
    buf_put(out, json.p + plain, json.n - plain);
}

/* [lock] Packs updates from `first` on into the delivery's body; a raw body goes alone. Returns the rest. */
static struct sbx_update *pack(struct sbx_delivery *d, struct sbx_update *first, unsigned max, size_t *ret_n)
{
    struct buf text;
    struct json_out o;
    *ret_n = 0;
    if (first->raw) {
        buf_put(&d->body, first->text, first->n);
        *ret_n = 1;
        return first->next;
    }
    buf_init(&text, BODY_MAX);
    json_out_init(&o, &text);
    jo_object(&o);
    jo_kcstr(&o, "object", "whatsapp_business_account");
    jo_key(&o, "entry");
    jo_array(&o);
    jo_object(&o);
    jo_kcstr(&o, "id", d->sb->o.waba_id);
    if (first->m == NULL)
        jo_kint(&o, "time", clock_now_ms() / 1000);
    jo_key(&o, "changes");
    jo_array(&o);
    for (; first != NULL && !first->raw && *ret_n < max && text.len < BODY_MAX / 4; first = first->next, ++*ret_n)
        write_change(&o, first);
    jo_end(&o);
    jo_end(&o);
    jo_end(&o);
    jo_end(&o);
    escape(&d->body, buf_str(&text));
    buf_done(&text);
    return first;
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

static void again(void *sandbox, void *delivery)
{
    struct sandbox *sb = sandbox;
    struct sbx_delivery *d = delivery;
    pthread_mutex_lock(&sb->lock);
    d->next = NULL;
    *sb->hooks.again_tail = d;
    sb->hooks.again_tail = &d->next;
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
        mark(u, fate);
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
    bool ok = call->fate == HTTP_ANSWERED && call->status == 200;
    http_call_done(call);
    pthread_mutex_lock(&sb->lock);
    struct sbx_hooks *h = &sb->hooks;
    h->in_flight--;
    bool late = clock_now_ms() - d->first_ms > RETRY_FOR;
    bool finished = ok || d->abandoned || late || sb->stopping;
    if (ok)
        h->delivered++;
    else
        h->failed++;
    mark_all(d, ok ? SBX_HOOK_DELIVERED : finished ? SBX_HOOK_FAILED : SBX_HOOK_RETRYING);
    if (finished)
        free_delivery(d);
    bool more = h->ready != NULL || h->again != NULL;
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
    sb->hooks.in_flight--;
    pthread_mutex_unlock(&sb->lock);
    retry(sb, d);
}

/* [lock] */
static struct sbx_delivery *take_new(struct sandbox *sb)
{
    struct sbx_hooks *h = &sb->hooks;
    struct sbx_delivery *d = calloc(1, sizeof *d);
    if (d == NULL)
        abort();
    d->sb = sb;
    d->first_ms = clock_now_ms();
    d->pause_ms = sb->o.retry_ms;
    buf_init(&d->body, 2 * BODY_MAX);
    d->url = strdup(h->url);
    if (d->url == NULL)
        abort();
    size_t n;
    struct sbx_update *rest = pack(d, h->ready, sb->o.webhook_batch, &n);
    h->waiting -= n;
    struct sbx_update *u = h->ready;
    for (h->ready = rest; u != rest;) {
        struct sbx_update *next = u->next;
        u->next = d->updates;
        d->updates = u;
        u = next;
    }
    if (h->ready == NULL)
        h->ready_tail = &h->ready;
    d->all_next = h->open;
    d->all_at = &h->open;
    if (h->open != NULL)
        h->open->all_at = &d->all_next;
    h->open = d;
    return d;
}

static struct sbx_delivery *take_next(struct sandbox *sb, char *secret, size_t size)
{
    struct sbx_hooks *h = &sb->hooks;
    struct sbx_delivery *d = NULL;
    pthread_mutex_lock(&sb->lock);
    if (h->in_flight < sb->o.webhook_parallel && h->url[0] != '\0' && !sb->stopping) {
        if (h->again != NULL) {
            d = h->again;
            h->again = d->next;
            if (h->again == NULL)
                h->again_tail = &h->again;
        } else if (h->ready != NULL) {
            d = take_new(sb);
        }
        h->in_flight += d != NULL;
    }
    snprintf(secret, size, "%s", h->secret);
    pthread_mutex_unlock(&sb->lock);
    return d;
}

void sbx_hooks_round(void *sandbox)
{
    struct sandbox *sb = sandbox;
    struct sbx_delivery *d;
    char secret[256];
    while ((d = take_next(sb, secret, sizeof secret)) != NULL) {
        if (d->signature[0] == '\0')
            sign(d, secret);
        submit(sb, d);
    }
}

/* --- forgetting --------------------------------------------------------------------------------------- */

void sbx_hooks_reset(struct sandbox *sb)
{
    struct sbx_hooks *h = &sb->hooks;
    free_updates(h->ready);
    free_updates(h->held);
    h->ready = h->held = NULL;
    h->ready_tail = &h->ready;
    h->held_tail = &h->held;
    h->waiting = 0;
    h->delivered = h->failed = h->dropped = 0;
    while (h->again != NULL) {
        struct sbx_delivery *d = h->again;
        h->again = d->next;
        free_delivery(d);
    }
    h->again_tail = &h->again;
    for (struct sbx_delivery *d = h->open; d != NULL; d = d->all_next)
        d->abandoned = true;
}

void sbx_hooks_forget_planned(struct sandbox *sb)
{
    sbx_timer_drop_if(&sb->timer, status_due);
    sbx_timer_drop_if(&sb->timer, again);
}

void sbx_hooks_done(struct sandbox *sb)
{
    sbx_hooks_reset(sb);
    while (sb->hooks.open != NULL)
        free_delivery(sb->hooks.open);
    free(sb->hooks.url);
    free(sb->hooks.secret);
    free(sb->hooks.verify_token);
}

/* --- the handshake ------------------------------------------------------------------------------------ */

struct sbx_handshake {
    struct http_call call; /* first */
    struct call *asked;
    char challenge[16];
    void (*then)(struct call *c, bool ok);
};

static void shaken(struct http_call *call)
{
    struct sbx_handshake *s = (struct sbx_handshake *)call;
    struct call *c = s->asked;
    bool ok =
        call->fate == HTTP_ANSWERED && call->status == 200 && str_eq(buf_str(&call->answer), str_of(s->challenge));
    http_call_done(call);
    s->then(c, ok);
    sbx_finish(c);
}

void sbx_handshake(struct call *c, struct str url, struct str verify_token, void (*then)(struct call *c, bool ok))
{
    struct sbx_handshake *s = arena_new(c->a, struct sbx_handshake);
    struct buf text;
    if (s == NULL || c->part || url.n == 0) {
        then(c, false);
        return;
    }
    s->asked = c;
    s->then = then;
    snprintf(s->challenge, sizeof s->challenge, "%llu", (unsigned long long)(sbx_random(c->sb) % 9000000000ULL));
    buf_init(&text, 8192);
    buf_putstr(&text, url);
    buf_puts(&text, memchr(url.p, '?', url.n) != NULL ? "&" : "?");
    buf_printf(&text, "hub.mode=subscribe&hub.challenge=%s&hub.verify_token=", s->challenge);
    percent_encode(&text, verify_token);
    s->call = (struct http_call){.method = STR("GET"),
                                 .url = str_of(arena_strndup(c->a, buf_cstr(&text), text.len)),
                                 .timeout_ms = TIMEOUT_MS,
                                 .max_answer = 4096,
                                 .done = shaken};
    bool whole = !text.failed && s->call.url.p != NULL;
    buf_done(&text);
    if (whole)
        c->handshake = s;
    else
        then(c, false);
}

void sbx_handshake_go(struct call *c)
{
    struct sandbox *sb = c->sb;
    struct sbx_handshake *s = c->handshake;
    pthread_mutex_lock(&sb->lock); /* so that none is begun after the stop has begun */
    bool sent = !sb->stopping && http_client_submit(sb->client, &s->call) == 0;
    pthread_mutex_unlock(&sb->lock);
    if (sent)
        return;
    s->then(c, false);
    sbx_finish(c);
}
