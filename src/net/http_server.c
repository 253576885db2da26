/* SPDX-License-Identifier: Apache-2.0
 * http_server.c - starting and stopping the server, and libmicrohttpd's callbacks.
 *
 * libmicrohttpd calls on_request() once with the head, then with pieces of the body, then once at the end, and
 * accepts an answer at the first or the last call only; an answer at the first makes it close the connection. So
 * the handler runs at the first call, its answer normally leaves at the last, and what remains of the body is
 * read and thrown away in between, up to DRAIN_MAX; a larger one is answered at once and the connection closed.
 * When there is nothing to do - no answer yet, a full pipe, an empty one - the connection is suspended and
 * whoever ends the wait resumes it. Suspending and the test whether to suspend are one step under the request's
 * lock, so a wake-up cannot fall in between.
 *
 * Refuses: to log, and to answer in its own words. What libmicrohttpd itself finds malformed before a handler can
 * be asked (no request line, no Host, a broken chunk, a head larger than its memory) it answers with a bare
 * HTML page, or not at all, and closes; its version 0.9.75 offers no way to change that. The query it must not take
 * apart: nobody asks for the pieces, each costs memory, and without memory it waits for nothing until it times out. */
#include "net/http_server_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

#define HEAD_DEFAULT   (size_t)(16 * 1024)
#define ARENA_DEFAULT  (size_t)(1024 * 1024)
#define LISTEN_BACKLOG 4096
#define FORCED_WAIT_MS 10000

static _Thread_local struct worker *my_worker;

/* --- connections ------------------------------------------------------------------------------------------- */

static void join_workers(struct http_server *s)
{
    struct worker *w = aligned_alloc(_Alignof(struct worker), sizeof *w);
    if (w == NULL)
        abort();
    memset(w, 0, sizeof *w);
    pthread_mutex_lock(&s->lock);
    if (s->n_workers == WORKERS_MAX)
        abort();
    s->workers[s->n_workers++] = w;
    pthread_mutex_unlock(&s->lock);
    my_worker = w;
    req_thread_is_ours();
}

static struct conn *conn_open(struct http_server *s, struct MHD_Connection *con)
{
    const struct sockaddr *sa = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
        return NULL; /* the sweeper's own, see http_server_sweep.c */
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->s = s;
    c->fd = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    pthread_mutex_init(&c->guard, NULL);
    if (sa->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, c->peer, sizeof c->peer);
    else
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, c->peer, sizeof c->peer);
    conn_phase(c, PHASE_WAIT, coarse_ms());
    pthread_mutex_lock(&s->lock);
    c->next = s->conns;
    if (c->next != NULL)
        c->next->prev = c;
    s->conns = c;
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_add(&s->connections_now, 1);
    return c;
}

static void req_end(struct conn *c, struct http_req *rq);

static void conn_close(struct http_server *s, struct conn *c)
{
    /* libmicrohttpd forgets to tell of the end of a request whose head did not fit its memory. */
    if (c->rq != NULL)
        req_end(c, c->rq);
    pthread_mutex_lock(&s->lock);
    if (c->next != NULL)
        c->next->prev = c->prev;
    *(c->prev != NULL ? &c->prev->next : &s->conns) = c->next;
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_sub(&s->connections_now, 1);
    pthread_mutex_destroy(&c->guard);
    free(c);
}

static void on_connection(void *cls, struct MHD_Connection *con, void **ctx, enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = cls;
    if (my_worker == NULL)
        join_workers(s);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *ctx = conn_open(s, con);
    } else if (*ctx != NULL) {
        conn_close(s, *ctx);
        *ctx = NULL;
    }
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *addr, socklen_t addrlen)
{
    struct http_server *s = cls;
    (void)addr;
    (void)addrlen;
    return atomic_load_explicit(&s->stopping, memory_order_relaxed) ? MHD_NO : MHD_YES;
}

/* --- a request's course -------------------------------------------------------------------------------------- */

/* The text is libmicrohttpd's own buffer, read next for the arguments after the mark. We have our copy. */
static void hide_query(const char *uri)
{
    char *mark = uri != NULL ? strchr(uri, '?') : NULL;
    if (mark != NULL && mark[1] != '\0')
        mark[1] = '\0';
}

static void *on_target(void *cls, const char *uri, struct MHD_Connection *con)
{
    struct http_server *s = cls;
    struct conn *c = MHD_get_connection_info(con, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (c == NULL)
        return NULL;
    struct http_req *rq = req_new(s->o.arena_bytes);
    rq->s = s;
    rq->conn = c;
    rq->con = con;
    rq->tls = s->tls;
    memcpy(rq->peer_text, c->peer, sizeof c->peer);
    rq->peer = str_of(rq->peer_text);
    if (!req_set_target(rq, uri ? uri : "")) {
        rq->bad_head = true;
        rq->bad_why = "the request target is too long";
    }
    hide_query(uri);
    int64_t head = atomic_load_explicit(&c->head_since_ms, memory_order_relaxed);
    conn_phase(c, PHASE_READ, head > 0 ? head : coarse_ms());
    pthread_mutex_lock(&c->guard);
    c->rq = rq;
    pthread_mutex_unlock(&c->guard);
    return rq;
}

static void req_end(struct conn *c, struct http_req *rq)
{
    pthread_mutex_lock(&c->guard);
    c->rq = NULL;
    pthread_mutex_unlock(&c->guard);
    atomic_store_explicit(&c->streaming, false, memory_order_relaxed);
    atomic_store_explicit(&c->head_since_ms, 0, memory_order_relaxed);
    conn_phase(c, PHASE_WAIT, coarse_ms());

    if (rq->into != NULL) {
        http_pipe_on_writable(rq->into, NULL, NULL);
        if (rq->stage != STAGE_FINAL)
            http_pipe_abort(rq->into);
    }
    pthread_mutex_lock(&rq->lock);
    rq->gone = true;
    rq->con = NULL;
    /* Else the handler holds it and will answer: begun, and not waiting for the body it asked to be collected. */
    bool ours = rq->replied || rq->stage == STAGE_NEW || (rq->mode == BODY_COLLECT && rq->stage != STAGE_FINAL);
    struct MHD_Response *unsent = rq->response;
    rq->response = NULL;
    pthread_mutex_unlock(&rq->lock);
    if (unsent != NULL)
        MHD_destroy_response(unsent);
    if (!ours)
        return;
    if (rq->from != NULL) {
        http_pipe_on_readable(rq->from, NULL, NULL);
        if (rq->answered != rq->answer_length)
            http_pipe_abort(rq->from); /* harmless when it was read to its end */
    }
    req_free(rq);
}

static void on_completed(void *cls, struct MHD_Connection *con, void **ctx, enum MHD_RequestTerminationCode code)
{
    struct http_req *rq = *ctx;
    (void)cls;
    (void)con;
    (void)code;
    *ctx = NULL;
    if (rq != NULL)
        req_end(rq->conn, rq);
}

/* Hands the answer over, when there is one. */
static enum MHD_Result send_answer(struct http_req *rq)
{
    struct MHD_Response *r = rq->response;
    rq->response = NULL;
    if (r == NULL)
        return MHD_NO; /* http_drop() */
    conn_phase(rq->conn, PHASE_WRITE, coarse_ms());
    if (rq->from == NULL)
        atomic_store_explicit(&rq->conn->moved, rq->answer_length, memory_order_relaxed);
    enum MHD_Result ok = MHD_queue_response(rq->con, rq->status, r);
    MHD_destroy_response(r);
    return ok;
}

/* Sends the answer or suspends until there is one. */
static enum MHD_Result answer_or_wait(struct http_req *rq)
{
    pthread_mutex_lock(&rq->lock);
    bool replied = rq->replied, forced = atomic_load(&rq->s->forced);
    if (!replied && !forced) {
        rq->waiting = WAIT_REPLY;
        rq->parked = true;
        atomic_store_explicit(&rq->conn->phase, PHASE_HELD, memory_order_relaxed);
        MHD_suspend_connection(rq->con);
    }
    pthread_mutex_unlock(&rq->lock);
    if (!replied)
        return forced ? MHD_NO : MHD_YES;
    return send_answer(rq);
}

static enum MHD_Result first_call(struct http_req *rq, const char *method)
{
    struct http_server *s = rq->s;
    if (atomic_load_explicit(&s->stopping, memory_order_relaxed))
        return MHD_NO;
    rq->stage = STAGE_BODY;
    atomic_fetch_add_explicit(&my_worker->requests, 1, memory_order_relaxed);
    req_read_head(rq, method);
    if (rq->bad_head) {
        atomic_fetch_add_explicit(&s->refused_total, 1, memory_order_relaxed);
        s->o.refuse(s->o.ctx, rq, 400, rq->bad_why);
        rq->stage = STAGE_EARLY; /* where its body ends is exactly what is not known */
        return answer_or_wait(rq);
    }
    s->o.begin(s->o.ctx, rq);
    if (rq->mode == BODY_STREAM)
        rq->then(rq->then_ctx, rq);
    if (!rq->has_body || rq->mode != BODY_DISCARD)
        return MHD_YES;
    if (!rq->expect_continue && rq->content_length <= DRAIN_MAX)
        return MHD_YES;
    rq->stage = STAGE_EARLY;
    return answer_or_wait(rq);
}

/* Feeds the pipe; suspends while it is full. Returns the bytes taken. */
static size_t stream_some(struct http_req *rq, const char *data, size_t n)
{
    size_t taken = 0;
    while (taken < n) {
        pthread_mutex_lock(&rq->lock);
        rq->woken = false;
        pthread_mutex_unlock(&rq->lock);
        ssize_t got = http_pipe_write(rq->into, data + taken, n - taken);
        if (got > 0) {
            taken += (size_t)got;
            continue;
        }
        if (got < 0) { /* nobody wants it any more */
            rq->mode = BODY_DISCARD;
            rq->seen = 0;
            return n;
        }
        pthread_mutex_lock(&rq->lock);
        bool forced = atomic_load(&rq->s->forced), suspend = !rq->woken && !forced;
        if (suspend) {
            rq->waiting = WAIT_WRITABLE;
            rq->parked = true;
            rq->held_at_ms = coarse_ms();
            atomic_store_explicit(&rq->conn->phase, PHASE_HELD, memory_order_relaxed);
            MHD_suspend_connection(rq->con);
        }
        pthread_mutex_unlock(&rq->lock);
        if (suspend || forced)
            break;
    }
    return taken;
}

static enum MHD_Result body_call(struct http_req *rq, const char *data, size_t *size)
{
    struct conn *c = rq->conn;
    if (atomic_load_explicit(&c->phase, memory_order_relaxed) == PHASE_HELD) { /* the time it waited is not its fault */
        atomic_fetch_add_explicit(&c->since_ms, coarse_ms() - rq->held_at_ms, memory_order_relaxed);
        atomic_store_explicit(&c->phase, PHASE_READ, memory_order_relaxed);
    }
    size_t n = *size;
    *size = 0;
    if (rq->mode == BODY_STREAM) {
        if (rq->seen + n > rq->max) {
            rq->too_large = true;
            http_pipe_abort(rq->into); /* the handler, told by the pipe, answers */
            rq->mode = BODY_DISCARD;
            rq->seen = 0;
        } else {
            size_t taken = stream_some(rq, data, n);
            rq->seen += taken;
            atomic_fetch_add_explicit(&c->moved, (long long)taken, memory_order_relaxed);
            *size = n - taken;
            return atomic_load(&rq->s->forced) ? MHD_NO : MHD_YES;
        }
    }
    if (rq->mode == BODY_COLLECT) {
        if (buf_put(&rq->body, data, n))
            return MHD_YES;
        buf_done(&rq->body);
        rq->mode = BODY_DISCARD;
        atomic_fetch_add_explicit(&rq->s->refused_total, 1, memory_order_relaxed);
        rq->s->o.refuse(rq->s->o.ctx, rq, 413, "the request body is too large");
    }
    rq->seen += n;
    return rq->seen <= DRAIN_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *con, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **ctx)
{
    struct http_req *rq = *ctx;
    (void)cls;
    (void)con;
    (void)url;
    (void)version;
    if (rq == NULL)
        return MHD_NO;
    if (rq->stage == STAGE_NEW)
        return first_call(rq, method);
    if (rq->parked) {
        pthread_mutex_lock(&rq->lock);
        rq->parked = false;
        pthread_mutex_unlock(&rq->lock);
    }
    if (*size > 0)
        return body_call(rq, data, size);
    if (rq->stage == STAGE_BODY) {
        rq->stage = STAGE_FINAL;
        if (rq->mode == BODY_STREAM)
            http_pipe_finish(rq->into);
        else if (rq->mode == BODY_COLLECT)
            rq->then(rq->then_ctx, rq);
    }
    return answer_or_wait(rq);
}

static void no_log(void *cls, const char *fmt, va_list ap)
{
    (void)cls;
    (void)fmt;
    (void)ap;
}

static size_t no_unescape(void *cls, struct MHD_Connection *con, char *text)
{
    (void)cls;
    (void)con;
    return strlen(text);
}

/* --- start and stop ------------------------------------------------------------------------------------------ */

static int listen_at(const struct http_server_options *o, bool *ret_v6, int *ret_fd, uint16_t *ret_port, struct err *e)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(o->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(o->port)};
    struct sockaddr *sa = (struct sockaddr *)&v4;
    socklen_t len = sizeof v4;
    int one = 1;
    bool is6 = false;
    if (inet_pton(AF_INET, o->address, &v4.sin_addr) != 1) {
        if (inet_pton(AF_INET6, o->address, &v6.sin6_addr) != 1)
            return err_set(e, WL_EINVAL, "listen address \"%s\" is neither IPv4 nor IPv6", o->address);
        sa = (struct sockaddr *)&v6;
        len = sizeof v6;
        is6 = true;
    }
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(e, WL_EIO, "cannot make a socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, sa, len) != 0 || listen(fd, LISTEN_BACKLOG) != 0 || getsockname(fd, sa, &len) != 0) {
        int rc = err_set(e, WL_EIO, "cannot listen at %s port %u: %s", o->address, o->port, strerror(errno));
        close(fd);
        return rc;
    }
    *ret_port = ntohs(is6 ? v6.sin6_port : v4.sin_port);
    *ret_v6 = is6;
    *ret_fd = fd;
    return 0;
}

static char *read_pem(const char *path, struct err *e)
{
    char *text = NULL;
    FILE *f = fopen(path, "re");
    size_t n = 0, max = 1024 * 1024;
    if (f != NULL && (text = calloc(1, max + 1)) != NULL)
        n = fread(text, 1, max, f);
    if (n == 0) {
        err_set(e, WL_EIO, "cannot read %s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (f != NULL)
        fclose(f);
    return text;
}

/* As many connections as the system will let us have. */
static int raise_descriptors(unsigned connections, struct err *e)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return err_set(e, WL_EIO, "cannot read the limit of open files: %s", strerror(errno));
    if (r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
        (void)getrlimit(RLIMIT_NOFILE, &r);
    }
    if (r.rlim_cur != RLIM_INFINITY && r.rlim_cur < connections + 64)
        return err_set(e, WL_EINVAL, "%u connections need more than the %llu open files this process may have",
                       connections, (unsigned long long)r.rlim_cur);
    return 0;
}

static int start_daemon(struct http_server *s, bool v6, struct err *e)
{
    const struct http_server_options *o = &s->o;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, s->key},
                                   {MHD_OPTION_END, 0, NULL}};
    if (!s->tls)
        tls[0] = tls[2];
    flags |= (v6 ? (unsigned)MHD_USE_IPv6 : 0) | (s->tls ? (unsigned)MHD_USE_TLS : 0);
    s->daemon =
        MHD_start_daemon(flags, o->port, on_accept, s, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL,
                         MHD_OPTION_ARRAY, tls, MHD_OPTION_LISTEN_SOCKET, s->listen_fd, MHD_OPTION_THREAD_POOL_SIZE,
                         o->threads, MHD_OPTION_CONNECTION_LIMIT, o->max_connections,
                         MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->max_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
                         o->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, o->max_head_bytes,
                         MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
                         MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
    if (s->daemon == NULL)
        return err_set(e, WL_EIO, "cannot start the HTTP server%s",
                       s->tls ? " (are the certificate and key a matching pair of PEM files?)" : "");
    return 0;
}

static void server_free(struct http_server *s)
{
    for (unsigned i = 0; i < s->n_workers; i++)
        free(s->workers[i]);
    if (s->key != NULL)
        explicit_bzero(s->key, strlen(s->key));
    free(s->cert);
    free(s->key);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->tick);
    free(s);
}

static struct http_server *server_new(const struct http_server_options *o)
{
    struct http_server *s = calloc(1, sizeof *s);
    pthread_condattr_t attr;
    if (s == NULL)
        abort();
    s->o = *o;
    s->o.threads = o->threads < 2 ? 2 : o->threads > WORKERS_MAX ? WORKERS_MAX : o->threads;
    s->o.max_connections = o->max_connections ? o->max_connections : 1024;
    s->o.idle_seconds = o->idle_seconds ? o->idle_seconds : 75;
    s->o.request_seconds = o->request_seconds ? o->request_seconds : 20;
    s->o.max_head_bytes = o->max_head_bytes ? o->max_head_bytes : HEAD_DEFAULT;
    s->o.arena_bytes = o->arena_bytes ? o->arena_bytes : ARENA_DEFAULT;
    s->listen_fd = -1;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->tick, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

int http_server_start(struct http_server **ret, const struct http_server_options *o, struct err *e)
{
    struct http_server *s = server_new(o);
    bool v6 = false;
    int rc = raise_descriptors(s->o.max_connections, e);
    if (rc == 0 && (o->tls_cert_file == NULL) != (o->tls_key_file == NULL))
        rc = err_set(e, WL_EINVAL, "TLS needs both a certificate file and a key file");
    if (rc == 0 && o->tls_cert_file != NULL) {
        s->tls = true;
        if ((s->cert = read_pem(o->tls_cert_file, e)) == NULL || (s->key = read_pem(o->tls_key_file, e)) == NULL)
            rc = WL_EIO;
    }
    if (rc == 0)
        rc = listen_at(&s->o, &v6, &s->listen_fd, &s->port, e);
    if (rc == 0)
        rc = start_daemon(s, v6, e);
    if (rc != 0 && s->listen_fd >= 0)
        close(s->listen_fd);
    if (rc == 0 && thread_start(&s->sweeper, "http-sweep", sweep_run, s) != 0) {
        rc = err_set(e, WL_EIO, "cannot start a thread");
        MHD_stop_daemon(s->daemon);
    }
    if (rc != 0) {
        server_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

/* Requests open; with `force`, waiting ones are sent on their way to the end, and only parked ones count. */
static unsigned open_requests(struct http_server *s, bool force)
{
    unsigned n = 0;
    pthread_mutex_lock(&s->lock);
    for (struct conn *c = s->conns; c != NULL; c = c->next) {
        struct MHD_Connection *resume = NULL;
        pthread_mutex_lock(&c->guard);
        if (c->rq != NULL) {
            pthread_mutex_lock(&c->rq->lock);
            n += !force || c->rq->parked;
            if (force && c->rq->waiting != WAIT_NOTHING) {
                c->rq->waiting = WAIT_NOTHING;
                resume = c->rq->con;
            }
            pthread_mutex_unlock(&c->rq->lock);
            if (resume != NULL)
                MHD_resume_connection(resume);
        }
        pthread_mutex_unlock(&c->guard);
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

static bool wait_for_none(struct http_server *s, bool force, int64_t ms)
{
    int64_t until = clock_mono_ns() + ms * 1000000;
    while (open_requests(s, force) > 0) {
        if (clock_mono_ns() >= until)
            return false;
        usleep(2000);
    }
    return true;
}

void http_server_stop(struct http_server *s, int64_t grace_ms)
{
    if (s == NULL)
        return;
    atomic_store(&s->stopping, true);
    if (!wait_for_none(s, false, grace_ms)) {
        atomic_store(&s->forced, true);
        /* Anything still parked after this long is a bug of ours, and libmicrohttpd would end the process. */
        (void)wait_for_none(s, true, FORCED_WAIT_MS);
    }
    pthread_mutex_lock(&s->lock);
    s->sweeper_ends = true;
    pthread_cond_signal(&s->tick);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->sweeper, NULL);
    MHD_stop_daemon(s->daemon);
    server_free(s);
}

void http_server_stats(const struct http_server *s, struct http_server_stats *ret)
{
    struct http_server *mine = (struct http_server *)(uintptr_t)s; /* only for its lock */
    uint64_t total = 0;
    pthread_mutex_lock(&mine->lock);
    for (unsigned i = 0; i < s->n_workers; i++)
        total += atomic_load_explicit(&s->workers[i]->requests, memory_order_relaxed);
    pthread_mutex_unlock(&mine->lock);
    *ret = (struct http_server_stats){atomic_load(&s->connections_now), total, atomic_load(&s->refused_total)};
}
