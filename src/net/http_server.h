/* SPDX-License-Identifier: Apache-2.0
 * http_server.h - requests in, over libmicrohttpd; replaceable behind this face.
 *
 * A request is announced by begin() as soon as its headers are in. The handler then says how it wants the
 * body: http_collect() (buffered up to a maximum, then called back) or http_stream() (into a pipe), or it
 * answers at once. An answer may come from any thread, exactly once, at any later time: meanwhile the
 * connection is suspended and costs no thread. A request whose client has gone away still must be answered;
 * the answer is then discarded.
 *
 * The server bounds everything: connections in all and per address, header bytes, seconds a client may take.
 * It never answers in the product's words by itself, except through `refuse`, which the owner supplies. */
#ifndef WL_NET_HTTP_SERVER_H
#define WL_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/http_pipe.h"

struct http_server;
struct http_req;

struct http_header {
    struct str name, value;
};

struct http_server_options {
    const char *address;                      /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;                            /* 0: any free port, see http_server_port() */
    const char *tls_cert_file, *tls_key_file; /* both or neither; PEM */
    unsigned threads;         /* >= 2: libmicrohttpd stalls with a pool of one from 256 busy connections */
    unsigned max_connections; /* in all */
    unsigned max_per_address; /* 0: no limit */
    unsigned idle_seconds;    /* a connection without activity is closed after this */
    unsigned request_seconds; /* head and body of one request must be in after this (slow-loris) */
    size_t max_head_bytes;    /* memory for request line and headers, kept by every connection that has made a request
                               * (libmicrohttpd's pool: 10,000 idle ones hold 10,000 of these); default 16 KiB when 0 */
    size_t arena_bytes;       /* most a request's arena may hold; default 1 MiB when 0 */
    void (*begin)(void *ctx, struct http_req *rq);
    /* Answers for the server itself when it must refuse (413 body too large, 431, 400 truncated, 408):
     * must call http_reply(). */
    void (*refuse)(void *ctx, struct http_req *rq, int status, const char *why);
    void *ctx;
};

int http_server_start(struct http_server **ret, const struct http_server_options *o, struct err *e);
uint16_t http_server_port(const struct http_server *s);
/* Stops accepting, waits up to grace_ms for open requests, then closes. Accepts NULL. */
void http_server_stop(struct http_server *s, int64_t grace_ms);

/* What the client sent; all borrowed from the request. */
struct str http_method(const struct http_req *rq);                   /* as sent, upper case by HTTP's rules */
struct str http_path(const struct http_req *rq);                     /* raw, before '?', not decoded */
struct str http_query(const struct http_req *rq);                    /* raw, after '?', {NULL,0} when none */
struct str http_header(const struct http_req *rq, const char *name); /* first, case ignored; {NULL,0} */
size_t http_headers(const struct http_req *rq, const struct http_header **ret); /* all, in order */
struct str http_body(const struct http_req *rq); /* after http_collect; BUF_PADDING bytes follow */
struct str http_peer(const struct http_req *rq); /* address without port */
bool http_over_tls(const struct http_req *rq);
struct arena *http_arena(struct http_req *rq);                                 /* lives until the answer has left */
void *http_user(const struct http_req *rq);                                    /* the handler's own pointer */
void http_set_user(struct http_req *rq, void *user, void (*drop)(void *user)); /* drop() at the very end; may be NULL */

/* Keeps the request's memory (arena, headers, body, user) beyond its answer, until http_release(). For whoever streams an
 * answer and still needs what stands in the arena when its last byte has left. Any thread. */
void http_hold(struct http_req *rq);
void http_release(struct http_req *rq);

/* Buffers the body (content-length or chunked) up to max bytes, then calls then(ctx, rq) on an HTTP thread.
 * Larger: refuse(413). Truncated: the request is dropped. */
void http_collect(struct http_req *rq, size_t max, void (*then)(void *ctx, struct http_req *rq), void *ctx);

/* Streams the body into the pipe (finish at its end, abort when the client goes away) and calls then() at once.
 * ret_length is the content-length or -1 when chunked. */
void http_stream(struct http_req *rq, struct http_pipe *into, size_t max, void (*then)(void *ctx, struct http_req *rq),
                 void *ctx);
int64_t http_content_length(const struct http_req *rq); /* -1 when not stated */
/* Whether the pipe was aborted because more than max came. The handler has to answer all the same. */
bool http_body_too_large(const struct http_req *rq);

/* Answers. Headers and body are copied. Any thread, exactly once per request. Content-Length and Date are
 * added; hop-by-hop headers must not be given. */
void http_reply(struct http_req *rq, int status, const struct http_header *headers, size_t n, struct str body);
/* Same, taking over the buffer's memory without a copy. */
void http_reply_buf(struct http_req *rq, int status, const struct http_header *headers, size_t n, struct buf *body);
/* Answers with bytes that arrive through the pipe; length -1: chunked. The server takes its own reference. */
void http_reply_pipe(struct http_req *rq, int status, const struct http_header *headers, size_t n, int64_t length,
                     struct http_pipe *from);

/* Closes the connection without an answer; counts as the request's one answer. For imitating a server that fails. */
void http_drop(struct http_req *rq);

/* Counters for /metrics. */
struct http_server_stats {
    uint64_t connections_now, requests_total, refused_total;
};
void http_server_stats(const struct http_server *s, struct http_server_stats *ret);

#endif
