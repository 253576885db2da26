/* SPDX-License-Identifier: Apache-2.0
 * ear.h - the application behind a sandbox: a real HTTP server that hears its webhooks.
 *
 * It keeps every POST in order (body and signature), does the webhook handshake, and can be told to answer 500 or to
 * fail the handshake. Waiting has a limit, so a silent sandbox fails a test instead of hanging it. */
#ifndef WL_TESTS_SANDBOX_EAR_H
#define WL_TESTS_SANDBOX_EAR_H

#include "t.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "net/http_server.h"

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

/* So many POSTs from now on are answered 500. */
static inline void ear_fail(int n)
{
    pthread_mutex_lock(&ear.lock);
    ear.fail_next = n;
    pthread_mutex_unlock(&ear.lock);
}

static inline void ear_refuse_handshakes(bool yes)
{
    pthread_mutex_lock(&ear.lock);
    ear.wrong_challenge = yes;
    pthread_mutex_unlock(&ear.lock);
}

#endif
