/* SPDX-License-Identifier: Apache-2.0
 * relay.c - headers in, headers out, and the words for an answer that never came.
 *
 * For a send without an answer the client is told the truth in Meta's shape: unsent may be tried again, ambiguous must
 * not, because the message may have been accepted. An answer that cannot be read (somebody's error page, nothing at
 * all) counts as none: it is never handed to a client that expects Meta's JSON. */
#include "gateway/relay.h"

#include <stdio.h>

#include "gateway/graph_error.h"

#define DETAILS_MAX 1024

/* A webhook carries our mark and settles the doubt (core/callback.h); asking again under the same key sends nothing. */
#define AMBIGUOUS_TEXT                                                                                                 \
    "ambiguous. A webhook settles that, and GET /wayleave/v1/messages/%s says what is known. Do not send it again; "   \
    "with the Idempotency-Key it had, if it had one, you may ask again safely."

static const char *const connection_headers[] = {
    "Connection", "Keep-Alive",       "Transfer-Encoding",   "Content-Length",     "TE", "Trailer",
    "Upgrade",    "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", NULL};
static const char *const request_only[] = {
    "Host", "Expect", "Accept-Encoding", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", NULL};
static const char *const answer_only[] = {"Date", "Alt-Svc", "Strict-Transport-Security", NULL};

static bool listed(struct str name, const char *const *list)
{
    for (size_t i = 0; list[i] != NULL; i++)
        if (str_ieq(name, str_of(list[i])))
            return true;
    return false;
}

static bool is_ours(struct str name)
{
    return name.n >= 9 && str_ieq((struct str){name.p, 9}, STR("Wayleave-"));
}

int relay_request(struct gateway *g, struct http_req *rq, struct http_call *call, struct err *e)
{
    struct arena *a = http_arena(rq);
    const struct http_header *in;
    size_t n = http_headers(rq, &in), kept = 0;
    struct http_header *out = arena_new_array(a, struct http_header, n + 1);
    struct str query = http_query(rq), path = http_path(rq);
    size_t origin = strlen(g->o.upstream_url), length = origin + path.n + 1 + query.n;
    char *url = arena_alloc(a, length + 1);
    if (out == NULL || url == NULL)
        return err_set(e, WL_ETOOBIG, "the request's headers are too large");
    memcpy(url, g->o.upstream_url, origin);
    memcpy(url + origin, path.p, path.n);
    size_t at = origin + path.n;
    if (query.p != NULL) {
        url[at++] = '?';
        memcpy(url + at, query.p, query.n);
        at += query.n;
    }
    for (size_t i = 0; i < n; i++)
        if (!listed(in[i].name, connection_headers) && !listed(in[i].name, request_only) && !is_ours(in[i].name))
            out[kept++] = in[i];
    call->method = http_method(rq);
    call->url = (struct str){url, at};
    call->headers = out;
    call->n_headers = kept;
    call->timeout_ms = g->o.upstream_timeout_ms;
    return 0;
}

struct str relay_token(const struct http_req *rq)
{
    struct str v = str_trim(http_header(rq, "Authorization")), rest;
    struct str scheme = str_cut(v, ' ', &rest);
    if (str_ieq(scheme, STR("Bearer")) || str_ieq(scheme, STR("OAuth")))
        return str_trim(rest);
    return (struct str){NULL, 0};
}

struct http_header *relay_answer_headers(struct arena *a, const struct http_call *call, struct http_header extra,
                                         size_t *ret_n)
{
    struct http_header *out = arena_new_array(a, struct http_header, call->n_answer_headers + 1);
    *ret_n = 0;
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < call->n_answer_headers; i++)
        if (!listed(call->answer_headers[i].name, connection_headers) &&
            !listed(call->answer_headers[i].name, answer_only))
            out[(*ret_n)++] = call->answer_headers[i];
    if (extra.name.p != NULL)
        out[(*ret_n)++] = extra;
    return out;
}

/* What to tell of a call that got no answer; `details` is the caller's room. */
static struct graph_error no_answer(const struct http_call *call, const char *message_id, char details[DETAILS_MAX])
{
    bool unsent = call->fate == HTTP_UNSENT;
    if (message_id == NULL)
        snprintf(details, DETAILS_MAX, "The Graph API did not answer: %s.", call->err.text);
    else if (unsent)
        snprintf(details, DETAILS_MAX, "The message did not leave: %s. It is recorded as %s and may be sent again.",
                 call->err.text, message_id);
    else
        snprintf(
            details, DETAILS_MAX,
            "No answer came for this message: %s. It may have been accepted. It is recorded as %s, " AMBIGUOUS_TEXT,
            call->err.text, message_id, message_id);
    return (struct graph_error){.status = unsent ? 503 : 504,
                                .code = unsent ? 2 : 131000,
                                .message = unsent ? "The Graph API cannot be reached" : "No answer from the Graph API",
                                .details = details,
                                .transient = unsent,
                                .message_id = message_id};
}

int relay_no_answer_body(struct buf *out, const struct http_call *call, const char *message_id)
{
    char details[DETAILS_MAX];
    struct graph_error g = no_answer(call, message_id, details);
    graph_error_body(out, &g, NULL, NULL, NULL);
    return g.status;
}

void relay_answer(struct http_req *rq, struct http_call *call, const char *message_id)
{
    struct http_call results = *call; /* the call lives in the request's arena, which the reply may free */
    if (results.fate != HTTP_ANSWERED) {
        char details[DETAILS_MAX];
        struct graph_error g = no_answer(&results, message_id, details);
        graph_error_reply(rq, &g);
        http_call_done(&results);
        return;
    }
    struct http_header extra = {{NULL, 0}, {NULL, 0}};
    if (message_id != NULL)
        extra = (struct http_header){STR("Wayleave-Message-Id"), str_of(message_id)};
    const struct http_header fewest[] = {{STR("Content-Type"), STR("application/json; charset=UTF-8")}, extra};
    size_t n;
    const struct http_header *h = relay_answer_headers(http_arena(rq), &results, extra, &n);
    if (h == NULL) { /* no room for Meta's: a client that is not told the id of its message could never ask for it */
        h = fewest;
        n = message_id != NULL ? 2 : 1;
    }
    http_reply_buf(rq, results.status, h, n, &results.answer);
    http_call_done(&results);
}

static bool says_why(const struct http_call *call)
{
    struct json root;
    return json_parse(thread_json(), buf_str(&call->answer), false, &root, NULL) == 0 &&
           json_type(json_get(root, "error")) == JSON_OBJECT;
}

void relay_send_answer(struct http_req *rq, struct http_call *call, enum life_state outcome, const char *message_id)
{
    if (call->fate != HTTP_ANSWERED || outcome != LIFE_AMBIGUOUS || says_why(call)) {
        relay_answer(rq, call, message_id);
        return;
    }
    char details[DETAILS_MAX];
    struct http_call results = *call;
    snprintf(details, sizeof details,
             "The answer for this message (status %d) says neither that it was accepted nor why not. It may have been "
             "accepted. It is recorded as %s, " AMBIGUOUS_TEXT,
             results.status, message_id, message_id);
    graph_error_reply(rq, &(struct graph_error){.status = results.status >= 500 ? results.status : 502,
                                                .code = 131000,
                                                .message = "No readable answer from the Graph API",
                                                .details = details,
                                                .message_id = message_id});
    http_call_done(&results);
}
