/* SPDX-License-Identifier: Apache-2.0
 * http_server_impl.h - what the three files of the server share: connections, requests, phases.
 *
 * Not part of the face: nothing outside src/net/http_server*.c includes it. Who may touch what:
 *   - a request's fields belong to the HTTP thread of its connection while that thread is in a callback, and to
 *     the handler in between; `lock` guards the few fields both sides touch at once (marked);
 *   - a connection's `rq` is guarded by `guard`, so that the sweeper and the stop can look at a request that
 *     may be ending;
 *   - no pipe function is called with either lock held (pipes call back into them). */
#ifndef WL_NET_HTTP_SERVER_IMPL_H
#define WL_NET_HTTP_SERVER_IMPL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "net/http_server.h"

#define REQ_TEXT    1536          /* bytes of target, method and headers held without an arena */
#define REQ_HEADERS 32            /* headers held without an arena */
#define DRAIN_MAX   (1024 * 1024) /* most body bytes read only to be thrown away */
#define WORKERS_MAX 64
#define LEAST_RATE  16384 /* bytes a second a streaming client must at least manage */

enum phase { PHASE_WAIT, PHASE_READ, PHASE_HELD, PHASE_WRITE };

struct conn {
    struct conn *next, *prev; /* server's list, under its lock */
    struct http_server *s;
    pthread_mutex_t guard;
    struct http_req *rq; /* guard */
    int fd;
    atomic_int phase;
    atomic_bool streaming;      /* the body's time limit grows with what arrives */
    atomic_llong since_ms;      /* when the phase began, less the time we held it up */
    atomic_llong moved;         /* body bytes in this phase */
    atomic_llong head_since_ms; /* the sweeper saw a request's first bytes; 0: none */
    struct {
        bool seen; /* the client's end, with nothing left to read, when the two below stood so */
        int64_t since_ms, moved;
    } end; /* the sweeper's */
    char peer[INET6_ADDRSTRLEN];
};

enum body_mode { BODY_DISCARD, BODY_COLLECT, BODY_STREAM };
enum stage { STAGE_NEW, STAGE_EARLY, STAGE_BODY, STAGE_FINAL };
enum waiting { WAIT_NOTHING, WAIT_REPLY, WAIT_WRITABLE, WAIT_READABLE };

struct http_req {
    pthread_mutex_t lock;
    struct MHD_Connection *con;    /* lock; NULL once the client is gone */
    struct MHD_Response *response; /* lock; the answer until MHD has it */
    unsigned status;               /* lock */
    enum waiting waiting;          /* lock; what the suspended connection waits for */
    bool woken, replied, gone;     /* lock */
    bool parked;                   /* lock; suspended and not yet back in an HTTP thread */

    atomic_int refs;       /* the server's, and those of http_hold() */
    struct http_server *s; /* valid while !gone */
    struct conn *conn;     /* same */
    enum stage stage;
    enum body_mode mode;
    bool tls, expect_continue, bad_head;
    bool too_large; /* set before the pipe is aborted for it */
    const char *bad_why;
    int64_t content_length; /* -1 chunked or not stated */
    bool has_body;
    size_t max, seen; /* body bytes allowed and come */
    struct buf body;
    struct http_pipe *into, *from; /* references */
    void (*then)(void *, struct http_req *);
    void *then_ctx;
    int64_t answer_length, answered;
    int64_t held_at_ms;

    void *user;
    void (*drop)(void *);
    struct arena *arena;
    size_t arena_bytes;
    struct str method, path, query, peer;
    struct http_header *headers;
    size_t n_headers, headers_cap, text_used;
    struct http_req *next_free;
    char peer_text[INET6_ADDRSTRLEN];
    struct http_header inline_headers[REQ_HEADERS];
    char text[REQ_TEXT];
};

struct worker {
    _Alignas(64) atomic_ullong requests;
    unsigned long long last; /* the sweeper's */
    unsigned still;          /* looks in a row that found its count unchanged */
};

struct http_server {
    struct http_server_options o;
    struct MHD_Daemon *daemon;
    int listen_fd;
    uint16_t port;
    bool tls;
    char *cert, *key;
    pthread_mutex_t lock; /* conns, workers */
    pthread_cond_t tick;
    struct conn *conns;
    struct worker *workers[WORKERS_MAX];
    unsigned n_workers;
    atomic_uint connections_now;
    atomic_ullong refused_total;
    atomic_bool stopping, forced;
    bool sweeper_ends; /* lock */
    pthread_t sweeper;
};

static inline int64_t coarse_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void conn_phase(struct conn *c, enum phase p, int64_t since_ms)
{
    atomic_store_explicit(&c->since_ms, since_ms, memory_order_relaxed);
    atomic_store_explicit(&c->moved, 0, memory_order_relaxed);
    atomic_store_explicit(&c->phase, (int)p, memory_order_relaxed);
}

/* http_server_req.c */
struct http_req *req_new(size_t arena_bytes); /* never NULL */
void req_free(struct http_req *rq);
void req_thread_is_ours(void); /* this thread keeps a few requests for reuse */
bool req_set_target(struct http_req *rq, const char *uri);
void req_read_head(struct http_req *rq, const char *method); /* sets bad_head when it is not to be trusted */
void req_wake(struct http_req *rq, enum waiting what);       /* ends the wait `what`, now or beforehand */

/* http_server_sweep.c */
void *sweep_run(void *server);

#endif
