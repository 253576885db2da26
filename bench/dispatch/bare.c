/* SPDX-License-Identifier: Apache-2.0
 * bare.c - sends without any durability, with the gateway's own HTTP client: what the wire alone would allow.
 *
 * Keeps so many calls open and sends the next one as soon as one is answered; nothing is judged, stored, paced or
 * retried. Numbers and recipients go round. An https URL goes by HTTP/2 where the server offers it, http by libcurl.
 * Prints one JSON object with the CPU this process took a call. */
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "net/http_client.h"

#define NUMBERS_MAX 64

struct one {
    struct http_call call;
    char url[256], body[512], bearer[128];
    struct http_header headers[2];
};

static struct {
    const char *url, *ca, *token;
    const char *number[NUMBERS_MAX];
    int n_numbers, open;
    long count;
} opt = {.token = "sandbox-token", .open = 64, .count = 100000};

static struct http_client *client;
static atomic_long begun, ended, ok, slowed, other;

static void fire(struct one *o)
{
    long i = atomic_fetch_add(&begun, 1);
    if (i >= opt.count)
        return;
    snprintf(o->url, sizeof o->url, "%s/v25.0/%s/messages", opt.url, opt.number[i % opt.n_numbers]);
    int n = snprintf(
        o->body, sizeof o->body,
        "{\"messaging_product\":\"whatsapp\",\"to\":\"+346%08ld\",\"type\":\"template\",\"template\":{\"name\":"
        "\"order_ready\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\",\"parameters\":[{"
        "\"type\":\"text\",\"text\":\"%06ld\"}]}]}}",
        i % 1000000, i % 1000000);
    void (*done)(struct http_call * c) = o->call.done;
    o->call = (struct http_call){.method = STR("POST"),
                                 .url = str_of(o->url),
                                 .headers = o->headers,
                                 .n_headers = 2,
                                 .body = {o->body, (size_t)n},
                                 .body_length = n,
                                 .timeout_ms = 20000,
                                 .max_answer = 65536,
                                 .done = done};
    if (http_client_submit(client, &o->call) != 0)
        abort();
}

static void answered(struct http_call *c)
{
    bool limited =
        c->status == 400 && c->answer.data != NULL && memmem(c->answer.data, c->answer.len, "130429", 6) != NULL;
    atomic_fetch_add(c->fate == HTTP_ANSWERED && c->status == 200 ? &ok : limited ? &slowed : &other, 1);
    http_call_done(c);
    atomic_fetch_add(&ended, 1);
    fire((struct one *)c);
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"url", 1, NULL, 'u'},  {"ca", 1, NULL, 'a'},   {"token", 1, NULL, 't'},
                                          {"from", 1, NULL, 'f'}, {"open", 1, NULL, 'o'}, {"count", 1, NULL, 'n'},
                                          {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 'u')
            opt.url = optarg;
        else if (c == 'a')
            opt.ca = optarg;
        else if (c == 't')
            opt.token = optarg;
        else if (c == 'f' && opt.n_numbers < NUMBERS_MAX)
            opt.number[opt.n_numbers++] = optarg;
        else if (c == 'o')
            opt.open = (int)strtol(optarg, NULL, 10);
        else if (c == 'n')
            opt.count = strtol(optarg, NULL, 10);
        else
            exit(2);
    }
    if (opt.n_numbers == 0)
        opt.number[opt.n_numbers++] = "111";
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    read_options(argc, argv);
    if (opt.url == NULL)
        return 2;
    struct http_client_options o = {.connections_per_origin = 2, .ca_file = opt.ca, .max_calls = (size_t)opt.open + 1};
    if (http_client_start(&client, &o, &e) != 0) {
        fprintf(stderr, "bare: %s\n", e.text);
        return 1;
    }
    struct one *all = calloc((size_t)opt.open, sizeof *all);
    if (all == NULL)
        return 1;
    int64_t start = clock_mono_ns();
    for (int i = 0; i < opt.open; i++) {
        snprintf(all[i].bearer, sizeof all[i].bearer, "Bearer %s", opt.token);
        all[i].headers[0] = (struct http_header){STR("Authorization"), str_of(all[i].bearer)};
        all[i].headers[1] = (struct http_header){STR("Content-Type"), STR("application/json")};
        all[i].call.done = answered;
        fire(&all[i]);
    }
    struct timespec pause = {.tv_nsec = 1000000};
    while (atomic_load(&ended) < opt.count)
        nanosleep(&pause, NULL);
    double seconds = (double)(clock_mono_ns() - start) / 1e9;
    printf("{\"seconds\":%.3f,\"per_s\":%.0f,\"ok\":%ld,\"slowed\":%ld,\"other\":%ld,\"cpu_us\":%.1f}\n", seconds,
           (double)ok / seconds, atomic_load(&ok), atomic_load(&slowed), atomic_load(&other),
           cpu_seconds() * 1e6 / (double)opt.count);
    http_client_free(client);
    free(all);
    return 0;
}
