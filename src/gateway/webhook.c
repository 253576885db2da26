/* SPDX-License-Identifier: Apache-2.0
 * webhook.c - Meta's webhooks: the handshake, the signature, and 200 only for what is on disk.
 *
 * The signature is computed over the raw bytes and compared in constant time; without a configured app secret nothing
 * is accepted, because anybody could otherwise forge an opt-in or lift an opt-out. A signed body is stored whatever it
 * contains: judging it is the projector's work, and Meta repeats for seven days what it is not thanked for. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/gateway_impl.h"
#include "gateway/forward.h"
#include "gateway/projector.h"
#include "net/form.h"
#include "store/inbox.h"

#define WEBHOOK_BODY_MAX (3u << 20) /* Meta's own limit, docs/platform.md §6.1 */

struct delivery {
    struct job job;
    struct gateway *g;
    struct http_req *rq;
};

static void text_reply(struct http_req *rq, int status, struct str body)
{
    struct http_header h[] = {{STR("Content-Type"), STR("text/plain; charset=utf-8")}};
    http_reply(rq, status, h, 1, body);
}

static int delivery_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                        struct err *e)
{
    (void)ctx;
    struct inbox_row *rows = arena_new_array(a, struct inbox_row, n);
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, "a batch of webhooks does not fit its arena");
    for (size_t i = 0; i < n; i++) {
        struct delivery *d = container_of(jobs[i], struct delivery, job);
        rows[i] = (struct inbox_row){.seq = store_id(s, now), .at = now, .body = http_body(d->rq)};
    }
    int rc = inbox_append(s, rows, n, e);
    failpoint(webhook_written);
    return rc;
}

static void delivery_done(void *ctx, struct job *job)
{
    (void)ctx;
    struct delivery *d = container_of(job, struct delivery, job);
    struct gateway *g = d->g;
    failpoint(webhook_stored);
    if (job->rc != 0) {
        log_error("webhook", "a delivery could not be stored, Meta will repeat it: %s", job->err.text);
        text_reply(d->rq, 503, STR("not stored, please repeat\n"));
        return;
    }
    text_reply(d->rq, 200, STR("ok"));
    failpoint(webhook_thanked);
    metric_add(g, METRIC_WEBHOOKS, 1);
    projector_bell(g->projector);
    if (g->forwarder != NULL)
        forwarder_bell(g->forwarder);
}

static const struct job_type delivery_type = {.name = "inbox", .rank = 0, .run = delivery_run, .done = delivery_done};

static bool signature_matches(const struct gateway *g, struct http_req *rq)
{
    struct str sent = http_header(rq, "X-Hub-Signature-256"), prefix = STR("sha256=");
    uint8_t theirs[SHA256_BYTES], ours[SHA256_BYTES];
    size_t n;
    if (g->o.webhook_app_secret == NULL || !str_starts(sent, prefix))
        return false;
    sent.p += prefix.n;
    sent.n -= prefix.n;
    if (!hex_decode(sent, theirs, sizeof theirs, &n) || n != sizeof theirs)
        return false;
    hmac_sha256(str_of(g->o.webhook_app_secret), http_body(rq), ours);
    return digest_equal(theirs, ours, sizeof ours);
}

static void body_in(void *ctx, struct http_req *rq)
{
    struct gateway *g = ctx;
    if (!signature_matches(g, rq)) {
        metric_add(g, METRIC_WEBHOOKS_FORGED, 1);
        text_reply(rq, 401,
                   g->o.webhook_app_secret ? STR("X-Hub-Signature-256 does not match\n")
                                           : STR("webhook.app_secret is not configured, so nothing is accepted\n"));
        return;
    }
    struct delivery *d = arena_new(http_arena(rq), struct delivery);
    struct err e = {0};
    if (d != NULL) {
        *d = (struct delivery){.job.type = &delivery_type, .g = g, .rq = rq};
        if (writer_submit(g->writer, &d->job, &e) == 0)
            return;
    }
    text_reply(rq, 503, STR("busy, please repeat\n"));
}

/* GET ?hub.mode=subscribe&hub.challenge=...&hub.verify_token=... */
static void handshake(struct gateway *g, struct http_req *rq)
{
    struct form q;
    struct err e = {0};
    if (form_urlencoded(http_arena(rq), http_query(rq), &q, &e) != 0) {
        text_reply(rq, 400, str_of(e.text));
        return;
    }
    const struct form_field *mode = form_get(&q, "hub.mode"), *token = form_get(&q, "hub.verify_token"),
                            *challenge = form_get(&q, "hub.challenge");
    struct str want = str_of(g->o.webhook_verify_token);
    bool ok = mode != NULL && token != NULL && challenge != NULL && want.n > 0 &&
              str_eq(mode->value, STR("subscribe")) && token->value.n == want.n &&
              digest_equal(token->value.p, want.p, want.n);
    text_reply(rq, ok ? 200 : 403, ok ? challenge->value : STR("verify token does not match\n"));
}

void webhook_begin(struct gateway *g, struct http_req *rq)
{
    if (str_eq(http_method(rq), STR("GET")))
        handshake(g, rq);
    else if (str_eq(http_method(rq), STR("POST")))
        http_collect(rq, WEBHOOK_BODY_MAX, body_in, g);
    else
        text_reply(rq, 405, STR("GET or POST\n"));
}
