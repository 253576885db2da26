/* SPDX-License-Identifier: Apache-2.0
 * http_fetch.c - one blocking call by libcurl on the caller's thread, for pollers and the command line.
 *
 * The same rules as in the client: nothing is sent twice, redirects are not followed, certificates are verified, the
 * answer has a maximum, and the fate says whether the other side can have acted. It keeps no connection. */
#include "net/http_client_impl.h"

#include <stdlib.h>
#include <string.h>

struct fetch {
    struct http_call *call;
    CURL *easy;
    size_t sent;
    unsigned attempts;
    struct buf text; /* "name\0value\0..." */
    size_t n;
};

static int before(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
    struct fetch *f = ctx;
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    return f->attempts++ > 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct fetch *f = ctx;
    size_t left = f->call->body.n - f->sent, n = size * count < left ? size * count : left;
    if (n > 0)
        memcpy(out, f->call->body.p + f->sent, n);
    f->sent += n;
    return n;
}

static size_t on_write(char *data, size_t size, size_t count, void *ctx)
{
    struct fetch *f = ctx;
    if (buf_put(&f->call->answer, data, size * count))
        return size * count;
    err_set(&f->call->err, WL_ETOOBIG, "the answer is larger than allowed");
    return 0;
}

static size_t on_head(char *data, size_t size, size_t count, void *ctx)
{
    struct fetch *f = ctx;
    size_t n = size * count;
    struct str line = str_trim((struct str){data, n}), value;
    if (str_starts(line, STR("HTTP/"))) {
        buf_clear(&f->text);
        f->n = 0;
        return n;
    }
    struct str name = str_cut(line, ':', &value);
    if (value.p == NULL)
        return n;
    buf_putstr(&f->text, str_trim(name));
    buf_putc(&f->text, '\0');
    buf_putstr(&f->text, str_trim(value));
    if (!buf_putc(&f->text, '\0'))
        return 0;
    f->n++;
    return n;
}

static void keep_headers(struct fetch *f)
{
    if (f->n == 0)
        return;
    size_t array = f->n * sizeof(struct http_header);
    struct http_header *h = malloc(array + f->text.len);
    if (h == NULL)
        abort();
    char *p = (char *)h + array;
    memcpy(p, f->text.data, f->text.len);
    for (size_t i = 0; i < f->n; i++) {
        h[i].name = str_of(p);
        p += h[i].name.n + 1;
        h[i].value = str_of(p);
        p += h[i].value.n + 1;
    }
    f->call->answer_headers = h;
    f->call->n_answer_headers = f->n;
}

static void run(struct fetch *f)
{
    struct http_call *c = f->call;
    CURL *easy = f->easy;
    long status = 0;
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, f);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, f);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, f);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(c->timeout_ms > 0 ? c->timeout_ms : 30000));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    CURLcode rc = curl_easy_perform(easy);
    if (f->attempts > 0)
        c->fate = HTTP_AMBIGUOUS;
    if (rc != CURLE_OK) {
        if (c->err.code == 0)
            err_set(&c->err, WL_EIO, "%s",
                    c->out_of_reach && f->attempts == 0 ? address_refused : curl_easy_strerror(rc));
        return;
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    c->status = (int)status;
    c->fate = HTTP_ANSWERED;
    keep_headers(f);
}

int http_fetch(struct http_call *c, const char *ca_file, struct err *e)
{
    struct fetch f = {.call = c};
    struct curl_slist *list = NULL;
    c->fate = HTTP_UNSENT;
    c->status = 0;
    c->answer_headers = NULL;
    c->n_answer_headers = 0;
    c->err = (struct err){0};
    c->out_of_reach = false;
    buf_init(&c->answer, max_answer(c, false));
    buf_init(&f.text, ANSWER_HEADERS_MAX);
    f.easy = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    if (f.easy == NULL)
        abort();
    if (curl_fill(f.easy, c, (int64_t)c->body.n, ca_file, &list, &c->err) == 0)
        run(&f);
    curl_easy_cleanup(f.easy);
    curl_slist_free_all(list);
    buf_done(&f.text);
    if (c->fate == HTTP_ANSWERED)
        return 0;
    return err_set(e, WL_EIO, "%s", c->err.text);
}
