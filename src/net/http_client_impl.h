/* SPDX-License-Identifier: Apache-2.0
 * http_client_impl.h - what the files of the client share: calls in progress, origins, watched descriptors.
 *
 * Not part of the face: nothing outside src/net/http_client*.c and http_fetch.c includes it. Everything here belongs
 * to the client's one thread, except the mailbox (its own lock), the submit queue and transfer_wake(). */
#ifndef WL_NET_HTTP_CLIENT_IMPL_H
#define WL_NET_HTTP_CLIENT_IMPL_H

#include <curl/curl.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/http_client.h"

#define ANSWER_DEFAULT     (size_t)(1024 * 1024) /* collected at most when max_answer is 0 */
#define ANSWER_HEADERS_MAX (size_t)(128 * 1024)
#define SESSIONS_MAX       8            /* of an origin: those in use and those only finishing their streams */
#define STREAM_WINDOW      (256 * 1024) /* what a stream may send ahead of its reader, and so our buffer for it */

struct h2_session;
struct origin;

/* A descriptor in the epoll set. Freed only between rounds of events (client_bury). */
struct watch {
    void (*ready)(struct watch *w, uint32_t events);
    int fd;
    bool dead;
    struct watch *next_dead;
};

struct transfer {
    struct http_call *call;
    struct http_client *c;
    struct transfer *prev, *next;           /* all open ones */
    struct transfer *line_prev, *line_next; /* the origin's waiting line, or the session's streams */
    struct transfer *woken_next;
    bool woken; /* the mailbox's lock */

    struct origin *origin;
    bool maybe_sent; /* a byte of it may have reached the other side */
    bool head_done, complete, streaming, finishing;
    struct http_pipe *to; /* where the answer's body goes, or NULL: collected */
    struct buf hold;      /* what the pipe had no room for yet */
    size_t hold_at;
    uint64_t answer_bytes;
    int64_t body_sent;
    bool body_ended;
    struct buf head_text; /* "name\0value\0..." until the head is complete */
    size_t n_head;

    struct h2_session *session; /* HTTP/2: set while the stream lives */
    int32_t stream_id;
    bool deferred;
    unsigned agains; /* how often the server refused it untouched and it went into line again */

    CURL *easy; /* HTTP/1.1: set while curl has it */
    struct curl_slist *slist;
    unsigned attempts;
    bool send_paused, recv_paused;
};

struct origin {
    struct origin *next;
    bool tls;
    char *host, *authority; /* lower case, without brackets; as the request line wants it */
    char port[6];
    enum http_reach reach; /* connections are shared by calls of one reach only */
    int64_t h1_until_ns;   /* known to speak only HTTP/1.1 until then */
    struct h2_session *sessions[SESSIONS_MAX];
    unsigned n_sessions;
    struct {
        struct transfer *first, *last;
    } line[2];          /* waiting for a stream: ordinary calls, reserved ones */
    size_t line_n;      /* in both */
    size_t h1_ordinary; /* calls libcurl has that are not reserved */
};

/* What other threads leave for the client's: resolved names and woken transfers. Counted, because a resolver
 * thread may outlive the client. */
struct mailbox {
    pthread_mutex_t lock;
    unsigned refs;
    int fd; /* eventfd */
    struct transfer *woken;
    struct resolve_job *resolved;
};

struct http_client {
    struct http_client_options o;
    char *ca_file;
    pthread_t thread;
    struct queue submitted;
    atomic_size_t open_calls[2]; /* ordinary, reserved */
    atomic_bool stopping;
    bool joined;
    int epoll;
    struct watch queue_watch, mail_watch;
    struct watch *dead;
    struct mailbox *mail;
    struct transfer *transfers;
    struct origin *origins[256];
    int64_t now_ns, checked_ns, sessions_checked_ns;
    SSL_CTX *ssl;
    struct h2_session *dirty; /* sessions with something to write */
    CURLM *multi;
    bool h1_freed;       /* a call in some line may go to libcurl now */
    int64_t curl_due_ns; /* INT64_MAX: no timer */
    CURL *spare[64];
    unsigned n_spare;
};

/* http_client.c */
void client_watch(struct http_client *c, struct watch *w, uint32_t events, bool add);
void client_bury(struct http_client *c, struct watch *w); /* freed when this round of events is over */
void transfer_wake(void *transfer);                       /* any thread */
void transfer_touch(struct transfer *t);                  /* something moved: an inactivity timeout starts again */
bool transfer_header(struct transfer *t, struct str name, struct str value);
void transfer_head(struct transfer *t, int status); /* the head is complete */
/* Takes all of it: collected, into the pipe or held. False: too large, or the reader gave up (call->err says). */
bool transfer_data(struct transfer *t, const void *data, size_t n);
bool transfer_flush(struct transfer *t); /* moves held bytes into the pipe; true when none are left */
/* The next bytes of the request's body: > 0, 0 nothing yet, HTTP_PIPE_END, HTTP_PIPE_ABORTED (also when the
 * body does not have the length announced). */
ssize_t transfer_body(struct transfer *t, void *out, size_t max);
int64_t transfer_body_length(const struct transfer *t); /* -1: not known, streamed */
/* The call is over; t is gone, at once or after its reader took the rest. `why` NULL: call->err is set already. */
void transfer_end(struct transfer *t, enum http_fate fate, int code, const char *why);
/* Into line again, when the server has said that it did not touch it. False: it has to end. */
bool transfer_again(struct transfer *t);
bool header_allowed(struct str name);
bool address_within(const struct sockaddr *sa, enum http_reach reach);
bool address_text_within(const char *address, enum http_reach reach); /* true for what is no address */
size_t max_answer(const struct http_call *call, bool piped);

/* http_url.c */
struct place {
    bool tls;
    struct str host, port, authority; /* host without brackets; the port always */
};
bool url_place(struct str url, struct place *ret); /* scheme://host[:port][/...] */

/* http_client_conn.c */
struct resolve_job {
    struct resolve_job *next;
    struct mailbox *mail;
    void *owner; /* the session, or NULL when it does not wait any more; the client's thread only */
    struct addrinfo *list;
    int error;
    char port[6];
    char host[];
};
SSL_CTX *tls_context(const char *ca_file, struct err *e);
SSL *tls_open(SSL_CTX *ctx, int fd, const char *host);
void tls_why(SSL *ssl, struct err *e, const char *doing); /* the reason of the last failure, in words */
struct resolve_job *resolve_start(struct mailbox *m, void *owner, const char *host, const char *port);
void resolve_free(struct resolve_job *j);
struct mailbox *mailbox_new(void);
void mailbox_unref(struct mailbox *m);
int connect_begin(const struct addrinfo *ai); /* a non-blocking socket on its way, or -1 */

/* http_client_h2.c */
void h2_dispatch(struct http_client *c, struct origin *o); /* the line moves on */
void h2_resolved(struct http_client *c, struct resolve_job *j);
void h2_cancel(struct transfer *t); /* resets the stream */
void h2_woken(struct transfer *t);  /* a pipe moved */
void h2_flush(struct http_client *c);
void h2_check(struct http_client *c, struct origin *o); /* connect timeouts, pings */
void h2_close_all(struct origin *o);
void line_remove(struct transfer *t);
/* Out of the line and on its way; false: it may not leave any more, and has ended. */
bool line_take(struct transfer *t);
bool transfer_may_leave(const struct transfer *t);
void line_add(struct transfer *t, bool front);

/* http_client_curl.c */
int curl_start_multi(struct http_client *c, struct err *e);
void curl_stop_multi(struct http_client *c);
void curl_dispatch(struct http_client *c, struct origin *o); /* the line moves on, for an origin without HTTP/2 */
void curl_cancel(struct transfer *t);
void curl_woken(struct transfer *t);
void curl_due(struct http_client *c);
/* Everything but where the body and the answer go; shared with http_fetch(). 0 or WL_EINVAL. */
int curl_fill(CURL *easy, struct http_call *call, int64_t body_length, const char *ca_file,
              struct curl_slist **ret_list, struct err *e);
int curl_refuse_rewind(void *ctx, curl_off_t offset, int origin);

#endif
