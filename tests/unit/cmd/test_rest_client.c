/* SPDX-License-Identifier: Apache-2.0
 * test_rest_client.c - finding the gateway and its key, and what a missing one or a strange one leads to. */
#include "t.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/rest_client.h"
#include "net/http_server.h"

static struct args with(const char *config, const char *url, const char *key_file)
{
    static const struct option options[] = {{.name = "config"}, {.name = "url"}, {.name = "key-file"}};
    const char *const values[] = {config, url, key_file};
    struct args a = {0};
    for (size_t i = 0; i < 3; i++)
        if (values[i]) {
            a.given[a.n_given].option = &options[i];
            a.given[a.n_given++].value = values[i];
        }
    return a;
}

static int no_environment(void **state)
{
    (void)state;
    unsetenv("WAYLEAVE_URL");
    unsetenv("WAYLEAVE_KEY");
    unsetenv("WAYLEAVE_CONFIG");
    return 0;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

TEST(where_and_with_which_key)
{
    char dir[] = "/tmp/wayleave-rest-XXXXXX", config[100], key[100], own[100];
    struct rest r;
    assert_non_null(mkdtemp(dir));
    snprintf(config, sizeof config, "%s/w.yaml", dir);
    snprintf(key, sizeof key, "%s/admin.key", dir);
    snprintf(own, sizeof own, "%s/own.key", dir);
    put(config, "listen: 0.0.0.0:7001\nstate_dir: .\n");
    put(key, "state-key\n");
    put(own, "own-key");

    struct args a = with(config, NULL, NULL);
    assert_int_equal(rest_open(&r, &a), CMD_OK);
    assert_string_equal(r.url, "http://127.0.0.1:7001");
    assert_string_equal(r.key, "state-key");
    rest_close(&r);
    assert_string_equal(r.key, "");

    a = with(config, "https://wa.example.org/", own);
    assert_int_equal(rest_open(&r, &a), CMD_OK);
    assert_string_equal(r.url, "https://wa.example.org");
    assert_string_equal(r.key, "own-key");
    rest_close(&r);

    setenv("WAYLEAVE_URL", "http://10.0.0.1:1", 1);
    setenv("WAYLEAVE_KEY", "env-key", 1);
    a = with("/nowhere.yaml", NULL, NULL); /* not needed, so not read */
    assert_int_equal(rest_open(&r, &a), CMD_OK);
    assert_string_equal(r.url, "http://10.0.0.1:1");
    assert_string_equal(r.key, "env-key");
    rest_close(&r);
    no_environment(NULL);

    put(config, "listen: 127.0.0.1:0\nstate_dir: .\n");
    a = with(config, NULL, NULL);
    assert_int_equal(rest_open(&r, &a), CMD_USAGE);
    rest_close(&r);
    a = with(config, "wa.example.org", NULL);
    assert_int_equal(rest_open(&r, &a), CMD_USAGE);
    rest_close(&r);
    a = with(config, "http://127.0.0.1:1", "/nowhere.key");
    assert_int_equal(rest_open(&r, &a), CMD_FAILED);
    rest_close(&r);
    put(key, "two\nlines\n");
    a = with(config, "http://127.0.0.1:1", NULL);
    assert_int_equal(rest_open(&r, &a), CMD_FAILED);
    rest_close(&r);
    remove(key); /* the gateway has not been started yet: worth waiting for */
    assert_int_equal(rest_open(&r, &a), CMD_TEMPORARY);
    rest_close(&r);
    remove(own);
    remove(config);
    rmdir(dir);
}

/* A server that answers by the path: /wayleave/v1/503 with 503. */
struct answers {
    int calls;
    char authorization[64];
};

static void answer(void *ctx, struct http_req *rq)
{
    struct answers *s = ctx;
    struct str path = http_path(rq), key = http_header(rq, "Authorization");
    int64_t status = 500;
    s->calls++;
    snprintf(s->authorization, sizeof s->authorization, "%.*s", (int)key.n, key.p ? key.p : "");
    if (path.n == 16)
        str_i64((struct str){path.p + 13, 3}, &status);
    struct str body = STR("{\"error\":{\"code\":\"x\",\"message\":\"a sentence\",\"field\":\"to\"}}");
    if (status == 299)
        body = STR("<html>");
    http_reply(rq, status == 299 ? 200 : (int)status, NULL, 0, body);
}

static void refuse(void *ctx, struct http_req *rq, int status, const char *why)
{
    (void)ctx;
    http_reply(rq, status, NULL, 0, str_of(why));
}

TEST(answers_become_exit_statuses)
{
    static const struct {
        const char *path;
        int status, call, check, calls;
    } rows[] = {
        {"/200", 200, CMD_OK, CMD_OK, 1},        {"/400", 400, CMD_OK, CMD_FAILED, 1},
        {"/401", 401, CMD_OK, CMD_FAILED, 1},    {"/403", 403, CMD_OK, CMD_REFUSED, 1},
        {"/404", 404, CMD_OK, CMD_FAILED, 1},    {"/502", 502, CMD_OK, CMD_FAILED, 1},
        {"/503", 503, CMD_OK, CMD_TEMPORARY, 4}, {"/504", 504, CMD_OK, CMD_DOUBT, 1},
        {"/299", 200, CMD_FAILED, CMD_OK, 1},
    };
    struct answers s = {0};
    struct http_server *server;
    struct err e = {0};
    const struct http_server_options o = {.address = "127.0.0.1",
                                          .threads = 2,
                                          .max_connections = 16,
                                          .idle_seconds = 10,
                                          .request_seconds = 10,
                                          .begin = answer,
                                          .refuse = refuse,
                                          .ctx = &s};
    assert_ok(http_server_start(&server, &o, &e), e);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)http_server_port(server));
    setenv("WAYLEAVE_KEY", "k", 1);
    struct args a = with(NULL, url, NULL);
    struct rest r;
    assert_int_equal(rest_open(&r, &a), CMD_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json v;
        s.calls = 0;
        int rc = rest_call(&r, "GET", rows[i].path, (struct str){NULL, 0}, &v);
        if (rc != rows[i].call || r.status != rows[i].status || s.calls != rows[i].calls)
            fail_msg("%s: %d, status %d, %d calls", rows[i].path, rc, r.status, s.calls);
        if (rc == CMD_OK)
            assert_int_equal(rest_check(&r, v), rows[i].check);
    }
    assert_string_equal(s.authorization, "Bearer k");
    http_server_stop(server, 100);
    struct json v;
    assert_int_equal(rest_call(&r, "GET", "/200", (struct str){NULL, 0}, &v), CMD_TEMPORARY); /* nobody there */
    rest_close(&r);
    no_environment(NULL);
}

TEST(path_segments)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"c01J8", "c01J8"},     {"+55 11 5555-0100", "%2B55%2011%205555-0100"},
        {"US.1349", "US.1349"}, {"../x?y#z%", "..%2Fx%3Fy%23z%25"},
        {"é", "%C3%A9"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        buf_init(&b, 1024);
        rest_segment(&b, str_of(rows[i].text));
        assert_string_equal(buf_cstr(&b), rows[i].want);
        buf_done(&b);
    }
}

#define CLEAN(name) cmocka_unit_test_setup(name, no_environment)
TESTS(CLEAN(where_and_with_which_key), CLEAN(answers_become_exit_statuses), T(path_segments))
