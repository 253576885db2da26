/* SPDX-License-Identifier: Apache-2.0
 * http_server_req.c - one request: its memory, its head, and the answers to it.
 *
 * A request copies its target and headers out of libmicrohttpd's buffers at once, into room it carries itself, so
 * that what a handler holds stays valid in any thread whatever becomes of the connection; only unusual
 * requests need their arena for that. HTTP threads keep a few finished requests for the next ones.
 *
 * The head is checked here for what would let two HTTP implementations disagree about where a request ends
 * (RFC 9112 section 6.1: two lengths, a length next to chunked, unknown codings) and for names that are no tokens:
 * libmicrohttpd 0.9.75 lets these through. An answer is built in the answering thread and handed to the
 * connection's thread, which alone talks to libmicrohttpd. */
#include "net/http_server_impl.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_MAX 64 /* finished requests a thread keeps */

struct keep {
    struct http_req *first;
    unsigned n;
};

static pthread_key_t keep_key;
static pthread_once_t keep_once = PTHREAD_ONCE_INIT;
static _Thread_local struct keep *keep;

static void req_destroy(struct http_req *rq)
{
    pthread_mutex_destroy(&rq->lock);
    free(rq);
}

static void keep_end(void *p)
{
    struct keep *k = p;
    while (k->first != NULL) {
        struct http_req *rq = k->first;
        k->first = rq->next_free;
        req_destroy(rq);
    }
    free(k);
    keep = NULL;
}

static void keep_init(void)
{
    if (pthread_key_create(&keep_key, keep_end) != 0)
        abort();
}

void req_thread_is_ours(void)
{
    if (keep != NULL)
        return;
    pthread_once(&keep_once, keep_init);
    keep = calloc(1, sizeof *keep);
    if (keep == NULL)
        abort();
    pthread_setspecific(keep_key, keep);
}

struct http_req *req_new(size_t arena_bytes)
{
    struct http_req *rq;
    if (keep != NULL && keep->first != NULL) {
        rq = keep->first;
        keep->first = rq->next_free;
        keep->n--;
    } else {
        rq = malloc(sizeof *rq);
        if (rq == NULL)
            abort();
        pthread_mutex_init(&rq->lock, NULL);
    }
    /* Everything between the lock and the big arrays. */
    memset((char *)rq + offsetof(struct http_req, con), 0,
           offsetof(struct http_req, peer_text) - offsetof(struct http_req, con));
    atomic_init(&rq->refs, 1);
    rq->content_length = -1;
    rq->arena_bytes = arena_bytes;
    rq->headers = rq->inline_headers;
    rq->headers_cap = REQ_HEADERS;
    return rq;
}

void req_free(struct http_req *rq)
{
    if (atomic_fetch_sub_explicit(&rq->refs, 1, memory_order_acq_rel) > 1)
        return; /* somebody still uses its memory and frees it by http_release() */
    if (rq->drop != NULL)
        rq->drop(rq->user);
    buf_done(&rq->body);
    arena_free(rq->arena);
    http_pipe_unref(rq->into);
    http_pipe_unref(rq->from);
    if (keep == NULL || keep->n >= KEEP_MAX) {
        req_destroy(rq);
        return;
    }
    rq->next_free = keep->first;
    keep->first = rq;
    keep->n++;
}

void http_hold(struct http_req *rq)
{
    atomic_fetch_add_explicit(&rq->refs, 1, memory_order_relaxed);
}

void http_release(struct http_req *rq)
{
    req_free(rq);
}

/* --- the head ------------------------------------------------------------------------------------------ */

/* Room for n bytes that live as long as the request; NULL past the arena's maximum. */
static char *req_room(struct http_req *rq, size_t n)
{
    if (n <= REQ_TEXT - rq->text_used) {
        char *p = rq->text + rq->text_used;
        rq->text_used += n;
        return p;
    }
    struct arena *a = http_arena(rq);
    return a ? arena_alloc(a, n) : NULL;
}

static struct str req_copy(struct http_req *rq, const char *p, size_t n)
{
    char *to = req_room(rq, n + 1);
    if (to == NULL)
        return (struct str){NULL, 0};
    memcpy(to, p, n);
    to[n] = '\0';
    return (struct str){to, n};
}

static void bad(struct http_req *rq, const char *why)
{
    if (!rq->bad_head) {
        rq->bad_head = true;
        rq->bad_why = why;
    }
}

bool req_set_target(struct http_req *rq, const char *uri)
{
    struct str all = req_copy(rq, uri, strlen(uri));
    if (all.p == NULL)
        return false;
    /* Absolute form (RFC 9112 3.2.2): the part after the authority is the path. */
    if (all.p[0] != '/' && !str_eq(all, STR("*"))) {
        const char *authority = strstr(all.p, "://");
        const char *slash = authority ? strchr(authority + 3, '/') : NULL;
        if (authority == NULL ||
            (str_of("http").n != (size_t)(authority - all.p) && str_of("https").n != (size_t)(authority - all.p)))
            bad(rq, "the request target is malformed");
        else
            all = slash ? str_of(slash) : STR("/");
    }
    rq->path = str_cut(all, '?', &rq->query);
    return true;
}

static bool token_char(unsigned char c)
{
    /* RFC 9110 5.6.2, as one bit for each of the 128 ASCII characters. */
    static const uint32_t bits[4] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    return c < 128 && (bits[c >> 5] >> (c & 31) & 1);
}

static enum MHD_Result one_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
                                  const char *value, size_t value_n)
{
    struct http_req *rq = cls;
    (void)kind;
    for (size_t i = 0; i < name_n; i++)
        if (!token_char((unsigned char)name[i]))
            bad(rq, "a header name contains a character it must not");
    if (name_n == 0)
        bad(rq, "a header has no name");
    if (rq->n_headers == rq->headers_cap) {
        struct arena *a = http_arena(rq);
        struct http_header *more = a ? arena_new_array(a, struct http_header, rq->headers_cap * 2) : NULL;
        if (more == NULL) {
            bad(rq, "too many headers");
            return MHD_NO;
        }
        memcpy(more, rq->headers, rq->n_headers * sizeof *more);
        rq->headers = more;
        rq->headers_cap *= 2;
    }
    struct http_header h = {req_copy(rq, name, name_n), req_copy(rq, value ? value : "", value_n)};
    if (h.name.p == NULL || h.value.p == NULL) {
        bad(rq, "the headers are too large");
        return MHD_NO;
    }
    rq->headers[rq->n_headers++] = h;
    return MHD_YES;
}

struct framing {
    unsigned lengths, codings, hosts, types, encodings;
};

/* The headers that say where the request ends, and to whom it goes. */
static void read_framing(struct http_req *rq, const struct http_header *h, struct framing *f)
{
    if (str_ieq(h->name, STR("content-length"))) {
        if (f->lengths++ > 0 || !str_i64(h->value, &rq->content_length) || rq->content_length < 0)
            bad(rq, "the content length is not one number");
    } else if (str_ieq(h->name, STR("transfer-encoding"))) {
        if (f->codings++ > 0 || !str_ieq(h->value, STR("chunked")))
            bad(rq, "the transfer encoding is not chunked");
    } else if (str_ieq(h->name, STR("host"))) {
        if (f->hosts++ > 0)
            bad(rq, "there are two Host headers");
    } else if (str_ieq(h->name, STR("content-type"))) {
        if (f->types++ > 0)
            bad(rq, "there are two Content-Type headers");
    } else if (str_ieq(h->name, STR("content-encoding"))) {
        if (f->encodings++ > 0)
            bad(rq, "there are two Content-Encoding headers");
    } else if (str_ieq(h->name, STR("expect"))) {
        rq->expect_continue = str_ieq(h->value, STR("100-continue"));
    }
}

void req_read_head(struct http_req *rq, const char *method)
{
    struct framing f = {0};
    rq->method = req_copy(rq, method, strlen(method));
    if (rq->method.p == NULL)
        bad(rq, "the headers are too large");
    MHD_get_connection_values_n(rq->con, MHD_HEADER_KIND, one_header, rq);
    for (size_t i = 0; i < rq->n_headers; i++)
        read_framing(rq, &rq->headers[i], &f);
    if (f.lengths > 0 && f.codings > 0)
        bad(rq, "the body's end is stated twice");
    if (f.codings > 0)
        rq->content_length = -1;
    rq->has_body = f.codings > 0 || rq->content_length > 0;
}

/* --- what the handler sees ------------------------------------------------------------------------------- */

struct str http_method(const struct http_req *rq)
{
    return rq->method;
}

struct str http_path(const struct http_req *rq)
{
    return rq->path;
}

struct str http_query(const struct http_req *rq)
{
    return rq->query;
}

struct str http_header(const struct http_req *rq, const char *name)
{
    struct str want = str_of(name);
    for (size_t i = 0; i < rq->n_headers; i++)
        if (rq->headers[i].name.n == want.n && str_ieq(rq->headers[i].name, want))
            return rq->headers[i].value;
    return (struct str){NULL, 0};
}

size_t http_headers(const struct http_req *rq, const struct http_header **ret)
{
    *ret = rq->headers;
    return rq->n_headers;
}

struct str http_body(const struct http_req *rq)
{
    static const char empty[1 + BUF_PADDING];
    return rq->body.data ? buf_str(&rq->body) : (struct str){empty, 0};
}

struct str http_peer(const struct http_req *rq)
{
    return rq->peer;
}

bool http_over_tls(const struct http_req *rq)
{
    return rq->tls;
}

struct arena *http_arena(struct http_req *rq)
{
    if (rq->arena == NULL)
        rq->arena = arena_create(rq->arena_bytes);
    if (rq->arena == NULL)
        abort();
    return rq->arena;
}

void *http_user(const struct http_req *rq)
{
    return rq->user;
}

void http_set_user(struct http_req *rq, void *user, void (*drop)(void *user))
{
    rq->user = user;
    rq->drop = drop;
}

int64_t http_content_length(const struct http_req *rq)
{
    return rq->content_length;
}

bool http_body_too_large(const struct http_req *rq)
{
    return rq->too_large;
}

static void refuse(struct http_req *rq, int status, const char *why)
{
    atomic_fetch_add_explicit(&rq->s->refused_total, 1, memory_order_relaxed);
    rq->mode = BODY_DISCARD;
    rq->s->o.refuse(rq->s->o.ctx, rq, status, why);
}

void http_collect(struct http_req *rq, size_t max, void (*then)(void *ctx, struct http_req *rq), void *ctx)
{
    if (rq->content_length > 0 && (uint64_t)rq->content_length > max) {
        refuse(rq, 413, "the request body is too large");
        return;
    }
    rq->mode = BODY_COLLECT;
    rq->max = max;
    rq->then = then;
    rq->then_ctx = ctx;
    buf_init(&rq->body, max);
    if (rq->content_length > 0)
        buf_reserve(&rq->body, (size_t)rq->content_length < DRAIN_MAX ? (size_t)rq->content_length : DRAIN_MAX);
}

static void on_writable(void *ctx)
{
    req_wake(ctx, WAIT_WRITABLE);
}

void http_stream(struct http_req *rq, struct http_pipe *into, size_t max, void (*then)(void *ctx, struct http_req *rq),
                 void *ctx)
{
    if (rq->content_length > 0 && (uint64_t)rq->content_length > max) {
        http_pipe_abort(into);
        refuse(rq, 413, "the request body is too large");
        return;
    }
    rq->mode = BODY_STREAM;
    rq->max = max;
    rq->into = http_pipe_ref(into);
    rq->then = then;
    rq->then_ctx = ctx;
    http_pipe_on_writable(into, on_writable, rq);
    atomic_store_explicit(&rq->conn->streaming, true, memory_order_relaxed);
}

/* --- answers ----------------------------------------------------------------------------------------------- */

void req_wake(struct http_req *rq, enum waiting what)
{
    struct MHD_Connection *con = NULL;
    pthread_mutex_lock(&rq->lock);
    if (rq->waiting == what) {
        rq->waiting = WAIT_NOTHING;
        con = rq->con;
    } else if (what != WAIT_REPLY) {
        rq->woken = true;
    }
    pthread_mutex_unlock(&rq->lock);
    /* Outside the lock: the woken thread wants it at once. The connection cannot end before this, because a
     * suspended connection ends only after it was resumed. */
    if (con != NULL)
        MHD_resume_connection(con);
}

static bool plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return false;
    return s.p != NULL;
}

static void add_header(struct MHD_Response *r, const struct http_header *h)
{
    char small[512], *text = small;
    /* A header that would break the answer's framing is left out rather than sent. */
    if (!plain(h->name) || !plain(h->value) || h->name.n == 0 || str_ieq(h->name, STR("content-length")) ||
        str_ieq(h->name, STR("transfer-encoding")))
        return;
    if (h->name.n + h->value.n + 2 > sizeof small) {
        text = malloc(h->name.n + h->value.n + 2);
        if (text == NULL)
            abort();
    }
    memcpy(text, h->name.p, h->name.n);
    text[h->name.n] = '\0';
    char *value = text + h->name.n + 1;
    memcpy(value, h->value.p, h->value.n);
    value[h->value.n] = '\0';
    (void)MHD_add_response_header(r, text, value);
    if (text != small)
        free(text);
}

/* Puts the answer where the connection's thread finds it; NULL: it closes the connection instead. */
static void settle(struct http_req *rq, int status, struct MHD_Response *r)
{
    pthread_mutex_lock(&rq->lock);
    if (rq->replied)
        abort(); /* twice: the second would belong to somebody else's request */
    rq->replied = true;
    bool gone = rq->gone, resume = rq->waiting == WAIT_REPLY;
    struct MHD_Connection *con = rq->con;
    if (!gone) {
        rq->response = r;
        rq->status = (unsigned)status;
        if (resume)
            rq->waiting = WAIT_NOTHING;
    }
    pthread_mutex_unlock(&rq->lock);
    if (gone) {
        if (r != NULL)
            MHD_destroy_response(r);
        if (rq->from != NULL) {
            http_pipe_on_readable(rq->from, NULL, NULL);
            http_pipe_abort(rq->from);
        }
        req_free(rq);
    } else if (resume) {
        MHD_resume_connection(con);
    }
}

static void answer(struct http_req *rq, int status, const struct http_header *headers, size_t n, struct MHD_Response *r)
{
    if (r == NULL)
        abort();
    for (size_t i = 0; i < n; i++)
        add_header(r, &headers[i]);
    settle(rq, status, r);
}

void http_drop(struct http_req *rq)
{
    settle(rq, 0, NULL);
}

void http_reply(struct http_req *rq, int status, const struct http_header *headers, size_t n, struct str body)
{
    rq->answer_length = (int64_t)body.n;
    answer(rq, status, headers, n,
           MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY));
}

void http_reply_buf(struct http_req *rq, int status, const struct http_header *headers, size_t n, struct buf *body)
{
    size_t len = body->failed ? 0 : body->len;
    char *data = buf_take(body);
    if (data == NULL) { /* half a text must not pass for a whole one */
        len = 0;
        status = 500;
    }
    rq->answer_length = (int64_t)len;
    answer(rq, status, headers, n,
           MHD_create_response_from_buffer(len, data, data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT));
}

static void on_readable(void *ctx)
{
    req_wake(ctx, WAIT_READABLE);
}

/* libmicrohttpd asks for more of a streamed answer, in the connection's thread. */
static ssize_t read_answer(void *cls, uint64_t pos, char *out, size_t max)
{
    struct http_req *rq = cls;
    (void)pos;
    for (;;) {
        pthread_mutex_lock(&rq->lock);
        rq->woken = rq->parked = false;
        pthread_mutex_unlock(&rq->lock);
        ssize_t got = http_pipe_read(rq->from, out, max);
        if (got > 0) {
            rq->answered += got;
            atomic_fetch_add_explicit(&rq->conn->moved, got, memory_order_relaxed);
            if (atomic_load_explicit(&rq->conn->phase, memory_order_relaxed) == PHASE_HELD) {
                int64_t held = coarse_ms() - rq->held_at_ms;
                atomic_fetch_add_explicit(&rq->conn->since_ms, held, memory_order_relaxed);
                atomic_store_explicit(&rq->conn->phase, PHASE_WRITE, memory_order_relaxed);
            }
            return got;
        }
        if (got == HTTP_PIPE_END)
            return rq->answer_length < 0 || rq->answered == rq->answer_length ? MHD_CONTENT_READER_END_OF_STREAM
                                                                              : MHD_CONTENT_READER_END_WITH_ERROR;
        if (got < 0 || atomic_load(&rq->s->forced))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        pthread_mutex_lock(&rq->lock);
        bool suspend = !rq->woken && !atomic_load(&rq->s->forced);
        if (suspend) {
            rq->waiting = WAIT_READABLE;
            rq->parked = true;
            if (atomic_load_explicit(&rq->conn->phase, memory_order_relaxed) != PHASE_HELD)
                rq->held_at_ms = coarse_ms();
            atomic_store_explicit(&rq->conn->phase, PHASE_HELD, memory_order_relaxed);
            MHD_suspend_connection(rq->con);
        }
        pthread_mutex_unlock(&rq->lock);
        if (suspend)
            return 0;
    }
}

void http_reply_pipe(struct http_req *rq, int status, const struct http_header *headers, size_t n, int64_t length,
                     struct http_pipe *from)
{
    rq->answer_length = length;
    rq->from = http_pipe_ref(from);
    http_pipe_on_readable(from, on_readable, rq);
    answer(rq, status, headers, n,
           MHD_create_response_from_callback(length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)length, 16384, read_answer, rq,
                                             NULL));
}
