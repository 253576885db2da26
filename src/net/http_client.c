/* SPDX-License-Identifier: Apache-2.0
 * http_client.c - the client's thread: its loop, its calls, and what HTTP/2 and HTTP/1.1 have in common.
 *
 * A submitted call becomes a transfer, goes to its origin and from there to an HTTP/2 session or to libcurl. Whoever
 * carries it reports the head, the data and the end through the transfer_ functions, which fill the call, feed its
 * pipes and decide when done() may be said. Other threads reach in only through the submit queue and the
 * mailbox. Every 50 ms with calls open, deadlines are looked at: one pass over a list is cheaper than ordering it.
 *
 * A transfer that fails before maybe_sent was set ends UNSENT, any later one AMBIGUOUS; nothing here sends a
 * transfer a second time, unless the server itself said that it did not touch the first (transfer_again). */
#include "net/http_client_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/failpoint.h"

#define EVENTS_MAX     128
#define TAKE_MAX       512
#define CHECK_NS       (50 * INT64_C(1000000))
#define SESSIONS_NS    (250 * INT64_C(1000000))
#define REST_MS        1000
#define CALLS_DEFAULT  8192
#define CONNECT_MS     5000
#define TIMEOUT_MS     30000
#define H1_CONNECTIONS 256
#define AGAINS_MAX     2

/* --- watched descriptors ------------------------------------------------------------------------------------ */

void client_watch(struct http_client *c, struct watch *w, uint32_t events, bool add)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    (void)epoll_ctl(c->epoll, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, w->fd, &ev);
}

void client_bury(struct http_client *c, struct watch *w)
{
    if (w->dead)
        return;
    w->dead = true;
    w->next_dead = c->dead;
    c->dead = w;
}

/* --- a transfer's life ---------------------------------------------------------------------------------------- */

size_t max_answer(const struct http_call *call, bool piped)
{
    return call->max_answer > 0 ? call->max_answer : piped ? SIZE_MAX : ANSWER_DEFAULT;
}

void transfer_wake(void *transfer)
{
    struct transfer *t = transfer;
    struct mailbox *m = t->c->mail;
    pthread_mutex_lock(&m->lock);
    bool first = m->woken == NULL && !t->woken;
    if (!t->woken) {
        t->woken = true;
        t->woken_next = m->woken;
        m->woken = t;
    }
    pthread_mutex_unlock(&m->lock);
    if (first)
        (void)eventfd_write(m->fd, 1);
}

static void transfer_unwake(struct transfer *t)
{
    struct mailbox *m = t->c->mail;
    pthread_mutex_lock(&m->lock);
    for (struct transfer **at = &m->woken; t->woken && *at != NULL; at = &(*at)->woken_next) {
        if (*at == t) {
            *at = t->woken_next;
            break;
        }
    }
    t->woken = false;
    pthread_mutex_unlock(&m->lock);
}

void transfer_touch(struct transfer *t)
{
    if (t->streaming)
        t->call->deadline_ns = t->c->now_ns + t->call->timeout_ms * 1000000;
}

bool transfer_header(struct transfer *t, struct str name, struct str value)
{
    buf_putstr(&t->head_text, name);
    buf_putc(&t->head_text, '\0');
    buf_putstr(&t->head_text, value);
    if (!buf_putc(&t->head_text, '\0')) {
        err_set(&t->call->err, WL_ETOOBIG, "the answer's headers are too large");
        return false;
    }
    t->n_head++;
    return true;
}

/* One block: the array, then the text it points into. */
static void keep_headers(struct transfer *t)
{
    struct http_call *call = t->call;
    free(call->answer_headers);
    call->answer_headers = NULL;
    call->n_answer_headers = 0;
    if (t->n_head == 0)
        return;
    size_t array = t->n_head * sizeof(struct http_header);
    struct http_header *h = malloc(array + t->head_text.len);
    if (h == NULL)
        abort();
    char *p = (char *)h + array;
    memcpy(p, t->head_text.data, t->head_text.len);
    for (size_t i = 0; i < t->n_head; i++) {
        h[i].name = str_of(p);
        p += h[i].name.n + 1;
        h[i].value = str_of(p);
        p += h[i].value.n + 1;
    }
    call->answer_headers = h;
    call->n_answer_headers = t->n_head;
}

void transfer_head(struct transfer *t, int status)
{
    failpoint(wire_answered);
    t->head_done = true;
    t->call->status = status;
    keep_headers(t);
    buf_done(&t->head_text);
    if (t->call->head != NULL)
        t->to = t->call->head(t->call);
    if (t->to != NULL) {
        t->streaming = true;
        buf_init(&t->hold, SIZE_MAX / 2);
        http_pipe_on_writable(t->to, transfer_wake, t);
    }
    transfer_touch(t);
}

bool transfer_flush(struct transfer *t)
{
    while (t->hold_at < t->hold.len) {
        ssize_t n = http_pipe_write(t->to, t->hold.data + t->hold_at, t->hold.len - t->hold_at);
        if (n == 0) {
            memmove(t->hold.data, t->hold.data + t->hold_at, t->hold.len - t->hold_at);
            t->hold.len -= t->hold_at;
            t->hold_at = 0;
            return false;
        }
        if (n < 0) { /* the reader gave up: the rest has nowhere to go */
            t->hold_at = t->hold.len;
            break;
        }
        t->hold_at += (size_t)n;
        transfer_touch(t);
    }
    buf_clear(&t->hold);
    t->hold_at = 0;
    return true;
}

bool transfer_data(struct transfer *t, const void *data, size_t n)
{
    transfer_touch(t);
    t->answer_bytes += n;
    if (t->answer_bytes > max_answer(t->call, t->to != NULL)) {
        err_set(&t->call->err, WL_ETOOBIG, "the answer is larger than allowed");
        return false;
    }
    if (t->to == NULL)
        return buf_put(&t->call->answer, data, n);
    size_t taken = 0;
    while (t->hold.len == 0 && taken < n) {
        ssize_t got = http_pipe_write(t->to, (const char *)data + taken, n - taken);
        if (got < 0) {
            err_set(&t->call->err, WL_EIO, "the answer's reader gave up");
            return false;
        }
        if (got == 0)
            break;
        taken += (size_t)got;
    }
    return taken == n || buf_put(&t->hold, (const char *)data + taken, n - taken);
}

int64_t transfer_body_length(const struct transfer *t)
{
    return t->call->body_pipe != NULL ? t->call->body_length : (int64_t)t->call->body.n;
}

ssize_t transfer_body(struct transfer *t, void *out, size_t max)
{
    struct http_call *call = t->call;
    ssize_t n;
    if (call->body_pipe == NULL) {
        size_t left = call->body.n - (size_t)t->body_sent;
        n = left == 0 ? HTTP_PIPE_END : (ssize_t)(left < max ? left : max);
        if (n > 0)
            memcpy(out, call->body.p + t->body_sent, (size_t)n);
    } else {
        int64_t left = call->body_length < 0 ? INT64_MAX : call->body_length - t->body_sent;
        if (left == 0) {
            t->body_ended = true;
            return HTTP_PIPE_END;
        }
        n = http_pipe_read(call->body_pipe, out, (uint64_t)left < max ? (size_t)left : max);
        if (n == HTTP_PIPE_END && call->body_length >= 0)
            n = HTTP_PIPE_ABORTED; /* shorter than announced: it must not pass for whole */
    }
    if (n > 0) {
        t->body_sent += n;
        transfer_touch(t);
    }
    t->body_ended |= n == HTTP_PIPE_END;
    return n;
}

/* Lets go of everything and tells the caller. */
static void transfer_done(struct transfer *t)
{
    struct http_client *c = t->c;
    struct http_call *call = t->call;
    if (call->body_pipe != NULL) {
        http_pipe_on_readable(call->body_pipe, NULL, NULL);
        if (!t->body_ended)
            http_pipe_abort(call->body_pipe);
    }
    if (t->to != NULL) {
        http_pipe_on_writable(t->to, NULL, NULL);
        if (call->fate == HTTP_ANSWERED)
            http_pipe_finish(t->to);
        else
            http_pipe_abort(t->to);
        http_pipe_unref(t->to);
    }
    transfer_unwake(t);
    if (t->prev != NULL)
        t->prev->next = t->next;
    else
        c->transfers = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    buf_done(&t->hold);
    buf_done(&t->head_text);
    free(t);
    call->transfer = NULL;
    failpoint(wire_ended);
    atomic_fetch_sub(&c->open_calls[call->reserved], 1);
    call->done(call);
}

void transfer_end(struct transfer *t, enum http_fate fate, int code, const char *why)
{
    struct http_call *call = t->call;
    call->fate = fate;
    if (why != NULL && call->err.code == 0)
        err_set(&call->err, code, "%s", why);
    if (fate == HTTP_ANSWERED && t->to != NULL && !transfer_flush(t)) {
        t->finishing = true; /* the reader still has to take the rest */
        return;
    }
    transfer_done(t);
}

bool transfer_again(struct transfer *t)
{
    if (t->call->body_pipe != NULL || t->n_head > 0 || t->agains == AGAINS_MAX || atomic_load(&t->c->stopping))
        return false; /* a streamed body is gone; one that said anything has begun to answer */
    t->agains++;
    t->maybe_sent = t->deferred = t->body_ended = false;
    t->body_sent = 0;
    t->stream_id = 0;
    line_add(t, true);
    return true;
}

/* Ends a transfer wherever it is. */
static void transfer_stop(struct transfer *t, int code, const char *why)
{
    if (t->finishing) {
        t->call->fate = HTTP_AMBIGUOUS;
        err_set(&t->call->err, code, "%s", why);
        transfer_done(t);
        return;
    }
    if (t->session != NULL)
        h2_cancel(t);
    else if (t->easy != NULL)
        curl_cancel(t);
    else
        line_remove(t);
    transfer_end(t, t->maybe_sent ? HTTP_AMBIGUOUS : HTTP_UNSENT, code, why);
}

/* --- origins ---------------------------------------------------------------------------------------------------- */

static char *lower_copy(struct str s)
{
    char *p = strndup(s.p, s.n);
    if (p == NULL)
        abort();
    for (char *q = p; *q != '\0'; q++)
        if (*q >= 'A' && *q <= 'Z')
            *q = (char)(*q | 0x20);
    return p;
}

static struct origin *origin_find(struct http_client *c, const struct place *p, enum http_reach reach)
{
    struct origin **slot = &c->origins[hash64(p->host.p, p->host.n) % 256];
    for (struct origin *o = *slot; o != NULL; o = o->next)
        if (o->tls == p->tls && o->reach == reach && str_ieq(str_of(o->host), p->host) &&
            str_eq(str_of(o->port), p->port) && str_ieq(str_of(o->authority), p->authority))
            return o;
    struct origin *o = calloc(1, sizeof *o);
    if (o == NULL)
        abort();
    o->tls = p->tls;
    o->reach = reach;
    o->host = lower_copy(p->host);
    o->authority = lower_copy(p->authority);
    memcpy(o->port, p->port.p, p->port.n);
    o->next = *slot;
    *slot = o;
    return o;
}

bool header_allowed(struct str name)
{
    static const char *const ours[] = {"host",       "content-length",   "connection", "transfer-encoding",
                                       "keep-alive", "proxy-connection", "upgrade",    "expect"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (str_ieq(name, str_of(ours[i])))
            return false;
    return true;
}

static bool text_ok(struct str s, bool name)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (ch == '\r' || ch == '\n' || ch == '\0' || (name && (ch <= ' ' || ch == ':' || ch >= 0x7f)))
            return false;
    }
    return !name || s.n > 0;
}

static bool call_ok(const struct http_call *call, struct place *p, struct err *e)
{
    bool ok = url_place(call->url, p);
    if (!ok)
        err_set(e, WL_EINVAL, "the URL is not one a request can be sent to");
    for (size_t i = 0; ok && i < call->n_headers; i++) {
        ok = text_ok(call->headers[i].name, true) && text_ok(call->headers[i].value, false);
        if (!ok)
            err_set(e, WL_EINVAL, "a header contains characters that would break the request");
    }
    if (ok && (!text_ok(call->method, true) || call->method.n > 32)) {
        err_set(e, WL_EINVAL, "the method is not a word");
        ok = false;
    }
    return ok;
}

static void origin_dispatch(struct http_client *c, struct origin *o);

static void call_begin(struct http_client *c, struct http_call *call)
{
    struct place place;
    struct transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->call = call;
    t->c = c;
    t->next = c->transfers;
    if (t->next != NULL)
        t->next->prev = t;
    c->transfers = t;
    call->transfer = t;
    buf_init(&t->head_text, ANSWER_HEADERS_MAX);
    buf_init(&call->answer, max_answer(call, false));
    t->streaming = call->body_pipe != NULL;
    if (call->body_pipe != NULL)
        http_pipe_on_readable(call->body_pipe, transfer_wake, t);
    if (atomic_load(&c->stopping)) {
        transfer_end(t, HTTP_UNSENT, WL_EIO, "the client is stopping");
        return;
    }
    if (failpoint_fails(wire_begin)) {
        transfer_end(t, HTTP_UNSENT, WL_EIO, "a failure was ordered at wire_begin");
        return;
    }
    if (!call_ok(call, &place, &call->err)) {
        transfer_end(t, HTTP_UNSENT, WL_EINVAL, NULL);
        return;
    }
    struct origin *o = t->origin = origin_find(c, &place, call->reach);
    line_add(t, false);
    origin_dispatch(c, o);
}

static void origin_dispatch(struct http_client *c, struct origin *o)
{
    if (o->line_n == 0)
        return;
    if (!o->tls || o->h1_until_ns > c->now_ns)
        curl_dispatch(c, o);
    else
        h2_dispatch(c, o);
}

void line_add(struct transfer *t, bool front)
{
    struct origin *o = t->origin;
    struct transfer **first = &o->line[t->call->reserved].first, **last = &o->line[t->call->reserved].last;
    t->line_prev = front ? NULL : *last;
    t->line_next = front ? *first : NULL;
    *(t->line_prev != NULL ? &t->line_prev->line_next : first) = t;
    *(t->line_next != NULL ? &t->line_next->line_prev : last) = t;
    o->line_n++;
}

void line_remove(struct transfer *t)
{
    struct origin *o = t->origin;
    if (o == NULL)
        return;
    struct transfer **first = &o->line[t->call->reserved].first, **last = &o->line[t->call->reserved].last;
    if (t->line_prev == NULL && *first != t)
        return;
    *(t->line_prev != NULL ? &t->line_prev->line_next : first) = t->line_next;
    *(t->line_next != NULL ? &t->line_next->line_prev : last) = t->line_prev;
    t->line_prev = t->line_next = NULL;
    o->line_n--;
}

bool transfer_may_leave(const struct transfer *t)
{
    return t->call->may_leave == NULL || t->call->may_leave(t->call->leave_ctx);
}

bool line_take(struct transfer *t)
{
    line_remove(t);
    if (transfer_may_leave(t))
        return true;
    transfer_end(t, HTTP_UNSENT, WL_EIO, "the right to send it ended while it waited for a connection");
    return false;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void queue_ready(struct watch *w, uint32_t events)
{
    struct http_client *c = container_of(w, struct http_client, queue_watch);
    (void)events;
    struct queue_link *l = queue_take(&c->submitted, TAKE_MAX, 0, NULL);
    while (l != NULL) {
        struct queue_link *next = l->next;
        call_begin(c, container_of(l, struct http_call, link));
        l = next;
    }
}

static void mail_ready(struct watch *w, uint32_t events)
{
    struct http_client *c = container_of(w, struct http_client, mail_watch);
    struct mailbox *m = c->mail;
    eventfd_t unused;
    (void)events;
    (void)eventfd_read(m->fd, &unused);
    pthread_mutex_lock(&m->lock);
    struct resolve_job *jobs = m->resolved;
    m->resolved = NULL;
    pthread_mutex_unlock(&m->lock);
    while (jobs != NULL) {
        struct resolve_job *j = jobs;
        jobs = j->next;
        h2_resolved(c, j);
    }
    for (;;) { /* one at a time: ending one may end or wake others */
        pthread_mutex_lock(&m->lock);
        struct transfer *t = m->woken;
        if (t != NULL) {
            m->woken = t->woken_next;
            t->woken = false;
        }
        pthread_mutex_unlock(&m->lock);
        if (t == NULL)
            return;
        if (t->finishing) {
            if (transfer_flush(t))
                transfer_done(t);
        } else if (t->session != NULL) {
            h2_woken(t);
        } else if (t->easy != NULL) {
            curl_woken(t);
        }
    }
}

static void check_deadlines(struct http_client *c)
{
    for (struct transfer *t = c->transfers, *next; t != NULL; t = next) {
        next = t->next;
        if (t->call->deadline_ns <= c->now_ns)
            transfer_stop(t, WL_EIO, t->maybe_sent ? "no complete answer in time" : "not sent in time");
    }
}

static void each_origin(struct http_client *c, void (*f)(struct http_client *c, struct origin *o))
{
    for (size_t i = 0; i < 256; i++)
        for (struct origin *o = c->origins[i]; o != NULL; o = o->next)
            f(c, o);
}

static int wait_ms(const struct http_client *c)
{
    int64_t until = c->now_ns + (int64_t)REST_MS * 1000000;
    if (c->transfers != NULL)
        until = c->checked_ns + CHECK_NS;
    if (c->curl_due_ns < until)
        until = c->curl_due_ns;
    return until <= c->now_ns ? 0 : (int)((until - c->now_ns + 999999) / 1000000);
}

static void client_round(struct http_client *c)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(c->epoll, events, EVENTS_MAX, wait_ms(c));
    c->now_ns = clock_mono_ns();
    for (int i = 0; i < n; i++) {
        struct watch *w = events[i].data.ptr;
        if (!w->dead)
            w->ready(w, events[i].events);
    }
    if (c->curl_due_ns <= c->now_ns)
        curl_due(c);
    if (c->now_ns - c->checked_ns >= CHECK_NS) {
        c->checked_ns = c->now_ns;
        check_deadlines(c);
    }
    if (c->now_ns - c->sessions_checked_ns >= SESSIONS_NS) {
        c->sessions_checked_ns = c->now_ns;
        each_origin(c, h2_check);
    }
    if (c->h1_freed) {
        c->h1_freed = false;
        each_origin(c, origin_dispatch);
    }
    h2_flush(c);
    while (c->dead != NULL) {
        struct watch *w = c->dead;
        c->dead = w->next_dead;
        free(w);
    }
}

static void close_origin(struct http_client *c, struct origin *o)
{
    (void)c;
    h2_close_all(o);
}

static void *client_run(void *arg)
{
    struct http_client *c = arg;
    c->now_ns = clock_mono_ns();
    while (!atomic_load(&c->stopping))
        client_round(c);
    while (!queue_closed(&c->submitted))
        queue_ready(&c->queue_watch, 0);
    while (c->transfers != NULL)
        transfer_stop(c->transfers, WL_EIO, "the client is stopping");
    each_origin(c, close_origin);
    h2_flush(c);
    return NULL;
}

/* --- the face ------------------------------------------------------------------------------------------------------- */

static void client_free(struct http_client *c)
{
    for (size_t i = 0; i < 256; i++) {
        for (struct origin *o = c->origins[i], *next; o != NULL; o = next) {
            next = o->next;
            free(o->host);
            free(o->authority);
            free(o);
        }
    }
    while (c->dead != NULL) {
        struct watch *w = c->dead;
        c->dead = w->next_dead;
        free(w);
    }
    curl_stop_multi(c);
    SSL_CTX_free(c->ssl);
    mailbox_unref(c->mail);
    if (c->epoll >= 0)
        close(c->epoll);
    queue_done(&c->submitted);
    free(c->ca_file);
    free(c);
}

static void fill_defaults(struct http_client_options *o)
{
    unsigned n = o->connections_per_origin;
    o->connections_per_origin = n == 0 ? 2 : n > 4 ? 4 : n;
    if (o->h1_connections_per_origin == 0)
        o->h1_connections_per_origin = H1_CONNECTIONS;
    if (o->max_calls == 0)
        o->max_calls = CALLS_DEFAULT;
    if (o->connect_timeout_ms <= 0)
        o->connect_timeout_ms = CONNECT_MS;
}

static int client_open(struct http_client *c, struct err *e)
{
    c->ssl = tls_context(c->ca_file, e);
    if (c->ssl == NULL)
        return WL_EINVAL;
    if (c->epoll < 0 || c->mail == NULL || queue_init(&c->submitted, c->o.max_calls + c->o.max_reserved, true) != 0)
        return err_set(e, WL_EIO, "cannot start the HTTP client: %s", strerror(errno));
    int rc = curl_start_multi(c, e);
    if (rc != 0)
        return rc;
    c->queue_watch = (struct watch){.ready = queue_ready, .fd = queue_fd(&c->submitted)};
    c->mail_watch = (struct watch){.ready = mail_ready, .fd = c->mail->fd};
    client_watch(c, &c->queue_watch, EPOLLIN, true);
    client_watch(c, &c->mail_watch, EPOLLIN, true);
    if (thread_start(&c->thread, "http-client", client_run, c) != 0)
        return err_set(e, WL_EIO, "cannot start a thread");
    return 0;
}

int http_client_start(struct http_client **ret, const struct http_client_options *o, struct err *e)
{
    struct http_client *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->o = *o;
    fill_defaults(&c->o);
    if (o->ca_file != NULL && (c->ca_file = strdup(o->ca_file)) == NULL)
        abort();
    c->curl_due_ns = INT64_MAX;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->mail = mailbox_new();
    int rc = client_open(c, e);
    if (rc != 0) {
        client_free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void http_client_stop(struct http_client *c)
{
    if (c == NULL || c->joined)
        return;
    atomic_store(&c->stopping, true);
    queue_close(&c->submitted); /* wakes the thread as well */
    pthread_join(c->thread, NULL);
    c->joined = true;
}

void http_client_free(struct http_client *c)
{
    if (c == NULL)
        return;
    http_client_stop(c);
    client_free(c);
}

static int submit(struct http_client *c, struct http_call *call, bool (*push)(struct queue *, struct queue_link *))
{
    call->fate = HTTP_UNSENT;
    call->status = 0;
    call->answer_headers = NULL;
    call->n_answer_headers = 0;
    call->answer = (struct buf){0};
    call->err = (struct err){0};
    call->out_of_reach = false;
    if (call->timeout_ms <= 0)
        call->timeout_ms = TIMEOUT_MS;
    call->deadline_ns = clock_mono_ns() + call->timeout_ms * 1000000;
    size_t most = call->reserved ? c->o.max_reserved : c->o.max_calls;
    atomic_size_t *open = &c->open_calls[call->reserved];
    if (atomic_fetch_add(open, 1) < most && push(&c->submitted, &call->link))
        return 0;
    atomic_fetch_sub(open, 1);
    return WL_EBUSY;
}

size_t http_client_open(const struct http_client *c)
{
    return atomic_load(&c->open_calls[0]) + atomic_load(&c->open_calls[1]);
}

int http_client_submit(struct http_client *c, struct http_call *call)
{
    return submit(c, call, queue_push);
}

int http_client_submit_quietly(struct http_client *c, struct http_call *call)
{
    return submit(c, call, queue_push_quietly);
}

void http_client_wake(struct http_client *c)
{
    queue_wake(&c->submitted);
}

struct str http_call_header(const struct http_call *c, const char *name)
{
    for (size_t i = 0; i < c->n_answer_headers; i++)
        if (str_ieq(c->answer_headers[i].name, str_of(name)))
            return c->answer_headers[i].value;
    return (struct str){NULL, 0};
}

void http_call_done(struct http_call *c)
{
    free(c->answer_headers);
    c->answer_headers = NULL;
    c->n_answer_headers = 0;
    buf_done(&c->answer);
}
