/* SPDX-License-Identifier: Apache-2.0
 * rig.h - a sandbox and somebody who calls it, for the tests of this folder.
 *
 * Answers are parsed; at("a.0.b") finds a value in the last one, expect() and expect_error() judge it. The sandbox's
 * delays are made short, and its webhooks go to the listener of ear.h when that is running. */
#ifndef WL_TESTS_SANDBOX_RIG_H
#define WL_TESTS_SANDBOX_RIG_H

#include "ear.h"

#include "base/json.h"
#include "net/http_client.h"
#include "sandbox/sandbox.h"

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

static inline void fetch(const char *method, const char *url, const struct http_header *headers, size_t n,
                         struct str body)
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

#define HELLO(to)                                                                                                      \
    "{\"messaging_product\":\"whatsapp\",\"to\":\"" to "\",\"type\":\"template\",\"template\":{\"name\":"              \
    "\"hello_world\",\"language\":{\"code\":\"en_US\"}}}"
#define TEXT_TO(to)                                                                                                    \
    "{\"messaging_product\":\"whatsapp\",\"to\":\"" to "\",\"type\":\"text\",\"text\":{\"body\":\"hi\"}}"

#endif
