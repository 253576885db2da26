/* SPDX-License-Identifier: Apache-2.0
 * http_client_curl.c - HTTP/1.1 calls: libcurl's multi interface in the client's epoll set.
 *
 * libcurl does one thing this client must not: when a kept-alive connection turns out dead before the first byte of
 * an answer, it sends the request again on a new one, and the first may have been acted upon. So the function libcurl
 * calls before each sending lets the first pass and refuses any later one (curl_before), with or without a body.
 * (A read function that cannot rewind is not enough: 7.88 was seen to send a POST twice all the same. It stays as the
 * second lock.) The same function tells UNSENT from AMBIGUOUS: what never got there never left.
 *
 * Redirects, proxies from the environment, other protocols, Expect: 100-continue, cookies and headers of libcurl's own
 * invention are off. Handles are reused; connections are pooled by libcurl, and its liveness check drops those the
 * server has closed meanwhile. */
#include "net/http_client_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failpoint.h"

#define POOLED_MAX   1024L /* idle connections kept in all */
#define IDLE_SECONDS 50L   /* a connection idle for longer is not used again */

struct curl_watch {
    struct watch watch; /* first: buried by its address */
    struct http_client *c;
};

/* --- from libcurl about one call ------------------------------------------------------------------------------ */

static int curl_before(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *t = ctx;
    (void)local_ip;
    (void)port;
    (void)local_port;
    if (t->attempts++ > 0 || !transfer_may_leave(t))
        return CURL_PREREQFUNC_ABORT;
    if (!address_text_within(ip, t->call->reach)) { /* a connection that another call was allowed to make */
        t->call->out_of_reach = true;
        return CURL_PREREQFUNC_ABORT;
    }
    t->maybe_sent = true;
    failpoint(wire_leaving);
    return CURL_PREREQFUNC_OK;
}

int curl_refuse_rewind(void *ctx, curl_off_t offset, int origin)
{
    (void)ctx;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static curl_socket_t open_within(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct http_call *call = ctx;
    (void)purpose;
    if (!address_within(&a->addr, call->reach)) {
        call->out_of_reach = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    ssize_t n = transfer_body(t, out, size * count);
    if (n > 0)
        return (size_t)n;
    if (n == HTTP_PIPE_END)
        return 0;
    if (n == 0) {
        t->send_paused = true;
        return CURL_READFUNC_PAUSE;
    }
    err_set(&t->call->err, WL_EIO, "the request's body was given up");
    return CURL_READFUNC_ABORT;
}

static size_t on_write(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    size_t n = size * count;
    if (t->hold.len > 0) {
        t->recv_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    return transfer_data(t, data, n) ? n : 0;
}

static size_t on_head(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    size_t n = size * count;
    struct str line = str_trim((struct str){data, n}), value;
    if (t->head_done)
        return n; /* trailers */
    if (str_starts(line, STR("HTTP/"))) {
        buf_clear(&t->head_text); /* a new head: the one before was 100 Continue or the like */
        t->n_head = 0;
        return n;
    }
    if (line.n > 0) {
        struct str name = str_cut(line, ':', &value);
        return value.p == NULL || transfer_header(t, str_trim(name), str_trim(value)) ? n : 0;
    }
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200)
        transfer_head(t, (int)status);
    return n;
}

/* --- one call's handle ------------------------------------------------------------------------------------------ */

static struct curl_slist *list_add(struct curl_slist *list, const char *text)
{
    struct curl_slist *more = curl_slist_append(list, text);
    if (more == NULL)
        abort();
    return more;
}

static struct curl_slist *fill_headers(const struct http_call *call)
{
    /* An empty value takes out what libcurl would add by itself. */
    static const char *const own[] = {"Expect:", "Accept:", "Content-Type:"};
    struct curl_slist *list = NULL;
    char *line = NULL;
    for (size_t i = 0; i < call->n_headers; i++) {
        const struct http_header *h = &call->headers[i];
        struct str value = str_trim(h->value);
        if (!header_allowed(h->name))
            continue;
        /* "Name;" is libcurl's way to say a header without a value. */
        if (asprintf(&line, "%.*s%s%.*s", (int)h->name.n, h->name.p, value.n ? ": " : ";", (int)value.n, value.p) < 0)
            abort();
        list = list_add(list, line);
        free(line);
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        bool given = false;
        for (size_t k = 0; k < call->n_headers; k++)
            given |= str_ieq(call->headers[k].name, (struct str){own[i], strlen(own[i]) - 1});
        if (!given)
            list = list_add(list, own[i]);
    }
    return list;
}

int curl_fill(CURL *easy, struct http_call *call, int64_t body_length, const char *ca_file,
              struct curl_slist **ret_list, struct err *e)
{
    char method[40];
    bool get = str_eq(call->method, STR("GET")), head = str_eq(call->method, STR("HEAD"));
    char *url = strndup(call->url.p, call->url.n);
    if (url == NULL)
        abort();
    snprintf(method, sizeof method, "%.*s", (int)call->method.n, call->method.p);
    CURLcode rc = curl_easy_setopt(easy, CURLOPT_URL, url);
    free(url);
    if (rc != CURLE_OK)
        return err_set(e, WL_EINVAL, "the URL is not one a request can be sent to");
    struct curl_slist *list = fill_headers(call);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    if (call->reach != HTTP_ANYWHERE) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_within);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    }
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, curl_refuse_rewind);
    if (head && body_length == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (body_length != 0 || !get) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)body_length);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, head && body_length == 0 ? NULL : method);
    *ret_list = list;
    return 0;
}

static void easy_release(struct transfer *t)
{
    struct http_client *c = t->c;
    t->origin->h1_ordinary -= !t->call->reserved;
    c->h1_freed |= t->origin->line_n > 0;
    curl_multi_remove_handle(c->multi, t->easy);
    curl_easy_reset(t->easy);
    if (c->n_spare < sizeof c->spare / sizeof *c->spare)
        c->spare[c->n_spare++] = t->easy;
    else
        curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->slist);
    t->slist = NULL;
    t->easy = NULL;
}

static void curl_begin(struct transfer *t)
{
    struct http_client *c = t->c;
    struct http_call *call = t->call;
    t->origin->h1_ordinary += !call->reserved;
    t->easy = c->n_spare > 0 ? c->spare[--c->n_spare] : curl_easy_init();
    if (t->easy == NULL)
        abort();
    int rc = curl_fill(t->easy, call, transfer_body_length(t), c->ca_file, &t->slist, &call->err);
    CURL *easy = t->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, curl_before);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->o.connect_timeout_ms);
    if (rc == 0 && curl_multi_add_handle(c->multi, easy) == CURLM_OK)
        return;
    easy_release(t);
    transfer_end(t, HTTP_UNSENT, WL_EINVAL, "libcurl did not take the call");
}

/* libcurl has a line of its own for each host, in which reserved calls would stand behind all others: the last quarter
 * of the connections is theirs. */
void curl_dispatch(struct http_client *c, struct origin *o)
{
    size_t most = c->o.h1_connections_per_origin - (c->o.max_reserved > 0 ? c->o.h1_connections_per_origin / 4 : 0);
    struct transfer *t;
    while ((t = o->line[1].first) != NULL || ((t = o->line[0].first) != NULL && o->h1_ordinary < most)) {
        if (line_take(t))
            curl_begin(t);
    }
}

void curl_cancel(struct transfer *t)
{
    easy_release(t);
}

/* --- the multi handle in the loop ---------------------------------------------------------------------------------- */

static void finished(struct transfer *t, CURLcode rc)
{
    static const CURLcode lengthless[] = {CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR};
    bool answered = rc == CURLE_OK && t->head_done;
    const char *why = curl_easy_strerror(rc);
    for (size_t i = 0; i < sizeof lengthless / sizeof *lengthless; i++)
        if (rc == lengthless[i])
            why = "the connection ended without a whole answer";
    if (t->attempts > 1 || rc == CURLE_SEND_FAIL_REWIND) /* the second lock was the first it came to */
        why = "the connection ended before an answer; the request is not repeated";
    if (t->call->out_of_reach && !t->maybe_sent)
        why = address_refused;
    easy_release(t);
    if (answered)
        transfer_end(t, HTTP_ANSWERED, 0, NULL);
    else
        transfer_end(t, t->maybe_sent ? HTTP_AMBIGUOUS : HTTP_UNSENT, WL_EIO, why);
}

void curl_woken(struct transfer *t)
{
    if (t->to != NULL && t->hold.len > 0 && transfer_flush(t) && t->recv_paused)
        t->recv_paused = false;
    /* on_read pauses again when nothing has come. */
    t->send_paused = false;
    /* libcurl hands over at once what it had kept; that its taker has gone shows only here. */
    CURLcode rc = curl_easy_pause(t->easy, t->recv_paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    if (rc != CURLE_OK)
        finished(t, rc);
}

static void reap(struct http_client *c)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        CURLcode rc = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        finished(t, rc);
    }
}

static void socket_ready(struct watch *w, uint32_t events)
{
    struct http_client *c = ((struct curl_watch *)w)->c;
    int running, what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                        (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(c->multi, w->fd, what, &running);
    reap(c);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct http_client *c = ctx;
    struct curl_watch *w = socket_ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            (void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, fd, NULL);
            client_bury(c, &w->watch);
            curl_multi_assign(c->multi, fd, NULL);
        }
        return 0;
    }
    bool add = w == NULL;
    if (add) {
        w = calloc(1, sizeof *w);
        if (w == NULL)
            abort();
        w->watch = (struct watch){.ready = socket_ready, .fd = fd};
        w->c = c;
        curl_multi_assign(c->multi, fd, w);
    }
    client_watch(c, &w->watch, (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0), add);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
    struct http_client *c = ctx;
    (void)multi;
    c->curl_due_ns = ms < 0 ? INT64_MAX : clock_mono_ns() + (int64_t)ms * 1000000;
    return 0;
}

void curl_due(struct http_client *c)
{
    int running;
    c->curl_due_ns = INT64_MAX;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(c);
}

int curl_start_multi(struct http_client *c, struct err *e)
{
    c->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL; /* thread-safe in 7.88 */
    if (c->multi == NULL)
        return err_set(e, WL_ENOMEM, "cannot start libcurl");
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->o.h1_connections_per_origin);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, POOLED_MAX);
    return 0;
}

void curl_stop_multi(struct http_client *c)
{
    if (c->multi == NULL)
        return;
    while (c->n_spare > 0)
        curl_easy_cleanup(c->spare[--c->n_spare]);
    curl_multi_cleanup(c->multi);
    while (c->dead != NULL) {
        struct watch *w = c->dead;
        c->dead = w->next_dead;
        free(w);
    }
}
