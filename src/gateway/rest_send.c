/* SPDX-License-Identifier: Apache-2.0
 * rest_send.c - a message sent through our own API, with the token the gateway keeps for the number.
 *
 * The body is the Graph body plus `from`, and what the caller says beside it: `expected_category`, the category counted on;
 * `override`, policy rules this one message sets aside with the reason somebody answers for; `idempotency_key`, under which
 * the same request is the same message; `queue` with `not_before` and `expires`, to have it sent later. It passes the same
 * door as a proxied send; what differs is where the token comes from and in which shape the answer is given. A queued
 * message is answered with 202 once it is on disk, and from then on this gateway answers for it. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "gateway/dispatch.h"
#include "gateway/graph_error.h"
#include "gateway/mark.h"
#include "gateway/own_send.h"
#include "gateway/rest_impl.h"
#include "gateway/send_terms.h"

struct rest_sending {
    struct own_send own; /* its body is the Graph body, without what is ours */
    struct gateway *g;
    struct http_req *rq;
    struct rules_override override;
    struct http_call call;
    struct http_header headers[2];
    char id[STORE_ID_TEXT];
};

static void drop(void *user)
{
    struct rest_sending *o = user;
    own_send_done(&o->own);
}

/* --- answers -------------------------------------------------------------------------------------------------------- */

static void reply(struct rest_sending *o, int status, const char *retry_after, struct buf *body)
{
    struct http_header h[] = {{STR("Content-Type"), STR("application/json")},
                              {STR("Retry-After"), str_of(retry_after)}};
    http_reply_buf(o->rq, status, h, retry_after != NULL ? 2 : 1, body);
}

/* `until`: when the message may be tried again; `field`: the one that is wrong. NULL: nobody said, none. */
static void error_member(struct json_out *w, const char *code, const char *message, int graph_code, const char *until,
                         const char *field)
{
    jo_key(w, "error");
    jo_object(w);
    jo_kcstr(w, "code", code);
    jo_kcstr(w, "message", message);
    if (graph_code != 0)
        jo_kint(w, "graph_code", graph_code);
    if (until != NULL)
        jo_kcstr(w, "until", until);
    if (field != NULL)
        jo_kcstr(w, "field", field);
    jo_end(w);
}

static void reply_refused(struct rest_sending *o)
{
    struct buf b;
    struct json_out w;
    const struct decision *d = &o->own.send.decision;
    const struct finding *main = decision_main(d);
    bool held = d->verdict == VERDICT_HOLD;
    char until[TIME_TEXT], retry[24];
    snprintf(retry, sizeof retry, "%lld", (long long)graph_retry_after(d, o->own.send.message.ts));
    buf_init(&b, REST_ANSWER_MAX);
    json_out_init(&w, &b);
    jo_object(&w);
    error_member(&w, "refused", rule_reason(main->rule), rule_code(main->rule),
                 held ? time_text(d->until, until) : NULL, NULL);
    jo_kcstr(&w, "id", o->id);
    jo_key(&w, "decision");
    decision_json(d, o->own.send.rules, &o->own.send.facts, &w);
    jo_end(&w);
    reply(o, 403, held ? retry : NULL, &b);
}

static void reply_outcome(struct rest_sending *o)
{
    static const struct {
        enum life_state state;
        int status;
        const char *code, *message;
    } words[] = {
        {LIFE_REJECTED, 502, "rejected", "Meta rejected the message"},
        {LIFE_UNSENT, 503, "unsent",
         "the Graph API cannot be reached; the message did not leave and may be sent again"},
        {LIFE_AMBIGUOUS, 504, "ambiguous", "no answer came; the message may have been accepted, do not send it again"},
    };
    struct buf b;
    struct json_out w;
    int status = 200;
    struct json upstream;
    buf_init(&b, REST_ANSWER_MAX);
    json_out_init(&w, &b);
    jo_object(&w);
    jo_kcstr(&w, "id", o->id);
    jo_kcstr(&w, "state", life_state_name(o->own.send.outcome));
    if (o->own.send.outcome == LIFE_ACCEPTED)
        jo_kstr(&w, "wamid", o->own.send.wamid);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].state == o->own.send.outcome) {
            status = words[i].status;
            error_member(&w, words[i].code, words[i].message, o->own.send.outcome_code, NULL, NULL);
        }
    }
    if (o->call.fate == HTTP_ANSWERED &&
        json_parse(thread_json(), buf_str(&o->call.answer), false, &upstream, NULL) == 0) {
        jo_key(&w, "upstream");
        struct buf text;
        buf_init(&text, REST_ANSWER_MAX / 2);
        json_write_value(&text, upstream);
        jo_raw(&w, text.failed ? STR("null") : buf_str(&text));
        buf_done(&text);
    }
    jo_end(&w);
    http_call_done(&o->call);
    reply(o, status, NULL, &b);
}

/* Why it waits, in a word and a sentence: the same words as GET /messages/{id}. */
static void waiting_members(struct rest_sending *o, struct json_out *w)
{
    const struct finding *main = decision_main(&o->own.send.decision);
    const struct message *m = &o->own.send.message;
    bool held = o->own.send.decision.verdict == VERDICT_HOLD && main != NULL;
    bool later = m->life.at > m->ts;
    jo_kcstr(w, "reason", held ? "rule" : later ? "scheduled" : "turn");
    jo_kcstr(w, "why",
             held    ? rule_reason(main->rule)
             : later ? "its caller asked for this time"
                     : "it is in line for its number's turn");
    if (held)
        jo_kcstr(w, "rule", rule_id(main->rule));
    rest_time(w, "until", later ? m->life.at : 0);
    rest_time(w, "expires", m->life.expires);
}

/* It is in the outbox. */
static void reply_taken(struct rest_sending *o)
{
    struct buf b;
    struct json_out w;
    char *location = arena_printf(http_arena(o->rq), "/wayleave/v1/messages/%s", o->id);
    struct http_header h[] = {{STR("Content-Type"), STR("application/json")}, {STR("Location"), str_of(location)}};
    buf_init(&b, REST_ANSWER_MAX);
    json_out_init(&w, &b);
    jo_object(&w);
    jo_kcstr(&w, "id", o->id);
    jo_kcstr(&w, "state", life_state_name(LIFE_WAITING));
    waiting_members(o, &w);
    jo_end(&w);
    failpoint(taken_telling);
    http_reply_buf(o->rq, 202, h, location != NULL ? 2 : 1, &b);
}

/* The key has another message: which, so that the mistake can be found. */
static void reply_key_used(struct rest_sending *o)
{
    struct buf b;
    struct json_out w;
    store_id_text(o->own.send.message.bucket, o->own.send.message.id, o->id);
    char *message = arena_printf(http_arena(o->rq), "this idempotency key was used for another message, %s", o->id);
    buf_init(&b, REST_ANSWER_MAX);
    json_out_init(&w, &b);
    jo_object(&w);
    error_member(&w, "key_used", message, 0, NULL, "idempotency_key");
    jo_kcstr(&w, "id", o->id);
    jo_end(&w);
    reply(o, 422, NULL, &b);
}

/* --- the way up ----------------------------------------------------------------------------------------------------- */

static void recorded(struct send *s)
{
    failpoint(waited_recorded);
    reply_outcome(s->user);
}

static void answered(struct http_call *call)
{
    struct rest_sending *o = call->user;
    outcome_read(&o->own.send, call->fate, call->status, buf_str(&call->answer), thread_json(), http_arena(o->rq));
    outcome_submit(&o->own.send);
}

static void carry(struct rest_sending *o)
{
    struct arena *a = http_arena(o->rq);
    char *url = graph_send_url(a, o->g, o->own.send.sender, o->own.intent.path);
    char *bearer = arena_printf(a, "Bearer %s", o->own.token);
    o->headers[0] = (struct http_header){STR("Authorization"), str_of(bearer)};
    o->headers[1] = (struct http_header){STR("Content-Type"), STR("application/json")};
    o->call = (struct http_call){.method = STR("POST"),
                                 .url = str_of(url),
                                 .headers = o->headers,
                                 .n_headers = 2,
                                 .timeout_ms = o->g->o.upstream_timeout_ms,
                                 .max_answer = 1u << 20,
                                 .may_leave = dispatch_may_leave,
                                 .leave_ctx = o->g->dispatch,
                                 .done = answered,
                                 .reserved = true,
                                 .user = o};
    struct err e = {0};
    failpoint(waited_begun);
    int rc = url != NULL && bearer != NULL ? mark_body(&o->own.send, o->own.body, a, &o->call.body, &e) : WL_ENOMEM;
    o->call.body_length = (int64_t)o->call.body.n;
    if (rc == 0)
        rc = http_client_submit_quietly(o->g->client, &o->call);
    if (rc == 0)
        return;
    o->call.fate = HTTP_UNSENT;
    answered(&o->call);
}

static void decided(struct send *s)
{
    struct rest_sending *o = s->user;
    if (s->job.rc == WL_ECONFLICT && s->key.text.n > 0) {
        reply_key_used(o);
        return;
    }
    if (s->job.rc != 0) {
        rest_problem(o->rq, &s->job.err, NULL);
        return;
    }
    store_id_text(s->message.bucket, s->message.id, o->id);
    if (s->replayed)
        rest_show_message(o->g, o->rq, s->message.bucket, s->message.id);
    else if (s->message.life.state == LIFE_WAITING)
        reply_taken(o);
    else if (s->decision.verdict == VERDICT_ALLOW)
        carry(o);
    else
        reply_refused(o);
}

static void failed(struct own_send *own, const struct err *why)
{
    rest_problem(container_of(own, struct rest_sending, own)->rq, why, NULL);
}

static int copied(struct arena *a, struct str from, struct str *ret, struct err *e)
{
    char *p = arena_strndup(a, from.p, from.n);
    if (p == NULL)
        return err_set(e, WL_ENOMEM, "the request is too large");
    *ret = (struct str){p, from.n};
    return 0;
}

/* Also those of C1, which terminals obey as well (in UTF-8: C2 and 80 to 9F). */
static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0))
            return true;
    }
    return false;
}

static int read_reason(struct json v, struct arena *a, struct str *ret, struct err *e)
{
    struct str text = str_trim(json_str_or(v, STR("")));
    if (text.n < RULES_OVERRIDE_LEAST || text.n > RULES_OVERRIDE_WHY || has_control(text))
        return err_set(e, WL_EINVAL, "override.reason must say why, in %d to %d bytes without control characters",
                       RULES_OVERRIDE_LEAST, RULES_OVERRIDE_WHY);
    return copied(a, text, ret, e);
}

static int read_by(struct json v, struct arena *a, struct str *ret, struct err *e)
{
    struct str text = str_trim(json_str_or(v, STR("")));
    if (json_type(v) == JSON_ABSENT)
        return 0;
    if (text.n == 0 || text.n > RULES_OVERRIDE_BY || has_control(text))
        return err_set(e, WL_EINVAL, "override.by must say who, in 1 to %d bytes without control characters",
                       RULES_OVERRIDE_BY);
    return copied(a, text, ret, e);
}

/* Somebody answers for it, so nothing in it may be misread or lost. */
static int check_override(struct json v, struct err *e)
{
    if (json_type(v) != JSON_OBJECT || json_type(json_get(v, "rules")) != JSON_ARRAY)
        return err_set(e, WL_EINVAL, "override must be an object with rules, a list of rule ids, and reason");
    struct str twice = json_duplicate_key(v);
    if (twice.p != NULL)
        return err_set(e, WL_EINVAL, "override has the key '%.*s' twice", (int)(twice.n < 64 ? twice.n : 64), twice.p);
    for (struct json_iter it = json_iter(v); json_next(&it);)
        if (!str_eq(it.key, STR("rules")) && !str_eq(it.key, STR("reason")) && !str_eq(it.key, STR("by")))
            return err_set(e, WL_EINVAL, "override has rules, reason and by, not '%.*s'",
                           (int)(it.key.n < 64 ? it.key.n : 64), it.key.p);
    return 0;
}

/* {"rules": ["policy.rule"], "reason": "...", "by": "..."}: only rules of the book in force, and only those of a policy. */
static int read_override(struct rest_sending *o, struct json v, struct err *e)
{
    struct rules_override *to = &o->override;
    struct arena *a = http_arena(o->rq);
    *to = (struct rules_override){.n = 0};
    int rc = check_override(v, e);
    if (rc == 0)
        rc = read_reason(json_get(v, "reason"), a, &to->reason, e);
    if (rc == 0)
        rc = read_by(json_get(v, "by"), a, &to->by, e);
    for (struct json_iter it = json_iter(json_get(v, "rules")); rc == 0 && json_next(&it);) {
        struct str id;
        if (to->n == RULES_OVERRIDE_MAX)
            return err_set(e, WL_EINVAL, "override.rules names more than %d rules", RULES_OVERRIDE_MAX);
        if (!json_str(it.value, &id))
            return err_set(e, WL_EINVAL, "override.rules must hold ids of rules");
        rc = copied(a, id, &to->rule[to->n++], e);
    }
    if (rc == 0 && to->n == 0)
        return err_set(e, WL_EINVAL, "override.rules is empty");
    if (rc == 0 && rules_override_check(to, rules_current(o->g)->ruleset, e) != 0)
        rc = e->code = WL_EINVAL;
    return rc;
}

static int read_expectation(struct rest_sending *o, struct json v, struct err *e)
{
    struct str word = {NULL, 0};
    if (json_type(v) > JSON_NULL && !json_str(v, &word))
        return err_set(e, WL_EINVAL, "expected_category must be a string");
    return send_expects(&o->own.send, word, "expected_category", e);
}

/* The key of the header or of the body; both may say it when they say the same. */
static int read_key(struct rest_sending *o, struct json v, struct err *e)
{
    struct str header = {NULL, 0}, own, member = {NULL, 0};
    struct arena *a = http_arena(o->rq);
    const struct http_header *h;
    size_t n = http_headers(o->rq, &h);
    int rc = terms_header(h, n, KEY_HEADER, &header, e);
    if (rc == 0 && header.p != NULL)
        rc = terms_key(header, KEY_HEADER, a, &o->own.send.key.text, e);
    if (rc != 0 || json_type(v) <= JSON_NULL)
        return rc;
    if (!json_str(v, &member))
        return err_set(e, WL_EINVAL, "idempotency_key must be a string");
    rc = terms_key(member, "idempotency_key", a, &own, e);
    if (rc == 0 && header.p != NULL && !str_eq(own, o->own.send.key.text))
        rc = err_set(e, WL_EINVAL, "idempotency_key and the header " KEY_HEADER " say different keys");
    if (rc == 0)
        o->own.send.key.text = own;
    return rc;
}

/* Whether it may wait, from when and until when. */
static int read_queue(struct rest_sending *o, struct json root, const char **ret_field, struct err *e)
{
    bool queue = false;
    struct json v = json_get(root, "queue"), from = json_get(root, "not_before"), until = json_get(root, "expires");
    *ret_field = "queue";
    if (json_type(v) > JSON_NULL && !json_bool(v, &queue))
        return err_set(e, WL_EINVAL, "queue must be true or false");
    int rc = terms_keys(root, queue, e);
    if (rc != 0) {
        *ret_field = NULL;
        return rc;
    }
    if (!queue && (json_type(from) > JSON_NULL || json_type(until) > JSON_NULL))
        return err_set(e, WL_EINVAL, "not_before and expires belong to \"queue\": true");
    if (!queue)
        return 0;
    if (o->own.body.n > OUTBOX_BODY_MAX)
        return err_set(e, WL_ETOOBIG, "a message for the queue has at most %u KiB", OUTBOX_BODY_MAX >> 10);
    o->own.send.mode = SEND_ACCEPT;
    o->own.send.our_id = true;
    o->own.send.body = o->own.body;
    return terms_times(from, until, clock_now_ms(), &o->own.send.not_before, &o->own.send.expires, ret_field, e);
}

/* What the caller tells us beside the message. */
static int read_ours(struct rest_sending *o, struct json root, const char **ret_field, struct err *e)
{
    struct json override = json_get(root, "override");
    int rc = read_expectation(o, json_get(root, "expected_category"), e);
    if (rc != 0) {
        *ret_field = "expected_category";
        return rc;
    }
    rc = read_key(o, json_get(root, "idempotency_key"), e);
    if (rc != 0) {
        *ret_field = "idempotency_key";
        return rc;
    }
    rc = read_queue(o, root, ret_field, e);
    if (rc != 0 || json_type(override) == JSON_ABSENT)
        return rc;
    rc = read_override(o, override, e);
    if (rc != 0)
        *ret_field = "override";
    else
        o->own.send.override = &o->override;
    return rc;
}

/* Everything that is Meta's, as a text of its own. */
static int strip_ours(struct rest_sending *o, struct json root, struct err *e)
{
    struct buf out;
    struct json_out w;
    buf_init(&out, REST_BODY_MAX * 2);
    json_out_init(&w, &out);
    jo_object(&w);
    if (json_type(json_get(root, "messaging_product")) == JSON_ABSENT)
        jo_kcstr(&w, "messaging_product", "whatsapp");
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        if (terms_ours(it.key))
            continue;
        struct buf one;
        buf_init(&one, REST_BODY_MAX);
        json_write_value(&one, it.value);
        jo_key_str(&w, it.key);
        jo_raw(&w, buf_str(&one));
        buf_done(&one);
    }
    jo_end(&w);
    o->own.body = (struct str){out.failed ? NULL : arena_strndup(http_arena(o->rq), buf_cstr(&out), out.len), out.len};
    buf_done(&out);
    return o->own.body.p != NULL ? 0 : err_set(e, WL_ETOOBIG, "the body is too large");
}

static void collected(void *ctx, struct http_req *rq)
{
    struct rest_sending *o = ctx;
    struct err e = {0};
    struct json root;
    int64_t from = 0;
    const char *field = NULL;
    int rc = json_parse(thread_json(), http_body(rq), true, &root, &e);
    if (rc == 0 && json_duplicate_key(root).p != NULL)
        rc = err_set(&e, WL_EINVAL, "the body has the same key twice");
    if (rc == 0 && !json_id(json_get(root, "from"), &from)) {
        field = "from";
        rc = err_set(&e, WL_EINVAL, "from must be the id of one of your phone numbers");
    }
    if (rc == 0)
        rc = strip_ours(o, root, &e);
    if (rc == 0)
        rc = read_ours(o, root, &field, &e);
    if (rc == 0 && o->own.send.key.text.n > 0)
        o->own.send.key.fingerprint = terms_fingerprint(from, PATH_MESSAGES, root);
    if (rc == 0 && (rc = own_send_token(&o->own, o->g, from, &e)) != 0)
        field = "from";
    if (rc != 0) {
        rest_problem(rq, &e, field);
        return;
    }
    o->own.arena = http_arena(rq);
    o->own.failed = failed;
    o->own.send.decided = decided;
    o->own.send.recorded = recorded;
    o->own.send.user = o;
    o->own.send.hold_until_latest = admit_patience(o->g);
    own_send_submit(&o->own);
}

void rest_send(struct gateway *g, struct http_req *rq)
{
    struct rest_sending *o = arena_new(http_arena(rq), struct rest_sending);
    if (o == NULL) {
        rest_problem(rq, &(struct err){.code = WL_ENOMEM, .text = "the request is too large"}, NULL);
        return;
    }
    o->g = g;
    o->rq = rq;
    http_set_user(rq, o, drop);
    http_collect(rq, REST_BODY_MAX, collected, o);
}
