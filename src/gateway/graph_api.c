/* SPDX-License-Identifier: Apache-2.0
 * graph_api.c - a proxied send, from the client's bytes to Meta's answer.
 *
 * Five steps, each on the thread that owns it: the body is read (HTTP thread), the caller is introduced if its token is
 * new (accounts thread), the message is judged and made durable (writer), carried upstream (client thread), and its
 * outcome made durable (writer) before the client is answered with Meta's own bytes. The request's arena holds
 * everything; nothing here is freed by hand. Read receipts and typing indicators are not sends and pass through.
 *
 * Two things a client may say in headers. With an Idempotency-Key the same request is the same message, however often it
 * comes: the second is answered with what became of the first. With Wayleave-Hold: queue a message that a rule holds is
 * taken into the outbox and sent later, with the token kept for its number. */
#include "gateway/graph_api.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "gateway/accounts.h"
#include "gateway/admit.h"
#include "gateway/dispatch.h"
#include "gateway/graph_body.h"
#include "gateway/graph_error.h"
#include "gateway/greet.h"
#include "gateway/mark.h"
#include "gateway/relay.h"
#include "gateway/send_replay.h"
#include "gateway/send_terms.h"

#define GRAPH_VERSION "v25.0" /* newest but one on 2026-11-22 */

struct proxied {
    struct send send;
    struct gateway *g;
    struct http_req *rq;
    struct graph_path path;
    struct intent intent;
    struct str token;
    struct greeting greeting;
    unsigned asked; /* see greet_next() */
    bool as_form;
    struct http_call call;
    char id[STORE_ID_TEXT];
};

/* --- introductions ------------------------------------------------------------------------------------------------ */

static void introduced(struct introduction *in, bool ok, int status, struct str body)
{
    struct greeting *gr = in->user;
    free(in);
    gr->ready(gr, ok, status, body);
}

int graph_greet(struct gateway *g, struct greeting *gr, int64_t sender, struct str token, struct str version,
                bool relist, struct err *e)
{
    struct introduction *in = calloc(1, sizeof *in);
    if (in == NULL)
        abort();
    *in = (struct introduction){
        .sender = sender, .token = strndup(token.p, token.n), .relist = relist, .done = introduced, .user = gr};
    if (version.n < sizeof in->version)
        memcpy(in->version, version.p ? version.p : "", version.n);
    int rc = accounts_introduce(g->accounts, in, e);
    if (rc != 0) {
        free(in->token);
        free(in);
    }
    return rc;
}

void graph_not_introduced(struct http_req *rq, int status, struct str body)
{
    struct http_header h[] = {{STR("Content-Type"), STR("application/json; charset=UTF-8")}};
    if (status != 0) {
        http_reply(rq, status, h, 1, body);
        return;
    }
    char details[400];
    snprintf(details, sizeof details, "The token could not be checked for this number: %.*s",
             (int)(body.n < 250 ? body.n : 250), body.p);
    graph_error_reply(rq, &(struct graph_error){.status = 503,
                                                .code = 2,
                                                .message = "The Graph API cannot be reached",
                                                .details = details,
                                                .transient = true});
}

char *graph_send_url(struct arena *a, const struct gateway *g, int64_t sender, enum intent_path path)
{
    static const char *const edge[] = {[PATH_MESSAGES] = "messages",
                                       [PATH_MARKETING_MESSAGES] = "marketing_messages",
                                       [PATH_ENCRYPTED] = "messages_encrypted"};
    return arena_printf(a, "%s/%s/%lld/%s", g->o.upstream_url, GRAPH_VERSION, (long long)sender, edge[path]);
}

/* --- after the decision ------------------------------------------------------------------------------------------- */

static void recorded(struct send *s)
{
    struct proxied *p = s->user;
    failpoint(proxied_recorded);
    relay_send_answer(p->rq, &p->call, s->outcome, p->id);
}

static void answered(struct http_call *call)
{
    struct proxied *p = call->user;
    failpoint(proxied_answered);
    outcome_read(&p->send, call->fate, call->status, buf_str(&call->answer), thread_json(), http_arena(p->rq));
    outcome_submit(&p->send);
}

/* The client's bytes with the mark of this attempt in them. */
static int mark(struct proxied *p, struct err *e)
{
    struct str type = http_header(p->rq, "Content-Type"), body = http_body(p->rq);
    if (p->as_form)
        return mark_form(&p->send, type, body, http_arena(p->rq), &p->call.body, e);
    return mark_body(&p->send, body, http_arena(p->rq), &p->call.body, e);
}

static void carry(struct proxied *p)
{
    struct err e = {0};
    failpoint(proxied_begun);
    int rc = relay_request(p->g, p->rq, &p->call, &e);
    if (rc == 0)
        rc = mark(p, &e);
    p->call.body_length = (int64_t)p->call.body.n;
    p->call.max_answer = 1u << 20;
    p->call.may_leave = dispatch_may_leave;
    p->call.leave_ctx = p->g->dispatch;
    p->call.done = answered;
    p->call.user = p;
    p->call.reserved = true;
    if (rc == 0)
        rc = http_client_submit_quietly(p->g->client, &p->call);
    if (rc == 0)
        return;
    p->call.fate = HTTP_UNSENT;
    err_set(&p->call.err, rc, "%s", e.text[0] != '\0' ? e.text : "too many calls are waiting for the Graph API");
    answered(&p->call);
}

static void decided(struct send *s)
{
    struct proxied *p = s->user;
    if (s->job.rc == WL_ECONFLICT && s->key.text.n > 0) {
        replay_conflict(p->rq, &s->message);
        return;
    }
    if (s->job.rc != 0) {
        graph_problem_reply(p->rq, &s->job.err);
        return;
    }
    store_id_text(s->message.bucket, s->message.id, p->id);
    if (s->replayed)
        replay_reply(p->rq, &p->intent, &s->message);
    else if (s->message.life.state == LIFE_WAITING)
        replay_held(p->rq, &p->intent, &s->message);
    else if (s->decision.verdict == VERDICT_ALLOW)
        carry(p);
    else
        graph_refusal_reply(p->rq, &s->decision, s->rules, &s->facts, p->id, s->message.ts);
}

/* --- before it ---------------------------------------------------------------------------------------------------- */

static void greeted(struct greeting *gr, bool ok, int status, struct str body);

static void greet(struct proxied *p, bool relist)
{
    struct err e = {0};
    p->greeting = (struct greeting){.ready = greeted, .user = p};
    if (graph_greet(p->g, &p->greeting, p->path.node, p->token, p->path.version, relist, &e) != 0)
        graph_problem_reply(p->rq, &e);
}

static void submit(struct proxied *p)
{
    struct snapshot *snap = snapshot_borrow(p->g->snapshots);
    send_facts(&p->send, snap);
    snapshot_return(snap);
    enum greet what = greet_next(&p->send, p->token, &p->asked);
    if (what != GREET_NOT) {
        greet(p, what == GREET_AGAIN);
        return;
    }
    struct err e = {0};
    if (admit_submit(&p->send, &e) != 0)
        graph_problem_reply(p->rq, &e);
}

static void greeted(struct greeting *gr, bool ok, int status, struct str body)
{
    struct proxied *p = gr->user;
    if (!ok) {
        graph_not_introduced(p->rq, status, body);
        return;
    }
    /* The intent's components point into the parser of the thread that read the body: read it again here. */
    struct graph_body b;
    struct err e = {0};
    int rc = graph_body_parse(http_arena(p->rq), thread_json(), http_header(p->rq, "Content-Type"), http_body(p->rq),
                              true, &p->path.query, &b, &e);
    if (rc == 0)
        rc = intent_parse(b.root, p->path.send_path, http_arena(p->rq), &p->intent, &e);
    if (rc != 0)
        graph_problem_reply(p->rq, &e);
    else
        submit(p);
}

static void no_token(struct http_req *rq)
{
    graph_error_reply(rq, &(struct graph_error){
                              .status = 400,
                              .code = 2500,
                              .message =
                                  "An active access token must be used to query information about the current user."});
}

int graph_refuse_encoded(const struct http_req *rq, struct err *e)
{
    struct str coding = str_trim(http_header(rq, "Content-Encoding"));
    if (coding.n == 0 || str_ieq(coding, STR("identity")))
        return 0;
    return err_set(e, WL_EINVAL, "Content-Encoding: a compressed body cannot be judged; send it as it is");
}

/* --- what the client says beside the message ---------------------------------------------------------------------- */

static enum hold_word hold_set(const struct gateway *g, int64_t sender)
{
    for (size_t i = 0; i < g->o.n_senders; i++)
        if (g->o.senders[i].id == sender && g->o.senders[i].hold != HOLD_AS_SET)
            return (enum hold_word)g->o.senders[i].hold;
    return g->o.hold != 0 ? HOLD_QUEUE : HOLD_REFUSE;
}

static bool token_kept(struct gateway *g, int64_t sender)
{
    char *token = accounts_token(g->accounts, sender);
    bool kept = token != NULL;
    if (kept)
        explicit_bzero(token, strlen(token));
    free(token);
    return kept;
}

/* The message as the outbox keeps it: the client's own bytes, or one object made of what came in several places. The
 * client's token stays behind. */
static struct str kept_body(struct proxied *p, const struct graph_body *b)
{
    struct arena *a = http_arena(p->rq);
    struct str body = http_body(p->rq);
    struct buf out;
    struct json_out o;
    if (!b->merged && json_type(json_get(b->root, "access_token")) == JSON_ABSENT)
        return (struct str){arena_strndup(a, body.p, body.n), body.n};
    buf_init(&out, OUTBOX_BODY_MAX + 1);
    json_out_init(&o, &out);
    jo_object(&o);
    for (struct json_iter it = json_iter(b->root); json_next(&it);) {
        if (graph_call_parameter(it.key))
            continue;
        struct buf one;
        buf_init(&one, OUTBOX_BODY_MAX);
        json_write_value(&one, it.value);
        jo_key_str(&o, it.key);
        jo_raw(&o, buf_str(&one));
        buf_done(&one);
    }
    jo_end(&o);
    struct str kept = {out.failed ? NULL : arena_strndup(a, buf_cstr(&out), out.len), out.len};
    buf_done(&out);
    return kept;
}

static int header(const struct proxied *p, const char *name, struct str *ret, struct err *e)
{
    const struct http_header *h;
    size_t n = http_headers(p->rq, &h);
    return terms_header(h, n, name, ret, e);
}

/* A message that nobody but its caller could send is refused at once when the caller asked for the queue, and held as ever
 * when only the configuration did. */
static int read_hold(struct proxied *p, const struct graph_body *b, struct err *e)
{
    enum hold_word asked, word;
    struct str said;
    int rc = header(p, HOLD_HEADER, &said, e);
    if (rc == 0)
        rc = terms_hold(said, &asked, e);
    if (rc != 0)
        return rc;
    word = asked != HOLD_AS_SET ? asked : hold_set(p->g, p->path.node);
    if (word != HOLD_QUEUE)
        return 0;
    p->send.body = kept_body(p, b);
    bool fits = p->send.body.p != NULL && p->send.body.n <= OUTBOX_BODY_MAX, kept = token_kept(p->g, p->path.node);
    if (asked == HOLD_QUEUE && !kept)
        return err_set(e, WL_EINVAL,
                       HOLD_HEADER ": queue wants a token kept for this number: set token_file under senders in the "
                                   "configuration");
    if (asked == HOLD_QUEUE && !fits)
        return err_set(e, WL_ETOOBIG, "a message for the queue has at most %u KiB", OUTBOX_BODY_MAX >> 10);
    p->send.or_queue = p->send.our_id = kept && fits;
    if (p->send.or_queue)
        p->send.expires = clock_now_ms() + TERMS_EXPIRES_MS;
    return 0;
}

static int read_terms(struct proxied *p, const struct graph_body *b, struct err *e)
{
    struct str key = {NULL, 0}, category;
    int rc = header(p, CATEGORY_HEADER, &category, e);
    if (rc == 0)
        rc = header(p, KEY_HEADER, &key, e);
    if (rc == 0)
        rc = send_expects(&p->send, category, CATEGORY_HEADER, e);
    if (rc == 0 && key.p != NULL)
        rc = terms_key(key, KEY_HEADER, http_arena(p->rq), &p->send.key.text, e);
    if (rc == 0 && key.p != NULL)
        p->send.key.fingerprint = terms_fingerprint(p->path.node, p->path.send_path, b->root);
    return rc == 0 ? read_hold(p, b, e) : rc;
}

/* Reads the collected body. */
static int read_send(struct proxied *p, struct err *e)
{
    struct graph_body b;
    struct arena *a = http_arena(p->rq);
    int rc = graph_refuse_encoded(p->rq, e);
    if (rc != 0)
        return rc;
    rc = graph_body_parse(a, thread_json(), http_header(p->rq, "Content-Type"), http_body(p->rq), true, &p->path.query,
                          &b, e);
    if (rc == 0)
        rc = intent_parse(b.root, p->path.send_path, a, &p->intent, e);
    if (rc != 0)
        return rc;
    p->as_form = b.form;
    p->token = relay_token(p->rq);
    if (p->token.n == 0 && b.token.n > 0) {
        char *copy = arena_strndup(a, b.token.p, b.token.n);
        p->token = (struct str){copy, copy ? b.token.n : 0};
    }
    return p->intent.kind == INTENT_RECEIPT ? 0 : read_terms(p, &b, e);
}

static void send_collected(void *ctx, struct http_req *rq)
{
    struct gateway *g = ctx;
    struct proxied *p = http_user(rq);
    struct err e = {0};
    p->send = (struct send){.g = g,
                            .mode = SEND_NOW,
                            .sender = p->path.node,
                            .intent = &p->intent,
                            .decided = decided,
                            .recorded = recorded,
                            .user = p,
                            .hold_until_latest = admit_patience(g)};
    int rc = read_send(p, &e);
    if (rc == 0 && p->path.node == 0)
        rc = err_set(
            &e, WL_EINVAL,
            "a send needs the id of the sending phone number in its path: /{version}/{phone-number-id}/messages");
    if (rc != 0) {
        metric_add(g, METRIC_BAD_REQUESTS, 1);
        graph_problem_reply(rq, &e);
        return;
    }
    if (p->intent.kind == INTENT_RECEIPT) {
        passthrough_collected(g, rq, &p->path);
        return;
    }
    if (p->token.n == 0) {
        no_token(rq);
        return;
    }
    submit(p);
}

static bool has_body(const struct http_req *rq)
{
    return http_content_length(rq) > 0 || http_header(rq, "Transfer-Encoding").p != NULL;
}

static bool may_batch(const struct proxied *p)
{
    return p->path.kind == GRAPH_ROOT || (p->path.n == 0 && has_body(p->rq));
}

/* What is wrong with a call before its body is read. */
static int refused_as_it_is(const struct proxied *p, bool batch, struct err *e)
{
    if (p->path.n > 0 && str_ieq(p->path.segment[0], STR("wayleave")))
        return err_set(e, WL_ENOTFOUND, "nothing is at this address");
    if (p->path.kind == GRAPH_EDGE && has_body(p->rq))
        return err_set(e, WL_EINVAL, "a body on a GET or DELETE of messages can be read as a send");
    if (batch && http_header(p->rq, KEY_HEADER).p != NULL)
        return err_set(e, WL_EINVAL, KEY_HEADER " stands for one message and cannot cover a batch");
    return 0;
}

void graph_api_begin(struct gateway *g, struct http_req *rq)
{
    struct err e = {0};
    struct proxied *p = arena_new(http_arena(rq), struct proxied);
    if (p == NULL) {
        err_set(&e, WL_ENOMEM, "the request is too large");
        graph_problem_reply(rq, &e);
        return;
    }
    p->g = g;
    p->rq = rq;
    if (graph_path_parse(http_arena(rq), http_method(rq), http_path(rq), http_query(rq), &p->path, &e) != 0) {
        graph_problem_reply(rq, &e);
        return;
    }
    http_set_user(rq, p, NULL);
    bool batch = may_batch(p);
    if (refused_as_it_is(p, batch, &e) != 0)
        graph_problem_reply(rq, &e);
    else if (p->path.kind == GRAPH_SEND)
        http_collect(rq, g->o.max_json_bytes, send_collected, g);
    else if (batch)
        graph_batch_begin(g, rq, &p->path);
    else
        passthrough_begin(g, rq, &p->path);
}
