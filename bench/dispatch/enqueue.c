/* SPDX-License-Identifier: Apache-2.0
 * enqueue.c - hands messages to the outbox through the REST interface, as many applications at once would.
 *
 * One thread, one epoll set, HTTP/1.1 keep-alive. Without --rate every connection posts again as soon as it is answered;
 * with it message i is due at start + i / rate whether or not earlier ones were answered. Numbers and recipients go round.
 * --log writes a line for every message that was accepted: recipient, and when its answer came (ms since 1970), which
 * together with the sandbox's ledger says how long it waited. Prints one JSON object. */
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

#define READ_MAX    16384
#define NUMBERS_MAX 64
#define SAMPLES_MAX (16u << 20)

struct connection {
    int fd;
    bool busy;
    int64_t due;
    long message, contact;
    char in[READ_MAX];
    size_t n_in;
};

static struct {
    int port, connections, rate;
    long count, first, contacts;
    const char *key, *template, *prefix, *log;
    const char *number[NUMBERS_MAX];
    int n_numbers;
} opt = {.connections = 64, .count = 10000, .contacts = 1000000, .template = "order_ready", .prefix = "346", .key = ""};

static uint32_t *samples; /* latencies in microseconds */
static size_t n_samples;
static long begun, accepted, refused, broken;
static int epoll_fd;
static FILE *log_file;

static int64_t clock_ns(clockid_t which)
{
    struct timespec ts;
    clock_gettime(which, &ts);
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
        perror("enqueue: connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->n_in = 0;
    c->busy = false;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev);
}

/* A template with one variable in its body; a code also stands in its button. */
static int write_template(char *out, size_t size, long message)
{
    static const char button[] =
        ",{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"0\",\"parameters\":[{\"type\":\"text\","
        "\"text\":\"%06ld\"}]}";
    char tail[200] = "";
    if (strcmp(opt.template, "login_code") == 0)
        snprintf(tail, sizeof tail, button, message % 1000000);
    return snprintf(
        out, size,
        "{\"name\":\"%s\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\",\"parameters\":[{"
        "\"type\":\"text\",\"text\":\"%06ld\"}]}%s]}",
        opt.template, message % 1000000, tail);
}

static void fire(struct connection *c, int64_t due)
{
    char template[512], body[1024], request[2048];
    c->message = begun++;
    c->contact = opt.first + c->message % opt.contacts;
    write_template(template, sizeof template, c->message);
    int n = snprintf(body, sizeof body,
                     "{\"from\":\"%s\",\"to\":\"+%s%08ld\",\"queue\":true,\"type\":\"template\",\"template\":%s}",
                     opt.number[c->message % opt.n_numbers], opt.prefix, c->contact, template);
    int m = snprintf(request, sizeof request,
                     "POST /wayleave/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                     opt.key, n, body);
    c->busy = true;
    c->due = due;
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

static void answered(struct connection *c)
{
    if (strncmp(c->in, "HTTP/1.1 202", 12) == 0) {
        accepted++;
        if (log_file != NULL)
            fprintf(log_file, "%s%08ld %lld\n", opt.prefix, c->contact,
                    (long long)(clock_ns(CLOCK_REALTIME) / 1000000));
    } else if (refused++ == 0) {
        fprintf(stderr, "enqueue: first refusal: %.900s\n", c->in);
    }
    if (n_samples < SAMPLES_MAX)
        samples[n_samples++] = (uint32_t)((clock_ns(CLOCK_MONOTONIC) - c->due) / 1000);
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
        close(c->fd);
        dial(c);
        return;
    }
    c->n_in += (size_t)n;
    c->in[c->n_in] = '\0';
    if (answer_length(c) > 0)
        answered(c);
}

static bool due_now(int64_t start, int64_t now, int64_t *ret_due)
{
    *ret_due = opt.rate > 0 ? start + begun * 1000000000LL / opt.rate : now;
    return begun < opt.count && *ret_due <= now;
}

static void run(struct connection *all)
{
    struct epoll_event ev[256];
    int64_t start = clock_ns(CLOCK_MONOTONIC), due;
    while (accepted + refused + broken < opt.count) {
        int64_t now = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < opt.connections && due_now(start, now, &due); i++)
            if (!all[i].busy)
                fire(&all[i], due);
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

static void add_number(const char *id)
{
    if (opt.n_numbers < NUMBERS_MAX)
        opt.number[opt.n_numbers++] = id;
}

static const struct option names[] = {{"port", 1, NULL, 'p'},        {"key", 1, NULL, 'k'},
                                      {"connections", 1, NULL, 'c'}, {"count", 1, NULL, 'n'},
                                      {"rate", 1, NULL, 'r'},        {"from", 1, NULL, 'f'},
                                      {"first", 1, NULL, 'o'},       {"contacts", 1, NULL, 'w'},
                                      {"template", 1, NULL, 't'},    {"prefix", 1, NULL, 'x'},
                                      {"log", 1, NULL, 'l'},         {NULL, 0, NULL, 0}};

static bool take_number(int c, const char *text)
{
    long n = strtol(text, NULL, 10);
    if (c == 'p')
        opt.port = (int)n;
    else if (c == 'c')
        opt.connections = (int)n;
    else if (c == 'n')
        opt.count = n;
    else if (c == 'r')
        opt.rate = (int)n;
    else if (c == 'o')
        opt.first = n;
    else if (c == 'w')
        opt.contacts = n;
    else
        return false;
    return true;
}

static void read_options(int argc, char **argv)
{
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == '?')
            exit(2);
        if (take_number(c, optarg))
            continue;
        if (c == 'f')
            add_number(optarg);
        else
            *(c == 'k' ? &opt.key : c == 't' ? &opt.template : c == 'x' ? &opt.prefix : &opt.log) = optarg;
    }
    if (opt.n_numbers == 0)
        add_number("111");
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    samples = malloc(SAMPLES_MAX * sizeof *samples);
    struct connection *all = calloc((size_t)opt.connections, sizeof *all);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (samples == NULL || all == NULL || epoll_fd < 0)
        return 1;
    if (opt.log != NULL && (log_file = fopen(opt.log, "we")) == NULL) {
        perror(opt.log);
        return 1;
    }
    for (int i = 0; i < opt.connections; i++)
        dial(&all[i]);
    int64_t start = clock_ns(CLOCK_MONOTONIC);
    run(all);
    double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
    if (log_file != NULL)
        fclose(log_file);
    qsort(samples, n_samples, sizeof *samples, by_value);
    printf("{\"seconds\":%.3f,\"per_s\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"accepted\":%ld,"
           "\"refused\":%ld,\"broken\":%ld}\n",
           seconds, (double)accepted / seconds, percentile(0.50), percentile(0.99), percentile(1.0), accepted, refused,
           broken);
    return 0;
}
