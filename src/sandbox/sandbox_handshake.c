/* SPDX-License-Identifier: Apache-2.0
 * sandbox_handshake.c - asks an address for hub.challenge before it is believed.
 *
 * The question is sent when the handler has returned, without the lock, by the same client that posts webhooks; the call that wanted
 * the address is answered when the answer, or its absence, is known. A part of a batch cannot wait and is told no. */
#include "sandbox/sandbox_call.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 10000

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
