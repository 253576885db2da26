/* SPDX-License-Identifier: Apache-2.0
 * test_http_server.c - the server against raw sockets: what a well-behaved client gets, what a slow, rude or
 * malicious one gets, and that answers from other threads, late answers and shutting down lose nothing. */
#include "net/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/http_client.h"
#include "t.h"

/* --- the handler under test: the path says what to do ----------------------------------------------------------- */

static struct http_server *server;
static uint16_t port;
static _Atomic(struct http_req *) held;
static atomic_int dropped, then_calls;
static const struct http_header json = {{"Content-Type", 12}, {"application/json", 16}};

static void text_reply(struct http_req *rq, int status, const char *text)
{
    http_reply(rq, status, &json, 1, str_of(text));
}

static void in_thread(void *(*run)(void *), void *arg)
{
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, run, arg), 0);
    pthread_detach(t);
}

static void *reply_now(void *rq)
{
    text_reply(rq, 200, "from another thread");
    return NULL;
}

static void *reply_later(void *rq)
{
    usleep(30000);
    return reply_now(rq);
}

static void *drop_later(void *rq)
{
    usleep(30000);
    http_drop(rq);
    return NULL;
}

static void echo_body(void *ctx, struct http_req *rq)
{
    struct buf b;
    (void)ctx;
    atomic_fetch_add(&then_calls, 1);
    struct str body = http_body(rq);
    for (int i = 0; i < BUF_PADDING; i++) /* the padding is there to be read */
        assert_int_equal(body.p[body.n + (size_t)i] & 0, 0);
    buf_init(&b, 1 << 22);
    buf_putstr(&b, body);
    http_reply_buf(rq, 200, &json, 1, &b);
}

struct flow {
    struct http_pipe *pipe;
    struct http_req *rq;
    int64_t n;
    bool slow, abort;
};

static void *swallow(void *arg)
{
    struct flow *f = arg;
    char piece[5000], text[64];
    unsigned long long total = 0, sum = 0;
    ssize_t n;
    while ((n = http_pipe_read(f->pipe, piece, sizeof piece)) >= 0) {
        for (ssize_t i = 0; i < n; i++)
            sum += (unsigned char)piece[i];
        total += (unsigned long long)n;
        if (n == 0 || f->slow)
            usleep(500);
        if (f->abort && total > 100000)
            http_pipe_abort(f->pipe);
    }
    snprintf(text, sizeof text, "%s %llu %llu", n == HTTP_PIPE_END ? "end" : "aborted", total, sum);
    text_reply(f->rq, n == HTTP_PIPE_END ? 200 : 502, text);
    http_pipe_unref(f->pipe);
    free(f);
    return NULL;
}

static void *pour(void *arg)
{
    struct flow *f = arg;
    char piece[3000];
    memset(piece, 'x', sizeof piece);
    for (int64_t at = 0; at < f->n;) {
        int64_t want = f->n - at < (int64_t)sizeof piece ? f->n - at : (int64_t)sizeof piece;
        ssize_t n = http_pipe_write(f->pipe, piece, (size_t)want);
        if (n < 0)
            break;
        at += n;
        if (n == 0)
            usleep(300);
        if (f->abort && at > 10000)
            http_pipe_abort(f->pipe);
    }
    http_pipe_finish(f->pipe);
    http_pipe_unref(f->pipe);
    free(f);
    return NULL;
}

static struct flow *flow_new(struct http_req *rq)
{
    struct flow *f = calloc(1, sizeof *f);
    f->pipe = http_pipe_create(16384);
    f->rq = rq;
    f->slow = str_eq(http_query(rq), STR("slow"));
    f->abort = str_eq(http_query(rq), STR("abort"));
    return f;
}

static void start_swallowing(void *flow, struct http_req *rq)
{
    (void)rq;
    in_thread(swallow, flow);
}

static void count_drop(void *user)
{
    (void)user;
    atomic_fetch_add(&dropped, 1);
}

static void describe(struct http_req *rq)
{
    struct buf b;
    const struct http_header *h;
    buf_init(&b, 100000);
    buf_putstr(&b, http_method(rq));
    buf_puts(&b, " ");
    buf_putstr(&b, http_path(rq));
    buf_puts(&b, " ");
    buf_putstr(&b, http_query(rq));
    buf_printf(&b, " %zu ", http_headers(rq, &h));
    buf_putstr(&b, http_header(rq, "x-token"));
    buf_puts(&b, " ");
    buf_putstr(&b, http_peer(rq));
    http_reply_buf(rq, 200, &json, 1, &b);
}

static void begin(void *ctx, struct http_req *rq)
{
    struct str path = http_path(rq);
    (void)ctx;
    if (str_eq(path, STR("/collect"))) {
        http_collect(rq, 1000, echo_body, NULL);
    } else if (str_eq(path, STR("/later"))) {
        in_thread(reply_later, rq);
    } else if (str_eq(path, STR("/drop"))) {
        http_drop(rq);
    } else if (str_eq(path, STR("/drop-later"))) {
        in_thread(drop_later, rq);
    } else if (str_eq(path, STR("/race"))) {
        in_thread(reply_now, rq);
    } else if (str_eq(path, STR("/stream"))) {
        struct flow *f = flow_new(rq);
        http_stream(rq, f->pipe, 200 << 20, start_swallowing, f);
    } else if (str_eq(path, STR("/pipe")) || str_eq(path, STR("/chunks"))) {
        struct flow *f = flow_new(rq);
        f->n = 300000;
        http_reply_pipe(rq, 200, &json, 1, str_eq(path, STR("/pipe")) ? f->n : -1, f->pipe);
        in_thread(pour, f);
    } else if (str_eq(path, STR("/hold"))) {
        http_set_user(rq, rq, count_drop);
        atomic_store(&held, rq);
    } else if (str_eq(path, STR("/refused"))) {
        text_reply(rq, 404, "no such thing");
    } else {
        describe(rq);
    }
}

static void refuse(void *ctx, struct http_req *rq, int status, const char *why)
{
    (void)ctx;
    text_reply(rq, status, why);
}

static void start(unsigned request_seconds, const char *cert, const char *key)
{
    struct err e = {0};
    struct http_server_options o = {.address = "127.0.0.1",
                                    .threads = 2,
                                    .max_connections = 600,
                                    .idle_seconds = 30,
                                    .request_seconds = request_seconds,
                                    .max_head_bytes = 16384,
                                    .tls_cert_file = cert,
                                    .tls_key_file = key,
                                    .begin = begin,
                                    .refuse = refuse};
    assert_ok(http_server_start(&server, &o, &e), e);
    port = http_server_port(server);
}

/* --- a raw client ---------------------------------------------------------------------------------------------------- */

static int dial(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 15};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

struct got {
    int status;
    char head[4096];
    char *body;
    size_t n;
};

static ssize_t one(int fd, char *c)
{
    ssize_t n = recv(fd, c, 1, 0);
    return n;
}

/* Reads one answer with a content-length (or none, for HEAD). False when the connection ended first. */
static bool hear(int fd, struct got *g, bool body)
{
    size_t n = 0;
    *g = (struct got){0};
    while (n < sizeof g->head - 1 && one(fd, &g->head[n]) == 1) {
        n++;
        if (n >= 4 && memcmp(g->head + n - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    if (n < 4)
        return false;
    g->status = atoi(g->head + 9);
    const char *length = strcasestr(g->head, "content-length:");
    g->n = length ? (size_t)atoll(length + 15) : 0;
    g->body = calloc(1, g->n + 1);
    if (!body)
        return true;
    for (size_t at = 0; at < g->n;) {
        ssize_t k = recv(fd, g->body + at, g->n - at, 0);
        if (k <= 0)
            return false;
        at += (size_t)k;
    }
    return true;
}

static bool ended(int fd)
{
    char c;
    return one(fd, &c) <= 0;
}

static void expect(int fd, const char *request, int status, const char *body)
{
    struct got g;
    say(fd, request);
    assert_true(hear(fd, &g, true));
    assert_int_equal(g.status, status);
    if (body != NULL)
        assert_string_equal(g.body, body);
    free(g.body);
}

#define H "Host: x\r\n"

/* --- tests --------------------------------------------------------------------------------------------------------------- */

TEST(requests_as_sent)
{
    start(20, NULL, NULL);
    int fd = dial();
    expect(fd, "GET /a%20b/../c?x=%41&y HTTP/1.1\r\n" H "X-Token: t\r\n\r\n", 200,
           "GET /a%20b/../c x=%41&y 2 t 127.0.0.1");
    expect(fd, "GET / HTTP/1.1\r\n" H "\r\n", 200, "GET /  1  127.0.0.1");
    expect(fd, "GET http://other/abs?q HTTP/1.1\r\n" H "\r\n", 200, "GET /abs q 1  127.0.0.1");
    expect(fd, "PATCH /x HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 200, "PATCH /x  2  127.0.0.1");
    expect(fd, "POST /collect HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 200, "hello");
    expect(fd, "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
           200, "abcde");
    expect(fd, "GET /collect HTTP/1.1\r\n" H "\r\n", 200, "");
    expect(fd, "GET /later HTTP/1.1\r\n" H "\r\n", 200, "from another thread");
    /* The body of a request refused at its head is read over; the connection lives on. */
    expect(fd, "POST /refused HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 404, "no such thing");
    expect(fd, "POST /refused HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 404, NULL);
    expect(fd, "GET /last HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 200, NULL);
    assert_true(ended(fd));
    close(fd);
}

TEST(many_headers_and_long_ones)
{
    char request[12000] = "GET /many HTTP/1.1\r\n" H, value[6001];
    struct got g;
    for (int i = 0; i < 60; i++)
        strcat(request, "X-A: b\r\n");
    memset(value, 'v', 6000);
    value[6000] = '\0';
    strcat(strcat(strcat(request, "X-Token: "), value), "\r\n\r\n");
    int fd = dial();
    say(fd, request);
    assert_true(hear(fd, &g, true));
    assert_int_equal(g.status, 200);
    assert_int_equal(g.n, strlen("GET /many  62  127.0.0.1") + 6000);
    free(g.body);
    close(fd);
}

/* libmicrohttpd would take a query apart in its own memory and then wait, without a word, for a client that is done. */
TEST(queries_of_any_shape)
{
    static char request[12000], path[11000];
    for (int n = 100; n <= 1100; n += 200) {
        struct got g;
        size_t at = (size_t)sprintf(path, "/many?");
        for (int i = 0; i < n; i++)
            at += (size_t)sprintf(path + at, "a%d=%%7&", i);
        sprintf(request, "GET %s HTTP/1.1\r\n" H "\r\n", path);
        int fd = dial();
        say(fd, request);
        assert_true(hear(fd, &g, true));
        assert_int_equal(g.status, 200);
        assert_non_null(strstr(g.body, "/many a0=%7&a1=%7&"));
        free(g.body);
        expect(fd, "GET /many? HTTP/1.1\r\n" H "\r\n", 200, "GET /many  1  127.0.0.1");
        close(fd);
    }
}

/* Cookies it takes apart whatever we do: then at least the connection ends, and nothing of the request stays. */
TEST(cookies_beyond_its_memory_end_the_connection)
{
    static char request[12000];
    int64_t from = clock_mono_ns();
    for (int round = 0; round < 20; round++) {
        size_t at = (size_t)sprintf(request, "GET /many HTTP/1.1\r\n" H "Cookie: ");
        for (int i = 0; i < 800; i++)
            at += (size_t)sprintf(request + at, "a%d=1; ", i);
        strcpy(request + at, "\r\n\r\n");
        int fd = dial();
        say(fd, request);
        char c;
        while (one(fd, &c) == 1)
            ;
        close(fd);
    }
    assert_true(clock_mono_ns() - from < INT64_C(5000000000));
}

TEST(pipelined_and_head)
{
    struct got g;
    int fd = dial();
    say(fd, "GET /one HTTP/1.1\r\n" H "\r\nGET /later HTTP/1.1\r\n" H "\r\nHEAD /three HTTP/1.1\r\n" H "\r\nGET /four "
            "HTTP/1.1\r\n" H "\r\n");
    static const char *const want[] = {"GET /one  1  127.0.0.1", "from another thread", NULL,
                                       "GET /four  1  127.0.0.1"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(hear(fd, &g, want[i] != NULL));
        if (want[i] != NULL)
            assert_string_equal(g.body, want[i]);
        else
            assert_int_equal(g.n, strlen("HEAD /three  1  127.0.0.1"));
        free(g.body);
    }
    say(fd, "GET /old HTTP/1.0\r\n\r\n");
    assert_true(hear(fd, &g, true));
    free(g.body);
    assert_true(ended(fd));
    close(fd);
}

TEST(continue_is_said_only_when_the_body_is_wanted)
{
    struct got g;
    int fd = dial();
    say(fd, "POST /collect HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_true(hear(fd, &g, false));
    assert_int_equal(g.status, 100);
    free(g.body);
    say(fd, "abc");
    assert_true(hear(fd, &g, true));
    assert_string_equal(g.body, "abc");
    free(g.body);
    expect(fd, "POST /refused HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n", 404, NULL);
    assert_true(ended(fd));
    close(fd);
}

/* What one reader takes for one request and another for two must not get through. */
TEST(smuggling_is_refused)
{
    static const char *const rows[] = {
        "POST /collect HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
        "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /",
        "POST /collect HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /collect HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST /collect HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc",
        "POST /collect HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc",
        "POST /collect HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n",
        "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /collect HTTP/1.1\r\n" H "Transfer\x0b-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "no colon\r\n\r\n",
        "GET /a b HTTP/1.1\r\n" H "\r\n",
        "GET ftp/x HTTP/1.1\r\n" H "\r\n",
        "GET / HTTP/3.7\r\n" H "\r\n",
        "nonsense\r\n\r\n",
    };
    int calls = atomic_load(&then_calls);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct got g;
        int fd = dial();
        say(fd, rows[i]);
        bool answered = hear(fd, &g, true);
        if (answered && (g.status < 400 || g.status > 505))
            fail_msg("row %zu: answered %d", i, g.status);
        char rest[4096]; /* libmicrohttpd writes some of its own answers' heads twice */
        ssize_t n = recv(fd, rest, sizeof rest, MSG_WAITALL);
        if (n < 0 && errno != ECONNRESET)
            fail_msg("row %zu: the connection lives on", i);
        if (n > 0 && memmem(rest, (size_t)n, "HTTP/1.1 2", 10) != NULL)
            fail_msg("row %zu: a second request was seen", i);
        free(g.body);
        close(fd);
    }
    assert_int_equal(atomic_load(&then_calls), calls);
}

static void send_zeros(int fd, size_t n)
{
    static char zeros[65536];
    while (n > 0) {
        ssize_t k = send(fd, zeros, n < sizeof zeros ? n : sizeof zeros, MSG_NOSIGNAL);
        if (k <= 0)
            return;
        n -= (size_t)k;
    }
}

TEST(bodies_too_large)
{
    struct got g;
    char text[200];
    int fd = dial();
    /* Said in advance and of a size worth reading over: answered, and the connection lives. */
    snprintf(text, sizeof text, "POST /collect HTTP/1.1\r\n" H "Content-Length: %d\r\n\r\n", 50000);
    say(fd, text);
    send_zeros(fd, 50000);
    assert_true(hear(fd, &g, true));
    assert_int_equal(g.status, 413);
    free(g.body);
    expect(fd, "GET /alive HTTP/1.1\r\n" H "\r\n", 200, NULL);
    /* Found out while it arrives. */
    say(fd, "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nC350\r\n");
    send_zeros(fd, 50000);
    say(fd, "\r\n0\r\n\r\n");
    assert_true(hear(fd, &g, true));
    assert_int_equal(g.status, 413);
    free(g.body);
    /* Far too large: answered at once, then closed. */
    say(fd, "POST /collect HTTP/1.1\r\n" H "Content-Length: 999999999999\r\n\r\n");
    assert_true(hear(fd, &g, true));
    assert_int_equal(g.status, 413);
    free(g.body);
    assert_true(ended(fd));
    close(fd);
    /* Without end: cut off. */
    fd = dial();
    say(fd, "POST /collect HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n");
    send_zeros(fd, 40 << 20);
    assert_true(ended(fd));
    close(fd);
}

TEST(bodies_stream_with_back_pressure)
{
    static const struct {
        const char *path;
        size_t n;
        const char *answer;
        int status;
    } rows[] = {
        {"/stream", 8000000, "end 8000000 0", 200},
        {"/stream?slow", 400000, "end 400000 0", 200},
        {"/stream", 0, "end 0 0", 200},
        {"/stream?abort", 900000, NULL, 502},
    };
    int fd = dial();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        struct got g;
        snprintf(text, sizeof text, "POST %s HTTP/1.1\r\n" H "Content-Length: %zu\r\n\r\n", rows[i].path, rows[i].n);
        say(fd, text);
        send_zeros(fd, rows[i].n);
        assert_true(hear(fd, &g, true));
        assert_int_equal(g.status, rows[i].status);
        if (rows[i].answer != NULL)
            assert_string_equal(g.body, rows[i].answer);
        free(g.body);
    }
    expect(fd,
           "POST /stream HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\n\r\n3\r\n\x01\x01\x01\r\n1\r\n\x02\r\n0\r\n\r\n",
           200, "end 4 5");
    close(fd);
}

TEST(answers_stream)
{
    struct got g;
    enum { piece = 4096 };
    size_t total = 0;
    ssize_t n;
    int fd = dial();
    say(fd, "GET /pipe HTTP/1.1\r\n" H "\r\n");
    assert_true(hear(fd, &g, true));
    assert_int_equal(g.n, 300000);
    free(g.body);
    say(fd, "HEAD /pipe HTTP/1.1\r\n" H "\r\n");
    assert_true(hear(fd, &g, false));
    assert_int_equal(g.n, 300000);
    free(g.body);
    say(fd, "GET /chunks HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
    assert_true(hear(fd, &g, false));
    assert_non_null(strcasestr(g.head, "transfer-encoding: chunked"));
    free(g.body);
    char *all = calloc(1, 400000);
    while (total < 390000 && (n = recv(fd, all + total, piece, 0)) > 0)
        total += (size_t)n;
    assert_in_range(total, 300000, 310000);
    assert_memory_equal(all + total - 5, "0\r\n\r\n", 5);
    free(all);
    close(fd);
    /* Half an answer must not look like a whole one. */
    fd = dial();
    say(fd, "GET /pipe?abort HTTP/1.1\r\n" H "\r\n");
    assert_false(hear(fd, &g, true));
    free(g.body);
    close(fd);
}

static void *racer(void *arg)
{
    (void)arg;
    int fd = dial();
    for (int i = 0; i < 300; i++)
        expect(fd, "GET /race HTTP/1.1\r\n" H "\r\n", 200, "from another thread");
    close(fd);
    return NULL;
}

TEST(answers_race_with_the_handler)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, racer, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
}

static struct http_req *wait_held(void)
{
    struct http_req *rq = NULL;
    for (int i = 0; i < 2000 && (rq = atomic_exchange(&held, NULL)) == NULL; i++)
        usleep(1000);
    assert_non_null(rq);
    return rq;
}

TEST(dropped_requests_get_not_a_byte)
{
    static const char *const requests[] = {"GET /drop HTTP/1.1\r\nHost: t\r\n\r\n",
                                           "GET /drop-later HTTP/1.1\r\nHost: t\r\n\r\n",
                                           "POST /drop HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nab"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        char byte;
        int fd = dial();
        say(fd, requests[i]);
        ssize_t n = recv(fd, &byte, 1, 0);
        assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
        close(fd);
    }
}

TEST(clients_that_go_away)
{
    int before = atomic_load(&dropped);
    for (int i = 0; i < 20; i++) {
        int fd = dial();
        say(fd, "GET /hold HTTP/1.1\r\n" H "\r\n");
        struct http_req *rq = wait_held();
        assert_string_equal(http_path(rq).p, "/hold");
        close(fd);
        usleep(1000);
        text_reply(rq, 200, "nobody listens");
    }
    /* In the middle of a streamed body: the reader is told. */
    int fd = dial();
    say(fd, "POST /stream HTTP/1.1\r\n" H "Content-Length: 100000\r\n\r\nabc");
    usleep(20000);
    close(fd);
    for (int i = 0; i < 2000 && atomic_load(&dropped) < before + 20; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&dropped), before + 20);
}

TEST(more_waiting_clients_than_one_round_of_events)
{
    enum { N = 512 };
    int fds[N];
    for (int i = 0; i < N; i++)
        fds[i] = dial();
    for (int round = 0; round < 20; round++) { /* every client waits for its answer before it asks again */
        for (int i = 0; i < N; i++)
            say(fds[i], "GET /x HTTP/1.1\r\n" H "\r\n");
        for (int i = 0; i < N; i++) {
            struct got g;
            assert_true(hear(fds[i], &g, true));
            free(g.body);
        }
    }
    struct http_server_stats stats;
    http_server_stats(server, &stats);
    assert_true(stats.connections_now >= N && stats.requests_total > N * 20 && stats.refused_total > 0);
    for (int i = 0; i < N; i++)
        close(fds[i]);
}

TEST(stop_ends_what_nobody_answers)
{
    struct got g;
    int fd = dial(), idle = dial(), unfinished = dial(), streaming = dial();
    say(unfinished, "POST /collect HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nabc");
    say(streaming, "POST /stream HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nabc");
    say(fd, "GET /hold HTTP/1.1\r\n" H "\r\n");
    struct http_req *rq = wait_held();
    int64_t before = clock_mono_ns();
    http_server_stop(server, 100);
    assert_true(clock_mono_ns() - before < INT64_C(3000000000));
    assert_false(hear(fd, &g, true));
    assert_true(ended(idle) && ended(unfinished) && ended(streaming));
    assert_string_equal(http_path(rq).p, "/hold"); /* still the handler's */
    int drops = atomic_load(&dropped);
    text_reply(rq, 200, "too late");
    assert_int_equal(atomic_load(&dropped), drops + 1);
    close(fd);
    close(idle);
    close(unfinished);
    close(streaming);
    usleep(50000); /* the swallowing thread ends */
}

/* A client that keeps sending one byte at a time lives no longer than request_seconds and a sweep or two. */
TEST(slow_clients_are_cut_off)
{
    static const char head[] = "GET /slow HTTP/1.1\r\nX-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char body[] = "POST /collect HTTP/1.1\r\n" H "Content-Length: 900\r\n\r\n";
    static const char stream[] = "POST /stream HTTP/1.1\r\n" H "Content-Length: 900\r\n\r\n";
    start(1, NULL, NULL);
    int fds[4], alive = 4;
    for (int i = 0; i < 4; i++)
        fds[i] = dial();
    expect(fds[1], "GET /first HTTP/1.1\r\n" H "\r\n", 200, NULL); /* kept alive, then slow */
    say(fds[2], body);
    say(fds[3], stream);
    int64_t from = clock_mono_ns();
    for (int step = 0; alive > 0 && step < 70; step++) {
        usleep(100000);
        alive = 0;
        for (int i = 0; i < 4; i++) {
            char c;
            if (fds[i] < 0)
                continue;
            if (send(fds[i], i < 2 ? &head[step % 70] : "x", 1, MSG_NOSIGNAL) != 1 ||
                recv(fds[i], &c, 1, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
                close(fds[i]);
                fds[i] = -1;
                continue;
            }
            alive++;
        }
    }
    assert_int_equal(alive, 0);
    assert_true(clock_mono_ns() - from < INT64_C(6000000000));
    http_server_stop(server, 1000);
}

TEST(tls)
{
    struct err e = {0};
    if (system("cd ${TMPDIR:-/tmp} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
               "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout wl_srv_key.pem "
               "-out wl_srv_cert.pem 2>/dev/null") != 0)
        skip_loudly("no openssl command");
    char cert[300], key[300], url[100];
    const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    snprintf(cert, sizeof cert, "%s/wl_srv_cert.pem", dir);
    snprintf(key, sizeof key, "%s/wl_srv_key.pem", dir);
    start(20, cert, key);
    snprintf(url, sizeof url, "https://localhost:%u/tls", port);
    struct http_call call = {.method = STR("GET"), .url = str_of(url), .timeout_ms = 5000};
    assert_ok(http_fetch(&call, cert, &e), e);
    assert_int_equal(call.status, 200);
    assert_true(str_starts(buf_str(&call.answer), STR("GET /tls ")));
    http_call_done(&call);
    assert_int_equal(http_fetch(&call, NULL, &e), WL_EIO); /* not trusted by the system: refused, nothing sent */
    assert_int_equal(call.fate, HTTP_UNSENT);
    http_call_done(&call);
    http_server_stop(server, 1000);
}

TEST(starting_says_what_is_wrong)
{
    struct http_server *s = NULL;
    struct err e = {0};
    struct http_server_options o = {.address = "localhost", .threads = 2, .begin = begin, .refuse = refuse};
    assert_int_equal(http_server_start(&s, &o, &e), WL_EINVAL);
    o.address = "192.0.2.1";
    assert_int_equal(http_server_start(&s, &o, &e), WL_EIO);
    assert_non_null(strstr(e.text, "192.0.2.1"));
    o.address = "127.0.0.1";
    o.tls_cert_file = "/nonexistent";
    assert_int_equal(http_server_start(&s, &o, &e), WL_EINVAL);
    o.tls_key_file = "/nonexistent";
    assert_int_equal(http_server_start(&s, &o, &e), WL_EIO);
    o.tls_cert_file = o.tls_key_file = NULL;
    o.max_connections = 2000000000;
    assert_int_equal(http_server_start(&s, &o, &e), WL_EINVAL);
    assert_null(s);
    http_server_stop(NULL, 0);
}

TESTS(T(requests_as_sent), T(many_headers_and_long_ones), T(queries_of_any_shape),
      T(cookies_beyond_its_memory_end_the_connection), T(pipelined_and_head),
      T(continue_is_said_only_when_the_body_is_wanted), T(smuggling_is_refused), T(bodies_too_large),
      T(bodies_stream_with_back_pressure), T(answers_stream), T(answers_race_with_the_handler),
      T(dropped_requests_get_not_a_byte), T(clients_that_go_away), T(more_waiting_clients_than_one_round_of_events),
      T(stop_ends_what_nobody_answers), T(slow_clients_are_cut_off), T(tls), T(starting_says_what_is_wrong))
