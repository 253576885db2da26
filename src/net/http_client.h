/* SPDX-License-Identifier: Apache-2.0
 * http_client.h - requests out: one thread that owns every upstream socket.
 *
 * Calls to an https origin that negotiates HTTP/2 go through pooled nghttp2 sessions over OpenSSL (a few
 * microseconds a call); everything else (HTTP/1.1, plain http) through libcurl's multi interface, also
 * pooled. The certificate is always verified; redirects are never followed.
 *
 * The one thing this file must never get wrong is `fate`: whether the other side can have acted on the call.
 * UNSENT is said only when no byte of the request can have reached the application (no connection, refused
 * stream, stream above a GOAWAY's last id); whatever is not surely unsent and not answered is AMBIGUOUS. No
 * call is ever repeated by this file, not even on a kept-alive connection that turns out dead; only one that the
 * server itself returned untouched (HTTP/2's REFUSED_STREAM, or above a GOAWAY's last id) is sent again, twice at most. */
#ifndef WL_NET_HTTP_CLIENT_H
#define WL_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/thread.h"
#include "net/http_pipe.h"
#include "net/http_server.h" /* struct http_header */

struct http_client;

enum http_fate { HTTP_ANSWERED, HTTP_UNSENT, HTTP_AMBIGUOUS };

struct http_client_options {
    unsigned connections_per_origin;    /* HTTP/2 sessions per origin, 1-4 (default 2) */
    unsigned h1_connections_per_origin; /* libcurl's MAX_HOST_CONNECTIONS (default 256) */
    size_t max_calls;                   /* queued and in flight; beyond it submit says WL_EBUSY (default 8192) */
    size_t max_reserved;                /* the same for calls with `reserved`, counted by themselves; default 0 */
    const char *ca_file;                /* NULL: the system's */
    int64_t connect_timeout_ms;         /* default 5000 */
};

/* Which addresses a call may reach, asked of every address a name resolves to when a connection is made and of every
 * connection that is used again: a name that is looked up before would be answered otherwise later. */
enum http_reach {
    HTTP_ANYWHERE = 0,
    HTTP_NOT_LINK_LOCAL, /* all but 169.254/16 and fe80::/10, where clouds keep their machines' credentials */
    HTTP_PUBLIC          /* nothing private, loopback or link-local: URLs that others gave us */
};
extern const char address_refused[]; /* the sentence for an address out of reach */

struct http_call {
    /* --- the caller fills these; borrowed until done() --- */
    struct str method, url;            /* absolute URL */
    const struct http_header *headers; /* no Host, Content-Length, Connection, Transfer-Encoding */
    size_t n_headers;
    struct str body;             /* or: */
    struct http_pipe *body_pipe; /* streamed; then body_length is the length or -1 (chunked) */
    int64_t body_length;
    enum http_reach reach;
    int64_t timeout_ms; /* from submit to the whole answer; for streams: inactivity; default 30000 */
    size_t max_answer;  /* larger answers end the call AMBIGUOUS with WL_ETOOBIG; 0: 1 MiB, unlimited
                                    * when streamed */
    /* Set: called with the answer's head; may return a pipe (one reference, taken over) into which the body is
     * streamed instead of being collected in `answer`; NULL: collect. */
    struct http_pipe *(*head)(struct http_call *c);
    /* Set: asked in the client's thread before the first byte leaves; false ends the call UNSENT. For a right to send that
     * may end while the call waits for a connection. */
    bool (*may_leave)(const void *leave_ctx);
    const void *leave_ctx;
    void (*done)(struct http_call *c); /* in the client's thread; the call belongs to the caller again */
    void *user;
    bool reserved; /* one of max_reserved: its place cannot be taken by the others */

    /* --- results, valid in head() (status, headers) and done() --- */
    enum http_fate fate;
    int status;
    struct http_header *answer_headers; /* owned by the call: freed by http_call_done() */
    size_t n_answer_headers;
    struct buf answer;
    struct err err; /* why, unless ANSWERED */

    /* --- the client's own --- */
    struct queue_link link;
    void *transfer;
    int64_t deadline_ns;
    bool out_of_reach; /* an address was passed over */
};

/* WL_EINVAL with a sentence: no request can be sent to this URL, or its host is an address out of reach. Names are not
 * looked up. */
int http_url_check(struct str url, enum http_reach reach, struct err *e);

/* First answer header of that name, case ignored. */
struct str http_call_header(const struct http_call *c, const char *name);
/* Frees the results (not the call itself). */
void http_call_done(struct http_call *c);

int http_client_start(struct http_client **ret, const struct http_client_options *o, struct err *e);
/* Fails what is still open as AMBIGUOUS or UNSENT (done() is called), then ends the thread. From then on submit says
 * WL_EBUSY. Accepts NULL. */
void http_client_stop(struct http_client *c);
void http_client_free(struct http_client *c); /* stops it if need be; accepts NULL */
/* Any thread. 0, or WL_EBUSY: the call was not taken and done() will not be called. */
int http_client_submit(struct http_client *c, struct http_call *call);
/* The same without waking the client's thread: for whoever submits many and calls http_client_wake() after the last. */
int http_client_submit_quietly(struct http_client *c, struct http_call *call);
void http_client_wake(struct http_client *c);
size_t http_client_open(const struct http_client *c); /* calls queued and in flight */

/* One blocking call on the caller's own thread, by libcurl; for pollers and the command line. `c` is filled as
 * above (head, body_pipe and done are ignored). Returns 0 when ANSWERED, else WL_EIO with e. */
int http_fetch(struct http_call *c, const char *ca_file, struct err *e);

#endif
