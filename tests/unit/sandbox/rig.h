/* SPDX-License-Identifier: Apache-2.0
 * rig.h - a sandbox, somebody who calls it, and somebody who hears its webhooks, for the tests of this folder.
 *
 * The listener is a real HTTP server that keeps every POST in order (body, signature), can answer with a scripted
 * status, and does the webhook handshake. Answers are parsed; at("a.0.b") finds a value in the last one. Everything
 * waits with a limit, so a broken sandbox fails a test instead of hanging it. */
#ifndef WL_TESTS_SANDBOX_RIG_H
#define WL_TESTS_SANDBOX_RIG_H

#include "t.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "sandbox/sandbox.h"

#define HEARD_MAX 4096
#define WAIT_MS   10000

struct heard {
    char *body;
    size_t n;
    char signature[80];
};

/* The listener. */
static struct {
    struct http_server *server;
    pthread_mutex_t lock;
    struct heard posts[HEARD_MAX];
    size_t n;
    int fail_next; /* so many POSTs are answered 500 */
    bool wrong_challenge;
    char url[64];
} ear = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The last answer. */
static struct {
    enum http_fate fate;
    int status;
    struct http_call call;
    struct json_parser *parser;
    struct json json;
} got;

static struct sandbox *sandbox;
static char base[64];

static inline void ear_then(void *ctx, struct http_req *rq)
{
    (void)ctx;
    struct str query = http_query(rq);
    pthread_mutex_lock(&ear.lock);
    if (str_eq(http_method(rq), STR("GET"))) {
        const char *found = query.p ? memmem(query.p, query.n, "hub.challenge=", 14) : NULL;
        struct str rest, answer = STR("none");
        if (found != NULL)
            answer = (struct str){found + 14, query.n - (size_t)(found + 14 - query.p)};
        if (answer.p != NULL)
            answer = str_cut(answer, '&', &rest);
        bool known = query.p && memmem(query.p, query.n, "hub.verify_token=sandbox-verify", 31) != NULL;
        bool ok = known && !ear.wrong_challenge;
        pthread_mutex_unlock(&ear.lock);
        http_reply(rq, ok ? 200 : 403, NULL, 0, ok ? answer : STR("no"));
        return;
    }
    int status = 200;
    if (ear.n < HEARD_MAX) {
        struct str body = http_body(rq), signature = http_header(rq, "X-Hub-Signature-256");
        struct heard *h = &ear.posts[ear.n++];
        h->body = strndup(body.p ? body.p : "", body.n);
        h->n = body.n;
        snprintf(h->signature, sizeof h->signature, "%.*s", (int)signature.n, signature.p ? signature.p : "");
    }
    if (ear.fail_next > 0) {
        ear.fail_next--;
        status = 500;
    }
    pthread_mutex_unlock(&ear.lock);
    http_reply(rq, status, NULL, 0, STR("ok"));
}

static inline void ear_begin(void *ctx, struct http_req *rq)
{
    http_collect(rq, 4u << 20, ear_then, ctx);
}

static inline void ear_refuse(void *ctx, struct http_req *rq, int status, const char *why)
{
    (void)ctx;
    http_reply(rq, status, NULL, 0, str_of(why));
}

static inline void ear_start(void)
{
    struct err e = {0};
    struct http_server_options o = {.address = "127.0.0.1",
                                    .threads = 2,
                                    .max_connections = 1000,
                                    .idle_seconds = 60,
                                    .request_seconds = 30,
                                    .arena_bytes = 1u << 20,
                                    .begin = ear_begin,
                                    .refuse = ear_refuse};
    assert_ok(http_server_start(&ear.server, &o, &e), e);
    snprintf(ear.url, sizeof ear.url, "http://127.0.0.1:%u/hook", http_server_port(ear.server));
    ear.n = 0;
    ear.fail_next = 0;
    ear.wrong_challenge = false;
}

static inline void ear_stop(void)
{
    http_server_stop(ear.server, 1000);
    ear.server = NULL;
    for (size_t i = 0; i < ear.n; i++)
        free(ear.posts[i].body);
    ear.n = 0;
}

static inline size_t ear_count(void)
{
    pthread_mutex_lock(&ear.lock);
    size_t n = ear.n;
    pthread_mutex_unlock(&ear.lock);
    return n;
}

/* Waits until so many POSTs were heard. */
static inline void ear_wait(size_t n)
{
    int64_t until = clock_mono_ns() + WAIT_MS * 1000000LL;
    while (ear_count() < n && clock_mono_ns() < until)
        usleep(2000);
    if (ear_count() < n)
        fail_msg("heard %zu webhooks, want %zu", ear_count(), n);
}

/* POSTs whose body contains the text. */
static inline size_t ear_with(const char *text)
{
    size_t n = 0;
    pthread_mutex_lock(&ear.lock);
    for (size_t i = 0; i < ear.n; i++)
        n += memmem(ear.posts[i].body, ear.posts[i].n, text, strlen(text)) != NULL;
    pthread_mutex_unlock(&ear.lock);
    return n;
}

static inline void ear_check_signature(size_t i, const char *secret)
{
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX], want[80];
    hmac_sha256(str_of(secret), (struct str){ear.posts[i].body, ear.posts[i].n}, mac);
    hex_encode(mac, sizeof mac, hex);
    snprintf(want, sizeof want, "sha256=%s", hex);
    assert_string_equal(ear.posts[i].signature, want);
}

/* --- the sandbox -------------------------------------------------------------------------------------- */

static inline struct sandbox_options quick(void)
{
    struct sandbox_options o;
    sandbox_options_default(&o);
    o.sent_ms = 5;
    o.delivered_ms = 30;
    o.read_ms = 60;
    o.retry_ms = 20;
    o.template_review_ms = 30;
    o.webhook_url = ear.server ? ear.url : NULL;
    return o;
}

static inline void up_with(const struct sandbox_options *o)
{
    struct err e = {0};
    assert_ok(sandbox_start(&sandbox, o, &e), e);
    snprintf(base, sizeof base, "http://127.0.0.1:%u", sandbox_port(sandbox));
    got.parser = json_parser_create();
}

static inline void up(void)
{
    ear_start();
    struct sandbox_options o = quick();
    up_with(&o);
}

static inline void forget_answer(void)
{
    http_call_done(&got.call);
    got.call = (struct http_call){0};
    got.json = (struct json){0};
}

static inline void down(void)
{
    forget_answer();
    json_parser_free(got.parser);
    sandbox_stop(sandbox);
    sandbox = NULL;
    if (ear.server != NULL)
        ear_stop();
}

/* --- calling ------------------------------------------------------------------------------------------ */

static inline void fetch(const char *method, const char *url, const struct http_header *headers, size_t n, struct str body)
{
    struct err e = {0};
    forget_answer();
    got.call = (struct http_call){.method = str_of(method),
                                  .url = str_of(url),
                                  .headers = headers,
                                  .n_headers = n,
                                  .body = body,
                                  .timeout_ms = WAIT_MS,
                                  .max_answer = 64u << 20};
    http_fetch(&got.call, NULL, &e);
    got.fate = got.call.fate;
    got.status = got.fate == HTTP_ANSWERED ? got.call.status : 0;
    if (got.status != 0 && got.call.answer.len > 0)
        json_parse(got.parser, buf_str(&got.call.answer), false, &got.json, NULL);
}

static inline void ask_typed(const char *method, const char *path, const char *type, struct str body, const char *fault)
{
    char url[512];
    snprintf(url, sizeof url, "%s%s", strncmp(path, "http", 4) == 0 ? "" : base, path);
    struct http_header h[] = {{STR("Authorization"), STR("Bearer sandbox-token")},
                              {STR("Content-Type"), str_of(type)},
                              {STR("X-Sandbox-Fault"), str_of(fault)}};
    fetch(method, url, h, fault ? 3 : 2, body);
}

static inline void ask(const char *method, const char *path, const char *json)
{
    ask_typed(method, path, "application/json", str_of(json), NULL);
}

static inline void post(const char *path, const char *json)
{
    ask("POST", path, json);
}

static inline void get(const char *path)
{
    ask("GET", path, NULL);
}

/* A value of the last answer by "key.0.key". */
static inline struct json at(const char *path)
{
    struct json v = got.json;
    for (struct str rest = str_of(path); rest.p != NULL && rest.n > 0;) {
        struct str key = str_cut(rest, '.', &rest);
        char name[64];
        int64_t index;
        snprintf(name, sizeof name, "%.*s", (int)key.n, key.p);
        if (json_type(v) != JSON_ARRAY || !str_i64(key, &index)) {
            v = json_get(v, name);
            continue;
        }
        struct json_iter it = json_iter(v);
        v = (struct json){0};
        while (json_next(&it))
            if (index-- == 0)
                v = it.value;
    }
    return v;
}

static inline struct str str_at(const char *path)
{
    return json_str_or(at(path), STR("(absent)"));
}

static inline int64_t int_at(const char *path)
{
    int64_t v = -1;
    json_i64(at(path), &v);
    return v;
}

static inline void expect(int status)
{
    if (got.status != status)
        fail_msg("status %d, want %d: %s", got.status, status, buf_cstr(&got.call.answer));
}

static inline void expect_error(int status, int code)
{
    if (got.status != status || int_at("error.code") != code)
        fail_msg("want %d with code %d, got %d: %s", status, code, got.status, buf_cstr(&got.call.answer));
    assert_true(json_str_or(at("error.message"), STR("")).n > 0);
    assert_true(json_str_or(at("error.fbtrace_id"), STR("")).n > 0);
}

#define HELLO(to)                                                                                              \
    "{\"messaging_product\":\"whatsapp\",\"to\":\"" to "\",\"type\":\"template\",\"template\":{\"name\":"      \
    "\"hello_world\",\"language\":{\"code\":\"en_US\"}}}"
#define TEXT_TO(to) \
    "{\"messaging_product\":\"whatsapp\",\"to\":\"" to "\",\"type\":\"text\",\"text\":{\"body\":\"hi\"}}"

#endif
