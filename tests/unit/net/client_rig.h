/* SPDX-License-Identifier: Apache-2.0
 * client_rig.h - what the tests of the HTTP client work with: calls that can be
 * waited for, and a server of one thread that answers each connection as its
 * script says. It knows no test. */
#ifndef WL_TESTS_CLIENT_RIG_H
#define WL_TESTS_CLIENT_RIG_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_client.h"
#include "t.h"

/* --- calls that can be waited for
 * --------------------------------------------------------------------------------------
 */

struct wait {
    struct http_call call;
    sem_t done;
    char url[400];
    struct http_pipe *to; /* handed out by head() */
};

static void wait_done(struct http_call *c)
{
    sem_post(&((struct wait *)c)->done);
}

static struct wait *wait_new(const char *method, const char *url)
{
    struct wait *w = calloc(1, sizeof *w);
    snprintf(w->url, sizeof w->url, "%s", url);
    w->call.method = str_of(method);
    w->call.url = str_of(w->url);
    w->call.timeout_ms = 8000;
    w->call.done = wait_done;
    sem_init(&w->done, 0, 0);
    return w;
}

static void wait_free(struct wait *w)
{
    http_call_done(&w->call);
    sem_destroy(&w->done);
    free(w);
}

static struct wait *run(struct http_client *c, struct wait *w)
{
    assert_int_equal(http_client_submit(c, &w->call), 0);
    sem_wait(&w->done);
    return w;
}

static const char *fate_name(enum http_fate f)
{
    return f == HTTP_ANSWERED ? "answered" : f == HTTP_UNSENT ? "unsent" : "ambiguous";
}

static void check(struct wait *w, enum http_fate fate, int status, const char *answer)
{
    if (w->call.fate != fate || w->call.status != status)
        fail_msg("%.*s %s: %s %d (%s), want %s %d", (int)w->call.method.n, w->call.method.p, w->url,
                 fate_name(w->call.fate), w->call.status, w->call.err.text, fate_name(fate), status);
    if (answer != NULL && !str_eq(buf_str(&w->call.answer), str_of(answer)))
        fail_msg("%s: answer \"%s\"", w->url, buf_cstr(&w->call.answer));
    assert_true((fate == HTTP_ANSWERED) == (w->call.err.code == 0));
    wait_free(w);
}

static struct http_client *client(const char *ca_file)
{
    struct http_client *c;
    struct err e = {0};
    struct http_client_options o = {.ca_file = ca_file, .connect_timeout_ms = 2000};
    assert_ok(http_client_start(&c, &o, &e), e);
    return c;
}

/* --- a server that does what it is told, one connection at a time
 * ---------------------------------------------------- */

struct fake {
    int fd;
    uint16_t port;
    pthread_t thread;
    /* What to do with each request in turn: an answer's text, "close" or "hang".
   * After the last: count only. */
    const char *const *script;
    atomic_int requests, connections;
    atomic_bool stop;
};

static bool read_request(int fd)
{
    char head[8192];
    size_t n = 0, body = 0;
    while (n < sizeof head - 1) {
        ssize_t k = recv(fd, head + n, 1, 0);
        if (k <= 0)
            return false;
        n++;
        if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    head[n] = '\0';
    const char *length = strcasestr(head, "\r\ncontent-length:");
    for (body = length ? (size_t)atoi(length + 17) : 0; body > 0; body--)
        if (recv(fd, head, 1, 0) != 1)
            return false;
    return true;
}

static void *fake_run(void *arg)
{
    struct fake *f = arg;
    int step = 0, hung[16], n_hung = 0;
    while (!atomic_load(&f->stop)) {
        int fd = accept(f->fd, NULL, NULL);
        if (fd < 0)
            break;
        atomic_fetch_add(&f->connections, 1);
        bool open = true;
        while (open && read_request(fd)) {
            atomic_fetch_add(&f->requests, 1);
            const char *what = f->script[step] ? f->script[step++] : "close";
            if (strcmp(what, "close") == 0) {
                open = false;
            } else if (strcmp(what, "hang") == 0) {
                hung[n_hung++] = fd;
                fd = -1;
                open = false;
            } else if (what[0] == '!') { /* an answer, then the end */
                send(fd, what + 1, strlen(what + 1), MSG_NOSIGNAL);
                open = false;
            } else {
                send(fd, what, strlen(what), MSG_NOSIGNAL);
            }
        }
        if (fd >= 0)
            close(fd);
    }
    while (n_hung > 0)
        close(hung[--n_hung]);
    return NULL;
}

static struct fake *fake_start(const char *const *script, char *url, const char *path)
{
    struct fake *f = calloc(1, sizeof *f);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    f->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(f->fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(f->fd, 64), 0);
    getsockname(f->fd, (struct sockaddr *)&sa, &n);
    f->port = ntohs(sa.sin_port);
    f->script = script;
    sprintf(url, "http://127.0.0.1:%u%s", f->port, path);
    pthread_create(&f->thread, NULL, fake_run, f);
    return f;
}

static void fake_stop(struct fake *f)
{
    atomic_store(&f->stop, true);
    shutdown(f->fd, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->fd);
    free(f);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

#endif
