/* SPDX-License-Identifier: Apache-2.0
 * sandbox_call.c - a request taken apart, and its answer sent.
 *
 * Graph accepts the same fields in many coats: JSON, urlencoded or multipart with JSON inside the values, query
 * parameters, or a mixture. Here all of them become one JSON object, so that the handlers know only that. The token
 * may be in the header, the query or the body. The second half of a call is its end: scripted delays, lost answers
 * and hangs are applied between the handler and the socket. It refuses bodies that are not JSON when they say so. */
#include "sandbox/sandbox_call.h"
#include "sandbox/sandbox_media.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define ANSWER_MAX  (64u << 20)
#define PARAMS_MAX  (4u << 20)
#define HUNG_MAX    10000
#define OLDEST_LIVE 21
#define NEWEST_LIVE 26

/* --- fields ------------------------------------------------------------------------------------------- */

static void write_field(struct call *c, struct json_out *o, struct str name, struct str value)
{
    struct json parsed;
    struct str text = str_trim(value);
    jo_key_str(o, name);
    if (text.n > 1 && (text.p[0] == '{' || text.p[0] == '[') && json_parse(c->jp, text, false, &parsed, NULL) == 0)
        jo_raw(o, text);
    else
        jo_str(o, value);
}

static bool is_plumbing(struct str name)
{
    return str_eq(name, STR("access_token")) || str_eq(name, STR("appsecret_proof"));
}

static bool parse_params(struct call *c, struct buf *text)
{
    struct err e = {0};
    if (text->failed)
        return false;
    return json_parse(c->jp, buf_str(text), true, &c->params, &e) == 0;
}

/* A form's fields as a JSON object. */
static bool params_from_form(struct call *c, const struct form *f)
{
    struct buf text;
    struct json_out o;
    buf_init(&text, PARAMS_MAX);
    json_out_init(&o, &text);
    jo_object(&o);
    for (size_t i = 0; i < f->n; i++)
        if (f->fields[i].filename.p == NULL)
            write_field(c, &o, f->fields[i].name, f->fields[i].value);
    jo_end(&o);
    bool ok = parse_params(c, &text);
    buf_done(&text);
    return ok;
}

/* Query parameters of a POST count as fields where the body does not have them. */
static void add_query(struct call *c)
{
    bool any = false;
    for (size_t i = 0; i < c->query.n; i++)
        any = any || !is_plumbing(c->query.fields[i].name);
    if (!any || (json_type(c->params) != JSON_ABSENT && json_type(c->params) != JSON_OBJECT))
        return;
    struct buf text, member;
    struct json_out o;
    buf_init(&text, PARAMS_MAX);
    buf_init(&member, PARAMS_MAX);
    json_out_init(&o, &text);
    jo_object(&o);
    for (struct json_iter it = json_iter(c->params); json_next(&it);) {
        buf_clear(&member);
        json_write_value(&member, it.value);
        jo_key_str(&o, it.key);
        jo_raw(&o, buf_str(&member));
    }
    struct arena *a = c->a;
    for (size_t i = 0; i < c->query.n; i++) {
        const struct form_field *f = &c->query.fields[i];
        char *name = arena_strndup(a, f->name.p, f->name.n);
        if (name != NULL && !is_plumbing(f->name) && json_type(json_get(c->params, name)) == JSON_ABSENT)
            c->query.fields[i].content_type = STR("wanted");
    }
    for (size_t i = 0; i < c->query.n; i++) /* write_field() parses, which ends the life of c->params */
        if (c->query.fields[i].content_type.n > 0)
            write_field(c, &o, c->query.fields[i].name, c->query.fields[i].value);
    jo_end(&o);
    c->params = (struct json){0};
    parse_params(c, &text);
    buf_done(&text);
    buf_done(&member);
}

static bool params_from_json(struct call *c)
{
    struct err e = {0};
    if (json_parse(c->jp, c->body, false, &c->params, &e) == 0) {
        c->body_is_text = true;
        return true;
    }
    sbx_fail_param(c, "Invalid parameter: the request body is not valid JSON");
    return false;
}

static bool read_body(struct call *c)
{
    struct form f = {0};
    struct str start = str_trim(c->body);
    if (start.n == 0 || c->upload != NULL)
        return c->upload == NULL || params_from_form(c, &c->upload->form);
    if (media_type_is(c->content_type, "multipart/form-data")) {
        if (form_multipart(c->a, c->content_type, c->body, &f, NULL) == 0)
            return params_from_form(c, &f);
        sbx_fail_param(c, "Invalid parameter: the multipart body is malformed");
        return false;
    }
    if (media_type_is(c->content_type, "application/json") || start.p[0] == '{' || start.p[0] == '[')
        return params_from_json(c);
    if (form_urlencoded(c->a, c->body, &f, NULL) == 0)
        return params_from_form(c, &f);
    sbx_fail_param(c, "Invalid parameter: the form body is malformed");
    return false;
}

struct str sbx_param(struct call *c, const char *name)
{
    struct json v = json_get(c->params, name);
    struct str text;
    int64_t number;
    bool truth;
    if (json_str(v, &text))
        return text;
    if (json_i64(v, &number)) {
        char *out = arena_printf(c->a, "%lld", (long long)number);
        return str_of(out);
    }
    if (json_bool(v, &truth))
        return truth ? STR("true") : STR("false");
    const struct form_field *f = form_get(&c->query, name);
    return f != NULL ? f->value : (struct str){NULL, 0};
}

static bool listed(struct str list, struct str name)
{
    for (struct str rest = list; rest.p != NULL && rest.n > 0;)
        if (str_eq(str_trim(str_cut(rest, ',', &rest)), name))
            return true;
    return false;
}

bool sbx_wants_exactly(struct call *c, const char *name)
{
    return listed(sbx_param(c, "fields"), str_of(name));
}

bool sbx_wants(struct call *c, const char *name)
{
    return sbx_param(c, "fields").n == 0 || sbx_wants_exactly(c, name);
}

/* --- the parts of a request --------------------------------------------------------------------------- */

static int version_major(struct str s)
{
    int64_t major, minor;
    struct str rest;
    if (s.n < 4 || s.p[0] != 'v')
        return -1;
    struct str first = str_cut((struct str){s.p + 1, s.n - 1}, '.', &rest);
    if (!str_i64(first, &major) || !str_i64(rest, &minor) || major < 0 || minor < 0)
        return -1;
    return major > 1000 ? 1000 : (int)major;
}

/* An expired version is answered by the oldest living one; no version by the newest. */
static bool take_version(struct call *c)
{
    struct str path = c->path, after;
    if (path.n > 0 && path.p[0] == '/')
        path = (struct str){path.p + 1, path.n - 1};
    struct str first = str_cut(path, '/', &after);
    int major = version_major(first);
    c->rest = c->path;
    c->version_major = NEWEST_LIVE;
    if (major < 0)
        return true;
    c->version = first;
    c->rest = after.p ? (struct str){after.p - 1, after.n + 1} : STR("/");
    if (major < 1 || major > NEWEST_LIVE) {
        sbx_fail_path(c, c->rest);
        return false;
    }
    c->version_major = major < OLDEST_LIVE ? OLDEST_LIVE : major;
    return true;
}

static bool take_segments(struct call *c)
{
    struct str rest = {c->rest.p + 1, c->rest.n > 0 ? c->rest.n - 1 : 0};
    while (rest.p != NULL && rest.n > 0) {
        struct str at = rest, one = str_cut(rest, '/', &rest);
        if (one.n == 0)
            continue;
        if (c->n_seg == sizeof c->seg / sizeof *c->seg) {
            sbx_fail_path(c, (struct str){at.p - 1, at.n + 1});
            return false;
        }
        c->seg[c->n_seg++] = one;
    }
    return true;
}

static void take_token(struct call *c)
{
    struct str header = c->part ? (struct str){NULL, 0} : http_header(c->rq, "Authorization"), rest;
    struct str scheme = str_cut(header, ' ', &rest);
    const struct form_field *q = form_get(&c->query, "access_token");
    struct str body = json_str_or(json_get(c->params, "access_token"), (struct str){NULL, 0});
    if (header.n > 0 && (str_ieq(scheme, STR("bearer")) || str_ieq(scheme, STR("oauth")))) {
        c->token = str_trim(rest);
    } else if (q != NULL) {
        c->token = q->value;
        c->token_in_query = true;
    } else if (body.n > 0) {
        c->token = body;
    }
}

static bool take_apart(struct call *c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    c->trace[0] = 'A';
    for (size_t i = 1, bits = 0, r = 0; i < SBX_TRACE - 1; i++, bits -= 6, r >>= 6) {
        if (bits < 6) {
            r = sbx_random(c->sb);
            bits = 60;
        }
        c->trace[i] = digits[r & 63];
    }
    c->now_ms = clock_now_ms();
    if (!take_version(c) || !take_segments(c))
        return false;
    if (c->query_text.n > 0 && form_urlencoded(c->a, c->query_text, &c->query, NULL) != 0) {
        sbx_fail_param(c, "Invalid parameter: the query is malformed");
        return false;
    }
    if (!read_body(c))
        return false;
    take_token(c);
    if (!str_eq(c->method, STR("GET")))
        add_query(c);
    return true;
}

static void init(struct call *c, struct sandbox *sb, struct http_req *rq)
{
    c->sb = sb;
    c->rq = rq;
    c->a = http_arena(rq);
    c->jp = sbx_parser_take(sb);
    c->status = 200;
    buf_init(&c->out, ANSWER_MAX);
    json_out_init(&c->jo, &c->out);
}

bool sbx_call_init_part(struct call *c, struct call *whole, struct str method, struct str url, struct str body)
{
    init(c, whole->sb, whole->rq);
    c->part = true;
    c->method = method;
    struct str path = str_cut(url, '?', &c->query_text);
    const char *lead = path.n > 0 && path.p[0] == '/' ? "" : "/";
    c->path = str_of(arena_printf(c->a, "%s%.*s", lead, (int)path.n, path.p ? path.p : ""));
    c->body = body;
    bool ok = c->path.p != NULL && take_apart(c);
    if (c->token.n == 0) {
        c->token = whole->token;
        c->token_in_query = whole->token_in_query;
    }
    if (c->version.p == NULL) {
        c->version = whole->version;
        c->version_major = whole->version_major;
    }
    return ok;
}

void sbx_call_done(struct call *c)
{
    sbx_parser_give(c->sb, c->jp);
    c->jp = NULL;
    buf_done(&c->out);
}

struct str sbx_digits(struct call *c, struct str s)
{
    char *out = arena_alloc(c->a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; out != NULL && i < s.n; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9')
            out[n++] = s.p[i];
    return n > 0 ? (struct str){out, n} : (struct str){NULL, 0};
}

const char *sbx_origin(struct call *c)
{
    struct str host = http_header(c->rq, "Host");
    const char *scheme = http_over_tls(c->rq) ? "https" : "http";
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] <= ' ' || host.p[i] == '/' || host.p[i] == '"')
            host.n = 0;
    char *out = host.n > 0 ? arena_printf(c->a, "%s://%.*s", scheme, (int)host.n, host.p)
                           : arena_printf(c->a, "%s://127.0.0.1:%u", scheme, http_server_port(c->sb->server));
    return out ? out : "";
}

void sbx_success(struct call *c)
{
    jo_object(&c->jo);
    jo_kbool(&c->jo, "success", true);
    jo_end(&c->jo);
}

/* --- the answer --------------------------------------------------------------------------------------- */

void sbx_reply(struct call *c)
{
    struct http_header h[10];
    size_t n = 0;
    char version[16], challenge[400];
    struct sbx_usage usage;
    snprintf(version, sizeof version, "v%d.0", c->version_major ? c->version_major : NEWEST_LIVE);
    h[n++] = (struct http_header){STR("X-Wayleave-Sandbox"), STR("true")};
    h[n++] = (struct http_header){STR("Content-Type"),
                                  c->answer_type ? str_of(c->answer_type) : STR("application/json; charset=UTF-8")};
    h[n++] = (struct http_header){STR("Facebook-Api-Version"), str_of(version)};
    n += sbx_usage_headers(c->sb, &usage, h + n);
    h[n++] = (struct http_header){STR("Access-Control-Allow-Origin"), STR("*")};
    h[n++] = (struct http_header){STR("Cache-Control"), STR("private, no-cache, no-store, must-revalidate")};
    if (c->is_error) {
        snprintf(challenge, sizeof challenge, "OAuth \"Facebook Platform\" \"%s\" \"%s\"",
                 c->status == 401 ? "invalid_token" : "invalid_request", c->error_text);
        h[n++] = (struct http_header){STR("WWW-Authenticate"), str_of(challenge)};
    }
    struct http_req *rq = c->rq;
    struct buf out = c->out;
    struct http_pipe *pipe = c->pipe;
    buf_init(&c->out, 0);
    sbx_call_done(c);
    if (pipe != NULL) {
        buf_done(&out);
        http_reply_pipe(rq, c->status, h, n, c->pipe_length, pipe);
        http_pipe_unref(pipe);
    } else {
        http_reply_buf(rq, c->status, h, n, &out);
    }
}

void sbx_refuse(struct http_req *rq, int status, const char *why)
{
    struct http_header h[] = {{STR("X-Wayleave-Sandbox"), STR("true")},
                              {STR("Content-Type"), STR("application/json; charset=UTF-8")}};
    struct buf b;
    struct json_out o;
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_key(&o, "error");
    jo_object(&o);
    jo_kcstr(&o, "message", why);
    jo_kcstr(&o, "type", "OAuthException");
    jo_kint(&o, "code", 1);
    jo_kcstr(&o, "fbtrace_id", "A0000000000000000000000");
    jo_end(&o);
    jo_end(&o);
    http_reply_buf(rq, status, h, 2, &b);
}

static void cut_call(struct call *c)
{
    struct http_req *rq = c->rq;
    if (c->pipe != NULL) {
        http_pipe_abort(c->pipe);
        http_pipe_unref(c->pipe);
    }
    sbx_call_done(c);
    http_drop(rq);
}

static void late(void *sandbox, void *call)
{
    (void)sandbox;
    struct call *c = call;
    if (c->fault.cut == SBX_CUT_LOST)
        cut_call(c);
    else
        sbx_reply(c);
}

void sbx_finish(struct call *c)
{
    if (c->fault.delay_ms > 0)
        sbx_timer_add(&c->sb->timer, c->fault.delay_ms, late, late, c);
    else
        late(c->sb, c);
}

/* --- hanging ------------------------------------------------------------------------------------------ */

static void end_hang(void *sandbox, void *call)
{
    struct sandbox *sb = sandbox;
    struct call *c = NULL;
    pthread_mutex_lock(&sb->lock);
    for (struct call **at = &sb->hung; *at != NULL; at = &(*at)->next) {
        if (*at != call)
            continue;
        c = *at;
        *at = c->next;
        sb->n_hung--;
        break;
    }
    pthread_mutex_unlock(&sb->lock);
    if (c != NULL)
        cut_call(c);
}

void sbx_release_hung(struct sandbox *sb)
{
    sbx_timer_drop_if(&sb->timer, end_hang);
}

static void hang(struct call *c)
{
    struct sandbox *sb = c->sb;
    pthread_mutex_lock(&sb->lock);
    bool room = sb->n_hung < HUNG_MAX;
    if (room) {
        c->next = sb->hung;
        sb->hung = c;
        sb->n_hung++;
    }
    pthread_mutex_unlock(&sb->lock);
    if (room)
        sbx_timer_add(&sb->timer, sb->o.hang_ms, end_hang, end_hang, c);
    else
        cut_call(c);
}

static void refuse_fault(struct call *c, const struct err *e)
{
    c->fault = (struct sbx_fault){0};
    sbx_fail_param(c, "X-Sandbox-Fault: %s", e->text);
}

void sbx_handle(struct sandbox *sb, struct http_req *rq, struct sbx_transfer *upload)
{
    struct call *c = arena_new(http_arena(rq), struct call);
    struct err e = {0};
    if (c == NULL) {
        http_drop(rq);
        return;
    }
    init(c, sb, rq);
    c->method = http_method(rq);
    c->path = http_path(rq);
    c->query_text = http_query(rq);
    c->content_type = http_header(rq, "Content-Type");
    c->upload = upload;
    c->body = upload ? (struct str){NULL, 0} : http_body(rq);
    bool ok = take_apart(c);
    if (sbx_fault_pick(c, &e) != 0) {
        refuse_fault(c, &e);
    } else if (c->fault.cut == SBX_CUT_DROP) {
        cut_call(c);
        return;
    } else if (c->fault.cut == SBX_CUT_HANG) {
        hang(c);
        return;
    } else if (c->fault.code != 0) {
        sbx_fail(c, c->fault.code, NULL);
    } else if (c->fault.status != 0) {
        sbx_fail_status(c, c->fault.status);
    } else if (ok) {
        sbx_dispatch(c);
    }
    if (c->handshake != NULL)
        sbx_handshake_go(c);
    else
        sbx_finish(c);
}
