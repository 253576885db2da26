/* SPDX-License-Identifier: Apache-2.0
 * http_client_conn.c - from a host name to a verified TLS connection, without ever blocking the client's thread.
 *
 * Names are resolved by a short-lived thread each (connections are pooled, so they are rare), because the
 * system's resolver blocks and cannot be cancelled; the answer is left in the mailbox, which both sides hold.
 * TLS is OpenSSL with the chain and the host name verified, TLS 1.2 at least, and ALPN offering h2 and
 * http/1.1. It refuses to connect to addresses out of a call's reach, after resolving: checking the name before would
 * be answered with another address later. */
#include "net/http_client_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- mailbox ---------------------------------------------------------------------------------------------- */

struct mailbox *mailbox_new(void)
{
    struct mailbox *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->fd < 0) {
        free(m);
        return NULL;
    }
    pthread_mutex_init(&m->lock, NULL);
    m->refs = 1;
    return m;
}

void mailbox_unref(struct mailbox *m)
{
    if (m == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    bool last = --m->refs == 0;
    pthread_mutex_unlock(&m->lock);
    if (!last)
        return;
    while (m->resolved != NULL) {
        struct resolve_job *j = m->resolved;
        m->resolved = j->next;
        resolve_free(j);
    }
    pthread_mutex_destroy(&m->lock);
    close(m->fd);
    free(m);
}

/* --- names -------------------------------------------------------------------------------------------------- */

void resolve_free(struct resolve_job *j)
{
    if (j->list != NULL)
        freeaddrinfo(j->list);
    free(j);
}

static void resolve(struct resolve_job *j, int flags)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG | flags};
    if (flags & AI_NUMERICHOST)
        hints.ai_flags &= ~AI_ADDRCONFIG;
    j->error = getaddrinfo(j->host, j->port, &hints, &j->list);
}

static void deliver(struct resolve_job *j)
{
    struct mailbox *m = j->mail;
    pthread_mutex_lock(&m->lock);
    j->next = m->resolved;
    m->resolved = j;
    pthread_mutex_unlock(&m->lock);
    (void)eventfd_write(m->fd, 1);
}

static void *resolve_run(void *arg)
{
    struct resolve_job *j = arg;
    struct mailbox *m = j->mail;
    resolve(j, 0);
    deliver(j);
    mailbox_unref(m);
    return NULL;
}

struct resolve_job *resolve_start(struct mailbox *m, void *owner, const char *host, const char *port)
{
    pthread_t thread;
    struct resolve_job *j = calloc(1, sizeof *j + strlen(host) + 1);
    if (j == NULL)
        abort();
    j->mail = m;
    j->owner = owner;
    memcpy(j->host, host, strlen(host) + 1);
    memcpy(j->port, port, strlen(port) + 1);
    resolve(j, AI_NUMERICHOST); /* an address needs no thread */
    if (j->error == 0) {
        deliver(j);
        return j;
    }
    pthread_mutex_lock(&m->lock);
    m->refs++;
    pthread_mutex_unlock(&m->lock);
    if (thread_start(&thread, "resolver", resolve_run, j) == 0) {
        pthread_detach(thread);
        return j;
    }
    j->error = EAI_AGAIN;
    deliver(j);
    mailbox_unref(m);
    return j;
}

const char address_refused[] = "the address is not one this may reach";

static bool public4(uint32_t ip) /* host byte order */
{
    static const struct {
        uint32_t net;
        int bits;
    } closed[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
                  {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
                  {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3}};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if ((ip ^ closed[i].net) >> (32 - closed[i].bits) == 0)
            return false;
    return true;
}

static struct in6_addr address6(const struct sockaddr *sa)
{
    struct sockaddr_in6 v6;
    memcpy(&v6, sa, sizeof v6);
    return v6.sin6_addr;
}

/* The IPv4 address that an address is or carries (mapped, 6to4, NAT64), host byte order. */
static bool carries4(const struct sockaddr *sa, uint32_t *ret)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, sa, sizeof v4);
        *ret = ntohl(v4.sin_addr.s_addr);
        return true;
    }
    const struct in6_addr v6 = address6(sa);
    const uint8_t *b = v6.s6_addr;
    size_t at = b[0] == 0x20 && b[1] == 0x02 ? 2 : 12;
    *ret = (uint32_t)b[at] << 24 | (uint32_t)b[at + 1] << 16 | (uint32_t)b[at + 2] << 8 | b[at + 3];
    return at == 2 || IN6_IS_ADDR_V4MAPPED(&v6) || memcmp(b, nat64, sizeof nat64) == 0;
}

static bool public6(const uint8_t *b)
{
    if (b[0] == 0x20 && b[1] == 0x01 && ((b[2] == 0x0d && b[3] == 0xb8) || b[2] < 0x02))
        return false;             /* documentation, Teredo and other special uses */
    return (b[0] & 0xe0) == 0x20; /* 2000::/3 is what is routed; all else is local or reserved */
}

bool address_within(const struct sockaddr *sa, enum http_reach reach)
{
    uint32_t ip;
    if (reach == HTTP_ANYWHERE)
        return true;
    if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
        return false;
    if (carries4(sa, &ip))
        return reach == HTTP_PUBLIC ? public4(ip) : ip >> 16 != 0xa9fe;
    const struct in6_addr v6 = address6(sa);
    return reach == HTTP_PUBLIC ? public6(v6.s6_addr) : !IN6_IS_ADDR_LINKLOCAL(&v6);
}

bool address_text_within(const char *address, enum http_reach reach)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return address_within((const struct sockaddr *)&v4, reach);
    return inet_pton(AF_INET6, address, &v6.sin6_addr) != 1 || address_within((const struct sockaddr *)&v6, reach);
}

int connect_begin(const struct addrinfo *ai)
{
    int one = 1, idle = 30, interval = 10, count = 3;
    unsigned dead_ms = 20000;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof dead_ms);
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

/* --- TLS ---------------------------------------------------------------------------------------------------- */

SSL_CTX *tls_context(const char *ca_file, struct err *e)
{
    static const unsigned char alpn[] = "\x02h2\x08http/1.1";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        err_set(e, WL_EIO, "cannot start TLS");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One read(2) for many records: otherwise each costs two, head and body. Sessions are few, the buffers stay. */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, 64 * 1024);
    SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1);
    int ok =
        ca_file != NULL ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL) : SSL_CTX_set_default_verify_paths(ctx);
    if (ok == 1)
        return ctx;
    ERR_clear_error();
    err_set(e, WL_EINVAL, "cannot read the certificate authorities%s%s", ca_file ? " in " : "", ca_file ? ca_file : "");
    SSL_CTX_free(ctx);
    return NULL;
}

SSL *tls_open(SSL_CTX *ctx, int fd, const char *host)
{
    SSL *ssl = SSL_new(ctx);
    if (ssl == NULL)
        return NULL;
    unsigned char address[16];
    bool literal = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    int ok = literal ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)
                     : SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!ok || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

void tls_why(SSL *ssl, struct err *e, const char *doing)
{
    long verdict = SSL_get_verify_result(ssl);
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    if (verdict != X509_V_OK)
        err_set(e, WL_EIO, "%s: the certificate is not trusted: %s", doing, X509_verify_cert_error_string(verdict));
    else
        err_set(e, WL_EIO, "%s: %s", doing, reason ? reason : "the connection was closed");
    ERR_clear_error();
}
