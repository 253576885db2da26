/* SPDX-License-Identifier: Apache-2.0
 * http_probe.c - one GET by libcurl that remembers the steps, and the end of certificates by OpenSSL.
 *
 * The rules are those of every other call: certificates are verified, redirects not followed, no proxy. The answer's body is
 * read and thrown away, up to a maximum. */
#include "net/http_probe.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"

#define BODY_MAX (1u << 20)

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    size_t *left = ctx, n = size * count;
    (void)data;
    if (n > *left)
        return 0;
    *left -= n;
    return n;
}

static size_t on_head(char *data, size_t size, size_t count, void *ctx)
{
    struct http_probe *p = ctx;
    struct str line = str_trim((struct str){data, size * count}), value;
    if (str_ieq(str_trim(str_cut(line, ':', &value)), STR("date")) && value.p != NULL) {
        value = str_trim(value);
        snprintf(p->date, sizeof p->date, "%.*s", (int)value.n, value.p);
    }
    return size * count;
}

static int64_t millis(CURL *easy, CURLINFO which)
{
    curl_off_t us = 0;
    return curl_easy_getinfo(easy, which, &us) == CURLE_OK ? (int64_t)us / 1000 : 0;
}

static int64_t until_of(const X509 *x)
{
    struct tm t;
    char text[40];
    int64_t ms;
    if (x == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(x), &t) != 1)
        return 0;
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
             t.tm_min, t.tm_sec);
    return time_parse(text, strlen(text), &ms) ? ms : 0;
}

static int64_t leaf_until(CURL *easy)
{
    struct curl_certinfo *info = NULL;
    int64_t until = 0;
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL || info->num_of_certs < 1)
        return 0;
    for (struct curl_slist *l = info->certinfo[0]; l != NULL; l = l->next) {
        if (strncmp(l->data, "Cert:", 5) != 0)
            continue;
        BIO *bio = BIO_new_mem_buf(l->data + 5, -1);
        X509 *x = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        until = until_of(x);
        X509_free(x);
        BIO_free(bio);
    }
    return until;
}

static enum http_step step_of(CURLcode rc, const struct http_probe *p)
{
    switch (rc) {
    case CURLE_OK:
        return HTTP_STEP_DONE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_STEP_NAME;
    case CURLE_COULDNT_CONNECT:
        return HTTP_STEP_CONNECT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return HTTP_STEP_TLS;
    default:
        return p->name_ms == 0 && p->connect_ms == 0 ? HTTP_STEP_NAME
               : p->connect_ms == 0                  ? HTTP_STEP_CONNECT
               : p->tls && p->tls_ms == 0            ? HTTP_STEP_TLS
                                                     : HTTP_STEP_ANSWER;
    }
}

static void measure(CURL *easy, struct http_probe *p)
{
    long status = 0, version = 0;
    char *ip = NULL;
    p->name_ms = millis(easy, CURLINFO_NAMELOOKUP_TIME_T);
    p->connect_ms = millis(easy, CURLINFO_CONNECT_TIME_T);
    p->tls_ms = millis(easy, CURLINFO_APPCONNECT_TIME_T);
    p->answer_ms = millis(easy, CURLINFO_STARTTRANSFER_TIME_T);
    p->cert_until = leaf_until(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip != NULL)
        snprintf(p->address, sizeof p->address, "%s", ip);
    p->status = (int)status;
    p->version = version == CURL_HTTP_VERSION_2_0 ? 20 : version == CURL_HTTP_VERSION_1_1 ? 11 : 10;
}

static void read_url(const char *url, struct http_probe *p)
{
    CURLU *u = curl_url();
    char *host = NULL, *port = NULL;
    int64_t n = 0;
    if (u == NULL)
        abort();
    if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
        if (curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
            snprintf(p->host, sizeof p->host, "%s", host);
        if (curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK && str_i64(str_of(port), &n))
            p->port = (int)n;
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
}

static void ask_for(CURL *easy, const char *url, const char *ca_file, int64_t timeout_ms)
{
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
}

int http_probe(const char *url, const char *ca_file, int64_t timeout_ms, struct http_probe *ret, struct err *e)
{
    struct http_probe p = {.tls = strncmp(url, "https://", 8) == 0};
    char why[CURL_ERROR_SIZE] = "";
    size_t left = BODY_MAX;
    CURL *easy = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    if (easy == NULL)
        abort();
    read_url(url, &p);
    ask_for(easy, url, ca_file, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &left);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &p);
    p.began = clock_now_ms();
    CURLcode rc = curl_easy_perform(easy);
    p.ended = clock_now_ms();
    measure(easy, &p);
    p.failed_at = step_of(rc, &p);
    curl_easy_cleanup(easy);
    *ret = p;
    return rc == CURLE_OK ? 0 : err_set(e, WL_EIO, "%s", why[0] != '\0' ? why : curl_easy_strerror(rc));
}

int http_certificate_until(const char *pem_file, int64_t *ret, struct err *e)
{
    FILE *f = fopen(pem_file, "re");
    if (f == NULL)
        return err_set(e, WL_EIO, "%s cannot be read: %s", pem_file, strerror(errno));
    X509 *x = PEM_read_X509(f, NULL, NULL, NULL);
    int64_t until = until_of(x);
    X509_free(x);
    fclose(f);
    if (until == 0)
        return err_set(e, WL_EINVAL, "%s holds no certificate", pem_file);
    *ret = until;
    return 0;
}
