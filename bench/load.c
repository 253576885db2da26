/* SPDX-License-Identifier: Apache-2.0
 * load.c - sends template messages over keep-alive connections and measures what comes back.
 *
 * One thread, one epoll set, HTTP/1.1. Closed loop (--rate 0): every connection sends again as soon as it is answered.
 * Open loop: request i is due at start + i / rate whether or not earlier ones were answered, and its latency counts
 * from that moment, so that a server which stalls cannot hide it. Recipients go round a range of numbers, because one
 * person may get only so many messages. Prints one JSON object. Understands just enough HTTP for the servers measured. */
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_MAX    16384
#define SAMPLES_MAX (16u << 20)

struct connection {
    int fd;
    bool busy;
    int64_t due; /* when the request under way should have left, ns */
    char in[READ_MAX];
    size_t n_in;
};

static struct {
    int port, connections, seconds, rate, idle;
    long contacts;
    const char *sender, *token;
} opt = {.port = 8080, .connections = 64, .seconds = 5, .contacts = 20000, .sender = "111", .token = "bench-token"};

static uint32_t *samples; /* latencies in microseconds */
static size_t n_samples;
static long next_contact, sent, ok, refused, broken;
static int epoll_fd;

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void dial(struct connection *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)opt.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror("load: connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->n_in = 0;
    c->busy = false;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev);
}

static void fire(struct connection *c, int64_t due)
{
    char body[512], request[1024];
    int n = snprintf(
        body, sizeof body,
        "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"+1555%07ld\",\"type\":"
        "\"template\","
        "\"template\":{\"name\":\"order_ready\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\","
        "\"parameters\":[{\"type\":\"text\",\"text\":\"A-%ld\"}]}]}}",
        next_contact++ % opt.contacts, sent);
    int m = snprintf(request, sizeof request,
                     "POST /v23.0/%s/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                     opt.sender, opt.token, n, body);
    c->busy = true;
    c->due = due;
    sent++;
    if (write(c->fd, request, (size_t)m) != m)
        broken++;
}

/* Length of the whole answer in the buffer, 0 when it is not all there. */
static size_t answer_length(const struct connection *c)
{
    const char *end = memmem(c->in, c->n_in, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - c->in) + 4;
    for (const char *line = c->in; line < end; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, "Content-Length:", 15) == 0) {
            size_t whole = head + strtoul(line + 15, NULL, 10);
            return whole <= c->n_in ? whole : 0;
        }
    }
    return head;
}

static void again(struct connection *c)
{
    close(c->fd);
    dial(c);
}

static void answered(struct connection *c, int64_t now)
{
    if (strncmp(c->in, "HTTP/1.1 200", 12) == 0)
        ok++;
    else if (refused++ == 0)
        fprintf(stderr, "load: first refusal: %.600s\n", c->in);
    if (n_samples < SAMPLES_MAX)
        samples[n_samples++] = (uint32_t)((now - c->due) / 1000);
    c->busy = false;
    c->n_in = 0;
}

static void readable(struct connection *c)
{
    ssize_t n = read(c->fd, c->in + c->n_in, sizeof c->in - 1 - c->n_in);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN)
            return;
        broken += c->busy;
        again(c);
        return;
    }
    c->n_in += (size_t)n;
    c->in[c->n_in] = '\0';
    if (answer_length(c) > 0)
        answered(c, now_ns());
}

static void run(struct connection *all)
{
    struct epoll_event ev[256];
    int64_t start = now_ns(), stop = start + (int64_t)opt.seconds * 1000000000;
    long due = 0;
    for (int64_t now = start; now < stop; now = now_ns()) {
        if (opt.rate > 0) {
            for (int i = 0; i < opt.connections && start + due * 1000000000LL / opt.rate <= now; i++)
                if (!all[i].busy) {
                    fire(&all[i], start + due * 1000000000LL / opt.rate);
                    due++;
                }
        } else {
            for (int i = 0; i < opt.connections; i++)
                if (!all[i].busy)
                    fire(&all[i], now);
        }
        int n = epoll_wait(epoll_fd, ev, 256, opt.rate > 0 ? 1 : 100);
        for (int i = 0; i < n; i++)
            readable(ev[i].data.ptr);
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

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"port", 1, NULL, 'p'},     {"connections", 1, NULL, 'c'},
                                          {"seconds", 1, NULL, 's'},  {"rate", 1, NULL, 'r'},
                                          {"contacts", 1, NULL, 'n'}, {"sender", 1, NULL, 'f'},
                                          {"token", 1, NULL, 't'},    {"idle", 0, NULL, 'i'},
                                          {"first", 1, NULL, 'o'},    {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'p':
            opt.port = (int)strtol(optarg, NULL, 10);
            break;
        case 'c':
            opt.connections = (int)strtol(optarg, NULL, 10);
            break;
        case 's':
            opt.seconds = (int)strtol(optarg, NULL, 10);
            break;
        case 'r':
            opt.rate = (int)strtol(optarg, NULL, 10);
            break;
        case 'n':
            opt.contacts = strtol(optarg, NULL, 10);
            break;
        case 'o':
            next_contact = strtol(optarg, NULL, 10);
            break;
        case 'f':
            opt.sender = optarg;
            break;
        case 't':
            opt.token = optarg;
            break;
        case 'i':
            opt.idle = 1;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    samples = malloc(SAMPLES_MAX * sizeof *samples);
    struct connection *all = calloc((size_t)opt.connections, sizeof *all);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (samples == NULL || all == NULL || epoll_fd < 0)
        return 1;
    for (int i = 0; i < opt.connections; i++)
        dial(&all[i]);
    if (opt.idle) { /* open, send nothing, then count who is still there */
        sleep((unsigned)opt.seconds);
        int alive = 0;
        for (int i = 0; i < opt.connections; i++) {
            char byte;
            alive += recv(all[i].fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
        }
        printf("{\"idle\":%d,\"alive\":%d}\n", opt.connections, alive);
        return alive == opt.connections ? 0 : 1;
    }
    int64_t start = now_ns();
    run(all);
    double seconds = (double)(now_ns() - start) / 1e9;
    qsort(samples, n_samples, sizeof *samples, by_value);
    printf("{\"requests\":%zu,\"rps\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"ok\":%ld,\"refused\":%ld,"
           "\"broken\":%ld}\n",
           n_samples, (double)n_samples / seconds, percentile(0.50), percentile(0.99), percentile(1.0), ok, refused,
           broken);
    return 0;
}
