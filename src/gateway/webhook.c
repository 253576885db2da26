/* SPDX-License-Identifier: Apache-2.0
 * webhook.c - Meta's webhooks: the handshake, the signature, and 200 only for what is on disk.
 *
 * The signature is computed over the raw bytes with the secret of every configured app and compared with each in constant
 * time: which one it was is kept with the body, and the time it takes tells a stranger nothing. Without a configured app secret nothing
 * is accepted, because anybody could otherwise forge an opt-in or lift an opt-out; for the same reason the older
 * signature with SHA-1 counts for nothing. A signed body is stored whatever it contains: judging it is the
 * projector's work, and Meta repeats for seven days what it is not thanked for. What we posted ourselves is none
 * (webhook_own.h). */
#include "base/clock.h"
#include "base/digest.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/gateway_impl.h"
#include "gateway/projector.h"
#include "net/form.h"
#include "store/inbox.h"

#define WEBHOOK_BODY_MAX (3u << 20) /* Meta's own limit, docs/platform.md §6.1 */

struct received {
    struct job job;
    struct gateway *g;
    struct http_req *rq;
    int64_t app;
};

static void text_reply(struct http_req *rq, int status, struct str body)
{
    struct http_header h[] = {{STR("Content-Type"), STR("text/plain; charset=utf-8")}};
    http_reply(rq, status, h, 1, body);
}

/* --- apps ---------------------------------------------------------------------------------------------------------- */

/* The one of webhook.app_secret first, then webhook.apps[]. */
static size_t apps(const struct gateway *g)
{
    return 1 + g->o.n_webhook_apps;
}

static struct webhook_app app_at(const struct gateway *g, size_t i)
{
    const struct gateway_options *o = &g->o;
    return i == 0 ? (struct webhook_app){o->webhook_app_id, o->webhook_app_secret, o->webhook_verify_token}
                  : o->webhook_apps[i - 1];
}

static bool any_secret(const struct gateway *g)
{
    bool any = false;
    for (size_t i = 0; i < apps(g); i++)
        any = any || app_at(g, i).secret != NULL;
    return any;
}

/* Whose secret signed the body. Every app's is tried, also after one was right. */
static bool signed_by(const struct gateway *g, struct http_req *rq, int64_t *ret_app)
{
    struct str sent = http_header(rq, "X-Hub-Signature-256"), prefix = STR("sha256=");
    uint8_t theirs[SHA256_BYTES], ours[SHA256_BYTES];
    size_t n;
    bool right = false;
    if (!str_starts(sent, prefix))
        return false;
    sent.p += prefix.n;
    sent.n -= prefix.n;
    if (!hex_decode(sent, theirs, sizeof theirs, &n) || n != sizeof theirs)
        return false;
    for (size_t i = 0; i < apps(g); i++) {
        struct webhook_app app = app_at(g, i);
        if (app.secret == NULL)
            continue;
        hmac_sha256(str_of(app.secret), http_body(rq), ours);
        bool same = digest_equal(theirs, ours, sizeof ours);
        *ret_app = same ? app.id : *ret_app;
        right |= same;
    }
    return right;
}

/* What doctor tries the door with: it says nothing, is answered as its signature deserves, and is counted apart. */
static bool is_probe(const struct gateway *g, struct http_req *rq)
{
    struct str sent = http_header(rq, WEBHOOK_PROBE_HEADER);
    char ours[SHA256_HEX];
    bool known = false;
    if (sent.n != sizeof ours - 1 || !str_eq(http_body(rq), STR(WEBHOOK_PROBE_BODY)))
        return false;
    for (size_t i = 0; i < apps(g); i++) {
        if (app_at(g, i).secret == NULL)
            continue;
        webhook_probe_proof(str_of(app_at(g, i).secret), ours);
        known |= digest_equal(sent.p, ours, sent.n);
    }
    return known;
}

/* Whether our own fan-out posted it. */
static bool went_round(const struct gateway *g, struct http_req *rq)
{
    struct str via = http_header(rq, WEBHOOK_VIA_HEADER);
    return via.n == sizeof g->via - 1 && digest_equal(via.p, g->via, via.n);
}

/* Whether it is the verify token of any app. Hashes are compared, so that not even lengths show. */
static bool token_known(const struct gateway *g, struct str token)
{
    uint8_t theirs[SHA256_BYTES], ours[SHA256_BYTES];
    bool right = false;
    sha256(token.p, token.n, theirs);
    for (size_t i = 0; i < apps(g); i++) {
        struct str want = str_of(app_at(g, i).verify_token);
        if (want.n == 0)
            continue;
        sha256(want.p, want.n, ours);
        right |= digest_equal(theirs, ours, sizeof ours);
    }
    return right;
}

/* --- bodies -------------------------------------------------------------------------------------------------------- */

static int received_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                        struct err *e)
{
    (void)ctx;
    struct inbox_row *rows = arena_new_array(a, struct inbox_row, n);
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, "a batch of webhooks does not fit its arena");
    for (size_t i = 0; i < n; i++) {
        struct received *r = container_of(jobs[i], struct received, job);
        rows[i] = (struct inbox_row){.seq = store_id(s, now), .at = now, .app = r->app, .body = http_body(r->rq)};
    }
    int rc = inbox_append(s, rows, n, e);
    failpoint(webhook_written);
    return rc;
}

static void not_taken(struct gateway *g, struct http_req *rq, struct str why)
{
    metric_add(g, METRIC_WEBHOOKS_REFUSED, 1);
    text_reply(rq, 503, why);
}

static void received_done(void *ctx, struct job *job)
{
    (void)ctx;
    struct received *r = container_of(job, struct received, job);
    struct gateway *g = r->g;
    failpoint(webhook_stored);
    if (job->rc != 0) {
        log_error("webhook", "a webhook could not be stored, Meta will repeat it: %s", job->err.text);
        not_taken(g, r->rq, STR("not stored, please repeat\n"));
        return;
    }
    size_t bytes = http_body(r->rq).n;
    text_reply(r->rq, 200, STR("ok"));
    failpoint(webhook_thanked);
    metric_add(g, METRIC_WEBHOOKS, 1);
    metric_add(g, METRIC_WEBHOOK_BYTES, bytes);
    projector_bell(g->projector);
}

static const struct job_type received_type = {.name = "inbox", .rank = 0, .run = received_run, .done = received_done};

static void body_in(void *ctx, struct http_req *rq)
{
    struct gateway *g = ctx;
    int64_t app = 0;
    bool right = signed_by(g, rq, &app), probe = is_probe(g, rq);
    if (!right) {
        metric_add(g, probe ? METRIC_WEBHOOKS_PROBED : METRIC_WEBHOOKS_FORGED, 1);
        text_reply(rq, 401,
                   any_secret(g) ? STR("X-Hub-Signature-256 does not match\n")
                                 : STR("webhook.app_secret is not configured, so nothing is accepted\n"));
        return;
    }
    if (probe) {
        metric_add(g, METRIC_WEBHOOKS_PROBED, 1);
        text_reply(rq, 200, STR("ok"));
        return;
    }
    if (went_round(g, rq)) {
        metric_add(g, METRIC_WEBHOOKS_LOOPED, 1);
        text_reply(rq, 421, STR("this gateway handed that on itself: a subscriber has this gateway's own address\n"));
        return;
    }
    struct received *r = arena_new(http_arena(rq), struct received);
    struct err e = {0};
    if (r != NULL) {
        *r = (struct received){.job.type = &received_type, .g = g, .rq = rq, .app = app};
        if (writer_submit(g->writer, &r->job, &e) == 0)
            return;
    }
    not_taken(g, rq, STR("busy, please repeat\n"));
}

/* --- the handshake ------------------------------------------------------------------------------------------------- */

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
    bool ok = mode != NULL && token != NULL && challenge != NULL && str_eq(mode->value, STR("subscribe")) &&
              token_known(g, token->value);
    text_reply(rq, ok ? 200 : 403, ok ? challenge->value : STR("verify token does not match\n"));
}

void webhook_begin(struct gateway *g, struct http_req *rq)
{
    struct http_header h[] = {{STR("Content-Type"), STR("text/plain; charset=utf-8")},
                              {STR("Allow"), STR("GET, HEAD, POST")}};
    if (str_eq(http_method(rq), STR("GET")) || str_eq(http_method(rq), STR("HEAD")))
        handshake(g, rq);
    else if (str_eq(http_method(rq), STR("POST")))
        http_collect(rq, WEBHOOK_BODY_MAX, body_in, g);
    else
        http_reply(rq, 405, h, 2, STR("GET or POST\n"));
}
