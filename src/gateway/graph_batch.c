/* SPDX-License-Identifier: Apache-2.0
 * graph_batch.c - a Graph batch, unpacked: every part that is a send is judged, the rest goes on.
 *
 * A batch may hide sends (docs/platform.md §7.2), so its parts are read one by one exactly like requests of their own. One
 * without sends is forwarded in the client's bytes. Else the parts that go on, those of allowed sends with our mark
 * (mark.h), are forwarded as a new batch, whose address holds no field of the old one, and refusals are put into the
 * answer at their places; so is what became of each send when no answer came. Attached files cannot be sent again in
 * another body: such a batch leaves as it came, without marks, and its statuses are found by Meta's ids. All parts share the
 * patience of the one client: a part whose turn comes soon is waited for, and all that were allowed leave together after
 * the last decision. A part whose content is only known to Meta (a reference to another part's result), a batch inside a
 * batch, and a partly refused batch with attached files cannot be judged part by part and are refused. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/accounts.h"
#include "gateway/admit.h"
#include "gateway/dispatch.h"
#include "gateway/graph_api.h"
#include "gateway/graph_body.h"
#include "gateway/graph_error.h"
#include "gateway/greet.h"
#include "gateway/mark.h"
#include "gateway/relay.h"

#define BATCH_PARTS_MAX 50 /* Meta's own limit */
#define BATCH_BODY_MAX  (8u << 20)
#define ANSWER_MAX      (8u << 20)

struct part {
    struct batch *b;
    struct str raw; /* the part as JSON */
    struct str method, url, body, content_type, token;
    struct graph_path path;
    bool is_send, admitted;
    unsigned asked;     /* see greet_next() */
    struct str refusal; /* error body, when this part does not go on */
    int refusal_status;
    int64_t retry_after; /* seconds; 0: nothing is said of it */
    struct intent intent;
    struct send send;
    struct greeting greeting;
    char id[STORE_ID_TEXT];
};

struct batch {
    struct gateway *g;
    struct http_req *rq;
    struct graph_path path;
    bool files; /* attached: they cannot be sent again in another body */
    bool stuck; /* never left, for the reason in call.err */
    struct str token;
    struct str rest;           /* the other fields of the body, as members of a JSON object ("" none) */
    int64_t hold_until_latest; /* of all parts */
    struct part *part;
    size_t n, refused;
    size_t at;           /* part being read */
    _Atomic size_t open; /* decisions, then outcomes, still to come; one more while we are handing out */
    struct http_call call;
};

static void next_part(struct batch *b);

/* --- refusing one part --------------------------------------------------------------------------------------------- */

static void keep_refusal(struct part *p, int status, struct buf *body)
{
    p->refusal_status = status;
    p->refusal = (struct str){arena_strndup(http_arena(p->b->rq), buf_cstr(body), body->len), body->len};
    if (p->refusal.p == NULL)
        p->refusal =
            STR("{\"error\":{\"message\":\"(#100) the batch is too large\",\"type\":\"OAuthException\",\"code\":100}}");
    buf_done(body);
    p->b->refused++;
}

static void refuse_part(struct part *p, int code, const char *why)
{
    struct buf body;
    buf_init(&body, 64u << 10);
    graph_error_body(&body, &(struct graph_error){.status = 400, .code = code, .message = why}, NULL, NULL, NULL);
    keep_refusal(p, 400, &body);
}

/* What is wrong is not the part: too much is going on, or we are in trouble. */
static void refuse_for_now(struct part *p, const struct err *e)
{
    struct buf body;
    bool busy = e->code == WL_EBUSY;
    int status = busy ? 429 : 400;
    buf_init(&body, 64u << 10);
    graph_error_body(
        &body,
        &(struct graph_error){.status = status, .code = busy ? 130429 : 131000, .message = e->text, .transient = busy},
        NULL, NULL, NULL);
    p->retry_after = busy;
    keep_refusal(p, status, &body);
}

static void refuse_by_rule(struct part *p)
{
    const struct send *s = &p->send;
    struct buf body;
    buf_init(&body, 256u << 10);
    graph_refusal_body(&body, &s->decision, s->rules, &s->facts, p->id);
    if (s->decision.verdict == VERDICT_HOLD)
        p->retry_after = graph_retry_after(&s->decision, s->message.ts);
    keep_refusal(p, 400, &body);
}

/* --- the answer ---------------------------------------------------------------------------------------------------- */

static void put_header(struct json_out *o, const char *name, const char *value)
{
    jo_object(o);
    jo_kcstr(o, "name", name);
    jo_kcstr(o, "value", value);
    jo_end(o);
}

static void put_result(struct json_out *o, int status, int64_t retry_after, struct str body)
{
    char seconds[24];
    jo_object(o);
    jo_kint(o, "code", status);
    jo_key(o, "headers");
    jo_array(o);
    put_header(o, "Content-Type", "application/json; charset=UTF-8");
    if (retry_after > 0) {
        snprintf(seconds, sizeof seconds, "%lld", (long long)retry_after);
        put_header(o, "Retry-After", seconds);
    }
    jo_end(o);
    jo_kstr(o, "body", body);
    jo_end(o);
}

/* Meta's next result, or what to say where there is none. */
static void put_answer(struct json_out *o, const struct part *p, bool have, struct json_iter *results)
{
    struct buf one;
    buf_init(&one, ANSWER_MAX);
    if (!have) {
        int status = relay_no_answer_body(&one, &p->b->call, p->admitted ? p->id : NULL);
        put_result(o, status, 0, buf_str(&one));
    } else {
        bool got = json_next(results);
        if (got)
            json_write_value(&one, results->value);
        jo_raw(o, got && !one.failed ? buf_str(&one) : STR("null"));
    }
    buf_done(&one);
}

/* Places refusals between Meta's results, in the order the client asked. */
static void reply_merged(struct batch *b, bool have, struct json root)
{
    struct json_iter results = json_iter(root);
    struct buf out;
    struct json_out o;
    buf_init(&out, ANSWER_MAX * 2);
    json_out_init(&o, &out);
    jo_array(&o);
    for (size_t i = 0; i < b->n; i++) {
        const struct part *p = &b->part[i];
        if (p->refusal.p != NULL)
            put_result(&o, p->refusal_status, p->retry_after, p->refusal);
        else
            put_answer(&o, p, have, &results);
    }
    jo_end(&o);
    struct http_header h[] = {{STR("Content-Type"), STR("application/json; charset=UTF-8")}};
    http_call_done(&b->call);
    http_reply_buf(b->rq, 200, h, 1, &out);
}

/* Whether a part has a fate of its own to be told: refused here, or a send that Meta did not clearly answer. */
static bool holds_doubt(const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->part[i].refusal.p != NULL || (b->part[i].admitted && b->part[i].send.outcome != LIFE_ACCEPTED &&
                                             b->part[i].send.outcome != LIFE_REJECTED))
            return true;
    return false;
}

/* Meta's own bytes where nothing was taken out. A send that got no answer is told of by itself, like a refused one. */
static void reply(struct batch *b)
{
    struct json root = {0};
    bool answered = b->call.fate == HTTP_ANSWERED, all_refused = b->refused == b->n;
    bool have = answered && !all_refused &&
                json_parse(thread_json(), buf_str(&b->call.answer), false, &root, NULL) == 0 &&
                json_type(root) == JSON_ARRAY;
    if (b->stuck) {
        struct err e = b->call.err;
        graph_problem_reply(b->rq, &e);
    } else if (all_refused || (have && b->refused > 0) || (!have && holds_doubt(b))) {
        reply_merged(b, have, root);
    } else {
        relay_answer(b->rq, &b->call, NULL);
    }
}

static void part_recorded(struct send *s)
{
    struct batch *b = ((struct part *)s->user)->b;
    if (--b->open == 0)
        reply(b);
}

/* Gives every send that went on its own result out of Meta's array. */
static void answered(struct http_call *call)
{
    struct batch *b = call->user;
    struct arena *a = http_arena(b->rq);
    struct json root;
    struct json_iter results = {0};
    struct json_parser *parser = json_parser_create(); /* its values live while thread_json() reads the parts */
    bool array = call->fate == HTTP_ANSWERED && json_parse(parser, buf_str(&call->answer), false, &root, NULL) == 0 &&
                 json_type(root) == JSON_ARRAY;
    if (array)
        results = json_iter(root);
    for (size_t i = 0; i < b->n; i++) {
        struct part *p = &b->part[i];
        if (p->refusal.p != NULL)
            continue;
        int64_t status = call->status;
        struct str body = buf_str(&call->answer);
        enum http_fate fate = call->fate;
        if (array) {
            bool got = json_next(&results) && json_i64(json_get(results.value, "code"), &status);
            body = json_str_or(json_get(results.value, "body"), STR(""));
            fate = got ? HTTP_ANSWERED : HTTP_AMBIGUOUS; /* null: Meta itself does not say */
        }
        if (p->admitted)
            outcome_read(&p->send, fate, (int)status, body, thread_json(), a);
    }
    json_parser_free(parser);
    for (size_t i = 0; i < b->n; i++)
        b->open += b->part[i].admitted;
    for (size_t i = 0; i < b->n; i++)
        if (b->part[i].admitted)
            outcome_submit(&b->part[i].send);
    if (--b->open == 0)
        reply(b);
}

/* --- forwarding ---------------------------------------------------------------------------------------------------- */

/* The part with another body, in `raw`. */
static int change_part(struct part *p, struct str body, struct err *e)
{
    struct json v;
    struct buf raw;
    struct json_out o;
    int rc = json_parse(thread_json(), p->raw, false, &v, e);
    if (rc != 0)
        return rc;
    buf_init(&raw, BATCH_BODY_MAX);
    json_out_init(&o, &raw);
    jo_object(&o);
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        struct buf one;
        buf_init(&one, BATCH_BODY_MAX);
        json_write_value(&one, it.value);
        jo_key_str(&o, it.key);
        if (str_eq(it.key, STR("body")))
            jo_str(&o, body);
        else
            jo_raw(&o, buf_str(&one));
        raw.failed |= one.failed;
        buf_done(&one);
    }
    jo_end(&o);
    p->raw = (struct str){raw.failed ? NULL : arena_strndup(http_arena(p->b->rq), buf_cstr(&raw), raw.len), raw.len};
    buf_done(&raw);
    return p->raw.p != NULL ? 0 : err_set(e, WL_ETOOBIG, "the batch is too large");
}

/* Puts our mark into the sends; *ret_any: there were some. */
static int mark_parts(struct batch *b, bool *ret_any, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        struct part *p = &b->part[i];
        struct str body = p->body;
        if (!p->admitted || body.n == 0)
            continue;
        rc = mark_form(&p->send, p->content_type, p->body, http_arena(b->rq), &body, e);
        if (rc == 0 && body.p != p->body.p) {
            *ret_any = true;
            rc = change_part(p, body, e);
        }
    }
    return rc;
}

static bool rebuild_body(struct batch *b, struct str *ret)
{
    struct buf out;
    buf_init(&out, BATCH_BODY_MAX * 2);
    buf_puts(&out, "{\"batch\":[");
    bool first = true;
    for (size_t i = 0; i < b->n; i++) {
        if (b->part[i].refusal.p != NULL)
            continue;
        if (!first)
            buf_putc(&out, ',');
        first = false;
        buf_putstr(&out, b->part[i].raw);
    }
    buf_putc(&out, ']');
    buf_putstr(&out, b->rest);
    buf_putc(&out, '}');
    *ret = (struct str){out.failed ? NULL : arena_strndup(http_arena(b->rq), buf_cstr(&out), out.len), out.len};
    buf_done(&out);
    return ret->p != NULL;
}

/* What the client's query says about the call; its other fields stand in the rebuilt body. */
static bool rebuild_url(struct batch *b)
{
    struct buf url;
    struct str query, base = str_cut(b->call.url, '?', &query);
    buf_init(&url, base.n + 3 * query.n + 64);
    buf_putstr(&url, base);
    char mark = '?';
    for (size_t i = 0; i < b->path.query.n; i++) {
        const struct form_field *f = &b->path.query.fields[i];
        if (!graph_call_parameter(f->name))
            continue;
        buf_putc(&url, mark);
        percent_encode(&url, f->name);
        buf_putc(&url, '=');
        percent_encode(&url, f->value);
        mark = '&';
    }
    b->call.url = (struct str){url.failed ? NULL : arena_strndup(http_arena(b->rq), buf_cstr(&url), url.len), url.len};
    buf_done(&url);
    return b->call.url.p != NULL;
}

/* Replaces the headers that describe a body which is no longer the client's. */
static bool json_content_type(struct batch *b)
{
    struct http_header *h = arena_new_array(http_arena(b->rq), struct http_header, b->call.n_headers + 1);
    size_t n = 0;
    if (h == NULL)
        return false;
    for (size_t i = 0; i < b->call.n_headers; i++)
        if (!str_ieq(b->call.headers[i].name, STR("Content-Type")))
            h[n++] = b->call.headers[i];
    h[n++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    b->call.headers = h;
    b->call.n_headers = n;
    return true;
}

static void never_left(struct batch *b, int rc, const char *why)
{
    b->stuck = true;
    b->call.fate = HTTP_UNSENT;
    err_set(&b->call.err, rc, "%s", why);
    answered(&b->call);
}

static int refused_with_files(const struct batch *b, struct err *e)
{
    size_t first = 0;
    while (b->part[first].refusal.p == NULL)
        first++;
    return err_set(e, WL_EINVAL,
                   "batch[%zu] was refused, and no part can be taken out of a batch with attached files, so nothing "
                   "was sent. Send that part by itself to see why",
                   first);
}

/* The body that leaves when it is not the client's. */
static int prepare(struct batch *b, struct err *e)
{
    bool marked = false;
    if (b->refused > 0 && b->files)
        return refused_with_files(b, e);
    int rc = b->files ? 0 : mark_parts(b, &marked, e);
    if (rc != 0 || (b->refused == 0 && !marked))
        return rc;
    return rebuild_body(b, &b->call.body) && rebuild_url(b) && json_content_type(b)
               ? 0
               : err_set(e, WL_ETOOBIG, "the batch is too large");
}

/* All decisions are in. */
static void carry(struct batch *b)
{
    struct err e = {0};
    b->open = 1;
    if (b->refused == b->n) {
        b->open = 0;
        reply(b);
        return;
    }
    int rc = relay_request(b->g, b->rq, &b->call, &e);
    b->call.body = http_body(b->rq);
    b->call.max_answer = ANSWER_MAX;
    b->call.done = answered;
    b->call.user = b;
    for (size_t i = 0; i < b->n; i++) /* a place of its own, like any send */
        b->call.reserved |= b->part[i].admitted;
    b->call.may_leave = b->call.reserved ? dispatch_may_leave : NULL;
    b->call.leave_ctx = b->g->dispatch;
    if (rc == 0)
        rc = prepare(b, &e);
    b->call.body_length = (int64_t)b->call.body.n;
    if (rc == 0 && http_client_submit(b->g->client, &b->call) != 0)
        rc = err_set(&e, WL_EBUSY, "too many calls are waiting for the Graph API");
    if (rc != 0)
        never_left(b, rc, e.text);
}

/* --- judging ------------------------------------------------------------------------------------------------------- */

static void part_decided(struct send *s)
{
    struct part *p = s->user;
    struct batch *b = p->b;
    store_id_text(s->message.bucket, s->message.id, p->id);
    if (s->job.rc != 0) {
        refuse_for_now(p, &s->job.err);
    } else if (s->decision.verdict != VERDICT_ALLOW) {
        refuse_by_rule(p);
    } else {
        p->admitted = true;
    }
    b->at++;
    next_part(b);
}

static int read_part(struct part *p, struct err *e)
{
    struct batch *b = p->b;
    struct arena *a = http_arena(b->rq);
    struct graph_body body;
    if (p->content_type.p == NULL)
        p->content_type = str_starts(str_trim(p->body), STR("{")) ? STR("application/json")
                                                                  : STR("application/x-www-form-urlencoded");
    int rc = graph_body_parse(a, thread_json(), p->content_type, p->body, false, &p->path.query, &body, e);
    if (rc == 0)
        rc = intent_parse(body.root, p->path.send_path, a, &p->intent, e);
    if (rc != 0)
        return rc;
    if (p->path.node == 0)
        return err_set(e, WL_EINVAL, "a send needs the id of the sending phone number in its relative_url");
    if (p->token.n == 0)
        p->token =
            body.token.n > 0 ? (struct str){arena_strndup(a, body.token.p, body.token.n), body.token.n} : b->token;
    if (p->token.n == 0)
        return err_set(e, WL_EDENIED, "an access token is needed");
    p->send = (struct send){.g = b->g,
                            .sender = p->path.node,
                            .intent = &p->intent,
                            .decided = part_decided,
                            .recorded = part_recorded,
                            .user = p,
                            .hold_until_latest = b->hold_until_latest};
    rc = send_expects(&p->send, http_header(b->rq, CATEGORY_HEADER), CATEGORY_HEADER, e);
    if (rc != 0)
        return rc;
    struct snapshot *snap = snapshot_borrow(b->g->snapshots);
    send_facts(&p->send, snap);
    snapshot_return(snap);
    return 0;
}

static void part_greeted(struct greeting *gr, bool ok, int status, struct str body)
{
    struct part *p = gr->user;
    if (!ok) {
        if (status != 0) {
            struct buf copy;
            buf_init(&copy, 1u << 20);
            buf_putstr(&copy, body);
            keep_refusal(p, status, &copy);
        } else {
            refuse_part(p, 2, "The Graph API cannot be reached to check the token");
        }
        p->b->at++;
    }
    next_part(p->b);
}

/* Reads and submits the part, or refuses it. True: continue with the next part at once. */
static bool judge_part(struct part *p)
{
    struct gateway *g = p->b->g;
    struct err e = {0};
    if (read_part(p, &e) != 0) {
        refuse_part(p, 100, e.text);
        return true;
    }
    if (p->intent.kind == INTENT_RECEIPT)
        return true;
    enum greet what = greet_next(&p->send, p->token, &p->asked);
    int rc;
    if (what != GREET_NOT) {
        p->greeting = (struct greeting){.ready = part_greeted, .user = p};
        rc = graph_greet(g, &p->greeting, p->path.node, p->token, p->path.version, what == GREET_AGAIN, &e);
    } else {
        rc = admit_submit(&p->send, &e);
    }
    if (rc == 0)
        return false;
    refuse_for_now(p, &e);
    return true;
}

/* One part after the other, so that their order decides as if they had been sent alone. */
static void next_part(struct batch *b)
{
    while (b->at < b->n) {
        struct part *p = &b->part[b->at];
        if (p->refusal.p == NULL && p->is_send && !judge_part(p))
            return; /* part_decided() or part_greeted() goes on */
        b->at++;
    }
    carry(b);
}

/* --- unpacking ----------------------------------------------------------------------------------------------------- */

/* A member of a part that must be text where it is there at all: what we would not see, Meta might. */
static int text_member(struct batch *b, struct json part, const char *key, struct str *ret, struct err *e)
{
    struct json v = json_get(part, key);
    struct str s;
    *ret = (struct str){NULL, 0};
    if (json_type(v) == JSON_ABSENT)
        return 0;
    if (!json_str(v, &s))
        return err_set(e, WL_EINVAL, "batch[%zu].%s must be a string", b->n, key);
    *ret = (struct str){arena_strndup(http_arena(b->rq), s.p, s.n), s.n};
    return ret->p != NULL ? 0 : err_set(e, WL_ETOOBIG, "the batch is too large");
}

/* "{result=...}" in any spelling that decodes to it. */
static bool refers_to_result(struct arena *a, struct str text)
{
    for (int round = 0; text.p != NULL && round < 3; round++) {
        if (memmem(text.p, text.n, "{result", 7) != NULL)
            return true;
        if (!percent_decode(a, text, &text))
            return false;
    }
    return false;
}

static struct str copy_str(struct arena *a, struct json v)
{
    struct str s;
    if (!json_str(v, &s))
        return (struct str){NULL, 0};
    return (struct str){arena_strndup(a, s.p, s.n), s.n};
}

static struct str part_content_type(struct arena *a, struct json headers)
{
    for (struct json_iter it = json_iter(headers); json_next(&it);) {
        struct str s, value;
        if (json_type(headers) == JSON_OBJECT) {
            if (str_ieq(it.key, STR("Content-Type")))
                return copy_str(a, it.value);
        } else if (json_str(json_get(it.value, "name"), &s) && str_ieq(s, STR("Content-Type"))) {
            return copy_str(a, json_get(it.value, "value"));
        } else if (json_str(it.value, &s) && str_ieq(str_trim(str_cut(s, ':', &value)), STR("Content-Type"))) {
            value = str_trim(value);
            return (struct str){arena_strndup(a, value.p, value.n), value.n};
        }
    }
    return (struct str){NULL, 0};
}

static struct str without_origin(struct str url)
{
    for (size_t i = 0; i + 2 < url.n && url.p[i] != '?'; i++) {
        if (memcmp(url.p + i, "://", 3) == 0) {
            struct str rest = {url.p + i + 3, url.n - i - 3}, path;
            str_cut(rest, '/', &path);
            return path;
        }
    }
    return url;
}

/* Parts whose send would only be known to Meta. */
static void refuse_hidden(struct part *p)
{
    struct arena *a = http_arena(p->b->rq);
    bool in_url = refers_to_result(a, p->url), in_body = refers_to_result(a, p->body);
    if (p->path.kind == GRAPH_ROOT || (p->path.n == 0 && p->body.n > 0))
        refuse_part(p, 100, "a batch inside a batch is not allowed");
    else if (p->path.kind == GRAPH_EDGE && p->body.n > 0)
        refuse_part(p, 100, "a body on a GET or DELETE of messages can be read as a send");
    else if (in_url || (in_body && p->is_send))
        refuse_part(p, 100, "a send that refers to another part's result cannot be judged; send it by itself");
}

static int unpack_part(struct batch *b, struct json v, struct part *p, struct err *e)
{
    struct arena *a = http_arena(b->rq);
    if (json_type(v) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "batch[%zu] must be an object", b->n);
    struct str twice = json_duplicate_key(v), query = {NULL, 0};
    if (twice.p != NULL)
        return err_set(e, WL_EINVAL, "batch[%zu] has the key '%.*s' twice", b->n, (int)(twice.n < 64 ? twice.n : 64),
                       twice.p);
    struct buf raw;
    buf_init(&raw, BATCH_BODY_MAX);
    json_write_value(&raw, v);
    *p = (struct part){.b = b, .raw = {arena_strndup(a, buf_cstr(&raw), raw.len), raw.len}};
    buf_done(&raw);
    int rc = text_member(b, v, "method", &p->method, e);
    if (rc == 0)
        rc = text_member(b, v, "relative_url", &p->url, e);
    if (rc == 0)
        rc = text_member(b, v, "body", &p->body, e);
    if (rc == 0)
        rc = text_member(b, v, "access_token", &p->token, e);
    if (rc == 0 && (p->raw.p == NULL || p->url.p == NULL))
        rc = err_set(e, WL_EINVAL, "batch[%zu].relative_url must be a string", b->n);
    if (rc != 0)
        return rc;
    p->content_type = part_content_type(a, json_get(v, "headers"));
    struct str path = str_cut(without_origin(p->url), '?', &query);
    struct err why = {0};
    rc = graph_path_parse(a, p->method.p ? p->method : STR("GET"), path, query, &p->path, &why);
    b->n++;
    if (rc != 0) {
        refuse_part(p, 100, why.text);
        return 0;
    }
    p->is_send = p->path.kind == GRAPH_SEND;
    refuse_hidden(p);
    return 0;
}

/* The body's other fields, ready to follow "batch" in a rebuilt object. */
static bool keep_rest(struct batch *b, struct json root)
{
    struct buf out;
    struct json_out o;
    buf_init(&out, BATCH_BODY_MAX);
    json_out_init(&o, &out);
    jo_object(&o);
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        if (str_eq(it.key, STR("batch")))
            continue;
        struct buf one;
        buf_init(&one, BATCH_BODY_MAX);
        json_write_value(&one, it.value);
        jo_key_str(&o, it.key);
        jo_raw(&o, buf_str(&one));
        buf_done(&one);
    }
    jo_end(&o);
    /* "{...}" -> ",..." */
    char *text = out.failed ? NULL : arena_strndup(http_arena(b->rq), buf_cstr(&out), out.len);
    if (text != NULL && out.len > 2) {
        text[0] = ',';
        b->rest = (struct str){text, out.len - 1};
    }
    buf_done(&out);
    return text != NULL;
}

/* The list itself, also when it came as a JSON text inside a JSON string. */
static int batch_list(struct batch *b, struct json *list, struct err *e)
{
    struct str text;
    if (json_str(*list, &text)) {
        char *copy = arena_strndup(http_arena(b->rq), text.p, text.n);
        if (copy == NULL || json_parse(thread_json(), (struct str){copy, text.n}, false, list, e) != 0)
            return err_set(e, WL_EINVAL, "batch is not valid JSON");
    }
    if (json_type(*list) != JSON_ARRAY || json_count(*list) == 0 || json_count(*list) > BATCH_PARTS_MAX)
        return err_set(e, WL_EINVAL, "batch must be an array of 1 to %d parts", BATCH_PARTS_MAX);
    b->part = arena_new_array(http_arena(b->rq), struct part, json_count(*list));
    return b->part != NULL ? 0 : err_set(e, WL_ETOOBIG, "the batch is too large");
}

static int unpack(struct batch *b, bool *ret_batch, struct err *e)
{
    struct arena *a = http_arena(b->rq);
    struct graph_body body;
    int rc = graph_body_parse(a, thread_json(), http_header(b->rq, "Content-Type"), http_body(b->rq), true,
                              &b->path.query, &body, e);
    if (rc != 0)
        return rc;
    if (json_duplicate_key(body.root).p != NULL)
        return err_set(e, WL_EINVAL, "the body has the same key twice");
    struct json list = json_get(body.root, "batch");
    *ret_batch = json_type(list) != JSON_ABSENT;
    if (!*ret_batch)
        return 0;
    b->files = body.files;
    b->token = relay_token(b->rq);
    if (b->token.n == 0 && body.token.n > 0)
        b->token = (struct str){arena_strndup(a, body.token.p, body.token.n), body.token.n};
    if (!keep_rest(b, body.root))
        return err_set(e, WL_ETOOBIG, "the batch is too large");
    rc = batch_list(b, &list, e);
    for (struct json_iter it = json_iter(list); rc == 0 && json_next(&it);)
        rc = unpack_part(b, it.value, &b->part[b->n], e);
    return rc;
}

static void batch_collected(void *ctx, struct http_req *rq)
{
    struct batch *b = ctx;
    struct err e = {0};
    bool is_batch = false;
    b->hold_until_latest = admit_patience(b->g);
    if (graph_refuse_encoded(rq, &e) != 0 || unpack(b, &is_batch, &e) != 0) {
        metric_add(b->g, METRIC_BAD_REQUESTS, 1);
        graph_problem_reply(rq, &e);
    } else if (!is_batch) {
        passthrough_collected(b->g, rq, &b->path);
    } else {
        next_part(b);
    }
}

void graph_batch_begin(struct gateway *g, struct http_req *rq, const struct graph_path *path)
{
    struct batch *b = arena_new(http_arena(rq), struct batch);
    if (b == NULL) {
        struct err e = {0};
        err_set(&e, WL_ENOMEM, "the request is too large");
        graph_problem_reply(rq, &e);
        return;
    }
    b->g = g;
    b->rq = rq;
    b->path = *path;
    http_collect(rq, BATCH_BODY_MAX, batch_collected, b);
}
