/* SPDX-License-Identifier: Apache-2.0
 * fill.c - people with consent, and a backlog of any length, written into a state directory while no gateway runs.
 *
 * Goes through the store's verbs and writes what the door would have written for `"queue": true` (gateway/admit_record.c):
 * a message that waits and its row in the outbox, thousands to a commit. It exists because ten million posts take longer
 * than anybody wants to wait before a measurement; what posts cost is measured by enqueue.
 *
 *   fill DATABASE people FIRST N                          consent to everything, a year ago
 *   fill DATABASE messages FIRST PEOPLE N TEMPLATE CATEGORY NUMBER...   N messages that go round people and numbers */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/lane.h"
#include "store/messages.h"
#include "store/outbox.h"
#include "store/people.h"

#define GROUP   1000
#define YEAR_MS INT64_C(31536000000)

static void must(int rc, const struct err *e)
{
    if (rc != 0) {
        fprintf(stderr, "fill: %d: %s\n", rc, e->text);
        exit(1);
    }
}

static void person_name(struct identity *id, long i)
{
    *id = (struct identity){.kind = IDENTITY_PHONE};
    snprintf(id->value, sizeof id->value, "346%08ld", i);
}

static void people(struct store *s, long first, long n)
{
    static struct identity who[GROUP];
    static struct person p[GROUP];
    struct err e = {0};
    int64_t now = clock_now_ms();
    for (long i = 0; i < n; i += GROUP) {
        size_t k = (size_t)(n - i < GROUP ? n - i : GROUP);
        for (size_t j = 0; j < k; j++)
            person_name(&who[j], first + i + (long)j);
        must(store_begin(s, &e), &e);
        must(people_ensure(s, who, k, now, p, &e), &e);
        for (size_t j = 0; j < k; j++)
            for (int c = CATEGORY_MARKETING; c <= CATEGORY_AUTHENTICATION; c++)
                p[j].consent.of[c] = (struct consent_word){CONSENT_GRANTED, CONSENT_RANK_ASSERTED, now - YEAR_MS};
        must(people_save(s, p, k, &e), &e);
        must(store_commit(s, &e), &e);
    }
}

struct backlog {
    long first, people, n;
    const char *template;
    enum category category;
    char **number;
    int n_numbers;
};

/* As the REST interface keeps it. */
static struct str body_of(const struct backlog *b, long i, char *out, size_t size)
{
    int n = snprintf(
        out, size,
        "{\"messaging_product\":\"whatsapp\",\"to\":\"+346%08ld\",\"type\":\"template\",\"template\":{\"name\":"
        "\"%s\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\",\"parameters\":[{\"type\":"
        "\"text\",\"text\":\"%06ld\"}]}]}}",
        b->first + i % b->people, b->template, i % 1000000);
    return (struct str){out, (size_t)n};
}

static void messages(struct store *s, const struct backlog *b)
{
    static struct identity who[GROUP];
    static struct person p[GROUP];
    static struct message m[GROUP];
    static struct outbox_row row[GROUP];
    static char text[GROUP][512];
    struct err e = {0};
    for (long i = 0; i < b->n; i += GROUP) {
        size_t k = (size_t)(b->n - i < GROUP ? b->n - i : GROUP);
        int64_t now = clock_now_ms();
        for (size_t j = 0; j < k; j++)
            person_name(&who[j], b->first + (i + (long)j) % b->people);
        must(store_begin(s, &e), &e);
        must(people_ensure(s, who, k, now, p, &e), &e);
        for (size_t j = 0; j < k; j++) {
            int64_t sender = strtoll(b->number[(i + (long)j) % b->n_numbers], NULL, 10);
            m[j] = (struct message){.bucket = p[j].bucket,
                                    .id = store_id(s, now),
                                    .contact = p[j].id,
                                    .sender = sender,
                                    .ts = now,
                                    .kind = INTENT_TEMPLATE,
                                    .type = "template"};
            life_init(&m[j].life, b->category, now, 0);
            m[j].life.at = now;
            row[j] = (struct outbox_row){.key = {p[j].bucket, sender, (int)lane_class(b->category), 0, now, m[j].id},
                                         .path = PATH_MESSAGES,
                                         .flags = OUTBOX_OUR_ID,
                                         .body = body_of(b, i + (long)j, text[j], sizeof text[j])};
        }
        must(messages_insert(s, m, NULL, k, &e), &e);
        must(outbox_put(s, row, k, &e), &e);
        must(store_commit(s, &e), &e);
    }
}

static int usage(void)
{
    fprintf(stderr, "fill DATABASE people FIRST N | messages FIRST PEOPLE N TEMPLATE marketing|utility NUMBER...\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct store *s;
    struct store_options o = {0};
    struct err e = {0};
    if (argc < 5)
        return usage();
    must(store_open(&s, argv[1], &o, &e), &e);
    int64_t start = clock_mono_ns();
    long first = strtol(argv[3], NULL, 10), n = strtol(argv[4], NULL, 10);
    if (strcmp(argv[2], "people") == 0) {
        people(s, first, n);
    } else if (strcmp(argv[2], "messages") == 0 && argc >= 9) {
        struct backlog b = {.first = first,
                            .people = n,
                            .n = strtol(argv[5], NULL, 10),
                            .template = argv[6],
                            .category = strcmp(argv[7], "marketing") == 0 ? CATEGORY_MARKETING : CATEGORY_UTILITY,
                            .number = argv + 8,
                            .n_numbers = argc - 8};
        messages(s, &b);
        n = b.n;
    } else {
        return usage();
    }
    double seconds = (double)(clock_mono_ns() - start) / 1e9;
    printf("{\"rows\":%ld,\"seconds\":%.1f,\"per_s\":%.0f}\n", n, seconds, (double)n / seconds);
    store_free(s);
    return 0;
}
