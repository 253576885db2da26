/* SPDX-License-Identifier: Apache-2.0
 * http_client_h2.c - HTTP/2 sessions: nghttp2 over OpenSSL over a non-blocking socket.
 *
 * An origin has a waiting line and up to connections_per_origin sessions. A session resolves, connects, shakes hands
 * and waits for the server's SETTINGS before it takes calls, so that no stream is refused only because we did not
 * know the limit yet; further sessions are opened when the open streams pass half of what the server allows. A server
 * that does not choose h2 is remembered for ten minutes and the line goes to libcurl.
 *
 * What is written in one round leaves as one TLS record where it fits. Answers for a slow reader are held back by
 * the stream's window alone; the connection's window is always given back, so no stream stops another. Fates: a
 * stream is UNSENT while its HEADERS were never serialised, or when the server says REFUSED_STREAM or a GOAWAY lies
 * below it (nghttp2 reports both the same way; such a call is tried again, RFC 9113 section 8.7); all else is AMBIGUOUS. */
#include "net/http_client_impl.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SECOND            INT64_C(1000000000)
#define H1_MEMORY_NS      (600 * SECOND)
#define PING_AFTER_NS     (30 * SECOND)
#define PONG_WITHIN_NS    (10 * SECOND)
#define IDLE_CLOSE_NS     (300 * SECOND)
#define CONNECTION_WINDOW (16 * 1024 * 1024)
#define STREAMS_MAX       1000 /* ours, whatever the server allows */
#define OUT_MAX           (64 * 1024)
#define READ_ROUNDS       16
#define HEADERS_INLINE    32

enum state { RESOLVING, CONNECTING, HANDSHAKE, SETTINGS, READY };

struct h2_session {
    struct watch watch; /* first: buried by its address */
    struct http_client *c;
    struct origin *origin;
    enum state state;
    bool draining, closing, suspect; /* takes no new streams; must be closed; did not answer lately */
    struct resolve_job *job;
    struct addrinfo *list, *at;
    int64_t connect_until_ns, address_until_ns, read_ns, ping_ns, used_ns;
    SSL *ssl;
    nghttp2_session *h2;
    struct transfer *streams; /* through line_next */
    unsigned open, ordinary;  /* streams; those whose call is not reserved */
    struct buf out;
    size_t out_at;
    bool want_out, dirty;
    struct h2_session *next_dirty;
};

static void session_step(struct watch *w, uint32_t events);
static void session_close(struct h2_session *s, const char *why);

static void mark_dirty(struct h2_session *s)
{
    if (s->dirty)
        return;
    s->dirty = true;
    s->next_dirty = s->c->dirty;
    s->c->dirty = s;
}

static void watch_out(struct h2_session *s, bool out)
{
    if (s->want_out != out) {
        s->want_out = out;
        client_watch(s->c, &s->watch, out ? EPOLLIN | EPOLLOUT : EPOLLIN, false);
    }
}

/* --- streams ---------------------------------------------------------------------------------------------------- */

static void stream_add(struct h2_session *s, struct transfer *t)
{
    t->session = s;
    t->line_prev = NULL;
    t->line_next = s->streams;
    if (t->line_next != NULL)
        t->line_next->line_prev = t;
    s->streams = t;
    s->open++;
    s->ordinary += !t->call->reserved;
    s->used_ns = s->c->now_ns;
}

static void stream_remove(struct transfer *t)
{
    struct h2_session *s = t->session;
    if (t->line_prev != NULL)
        t->line_prev->line_next = t->line_next;
    else
        s->streams = t->line_next;
    if (t->line_next != NULL)
        t->line_next->line_prev = t->line_prev;
    t->line_prev = t->line_next = NULL;
    t->session = NULL;
    s->open--;
    s->ordinary -= !t->call->reserved;
    nghttp2_session_set_stream_user_data(s->h2, t->stream_id, NULL);
}

static ssize_t read_body(nghttp2_session *h2, int32_t id, uint8_t *out, size_t max, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct transfer *t = source->ptr;
    (void)user;
    /* The source outlives the transfer when the stream was reset by us. */
    if (nghttp2_session_get_stream_user_data(h2, id) != t)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    ssize_t n = transfer_body(t, out, max);
    if (n == 0) {
        t->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (n == HTTP_PIPE_END) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return 0;
    }
    if (n < 0) {
        err_set(&t->call->err, WL_EIO, "the request's body was given up");
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (t->body_sent == transfer_body_length(t)) {
        t->body_ended = true;
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return n;
}

static nghttp2_nv nv(const char *name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.p, strlen(name), value.n,
                        NGHTTP2_NV_FLAG_NONE};
}

/* The call's headers in lower case, as HTTP/2 wants them; text holds all names. */
static size_t fill_headers(const struct http_call *call, nghttp2_nv *out, char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < call->n_headers; i++) {
        const struct http_header *h = &call->headers[i];
        if (!header_allowed(h->name))
            continue;
        for (size_t k = 0; k < h->name.n; k++) {
            char ch = h->name.p[k];
            text[k] = ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch;
        }
        text[h->name.n] = '\0';
        out[n++] = nv(text, str_trim(h->value));
        text += h->name.n + 1;
    }
    return n;
}

static int32_t submit(struct h2_session *s, struct transfer *t)
{
    const struct http_call *call = t->call;
    nghttp2_nv few[HEADERS_INLINE + 5], *all = few;
    char small[1024], *text = small, length[24];
    size_t text_n = 1, n = 0;
    for (size_t i = 0; i < call->n_headers; i++)
        text_n += call->headers[i].name.n + 1;
    if (call->n_headers > HEADERS_INLINE || text_n > sizeof small) {
        all = calloc(call->n_headers + 5, sizeof *all);
        text = malloc(text_n);
        if (all == NULL || text == NULL)
            abort();
    }
    struct str path = {call->url.p + 8 + strlen(s->origin->authority), call->url.n - 8 - strlen(s->origin->authority)};
    char *slashed = NULL;
    if (path.n == 0) {
        path = STR("/");
    } else if (path.p[0] == '?') {
        if (asprintf(&slashed, "/%.*s", (int)path.n, path.p) < 0)
            abort();
        path = str_of(slashed);
    }
    all[n++] = nv(":method", call->method);
    all[n++] = nv(":scheme", STR("https"));
    all[n++] = nv(":authority", str_of(s->origin->authority));
    all[n++] = nv(":path", path);
    int64_t body_length = transfer_body_length(t);
    bool has_body = body_length != 0;
    if (body_length > 0 || (!has_body && !str_eq(call->method, STR("GET")) && !str_eq(call->method, STR("HEAD")))) {
        int len = snprintf(length, sizeof length, "%lld", (long long)body_length);
        all[n++] = nv("content-length", (struct str){length, (size_t)len});
    }
    n += fill_headers(call, all + n, text);
    nghttp2_data_provider body = {.source.ptr = t, .read_callback = read_body};
    int32_t id = nghttp2_submit_request(s->h2, NULL, all, n, has_body ? &body : NULL, t);
    free(slashed);
    if (all != few) {
        free(all);
        free(text);
    }
    return id;
}

static bool stream_start(struct h2_session *s, struct transfer *t)
{
    int32_t id = submit(s, t);
    if (id < 0) {
        s->draining = true; /* stream numbers used up, or the session is ending */
        return false;
    }
    t->stream_id = id;
    stream_add(s, t);
    mark_dirty(s);
    return true;
}

void h2_cancel(struct transfer *t)
{
    struct h2_session *s = t->session;
    /* Silent since before this call: it may be dead, so no more calls until it answers a ping. */
    if (t->maybe_sent && s->c->now_ns - s->read_ns > t->call->timeout_ms * 1000000 / 2) {
        s->suspect = true;
        if (s->ping_ns == 0) {
            nghttp2_submit_ping(s->h2, NGHTTP2_FLAG_NONE, NULL);
            s->ping_ns = s->c->now_ns;
        }
    }
    nghttp2_submit_rst_stream(s->h2, NGHTTP2_FLAG_NONE, t->stream_id, NGHTTP2_CANCEL);
    stream_remove(t);
    mark_dirty(s);
}

static void reset_stream(struct h2_session *s, struct transfer *t)
{
    nghttp2_submit_rst_stream(s->h2, NGHTTP2_FLAG_NONE, t->stream_id, NGHTTP2_CANCEL);
    stream_remove(t);
    mark_dirty(s);
    transfer_end(t, HTTP_AMBIGUOUS, WL_EIO, "the answer could not be taken");
}

void h2_woken(struct transfer *t)
{
    struct h2_session *s = t->session;
    if (t->deferred) {
        t->deferred = false;
        nghttp2_session_resume_data(s->h2, t->stream_id);
        mark_dirty(s);
    }
    if (t->to != NULL && t->hold.len > 0) {
        size_t held = t->hold.len - t->hold_at;
        transfer_flush(t);
        size_t now = t->hold.len - t->hold_at;
        nghttp2_session_consume_stream(s->h2, t->stream_id, held - now);
        mark_dirty(s);
    }
}

/* --- nghttp2's callbacks ------------------------------------------------------------------------------------------ */

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
    struct transfer *t = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
    (void)flags;
    (void)user;
    if (t == NULL || t->head_done) /* trailers say nothing we use */
        return 0;
    struct str n = {(const char *)name, name_n}, v = {(const char *)value, value_n};
    if (str_eq(n, STR(":status"))) {
        int64_t status;
        t->call->status = str_i64(v, &status) && status >= 100 && status < 1000 ? (int)status : 0;
        return 0;
    }
    return transfer_header(t, n, v) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void on_headers_end(struct transfer *t)
{
    if (t->head_done)
        return;
    int status = t->call->status;
    if (status >= 200) {
        transfer_head(t, status);
    } else { /* 100 Continue, 103 Early Hints: the answer is still to come */
        buf_clear(&t->head_text);
        t->n_head = 0;
        t->call->status = 0;
    }
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    struct h2_session *s = user;
    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK) && s->state == SETTINGS)
            s->state = READY;
        return 0;
    case NGHTTP2_GOAWAY:
        s->draining = true;
        return 0;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK) {
            s->ping_ns = 0;
            s->suspect = false;
        }
        return 0;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        break;
    default:
        return 0;
    }
    struct transfer *t = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
    if (t == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
        on_headers_end(t);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) && t->head_done)
        t->complete = true;
    return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    struct h2_session *s = user;
    struct transfer *t = nghttp2_session_get_stream_user_data(h2, id);
    (void)flags;
    nghttp2_session_consume_connection(h2, n);
    if (t == NULL)
        return 0;
    if (!transfer_data(t, data, n)) {
        reset_stream(s, t);
        return 0;
    }
    size_t held = t->hold.len - t->hold_at;
    nghttp2_session_consume_stream(h2, id, held >= n ? 0 : n - held);
    return 0;
}

static int on_sent(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    (void)user;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        struct transfer *t = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
        if (t != NULL)
            t->maybe_sent = true;
    }
    return 0;
}

static int on_stream_close(nghttp2_session *h2, int32_t id, uint32_t code, void *user)
{
    struct transfer *t = nghttp2_session_get_stream_user_data(h2, id);
    (void)user;
    if (t == NULL)
        return 0;
    struct h2_session *s = t->session;
    s->used_ns = s->c->now_ns;
    stream_remove(t);
    if (t->complete) {
        transfer_end(t, HTTP_ANSWERED, 0, NULL);
    } else if (!t->maybe_sent || (code == NGHTTP2_REFUSED_STREAM && !t->head_done)) {
        if (!transfer_again(t))
            transfer_end(t, HTTP_UNSENT, WL_EIO, "the server refused the stream unprocessed");
    } else {
        char why[80];
        snprintf(why, sizeof why, "the stream was closed without a whole answer (%s)", nghttp2_http2_strerror(code));
        transfer_end(t, HTTP_AMBIGUOUS, WL_EIO, why);
    }
    return 0;
}

static nghttp2_session *h2_new(struct h2_session *s)
{
    nghttp2_session_callbacks *cb;
    nghttp2_option *opt;
    nghttp2_session *h2 = NULL;
    if (nghttp2_session_callbacks_new(&cb) != 0 || nghttp2_option_new(&opt) != 0)
        abort();
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_option_set_no_auto_window_update(opt, 1);
    if (nghttp2_session_client_new2(&h2, cb, s, opt) != 0)
        abort();
    nghttp2_session_callbacks_del(cb);
    nghttp2_option_del(opt);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW}};
    nghttp2_submit_settings(h2, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings);
    nghttp2_session_set_local_window_size(h2, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
    return h2;
}

/* --- reading and writing -------------------------------------------------------------------------------------------- */

/* Writes what there is; false: the connection is broken. */
static bool session_write(struct h2_session *s)
{
    for (;;) {
        while (s->out.len < OUT_MAX / 2 && s->h2 != NULL) {
            const uint8_t *data;
            ssize_t n = nghttp2_session_mem_send(s->h2, &data);
            if (n < 0)
                return false;
            if (n == 0)
                break;
            if (!buf_put(&s->out, data, (size_t)n))
                abort();
        }
        if (s->out_at == s->out.len) {
            watch_out(s, false);
            return true;
        }
        ERR_clear_error();
        int n = SSL_write(s->ssl, s->out.data + s->out_at, (int)(s->out.len - s->out_at));
        if (n <= 0) {
            int why = SSL_get_error(s->ssl, n);
            watch_out(s, why == SSL_ERROR_WANT_WRITE);
            return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ;
        }
        s->out_at += (size_t)n;
        if (s->out_at == s->out.len) {
            buf_clear(&s->out);
            s->out_at = 0;
        }
    }
}

/* Reads what there is; false: the connection has ended. */
static bool session_read(struct h2_session *s)
{
    uint8_t in[16384];
    for (int round = 0; round < READ_ROUNDS || SSL_has_pending(s->ssl); round++) {
        ERR_clear_error();
        int n = SSL_read(s->ssl, in, sizeof in);
        if (n <= 0) {
            int why = SSL_get_error(s->ssl, n);
            return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
        }
        s->read_ns = s->c->now_ns;
        if (nghttp2_session_mem_recv(s->h2, in, (size_t)n) < 0)
            return false;
        mark_dirty(s); /* acknowledgements, window updates */
    }
    return true;
}

static void session_dead(struct h2_session *s, const char *why)
{
    struct http_client *c = s->c;
    struct origin *o = s->origin;
    session_close(s, why);
    h2_dispatch(c, o);
}

void h2_flush(struct http_client *c)
{
    while (c->dirty != NULL) {
        struct h2_session *s = c->dirty;
        c->dirty = s->next_dirty;
        s->dirty = false;
        if (s->closing)
            continue;
        if (!session_write(s)) {
            session_dead(s, "the connection broke");
            continue;
        }
        if (s->h2 != NULL && !nghttp2_session_want_read(s->h2) && !nghttp2_session_want_write(s->h2))
            session_dead(s, "the connection was closed");
        else if (s->draining && s->open == 0)
            session_dead(s, NULL);
        else if (s->state == READY && s->origin->line_n > 0)
            h2_dispatch(c, s->origin);
    }
}

/* --- connecting --------------------------------------------------------------------------------------------------------- */

/* The socket and everything on it. */
static void session_unplug(struct h2_session *s)
{
    if (s->list != NULL)
        freeaddrinfo(s->list);
    if (s->h2 != NULL)
        nghttp2_session_del(s->h2);
    if (s->ssl != NULL) {
        ERR_clear_error();
        if (s->state >= SETTINGS)
            (void)SSL_shutdown(s->ssl);
        ERR_clear_error();
        SSL_free(s->ssl);
    }
    if (s->watch.fd >= 0)
        close(s->watch.fd);
    buf_done(&s->out);
}

/* Its connection has ended. */
static void stream_lost(struct transfer *t, const char *why)
{
    stream_remove(t);
    if (t->complete)
        transfer_end(t, HTTP_ANSWERED, 0, NULL);
    else if (t->maybe_sent)
        transfer_end(t, HTTP_AMBIGUOUS, WL_EIO, why);
    else if (!transfer_again(t))
        transfer_end(t, HTTP_UNSENT, WL_EIO, why);
}

static void session_close(struct h2_session *s, const char *why)
{
    struct http_client *c = s->c;
    struct origin *o = s->origin;
    if (s->closing)
        return;
    s->closing = true;
    for (unsigned i = 0; i < o->n_sessions; i++)
        if (o->sessions[i] == s)
            o->sessions[i] = o->sessions[--o->n_sessions];
    while (s->streams != NULL)
        stream_lost(s->streams, why ? why : "the connection was closed");
    if (s->job != NULL)
        s->job->owner = NULL;
    for (struct h2_session **at = &c->dirty; s->dirty && *at != NULL; at = &(*at)->next_dirty) {
        if (*at == s) {
            *at = s->next_dirty;
            break;
        }
    }
    session_unplug(s);
    client_bury(c, &s->watch);
}

static struct transfer *line_next(const struct origin *o)
{
    return o->line[1].first != NULL ? o->line[1].first : o->line[0].first;
}

/* This session will not come to be; when no other can, neither do the calls in line. */
static void session_failed(struct h2_session *s, const struct err *why)
{
    struct origin *o = s->origin;
    struct err kept = *why;
    session_close(s, NULL);
    if (o->n_sessions > 0)
        return;
    for (struct transfer *t; (t = line_next(o)) != NULL;) {
        line_remove(t);
        t->call->err = kept;
        transfer_end(t, HTTP_UNSENT, WL_EIO, NULL);
    }
}

static void session_fail(struct h2_session *s, const char *why)
{
    struct err e = {0};
    err_set(&e, WL_EIO, "%s: %s", s->origin->host, why);
    session_failed(s, &e);
}

/* The server speaks HTTP/1.1: libcurl's from now on. */
static void session_is_h1(struct h2_session *s)
{
    struct origin *o = s->origin;
    o->h1_until_ns = s->c->now_ns + H1_MEMORY_NS;
    session_close(s, NULL);
    curl_dispatch(s->c, o);
}

static void next_address(struct h2_session *s)
{
    struct http_client *c = s->c;
    if (s->watch.fd >= 0) {
        close(s->watch.fd);
        s->watch.fd = -1;
    }
    bool closed = false;
    for (; s->at != NULL; s->at = s->at->ai_next) {
        int64_t left = 1;
        if (!address_within(s->at->ai_addr, s->origin->reach)) {
            closed = true;
            continue;
        }
        s->watch.fd = connect_begin(s->at);
        if (s->watch.fd < 0)
            continue;
        for (const struct addrinfo *ai = s->at->ai_next; ai != NULL; ai = ai->ai_next)
            left++;
        s->address_until_ns = c->now_ns + (s->connect_until_ns - c->now_ns) / left;
        s->at = s->at->ai_next;
        s->state = CONNECTING;
        s->want_out = true;
        client_watch(c, &s->watch, EPOLLIN | EPOLLOUT, true);
        return;
    }
    session_fail(s, closed ? address_refused : "cannot connect");
}

static void session_open(struct http_client *c, struct origin *o)
{
    struct h2_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->watch = (struct watch){.ready = session_step, .fd = -1};
    s->c = c;
    s->origin = o;
    s->connect_until_ns = c->now_ns + c->o.connect_timeout_ms * 1000000;
    s->read_ns = s->used_ns = c->now_ns;
    buf_init(&s->out, OUT_MAX * 4);
    o->sessions[o->n_sessions++] = s;
    s->job = resolve_start(c->mail, s, o->host, o->port);
}

void h2_resolved(struct http_client *c, struct resolve_job *j)
{
    struct h2_session *s = j->owner;
    (void)c;
    if (s != NULL) {
        s->job = NULL;
        s->list = s->at = j->list;
        j->list = NULL;
        if (j->error != 0)
            session_fail(s, gai_strerror(j->error));
        else
            next_address(s);
    }
    resolve_free(j);
}

static void connected(struct h2_session *s)
{
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(s->watch.fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0) {
        if (s->at != NULL)
            next_address(s);
        else
            session_fail(s, strerror(error));
        return;
    }
    s->ssl = tls_open(s->c->ssl, s->watch.fd, s->origin->host);
    if (s->ssl == NULL) {
        session_fail(s, "cannot start TLS");
        return;
    }
    s->state = HANDSHAKE;
}

static void handshake(struct h2_session *s)
{
    const unsigned char *alpn = NULL;
    unsigned n = 0;
    ERR_clear_error();
    int rc = SSL_do_handshake(s->ssl);
    if (rc != 1) {
        int why = SSL_get_error(s->ssl, rc);
        watch_out(s, why == SSL_ERROR_WANT_WRITE);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
            return;
        struct err e = {0};
        tls_why(s->ssl, &e, s->origin->host);
        session_failed(s, &e);
        return;
    }
    SSL_get0_alpn_selected(s->ssl, &alpn, &n);
    if (n != 2 || memcmp(alpn, "h2", 2) != 0) {
        session_is_h1(s);
        return;
    }
    s->state = SETTINGS;
    s->read_ns = s->c->now_ns;
    s->h2 = h2_new(s);
    mark_dirty(s);
}

static void session_step(struct watch *w, uint32_t events)
{
    struct h2_session *s = (struct h2_session *)w;
    if (s->state == CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        connected(s);
    if (!s->closing && s->state == HANDSHAKE)
        handshake(s);
    if (s->closing || s->state < SETTINGS)
        return;
    if (!session_read(s)) {
        if (s->state == SETTINGS)
            session_fail(s, "the connection was closed");
        else
            session_dead(s, "the connection was closed");
        return;
    }
    if (events & EPOLLOUT)
        mark_dirty(s);
    if (s->state == READY && s->origin->line_n > 0)
        h2_dispatch(s->c, s->origin);
}

/* --- the line -------------------------------------------------------------------------------------------------------------- */

static unsigned session_limit(const struct h2_session *s)
{
    uint32_t n = nghttp2_session_get_remote_settings(s->h2, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return n < STREAMS_MAX ? n : STREAMS_MAX;
}

/* Whether one more may go there. Where calls are reserved, the last quarter of the streams is theirs alone. */
static bool session_has_room(const struct h2_session *s, bool reserved)
{
    if (s->state != READY || s->draining || s->suspect)
        return false;
    unsigned limit = session_limit(s);
    unsigned theirs = s->c->o.max_reserved > 0 && limit > 1 ? (limit + 3) / 4 : 0;
    return s->open < limit && (reserved || s->ordinary < limit - theirs);
}

/* The least busy session that may take one more stream. */
static struct h2_session *session_for_one(struct origin *o, bool reserved)
{
    struct h2_session *best = NULL;
    for (unsigned i = 0; i < o->n_sessions; i++) {
        struct h2_session *s = o->sessions[i];
        if (session_has_room(s, reserved) && (best == NULL || s->open < best->open))
            best = s;
    }
    return best;
}

/* The next call in line that a session has room for, reserved ones first. */
static struct transfer *next_to_go(struct origin *o, struct h2_session **ret)
{
    for (int reserved = 1; reserved >= 0; reserved--) {
        struct transfer *t = o->line[reserved].first;
        if (t != NULL && (*ret = session_for_one(o, reserved)) != NULL)
            return t;
    }
    return NULL;
}

void h2_dispatch(struct http_client *c, struct origin *o)
{
    struct h2_session *s;
    bool crowded = false, coming = false;
    for (struct transfer *t; (t = next_to_go(o, &s)) != NULL;) {
        if (!line_take(t))
            continue;
        if (stream_start(s, t))
            crowded = s->open * 2 > session_limit(s);
        else
            line_add(t, true); /* never left: to the front again */
    }
    unsigned usable = 0;
    for (unsigned i = 0; i < o->n_sessions; i++) {
        coming |= o->sessions[i]->state != READY;
        usable += !o->sessions[i]->draining && !o->sessions[i]->suspect;
    }
    if (!coming && (crowded || o->line_n > 0) && usable < c->o.connections_per_origin && o->n_sessions < SESSIONS_MAX)
        session_open(c, o);
}

void h2_check(struct http_client *c, struct origin *o)
{
    for (unsigned i = o->n_sessions; i-- > 0;) {
        struct h2_session *s = o->sessions[i];
        if (s->state == CONNECTING && s->at != NULL && c->now_ns >= s->address_until_ns) {
            next_address(s);
        } else if (s->state != READY) {
            if (c->now_ns >= s->connect_until_ns)
                session_fail(s, "no connection in time");
        } else if (s->ping_ns != 0 && c->now_ns - s->ping_ns > PONG_WITHIN_NS) {
            session_dead(s, "the connection does not answer any more");
        } else if (s->open == 0 && c->now_ns - s->used_ns > IDLE_CLOSE_NS) {
            nghttp2_session_terminate_session(s->h2, NGHTTP2_NO_ERROR);
            s->draining = true;
            mark_dirty(s);
        } else if (s->ping_ns == 0 && c->now_ns - s->read_ns > PING_AFTER_NS) {
            nghttp2_submit_ping(s->h2, NGHTTP2_FLAG_NONE, NULL);
            s->ping_ns = c->now_ns;
            mark_dirty(s);
        }
        if (i > o->n_sessions)
            i = o->n_sessions;
    }
}

void h2_close_all(struct origin *o)
{
    while (o->n_sessions > 0) {
        struct h2_session *s = o->sessions[0];
        if (s->h2 != NULL) {
            nghttp2_session_terminate_session(s->h2, NGHTTP2_NO_ERROR);
            (void)session_write(s);
        }
        session_close(s, NULL);
    }
}
