/* SPDX-License-Identifier: Apache-2.0
 * post.c - posts signed webhooks as Meta would, over keep-alive connections, and measures what comes back.
 *
 * All requests are made and signed before the first one leaves, each with ids of its own, so that only posting is measured.
 * One thread, one epoll set, HTTP/1.1. Closed loop (--rate 0): every connection posts again as soon as it is
 * answered. Open loop: request i is due at start + i / rate whether or not earlier ones were answered, and its latency counts from that
 * moment, so that a server which stalls cannot hide it. A mixture of what businesses get: three statuses to one text, or with --kind
 * one kind alone. Prints one JSON object. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"

#define READ_MAX  16384
#define EVENT_MAX 1024 /* bytes of one event, generously */

struct request {
    char *bytes;
    size_t n;
};

struct connection {
    int fd;
    bool busy, writes; /* writes: waits to be writable */
    int64_t due;
    const struct request *request;
    size_t written, n_in;
    char in[READ_MAX];
};

static struct {
    int port, connections, rate, batch, seconds;
    long count, first, contacts;
    const char *path, *secret, *kind, *number, *account;
} opt = {.connections = 64,
         .batch = 1,
         .count = 10000,
         .contacts = 100000,
         .seconds = 600,
         .path = "/webhook",
         .secret = "bench-secret",
         .kind = "mixed",
         .number = "111",
         .account = "2000"};

static struct request *requests;
static uint32_t *samples; /* latencies in microseconds */
static long n_samples, begun, taken, refused, broken;
static int64_t last_answer;
static int epoll_fd;

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* What events carry as their time. */
static long now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (long)ts.tv_sec;
}

/* --- what is posted ------------------------------------------------------------------------------------------------ */

static bool is_text(long n)
{
    return strcmp(opt.kind, "inbound") == 0 || strcmp(opt.kind, "stops") == 0 ||
           (strcmp(opt.kind, "mixed") == 0 && n % 4 == 3);
}

static void put_text(struct buf *b, long n, long at)
{
    buf_printf(b,
               "{\"from\":\"346%08ld\",\"id\":\"wamid.HBgLMzQ2MDAwMDAwMDAVAgASGBQzQ%015ldA\",\"timestamp\":\"%ld\","
               "\"text\":{\"body\":\"",
               n % opt.contacts, n, at);
    if (strcmp(opt.kind, "stops") == 0)
        buf_puts(b, "Please stop sending me these messages");
    else
        buf_printf(b, "Hello, when does order A-%ld arrive? It was to be here on Friday.", n);
    buf_puts(b, "\"},\"type\":\"text\"}");
}

static void put_status(struct buf *b, long n, long at)
{
    static const char *const words[] = {"sent", "delivered", "read"};
    buf_printf(b,
               "{\"id\":\"wamid.HBgLMzQ2MDAwMDAwMDAVAgARGBI5%015ldA\",\"status\":\"%s\",\"timestamp\":\"%ld\","
               "\"recipient_id\":\"346%08ld\","
               "\"conversation\":{\"id\":\"c%031ld\",\"origin\":{\"type\":\"utility\"}},\"pricing\":{\"billable\":true,"
               "\"pricing_model\":\"PMP\","
               "\"category\":\"utility\",\"type\":\"regular\"}}",
               n / 4, words[n % 4 % 3], at, n / 4 % opt.contacts, n / 4);
}

static void put_events(struct buf *b, long first, int n, bool texts, long at)
{
    bool any = false;
    for (long i = first; i < first + n; i++) {
        if (is_text(i) != texts)
            continue;
        buf_puts(b, any ? "," : texts ? ",\"messages\":[" : ",\"statuses\":[");
        any = true;
        texts ? put_text(b, i, at) : put_status(b, i, at);
    }
    buf_puts(b, any ? "]" : "");
}

/* `contacts` stand before the messages, one for each, as Meta writes them. */
static void put_contacts(struct buf *b, long first, int n)
{
    bool any = false;
    for (long i = first; i < first + n; i++)
        if (is_text(i)) {
            buf_printf(b, "%s{\"profile\":{\"name\":\"Person %ld\"},\"wa_id\":\"346%08ld\"}",
                       any ? "," : ",\"contacts\":[", i % opt.contacts, i % opt.contacts);
            any = true;
        }
    buf_puts(b, any ? "]" : "");
}

static void make(struct request *r, long first, long at)
{
    struct buf body, all;
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX];
    buf_init(&body, 4096 + (size_t)opt.batch * EVENT_MAX);
    buf_init(&all, 8192 + (size_t)opt.batch * EVENT_MAX);
    buf_printf(&body,
               "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"%s\",\"changes\":[{\"value\":{"
               "\"messaging_product\":\"whatsapp\","
               "\"metadata\":{\"display_phone_number\":\"15550001000\",\"phone_number_id\":\"%s\"}",
               opt.account, opt.number);
    put_contacts(&body, first, opt.batch);
    put_events(&body, first, opt.batch, true, at);
    put_events(&body, first, opt.batch, false, at);
    buf_puts(&body, "},\"field\":\"messages\"}]}]}");
    hmac_sha256(str_of(opt.secret), buf_str(&body), mac);
    hex_encode(mac, sizeof mac, hex);
    buf_printf(&all,
               "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
               "%zu\r\nX-Hub-Signature-256: sha256=%s\r\n\r\n",
               opt.path, body.len, hex);
    buf_putstr(&all, buf_str(&body));
    if (body.failed || all.failed) {
        fputs("post: a body is larger than thought\n", stderr);
        exit(1);
    }
    *r = (struct request){.n = all.len};
    r->bytes = malloc(r->n);
    if (r->bytes == NULL)
        exit(1);
    memcpy(r->bytes, all.data, r->n);
    buf_done(&body);
    buf_done(&all);
}

/* --- posting ------------------------------------------------------------------------------------------------------- */

static void watch(struct connection *c, int how, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = c};
    epoll_ctl(epoll_fd, how, c->fd, &ev);
}

static void dial(struct connection *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)opt.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    *c = (struct connection){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror("post: connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

static void again(struct connection *c)
{
    broken += c->busy;
    close(c->fd);
    dial(c);
}

static void write_on(struct connection *c)
{
    while (c->written < c->request->n) {
        ssize_t n = write(c->fd, c->request->bytes + c->written, c->request->n - c->written);
        if (n < 0 && errno == EAGAIN) {
            if (!c->writes)
                watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            c->writes = true;
            return;
        }
        if (n <= 0) {
            again(c);
            return;
        }
        c->written += (size_t)n;
    }
    if (c->writes)
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    c->writes = false;
}

static void fire(struct connection *c, int64_t due)
{
    c->busy = true;
    c->due = due;
    c->request = &requests[begun++];
    c->written = 0;
    write_on(c);
}

/* Whether a whole answer is in the buffer. */
static bool whole(const struct connection *c)
{
    const char *end = memmem(c->in, c->n_in, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    size_t head = (size_t)(end - c->in) + 4;
    for (const char *line = c->in; line < end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            return head + strtoul(line + 15, NULL, 10) <= c->n_in;
    return true;
}

static void readable(struct connection *c)
{
    ssize_t n = read(c->fd, c->in + c->n_in, sizeof c->in - 1 - c->n_in);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        again(c);
        return;
    }
    c->n_in += (size_t)n;
    c->in[c->n_in] = '\0';
    if (!whole(c))
        return;
    last_answer = now_ns();
    if (strncmp(c->in, "HTTP/1.1 200", 12) == 0)
        taken++;
    else if (refused++ == 0)
        fprintf(stderr, "post: first refusal: %.300s\n", c->in);
    samples[n_samples++] = (uint32_t)((last_answer - c->due) / 1000);
    c->busy = false;
    c->n_in = 0;
}

static void fire_due(struct connection *all, int64_t start, int64_t now)
{
    for (int i = 0; i < opt.connections && begun < opt.count; i++) {
        int64_t due = opt.rate > 0 ? start + begun * 1000000000LL / opt.rate : now;
        if (due > now)
            return;
        if (!all[i].busy)
            fire(&all[i], due);
    }
}

static void run(struct connection *all, int64_t start)
{
    struct epoll_event ev[256];
    int64_t stop = start + (int64_t)opt.seconds * 1000000000;
    for (int64_t now = start; now < stop && taken + refused + broken < opt.count; now = now_ns()) {
        fire_due(all, start, now);
        int n = epoll_wait(epoll_fd, ev, 256, opt.rate > 0 ? 1 : 100);
        for (int i = 0; i < n; i++) {
            struct connection *c = ev[i].data.ptr;
            if ((ev[i].events & EPOLLOUT) && c->writes)
                write_on(c);
            if (ev[i].events & ~(uint32_t)EPOLLOUT)
                readable(c);
            if (opt.rate == 0 && !c->busy && begun < opt.count)
                fire(c, now_ns());
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(double p)
{
    return n_samples ? samples[(size_t)((double)(n_samples - 1) * p)] / 1000.0 : 0;
}

/* Every option takes a value; one of the pointers says where it goes. */
static const struct {
    const char *name;
    int *number;
    long *large;
    const char **text;
} options[] = {{"port", &opt.port, NULL, NULL},       {"connections", &opt.connections, NULL, NULL},
               {"rate", &opt.rate, NULL, NULL},       {"batch", &opt.batch, NULL, NULL},
               {"seconds", &opt.seconds, NULL, NULL}, {"count", NULL, &opt.count, NULL},
               {"first", NULL, &opt.first, NULL},     {"contacts", NULL, &opt.contacts, NULL},
               {"path", NULL, NULL, &opt.path},       {"secret", NULL, NULL, &opt.secret},
               {"kind", NULL, NULL, &opt.kind},       {"number", NULL, NULL, &opt.number},
               {"account", NULL, NULL, &opt.account}};
#define OPTIONS (sizeof options / sizeof options[0])

static void read_options(int argc, char **argv)
{
    struct option names[OPTIONS + 1] = {0};
    for (size_t i = 0; i < OPTIONS; i++)
        names[i] = (struct option){options[i].name, 1, NULL, (int)i + 1};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        size_t i = (size_t)c - 1;
        if (c < 1 || i >= OPTIONS)
            exit(2);
        if (options[i].number != NULL)
            *options[i].number = (int)strtol(optarg, NULL, 10);
        else if (options[i].large != NULL)
            *options[i].large = strtol(optarg, NULL, 10);
        else
            *options[i].text = optarg;
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    requests = calloc((size_t)opt.count, sizeof *requests);
    samples = calloc((size_t)opt.count, sizeof *samples);
    struct connection *all = calloc((size_t)opt.connections, sizeof *all);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (samples == NULL || requests == NULL || all == NULL || epoll_fd < 0)
        return 1;
    for (long i = 0; i < opt.count; i++)
        make(&requests[i], opt.first + i * opt.batch, now_s());
    for (int i = 0; i < opt.connections; i++)
        dial(&all[i]);
    int64_t start = now_ns();
    run(all, start);
    double seconds = (double)(last_answer - start) / 1e9;
    qsort(samples, (size_t)n_samples, sizeof *samples, by_value);
    printf("{\"taken\":%ld,\"refused\":%ld,\"broken\":%ld,\"seconds\":%.3f,\"posts_per_s\":%.0f,\"events_per_s\":%.0f,"
           "\"body_bytes\":%zu,"
           "\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f}\n",
           taken, refused, broken, seconds, (double)taken / seconds, (double)taken * opt.batch / seconds, requests[0].n,
           percentile(0.5), percentile(0.9), percentile(0.99), percentile(0.999), percentile(1));
    return 0;
}
