/* SPDX-License-Identifier: Apache-2.0
 * test_http_client.c - what the client says about a call's fate must be true: never "unsent" when the other side may
 * have acted, never a request sent twice. Against raw sockets for HTTP/1.1 and Node's HTTP/2 server for the rest. */

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_client_impl.h"
#include "client_rig.h"
#include "t.h"

/* --- HTTP/1.1 fates -------------------------------------------------------------------------------------------------------- */

/* The connection was kept alive and dies under the second request: it must have arrived once and only once. */
TEST(a_request_is_never_sent_twice)
{
    static const char *const script[] = {OK_ANSWER, "close", OK_ANSWER, OK_ANSWER, NULL};
    static const struct {
        const char *method;
        struct str body;
    } rows[] = {{"POST", {"{\"a\":1}", 7}}, {"POST", {NULL, 0}}, {"PUT", {NULL, 0}},  {"DELETE", {NULL, 0}},
                {"GET", {NULL, 0}},         {"GET", {"x", 1}},   {"PATCH", {"x", 1}}, {"HEAD", {NULL, 0}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char url[100];
        struct fake *f = fake_start(script, url, "/x");
        struct http_client *c = client(NULL);
        check(run(c, wait_new("GET", url)), HTTP_ANSWERED, 200, "ok");
        struct wait *w = wait_new(rows[i].method, url);
        w->call.body = rows[i].body;
        check(run(c, w), HTTP_AMBIGUOUS, 0, NULL);
        usleep(30000); /* a repetition would arrive now */
        assert_int_equal(atomic_load(&f->requests), 2);
        /* The client itself is well: the next call goes out on a new connection. */
        check(run(c, wait_new("GET", url)), HTTP_ANSWERED, 200, "ok");
        assert_int_equal(atomic_load(&f->requests), 3);
        http_client_free(c);
        fake_stop(f);
    }
}

TEST(fetch_is_never_sent_twice_either)
{
    static const char *const script[] = {"close", OK_ANSWER, OK_ANSWER, NULL};
    char url[100];
    struct err e = {0};
    struct fake *f = fake_start(script, url, "/x");
    struct http_call call = {.method = STR("POST"), .url = str_of(url), .body = STR("abc"), .timeout_ms = 3000};
    assert_int_equal(http_fetch(&call, NULL, &e), WL_EIO);
    assert_int_equal(call.fate, HTTP_AMBIGUOUS);
    assert_int_equal(atomic_load(&f->requests), 1);
    http_call_done(&call);
    assert_ok(http_fetch(&call, NULL, &e), e);
    assert_str(buf_str(&call.answer), "ok");
    assert_string_equal(http_call_header(&call, "content-length").p, "2");
    http_call_done(&call);
    fake_stop(f);
    assert_int_equal(http_fetch(&call, NULL, &e), WL_EIO); /* nobody listens there now */
    assert_int_equal(call.fate, HTTP_UNSENT);
    http_call_done(&call);
}

TEST(nobody_listens)
{
    static const char *const script[] = {NULL};
    char url[100];
    struct http_client *c = client(NULL);
    struct fake *f = fake_start(script, url, "/x");
    fake_stop(f);
    check(run(c, wait_new("POST", url)), HTTP_UNSENT, 0, NULL);
    memmove(url + 5, url + 4, strlen(url + 4) + 1);
    url[4] = 's';
    check(run(c, wait_new("POST", url)), HTTP_UNSENT, 0, NULL);
    check(run(c, wait_new("POST", "http://no-such-host.invalid/")), HTTP_UNSENT, 0, NULL);
    check(run(c, wait_new("POST", "https://no-such-host.invalid/")), HTTP_UNSENT, 0, NULL);
    http_client_free(c);
}

TEST(no_answer_in_time_disturbs_nobody)
{
    static const char *const hang[] = {"hang", "hang", NULL};
    static const char *const fine[] = {OK_ANSWER, OK_ANSWER, OK_ANSWER, OK_ANSWER, NULL};
    char url[100], other[100];
    struct fake *f = fake_start(hang, url, "/x"), *g = fake_start(fine, other, "/y");
    struct http_client *c = client(NULL);
    struct wait *w = wait_new("POST", url);
    w->call.timeout_ms = 400;
    w->call.body = STR("abc");
    int64_t from = clock_mono_ns();
    assert_int_equal(http_client_submit(c, &w->call), 0);
    for (int i = 0; i < 4; i++)
        check(run(c, wait_new("GET", other)), HTTP_ANSWERED, 200, "ok");
    sem_wait(&w->done);
    int64_t took = (clock_mono_ns() - from) / 1000000;
    assert_in_range(took, 380, 1500);
    check(w, HTTP_AMBIGUOUS, 0, NULL);
    assert_int_equal(atomic_load(&f->requests), 1);
    http_client_free(c);
    fake_stop(f);
    fake_stop(g);
}

TEST(broken_answers_are_ambiguous)
{
    static const char *const answers[] = {
        "!HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "!HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "!HTTP/1.1 200 OK\r\nContent-Le",
        "!nonsense\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const char *const script[] = {answers[i], NULL};
        char url[100];
        struct fake *f = fake_start(script, url, "/x");
        struct http_client *c = client(NULL);
        struct wait *w = run(c, wait_new("POST", url));
        assert_int_equal(w->call.fate, HTTP_AMBIGUOUS);
        assert_true(w->call.err.code != 0);
        assert_int_equal(atomic_load(&f->requests), 1);
        wait_free(w);
        http_client_free(c);
        fake_stop(f);
    }
}

TEST(redirects_are_answers_and_too_large_is_not)
{
    static const char *const script[] = {
        "HTTP/1.1 302 Found\r\nLocation: /z\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nabcde",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", NULL};
    char url[100];
    struct fake *f = fake_start(script, url, "/x");
    struct http_client *c = client(NULL);
    struct wait *w = run(c, wait_new("GET", url));
    assert_string_equal(http_call_header(&w->call, "LOCATION").p, "/z");
    check(w, HTTP_ANSWERED, 302, "");
    w = run(c, wait_new("GET", url));
    assert_string_equal(http_call_header(&w->call, "x-a").p, "b");
    check(w, HTTP_ANSWERED, 200, "abcde");
    w = wait_new("GET", url);
    w->call.max_answer = 4;
    run(c, w);
    assert_int_equal(w->call.err.code, WL_ETOOBIG);
    check(w, HTTP_AMBIGUOUS, 200, NULL);
    http_client_free(c);
    fake_stop(f);
}

TEST(what_cannot_be_sent_is_not)
{
    static const char *const urls[] = {
        "",           "ftp://x/",    "http://", "http://a b/", "http://u@h/", "http://h:99999/", "http://h/\r\nX",
        "http://h:/", "http://[::1/"};
    static const struct http_header bad[] = {{{"X-A", 3}, {"b\r\nX-B: c", 9}}};
    struct http_client *c = client(NULL);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        check(run(c, wait_new("GET", urls[i])), HTTP_UNSENT, 0, NULL);
    struct wait *w = wait_new("GET", "http://127.0.0.1:1/");
    w->call.headers = bad;
    w->call.n_headers = 1;
    run(c, w);
    assert_int_equal(w->call.err.code, WL_EINVAL);
    wait_free(w);
    w = run(c, wait_new("GE T", "http://127.0.0.1:1/"));
    assert_int_equal(w->call.err.code, WL_EINVAL);
    wait_free(w);
    http_client_free(c);
}

TEST(private_addresses)
{
    static const struct {
        const char *text;
        bool open, link_local;
    } rows[] = {{"8.8.8.8", true, false},
                {"157.240.1.1", true, false},
                {"127.0.0.1", false, false},
                {"10.1.2.3", false, false},
                {"172.15.0.1", true, false},
                {"172.16.0.1", false, false},
                {"172.31.255.255", false, false},
                {"172.32.0.1", true, false},
                {"192.168.0.1", false, false},
                {"169.254.169.254", false, true},
                {"::ffff:169.254.169.254", false, true},
                {"64:ff9b::a9fe:a9fe", false, true},
                {"100.64.0.1", false, false},
                {"0.0.0.0", false, false},
                {"224.0.0.1", false, false},
                {"255.255.255.255", false, false},
                {"::1", false, false},
                {"::", false, false},
                {"fe80::1", false, true},
                {"febf::1", false, true},
                {"fec0::1", false, false},
                {"fd00::1", false, false},
                {"::ffff:10.0.0.1", false, false},
                {"::ffff:8.8.8.8", true, false},
                {"2a03:2880::1", true, false},
                {"2001:db8::1", false, false},
                {"2002:0a00:0001::1", false, false},
                {"64:ff9b::7f00:1", false, false},
                {"ff02::1", false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is4 = inet_pton(AF_INET, rows[i].text, &v4.sin_addr) == 1;
        assert_true(is4 || inet_pton(AF_INET6, rows[i].text, &v6.sin6_addr) == 1);
        const struct sockaddr *sa = is4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
        if (address_within(sa, HTTP_PUBLIC) != rows[i].open || !address_within(sa, HTTP_ANYWHERE) ||
            address_within(sa, HTTP_NOT_LINK_LOCAL) == rows[i].link_local)
            fail_msg("%s", rows[i].text);
    }
}

static struct wait *reaching(const char *url, enum http_reach reach)
{
    struct wait *w = wait_new("GET", url);
    w->call.reach = reach;
    return w;
}

/* By address and by name, over new connections and those of others. */
TEST(a_call_reaches_only_what_it_may)
{
    static const char *const script[] = {OK_ANSWER, OK_ANSWER, OK_ANSWER, NULL};
    char url[100], named[120];
    struct err e = {0};
    struct http_client *c = client(NULL);
    struct fake *f = fake_start(script, url, "/x");
    snprintf(named, sizeof named, "http://localhost%s", strrchr(url, ':'));
    check(run(c, reaching(url, HTTP_PUBLIC)), HTTP_UNSENT, 0, NULL);
    check(run(c, reaching(named, HTTP_PUBLIC)), HTTP_UNSENT, 0, NULL);
    check(run(c, reaching("https://localhost:9/", HTTP_PUBLIC)), HTTP_UNSENT, 0, NULL);
    check(run(c, reaching("https://169.254.169.254/", HTTP_NOT_LINK_LOCAL)), HTTP_UNSENT, 0, NULL);
    struct wait *w = run(c, reaching("http://169.254.169.254/", HTTP_NOT_LINK_LOCAL));
    assert_string_equal(w->call.err.text, address_refused);
    wait_free(w);
    assert_int_equal(atomic_load(&f->connections), 0);
    check(run(c, reaching(named, HTTP_NOT_LINK_LOCAL)), HTTP_ANSWERED, 200, "ok");
    check(run(c, reaching(named, HTTP_PUBLIC)), HTTP_UNSENT, 0, NULL); /* its connection is kept alive */
    check(run(c, reaching(named, HTTP_ANYWHERE)), HTTP_ANSWERED, 200, "ok");
    assert_int_equal(atomic_load(&f->requests), 2);
    struct http_call call = {.method = STR("GET"), .url = str_of(named), .reach = HTTP_PUBLIC};
    assert_int_equal(http_fetch(&call, NULL, &e), WL_EIO);
    assert_int_equal(call.fate, HTTP_UNSENT);
    assert_string_equal(e.text, address_refused);
    http_call_done(&call);
    http_client_free(c);
    fake_stop(f);
}

TEST(what_no_request_can_be_sent_to_is_said_before)
{
    static const struct {
        const char *url;
        enum http_reach reach;
        int rc;
    } rows[] = {{"http://127.0.0.1:80/", HTTP_ANYWHERE, 0},
                {"http://127.0.0.1:80/", HTTP_NOT_LINK_LOCAL, 0},
                {"http://127.0.0.1:80/", HTTP_PUBLIC, WL_EINVAL},
                {"https://[::1]/", HTTP_PUBLIC, WL_EINVAL},
                {"https://169.254.169.254/", HTTP_NOT_LINK_LOCAL, WL_EINVAL},
                {"https://example.com/a?b=c", HTTP_PUBLIC, 0},
                {"https://user@example.com/", HTTP_ANYWHERE, WL_EINVAL},
                {"ftp://example.com/", HTTP_ANYWHERE, WL_EINVAL},
                {"https://example.com/#x", HTTP_ANYWHERE, WL_EINVAL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (http_url_check(str_of(rows[i].url), rows[i].reach, NULL) != rows[i].rc)
            fail_msg("%s", rows[i].url);
}

TEST(the_line_has_a_length_and_stopping_ends_calls)
{
    static const char *const script[] = {"hang", "hang", "hang", NULL};
    char url[100];
    struct err e = {0};
    struct http_client *c;
    struct http_client_options o = {.max_calls = 3, .h1_connections_per_origin = 1};
    struct fake *f = fake_start(script, url, "/x");
    struct wait *w[4];
    assert_ok(http_client_start(&c, &o, &e), e);
    for (int i = 0; i < 4; i++)
        w[i] = wait_new("POST", url);
    for (int i = 0; i < 3; i++)
        assert_int_equal(http_client_submit(c, &w[i]->call), 0);
    assert_int_equal(http_client_submit(c, &w[3]->call), WL_EBUSY);
    for (int i = 0; i < 1000 && atomic_load(&f->requests) == 0; i++)
        usleep(1000);
    http_client_free(c); /* done() was called for all */
    int ambiguous = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sem_trywait(&w[i]->done), 0);
        ambiguous += w[i]->call.fate == HTTP_AMBIGUOUS;
        assert_true(w[i]->call.fate != HTTP_ANSWERED);
    }
    assert_int_equal(ambiguous, 1); /* one connection: the others were waiting for it */
    for (int i = 0; i < 4; i++)
        wait_free(w[i]);
    http_client_free(NULL);
    fake_stop(f);
}

/* Calls that hang keep no place of those with a right of their own, which do not crowd out the others either; and a
 * stopped client can still be asked. */
TEST(reserved_calls_have_places_of_their_own)
{
    static const char *const script[] = {"hang", "hang", "hang", "hang", NULL};
    char url[100];
    struct err e = {0};
    struct http_client *c;
    struct http_client_options o = {.max_calls = 2, .max_reserved = 2};
    struct fake *f = fake_start(script, url, "/x");
    struct wait *w[6];
    assert_ok(http_client_start(&c, &o, &e), e);
    for (int i = 0; i < 6; i++) {
        w[i] = wait_new("POST", url);
        w[i]->call.reserved = i >= 3;
        assert_int_equal(http_client_submit(c, &w[i]->call), i % 3 < 2 ? 0 : WL_EBUSY);
    }
    assert_int_equal(http_client_open(c), 4);
    http_client_stop(c);
    assert_int_equal(http_client_open(c), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(sem_trywait(&w[i]->done), i % 3 < 2 ? 0 : -1);
    assert_int_equal(http_client_submit(c, &w[0]->call), WL_EBUSY);
    assert_int_equal(http_client_submit_quietly(c, &w[5]->call), WL_EBUSY);
    http_client_wake(c);
    http_client_free(c);
    for (int i = 0; i < 6; i++)
        wait_free(w[i]);
    fake_stop(f);
}

/* --- against Node ----------------------------------------------------------------------------------------------------------- */

static char dir[100], ca[200], base[3][100]; /* HTTP/2, HTTPS without it, plain */
static pid_t node;
static int node_in = -1;
static struct http_client *shared;

static int node_start(void **state)
{
    char command[1000], script[600], key[200], line[100] = "";
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    int in[2], out[2];
    unsigned p[3];
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    strcpy(dir, "/tmp/wl_client_XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(ca, sizeof ca, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    snprintf(script, sizeof script, "%s/tests/unit/net/h2_server.js", root ? root : ".");
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost -keyout %s -out %s 2>/dev/null",
             key, ca);
    if (system(command) != 0 || pipe(in) != 0 || pipe(out) != 0)
        return 0;
    node = fork();
    if (node == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp("node", "node", script, key, ca, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    node_in = in[1];
    FILE *f = fdopen(out[0], "r");
    if (fgets(line, sizeof line, f) != NULL && sscanf(line, "%u %u %u", &p[0], &p[1], &p[2]) == 3)
        for (int i = 0; i < 3; i++)
            snprintf(base[i], sizeof base[i], "%s://localhost:%u", i < 2 ? "https" : "http", p[i]);
    fclose(f);
    shared = client(ca);
    return 0;
}

static int node_stop(void **state)
{
    char command[300];
    (void)state;
    http_client_free(shared);
    if (node_in >= 0)
        close(node_in);
    if (node > 0) {
        kill(node, SIGKILL);
        waitpid(node, NULL, 0);
    }
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static struct wait *at(int server, const char *method, const char *path)
{
    char url[400];
    snprintf(url, sizeof url, "%s%s", base[server], path);
    return wait_new(method, url);
}

#define NEEDS_NODE()                                                                                                   \
    if (base[0][0] == '\0')                                                                                            \
    skip_loudly("node or openssl is not there")

static bool answer_has(struct wait *w, const char *text)
{
    return strstr(buf_cstr(&w->call.answer), text) != NULL;
}

TEST(calls_arrive_as_given)
{
    static const struct http_header headers[] = {{{"Authorization", 13}, {"Bearer t", 8}},
                                                 {{"X-UPPER", 7}, {" spaced ", 8}},
                                                 {{"Connection", 10}, {"close", 5}},
                                                 {{"X-Empty", 7}, {"", 0}}};
    NEEDS_NODE();
    for (int i = 0; i < 3; i++) {
        struct wait *w = at(i, "POST", "/v23.0/a%20b/../c?x=%2B&y=1");
        w->call.headers = headers;
        w->call.n_headers = 4;
        w->call.body = STR("{\"to\":\"+1\"}");
        run(shared, w);
        if (w->call.fate != HTTP_ANSWERED)
            fail_msg("%s: %s", w->url, w->call.err.text);
        assert_true(answer_has(w, i == 0 ? "\"version\":\"2.0\"" : "\"version\":\"1.1\""));
        assert_true(answer_has(w, "\"url\":\"/v23.0/a%20b/../c?x=%2B&y=1\""));
        assert_true(answer_has(w, "\"authorization\":\"Bearer t\"") && answer_has(w, "\"x-upper\":\"spaced\""));
        assert_true(answer_has(w, "\"x-empty\":\"\"") && answer_has(w, "\"content-length\":\"11\""));
        assert_false(answer_has(w, "\"accept\"") || answer_has(w, "\"content-type\"") || answer_has(w, "\"expect\"") ||
                     answer_has(w, "\"user-agent\"") || answer_has(w, "\"transfer-encoding\""));
        assert_true(answer_has(w, "\"body\":\"{\\\"to\\\":\\\"+1\\\"}\""));
        assert_true(http_call_header(&w->call, "x-two").p != NULL);
        check(w, HTTP_ANSWERED, 200, NULL);
        w = run(shared, at(i, "DELETE", "?q=1"));
        assert_true(answer_has(w, "\"method\":\"DELETE\",\"url\":\"/?q=1\""));
        check(w, HTTP_ANSWERED, 200, NULL);
        w = run(shared, at(i, "GET", ""));
        assert_true(answer_has(w, "\"method\":\"GET\",\"url\":\"/\""));
        check(w, HTTP_ANSWERED, 200, NULL);
        check(run(shared, at(i, "HEAD", "/x")), HTTP_ANSWERED, 200, "");
        check(run(shared, at(i, "GET", "/empty")), HTTP_ANSWERED, 204, "");
        check(run(shared, at(i, "GET", "/hints")), HTTP_ANSWERED, 200, "after hints");
    }
}

TEST(trust)
{
    NEEDS_NODE();
    struct http_client *c = client(NULL);
    for (int i = 0; i < 2; i++) {
        struct wait *w = run(c, at(i, "POST", "/untrusted"));
        assert_non_null(strstr(w->call.err.text, "certificate"));
        check(w, HTTP_UNSENT, 0, NULL);
        w = wait_new("POST", "");
        snprintf(w->url, sizeof w->url, "https://127.0.0.1:%s/wrongname", strrchr(base[i], ':') + 1);
        w->call.url = str_of(w->url);
        check(run(shared, w), HTTP_UNSENT, 0, NULL); /* the name in the certificate is localhost */
    }
    http_client_free(c);
    check(run(shared, at(0, "GET", "/seen?of=/untrusted")), HTTP_ANSWERED, 200, "0");
    check(run(shared, at(0, "GET", "/seen?of=/wrongname")), HTTP_ANSWERED, 200, "0");
}

TEST(fates_over_http2)
{
    static const struct {
        const char *path;
        enum http_fate fate;
        int status;
        const char *seen; /* how often it got there; more than once only what was returned untouched */
    } rows[] = {{"/refuse", HTTP_UNSENT, 0, "3"},           {"/reset", HTTP_AMBIGUOUS, 0, "1"},
                {"/die", HTTP_AMBIGUOUS, 0, "1"},           {"/half", HTTP_AMBIGUOUS, 200, "1"},
                {"/goaway-above", HTTP_ANSWERED, 200, "2"}, {"/goaway-at", HTTP_ANSWERED, 200, "1"},
                {"/never", HTTP_AMBIGUOUS, 0, "1"},         {"/refuse-once", HTTP_ANSWERED, 200, "2"}};
    NEEDS_NODE();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char seen[100];
        check(run(shared, at(0, "GET", "/warm")), HTTP_ANSWERED, 200, NULL); /* so that no stream is the first */
        struct wait *w = at(0, "POST", rows[i].path);
        w->call.body = STR("{}");
        w->call.timeout_ms = 700;
        check(run(shared, w), rows[i].fate, rows[i].status, NULL);
        check(run(shared, at(0, "GET", "/after")), HTTP_ANSWERED, 200, NULL);
        snprintf(seen, sizeof seen, "/seen?of=%s", rows[i].path);
        check(run(shared, at(0, "GET", seen)), HTTP_ANSWERED, 200, rows[i].seen);
    }
}

static bool may_not(const void *ctx)
{
    (void)ctx;
    return false;
}

/* What may not leave any more when its connection is there ends UNSENT, and nobody saw it. */
TEST(what_may_not_leave_has_not)
{
    static const char *const script[] = {"ok", NULL};
    char url[100];
    struct fake *f = fake_start(script, url, "/x");
    struct http_client *c = client(NULL);
    struct wait *w = wait_new("POST", url);
    w->call.may_leave = may_not;
    check(run(c, w), HTTP_UNSENT, 0, NULL);
    assert_int_equal(atomic_load(&f->requests), 0);
    http_client_free(c);
    fake_stop(f);
    NEEDS_NODE();
    w = at(0, "POST", "/forbidden-to-leave");
    w->call.may_leave = may_not;
    check(run(shared, w), HTTP_UNSENT, 0, NULL);
    check(run(shared, at(0, "GET", "/seen?of=/forbidden-to-leave")), HTTP_ANSWERED, 200, "0");
}

TEST(more_calls_than_streams)
{
    enum { N = 200 };
    struct wait *w[N];
    NEEDS_NODE();
    for (int i = 0; i < N; i++) {
        w[i] = at(0, "POST", "/slow");
        assert_int_equal(http_client_submit(shared, &w[i]->call), 0);
    }
    for (int i = 0; i < N; i++) {
        sem_wait(&w[i]->done);
        check(w[i], HTTP_ANSWERED, 200, "slow");
    }
    struct wait *most = run(shared, at(0, "GET", "/most"));
    int n = atoi(buf_cstr(&most->call.answer));
    assert_in_range(n, 10, 20); /* two sessions of ten streams */
    check(most, HTTP_ANSWERED, 200, NULL);
}

/* Neither streams nor connections: what hangs leaves some to reserved calls, whatever protocol the server speaks. */
TEST(reserved_calls_pass_by_those_that_hang)
{
    enum { N = 60 };
    struct http_client *c;
    struct err e = {0};
    struct http_client_options o = {
        .max_calls = N, .max_reserved = 4, .ca_file = ca, .connections_per_origin = 2, .h1_connections_per_origin = 16};
    NEEDS_NODE();
    for (int server = 0; server < 3; server++) {
        struct wait *w[N];
        assert_ok(http_client_start(&c, &o, &e), e);
        for (int i = 0; i < N; i++) {
            w[i] = at(server, "POST", "/never");
            w[i]->call.timeout_ms = 60000;
            assert_int_equal(http_client_submit(c, &w[i]->call), 0);
        }
        usleep(300000);
        for (int i = 0; i < 8; i++) {
            struct wait *r = at(server, "GET", "/empty");
            r->call.reserved = true;
            r->call.timeout_ms = 5000;
            check(run(c, r), HTTP_ANSWERED, 204, "");
        }
        http_client_free(c);
        for (int i = 0; i < N; i++)
            wait_free(w[i]);
    }
}

/* Ordinary calls beyond their share wait for each other and are all answered. */
TEST(more_calls_than_connections)
{
    enum { N = 60 };
    struct http_client *c;
    struct err e = {0};
    struct http_client_options o = {.max_calls = N, .max_reserved = 4, .ca_file = ca, .h1_connections_per_origin = 4};
    NEEDS_NODE();
    for (int server = 0; server < 3; server++) {
        struct wait *w[N];
        assert_ok(http_client_start(&c, &o, &e), e);
        for (int i = 0; i < N; i++) {
            w[i] = at(server, "POST", "/slow");
            assert_int_equal(http_client_submit(c, &w[i]->call), 0);
        }
        for (int i = 0; i < N; i++) {
            sem_wait(&w[i]->done);
            check(w[i], HTTP_ANSWERED, 200, "slow");
        }
        http_client_free(c);
    }
}

/* --- streams ------------------------------------------------------------------------------------------------------------------ */

static struct http_pipe *take_pipe(struct http_call *c)
{
    struct wait *w = (struct wait *)c;
    return http_pipe_ref(w->to);
}

#define LARGE 20000000

static void *feed(void *arg)
{
    struct http_pipe *p = arg;
    char piece[10000];
    memset(piece, 'z', sizeof piece);
    for (size_t left = LARGE; left > 0;) {
        ssize_t n = http_pipe_write(p, piece, left < sizeof piece ? left : sizeof piece);
        if (n < 0)
            return NULL;
        left -= (size_t)n;
        if (n == 0)
            usleep(200);
    }
    http_pipe_finish(p);
    return NULL;
}

TEST(bodies_stream_out)
{
    char want[20];
    NEEDS_NODE();
    snprintf(want, sizeof want, "%d", LARGE);
    for (int i = 0; i < 6; i++) { /* each server with and without a length */
        pthread_t t;
        struct wait *w = at(i % 3, "POST", "/sink");
        struct http_pipe *p = http_pipe_create(65536);
        w->call.body_pipe = p;
        w->call.body_length = i < 3 ? LARGE : -1;
        pthread_create(&t, NULL, feed, p);
        check(run(shared, w), HTTP_ANSWERED, 200, want);
        pthread_join(t, NULL);
        http_pipe_unref(p);
    }
}

TEST(a_body_that_breaks_off_is_not_passed_for_whole)
{
    NEEDS_NODE();
    for (int i = 0; i < 6; i++) {
        struct wait *w = at(i % 3, "POST", "/sink");
        struct http_pipe *p = http_pipe_create(65536);
        w->call.body_pipe = p;
        w->call.body_length = i < 3 ? 100 : -1;
        assert_int_equal(http_pipe_write(p, "short", 5), 5);
        assert_int_equal(http_client_submit(shared, &w->call), 0);
        usleep(20000);
        if (i < 3)
            http_pipe_finish(p); /* five bytes of a hundred */
        else
            http_pipe_abort(p);
        sem_wait(&w->done);
        check(w, HTTP_AMBIGUOUS, 0, NULL);
        http_pipe_unref(p);
    }
}

TEST(answers_stream_in)
{
    NEEDS_NODE();
    for (int i = 0; i < 6; i++) { /* a fast reader, then one that stumbles */
        char path[40], piece[30000];
        size_t total = 0;
        ssize_t n;
        snprintf(path, sizeof path, "/big?n=%d", i < 3 ? LARGE : 3000000);
        struct wait *w = at(i % 3, "GET", path);
        w->to = http_pipe_create(32768);
        w->call.head = take_pipe;
        assert_int_equal(http_client_submit(shared, &w->call), 0);
        while ((n = http_pipe_read(w->to, piece, sizeof piece)) >= 0) {
            total += (size_t)n;
            if (n == 0 || i >= 3)
                usleep(n == 0 ? 200 : 1000);
        }
        assert_int_equal(n, HTTP_PIPE_END);
        assert_int_equal(total, i < 3 ? LARGE : 3000000);
        sem_wait(&w->done);
        http_pipe_unref(w->to);
        check(w, HTTP_ANSWERED, 200, "");
    }
}

TEST(a_reader_that_gives_up_and_an_answer_that_breaks_off)
{
    NEEDS_NODE();
    for (int i = 0; i < 6; i++) {
        char piece[1000];
        struct wait *w = at(i % 3, "GET", i < 3 ? "/big?n=9000000" : "/half");
        w->to = http_pipe_create(32768);
        w->call.head = take_pipe;
        assert_int_equal(http_client_submit(shared, &w->call), 0);
        ssize_t n;
        while ((n = http_pipe_read(w->to, piece, sizeof piece)) == 0)
            usleep(1000);
        assert_true(n > 0);
        if (i < 3)
            http_pipe_abort(w->to);
        int64_t from = clock_mono_ns();
        sem_wait(&w->done);
        assert_true(clock_mono_ns() - from < INT64_C(1000000000)); /* at once, not at the timeout */
        while ((n = http_pipe_read(w->to, piece, sizeof piece)) > 0)
            ;
        assert_int_equal(n, HTTP_PIPE_ABORTED);
        http_pipe_unref(w->to);
        check(w, HTTP_AMBIGUOUS, 200, NULL);
    }
}

/* A stream may take longer than its timeout as long as something moves, and no longer once nothing does. */
TEST(stream_timeouts_are_about_silence)
{
    NEEDS_NODE();
    for (int i = 0; i < 3; i++) {
        struct wait *w = at(i, "POST", "/sink");
        struct http_pipe *p = http_pipe_create(65536);
        w->call.body_pipe = p;
        w->call.body_length = -1;
        w->call.timeout_ms = 300;
        assert_int_equal(http_client_submit(shared, &w->call), 0);
        for (int k = 0; k < 6; k++) {
            http_pipe_write(p, "abc", 3);
            usleep(100000);
        }
        assert_int_equal(sem_trywait(&w->done), -1);
        sem_wait(&w->done);
        check(w, HTTP_AMBIGUOUS, 0, NULL);
        assert_int_equal(http_pipe_write(p, "x", 1), HTTP_PIPE_ABORTED);
        http_pipe_unref(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(a_request_is_never_sent_twice),
                                       T(fetch_is_never_sent_twice_either),
                                       T(nobody_listens),
                                       T(no_answer_in_time_disturbs_nobody),
                                       T(broken_answers_are_ambiguous),
                                       T(redirects_are_answers_and_too_large_is_not),
                                       T(what_cannot_be_sent_is_not),
                                       T(private_addresses),
                                       T(a_call_reaches_only_what_it_may),
                                       T(what_no_request_can_be_sent_to_is_said_before),
                                       T(the_line_has_a_length_and_stopping_ends_calls),
                                       T(reserved_calls_have_places_of_their_own),
                                       T(calls_arrive_as_given),
                                       T(trust),
                                       T(fates_over_http2),
                                       T(what_may_not_leave_has_not),
                                       T(more_calls_than_streams),
                                       T(reserved_calls_pass_by_those_that_hang),
                                       T(more_calls_than_connections),
                                       T(bodies_stream_out),
                                       T(a_body_that_breaks_off_is_not_passed_for_whole),
                                       T(answers_stream_in),
                                       T(a_reader_that_gives_up_and_an_answer_that_breaks_off),
                                       T(stream_timeouts_are_about_silence)};
    return cmocka_run_group_tests(tests, node_start, node_stop);
}
