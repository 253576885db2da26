/* SPDX-License-Identifier: Apache-2.0
 * passthrough.c - everything that is no send: carried to Meta and back, unknown fields, endpoints and all.
 *
 * Small bodies are collected, large or unmeasured ones stream both ways in constant memory. Answers that are JSON and
 * small enough are collected so that their links can be rewritten; anything else (media) streams. A change to an
 * account's templates that passes by makes our list of them stale. */
#include "gateway/accounts.h"
#include "gateway/graph_api.h"
#include "gateway/graph_error.h"
#include "gateway/links.h"
#include "gateway/relay.h"

#define COLLECT_MAX     (64 * 1024) /* request bodies up to this are held, larger ones stream */
#define JSON_ANSWER_MAX (8u << 20)
#define PIPE_BYTES      (256 * 1024)

struct passed {
    struct http_call call;
    struct gateway *g;
    struct http_req *rq;
    struct graph_path path;
    bool streaming; /* the answer has begun */
};

static bool is_json(const struct http_call *c)
{
    struct str type = http_call_header(c, "Content-Type");
    return media_type_is(type, "application/json") || media_type_is(type, "text/javascript");
}

static struct http_pipe *head(struct http_call *c)
{
    struct passed *p = c->user;
    if (is_json(c))
        return NULL;
    int64_t length = -1;
    str_i64(http_call_header(c, "Content-Length"), &length);
    struct http_pipe *pipe = http_pipe_create(PIPE_BYTES);
    size_t n;
    const struct http_header *h =
        relay_answer_headers(http_arena(p->rq), c, (struct http_header){{NULL, 0}, {NULL, 0}}, &n);
    p->streaming = true;
    c->max_answer = 0; /* bounded by the pipe, not by its length */
    http_hold(p->rq);  /* the call lives in its arena and may end after the answer did */
    http_reply_pipe(p->rq, c->status, h, n, length, pipe);
    return pipe;
}

/* Our origin as this client sees it. */
static struct str our_origin(struct gateway *g, struct http_req *rq)
{
    if (g->o.public_url != NULL)
        return str_of(g->o.public_url);
    struct str host = http_header(rq, "Host");
    char *origin = arena_printf(http_arena(rq), "%s://%.*s", http_over_tls(rq) ? "https" : "http", (int)host.n,
                                host.p ? host.p : "");
    return str_of(origin);
}

/* A Host header that could break out of a JSON string or is none is not written into answers. */
static bool plain_origin(struct str origin)
{
    for (size_t i = 0; i < origin.n; i++)
        if (origin.p[i] <= ' ' || origin.p[i] == '"' || origin.p[i] == '\\' || origin.p[i] == '<' ||
            origin.p[i] >= 0x7f)
            return false;
    return origin.n > 8;
}

static void rewrite(struct passed *p)
{
    struct link_rewrite r = {.upstream = str_of(p->g->o.upstream_url),
                             .ours = our_origin(p->g, p->rq),
                             .link_key = p->g->link_key};
    struct json root;
    if (!plain_origin(r.ours) || json_parse(thread_json(), buf_str(&p->call.answer), false, &root, NULL) != 0)
        return;
    struct buf out;
    buf_init(&out, JSON_ANSWER_MAX * 2);
    if (links_rewrite(&r, root, buf_str(&p->call.answer), &out)) {
        buf_done(&p->call.answer);
        p->call.answer = out;
    } else {
        buf_done(&out);
    }
}

static void watch_templates(struct passed *p)
{
    const struct graph_path *g = &p->path;
    int64_t waba;
    if (g->writes && p->call.fate == HTTP_ANSWERED && p->call.status < 300 && g->n >= 2 &&
        str_ieq(g->segment[1], STR("message_templates")) && str_i64(g->segment[0], &waba))
        accounts_stale(p->g->accounts, waba);
}

static void done(struct http_call *c)
{
    struct passed *p = c->user;
    metric_add(p->g, METRIC_PASSED, 1);
    if (p->streaming) {
        http_call_done(c);
        http_release(p->rq);
        return;
    }
    watch_templates(p);
    if (c->fate != HTTP_ANSWERED && http_body_too_large(p->rq)) {
        struct err e = {0};
        err_set(&e, WL_ETOOBIG, "the request body is too large");
        http_call_done(c);
        graph_problem_reply(p->rq, &e);
        return;
    }
    if (c->fate == HTTP_ANSWERED && p->g->o.rewrite_links && c->answer.len > 0 && is_json(c))
        rewrite(p);
    relay_answer(p->rq, c, NULL);
}

static void submit(struct passed *p)
{
    struct err e = {0};
    p->call.max_answer = JSON_ANSWER_MAX;
    p->call.head = head;
    p->call.done = done;
    p->call.user = p;
    int rc = relay_request(p->g, p->rq, &p->call, &e);
    if (rc == 0 && (rc = http_client_submit(p->g->client, &p->call)) != 0)
        err_set(&e, rc, "too many calls are waiting for the Graph API; try again in a moment");
    if (rc == 0)
        return;
    if (p->call.body_pipe != NULL)
        http_pipe_abort(p->call.body_pipe);
    graph_problem_reply(p->rq, &e);
}

static void collected(void *ctx, struct http_req *rq)
{
    struct passed *p = ctx;
    p->call.body = http_body(rq);
    p->call.body_length = (int64_t)p->call.body.n;
    submit(p);
}

static void streaming(void *ctx, struct http_req *rq)
{
    struct passed *p = ctx;
    p->call.body_length = http_content_length(rq);
    submit(p);
}

static struct passed *passed_new(struct gateway *g, struct http_req *rq, const struct graph_path *path)
{
    struct passed *p = arena_new(http_arena(rq), struct passed);
    if (p == NULL) {
        struct err e = {0};
        err_set(&e, WL_ENOMEM, "the request is too large");
        graph_problem_reply(rq, &e);
        return NULL;
    }
    *p = (struct passed){.g = g, .rq = rq, .path = *path};
    return p;
}

static void drop_pipe(void *pipe)
{
    http_pipe_unref(pipe);
}

void passthrough_begin(struct gateway *g, struct http_req *rq, const struct graph_path *path)
{
    struct passed *p = passed_new(g, rq, path);
    if (p == NULL)
        return;
    bool measured = http_content_length(rq) >= 0 || http_header(rq, "Transfer-Encoding").p == NULL;
    if (measured && http_content_length(rq) <= COLLECT_MAX) {
        http_collect(rq, COLLECT_MAX, collected, p);
        return;
    }
    p->call.body_pipe = http_pipe_create(PIPE_BYTES);
    http_set_user(rq, p->call.body_pipe, drop_pipe);
    http_stream(rq, p->call.body_pipe, g->o.max_media_bytes, streaming, p);
}

void passthrough_collected(struct gateway *g, struct http_req *rq, const struct graph_path *path)
{
    struct passed *p = passed_new(g, rq, path);
    if (p != NULL)
        collected(p, rq);
}

/* --- media behind rewritten addresses ------------------------------------------------------------------------------ */

/* Where a signed link may still lead: media of Meta's, or of the upstream when that is no send in disguise. */
static bool is_media_address(struct gateway *g, struct arena *a, struct str url)
{
    struct str upstream = str_of(g->o.upstream_url), query;
    struct graph_path path;
    if (!links_media_host(url, upstream))
        return false;
    if (!str_starts(url, upstream))
        return true;
    struct str rest = str_cut((struct str){url.p + upstream.n, url.n - upstream.n}, '?', &query);
    return graph_path_parse(a, STR("GET"), rest, query, &path, NULL) == 0 && path.kind == GRAPH_OTHER && !path.writes;
}

static int media_call(struct gateway *g, struct http_req *rq, struct passed *p, struct str url, struct err *e)
{
    int rc = relay_request(g, rq, &p->call, e);
    if (rc != 0)
        return rc;
    p->call.url = (struct str){arena_strndup(http_arena(rq), url.p, url.n), url.n};
    p->call.max_answer = JSON_ANSWER_MAX;
    p->call.head = head;
    p->call.done = done;
    p->call.user = p;
    if (p->call.url.p == NULL || http_client_submit(g->client, &p->call) != 0)
        return err_set(e, WL_EBUSY, "too many calls are waiting for the Graph API; try again in a moment");
    return 0;
}

void media_link_begin(struct gateway *g, struct http_req *rq)
{
    struct str path = http_path(rq), prefix = STR(MEDIA_LINK_PREFIX);
    struct buf url;
    struct err e = {0};
    bool reads = str_eq(http_method(rq), STR("GET")) || str_eq(http_method(rq), STR("HEAD"));
    if (!reads || !links_open(g->link_key, (struct str){path.p + prefix.n, path.n - prefix.n}, &url)) {
        err_set(&e, WL_ENOTFOUND, "this media address was not made by this gateway");
        graph_problem_reply(rq, &e);
        return;
    }
    struct passed *p = passed_new(g, rq, &(struct graph_path){.version = {NULL, 0}});
    int rc = 0;
    if (p != NULL && !is_media_address(g, http_arena(rq), buf_str(&url)))
        rc = err_set(&e, WL_ENOTFOUND, "this is no address of media");
    else if (p != NULL)
        rc = media_call(g, rq, p, buf_str(&url), &e);
    buf_done(&url);
    if (rc != 0)
        graph_problem_reply(rq, &e);
}
