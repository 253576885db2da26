/* SPDX-License-Identifier: Apache-2.0
 * audience.c - how long it takes to read everybody into the model segments are answered over, and what it takes in memory.
 *
 * Makes a database of so many people through the store's own verbs (a number, a name, a language, consent of most, activity of many,
 * three attributes, two tags, a file each came from) and one campaign that all of them were in, a message each. Then it reads them as the
 * gateway does, in pages of 5,000, and asks what a console asks while somebody types. A database that is there already is used as it is.
 * Usage: audience_store DIRECTORY [PEOPLE]. */
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/phone_data.h"
#include "core/segment.h"
#include "store/activities.h"
#include "store/attributes.h"
#include "store/audience_rows.h"
#include "store/campaigns.h"
#include "store/people.h"

#define GROUP    1000
#define PAGE     5000
#define SENDER   106540352242922
#define CAMPAIGN INT64_C(7340032)
#define DAY_MS   INT64_C(86400000)
#define ASKED    50

static int64_t now_ms;

static void must(int rc, const struct err *e)
{
    if (rc != 0) {
        fprintf(stderr, "audience_store: %d: %s\n", rc, e->text);
        exit(1);
    }
}

struct lap {
    int64_t wall, cpu;
};

static struct lap now_of(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (struct lap){clock_mono_ns(), (int64_t)t.tv_sec * 1000000000 + t.tv_nsec};
}

static void say(const char *what, struct lap *from)
{
    struct lap now = now_of();
    printf("%-24s %6.2f s, %6.2f s of the processor\n", what, (double)(now.wall - from->wall) / 1e9,
           (double)(now.cpu - from->cpu) / 1e9);
    *from = now_of();
}

static uint64_t draw(uint64_t i, unsigned what)
{
    uint64_t x = i * 16 + what + UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void name_of(uint64_t i, struct identity *ret)
{
    static const char *const plan[] = {"49170", "43664", "5511", "91981", "44770", "55219", "62812", "52155"};
    ret->kind = IDENTITY_PHONE;
    snprintf(ret->value, sizeof ret->value, "%s%07llu", plan[draw(i, 0) % 8], (unsigned long long)(i % 10000000));
}

/* --- the database ----------------------------------------------------------------------------------------------------- */

static void fill_person(struct person *p, uint64_t i)
{
    static const char *const lang[] = {"de", "de-AT", "pt-BR", "en", "es-MX", "id"};
    snprintf(p->name, sizeof p->name, "Person %llu", (unsigned long long)(draw(i, 1) % 50000));
    snprintf(p->lang, sizeof p->lang, "%s", lang[draw(i, 2) % 6]);
    if (draw(i, 3) % 10 < 7)
        consent_apply(&p->consent, &(struct consent_event){.act = CONSENT_GRANT,
                                                           .scope = CONSENT_SCOPE(CATEGORY_MARKETING),
                                                           .at = now_ms - 90 * DAY_MS,
                                                           .rank = CONSENT_RANK_CAPTURED});
    if (draw(i, 3) % 100 == 99)
        consent_apply(&p->consent,
                      &(struct consent_event){.act = CONSENT_WITHDRAW, .scope = CONSENT_ALL, .at = now_ms});
}

static void put_said(struct store *s, const struct person *p, uint64_t i, int64_t source, struct err *e)
{
    char value[3][32], tag[2][32];
    static const char *const names[] = {"city", "visits", "birthday"};
    snprintf(value[0], 32, "City %llu", (unsigned long long)(draw(i, 4) % 5000));
    snprintf(value[1], 32, "%llu", (unsigned long long)(draw(i, 5) % 100));
    snprintf(value[2], 32, "19%02llu-0%llu-1%llu", (unsigned long long)(draw(i, 6) % 90),
             1 + (unsigned long long)(draw(i, 7) % 9), (unsigned long long)(draw(i, 8) % 10));
    for (size_t k = 0; k < 3; k++) {
        const struct attribute v = {str_of(names[k]), str_of(value[k]), source, now_ms};
        must(attribute_put(s, p->bucket, p->id, &v, NULL, e), e);
    }
    for (unsigned k = 0; k < 2; k++) {
        snprintf(tag[k], 32, "tag%llu", (unsigned long long)(draw(i, 9 + k) % 40));
        const struct tag t = {str_of(tag[k]), source, now_ms};
        must(tag_put(s, p->bucket, p->id, &t, NULL, e), e);
    }
    must(contact_source_put(s, p->bucket, p->id, source, now_ms, NULL, e), e);
    if (draw(i, 11) % 10 < 6) {
        const struct activity_event ev = {ACTIVITY_READ, now_ms - (int64_t)(draw(i, 12) % 200) * DAY_MS,
                                          now_ms - 200 * DAY_MS, true};
        must(activities_add(s, p->bucket, p->id, &ev, 1, e), e);
    }
}

static void put_message(struct store *s, const struct person *p, uint64_t i, struct err *e)
{
    const struct message m = {
        .bucket = p->bucket,
        .id = store_id(s, now_ms),
        .contact = p->id,
        .sender = SENDER,
        .campaign = CAMPAIGN,
        .life = {.state = LIFE_ACCEPTED, .category = CATEGORY_MARKETING, .attempts = 1, .accepted = 1},
        .ts = now_ms,
        .seen = SEEN_SENT | SEEN_DELIVERED | (draw(i, 13) % 2 ? SEEN_READ : 0),
        .type = "template"};
    const struct campaign_recipient r = {.bucket = p->bucket,
                                         .campaign = CAMPAIGN,
                                         .place = (int64_t)i + 1,
                                         .contact = p->id,
                                         .sender = SENDER,
                                         .msg = m.id,
                                         .language = STR_INIT("de"),
                                         .rule = STR_INIT(""),
                                         .params = STR_INIT("[]")};
    must(messages_insert(s, &m, NULL, 1, e), e);
    must(recipients_put(s, &r, 1, e), e);
}

static void put_group(struct store *s, uint64_t from, size_t n, struct err *e)
{
    static struct identity who[GROUP];
    static struct person p[GROUP];
    uint8_t sha[SHA256_BYTES] = {(uint8_t)(from / GROUP % 30)};
    int64_t source = 0;
    char file[32];
    snprintf(file, sizeof file, "list%d.csv", sha[0]);
    must(store_begin(s, e), e);
    for (size_t k = 0; k < n; k++)
        name_of(from + k, &who[k]);
    must(import_source_put(s, str_of(file), sha, now_ms, &source, e), e);
    must(people_ensure(s, who, n, now_ms, p, e), e);
    for (size_t k = 0; k < n; k++)
        fill_person(&p[k], from + k);
    must(people_save(s, p, n, e), e);
    for (size_t k = 0; k < n; k++) {
        put_said(s, &p[k], from + k, source, e);
        put_message(s, &p[k], from + k, e);
    }
    must(store_commit(s, e), e);
}

static void fill(struct store *s, uint64_t people, struct err *e)
{
    int64_t have = 0;
    must(people_count(s, &have, e), e);
    struct lap t = now_of();
    for (uint64_t i = (uint64_t)have; i < people; i += GROUP)
        put_group(s, i, people - i < GROUP ? people - i : GROUP, e);
    say("written", &t);
}

/* --- the model -------------------------------------------------------------------------------------------------------- */

static int add_person(void *ctx, const struct audience_person *p, struct err *e)
{
    return audience_add(ctx, p, e);
}

static int skip_person(void *ctx, const struct audience_person *p, struct err *e)
{
    (void)p, (void)e;
    ++*(size_t *)ctx;
    return 0;
}

static int add_source(void *ctx, int64_t id, struct str name, struct err *e)
{
    return audience_add_source(ctx, id, name, e);
}

static int add_mark(void *ctx, int64_t contact, unsigned marks, struct err *e)
{
    return audience_add_mark(ctx, STR("k1"), contact, marks, e);
}

static void read_people(struct store *s, struct arena *a,
                        int (*each)(void *, const struct audience_person *, struct err *), void *ctx, struct err *e)
{
    int64_t last = 0;
    for (size_t n = PAGE; n == PAGE; store_rollback(s)) {
        arena_reset(a);
        must(store_begin_reading(s, e), e);
        must(audience_rows(s, 0, last, PAGE, a, each, ctx, &last, &n, e), e);
    }
}

static struct audience *build(struct store *s, struct arena *a, const struct phone_data *phones, struct err *e)
{
    size_t seen = 0, n;
    struct lap t = now_of();
    int64_t last = 0;
    read_people(s, a, skip_person, &seen, e);
    say("read, nothing kept", &t);
    struct audience *au = audience_create(phones, now_ms);
    read_people(s, a, add_person, au, e);
    say("read and added", &t);
    must(audience_row_sources(s, a, add_source, au, e), e);
    do
        must(audience_row_marks(s, 0, CAMPAIGN, last, PAGE, add_mark, au, &last, &n, e), e);
    while (n == PAGE);
    say("what a campaign did", &t);
    must(audience_end(au, e), e);
    say("ended", &t);
    return au;
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

static int by_size(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

static void ask(const struct audience *au, struct arena *a, const char *what, const char *query, struct err *e)
{
    struct json_parser *p = json_parser_create();
    int64_t took[ASKED];
    uint64_t people = 0, may = 0;
    for (size_t i = 0; i < ASKED; i++) {
        struct json root;
        struct segment *g;
        roaring_bitmap_t *found, *reachable;
        int64_t begun = clock_mono_ns();
        arena_reset(a);
        must(json_parse(p, str_of(query), false, &root, e), e);
        must(segment_read(root, a, &g, NULL, e), e);
        must(segment_select(g, au, now_ms, &found, e), e);
        must(segment_reachable(found, au, CATEGORY_MARKETING, now_ms, &reachable, e), e);
        people = roaring_bitmap_get_cardinality(found);
        may = roaring_bitmap_get_cardinality(reachable);
        took[i] = clock_mono_ns() - begun;
        roaring_bitmap_free(found);
        roaring_bitmap_free(reachable);
    }
    qsort(took, ASKED, sizeof *took, by_size);
    printf("%-28s %9llu people, %9llu may be sent to: median %7.3f ms, worst %7.3f ms\n", what,
           (unsigned long long)people, (unsigned long long)may, (double)took[ASKED / 2] / 1e6,
           (double)took[ASKED - 1] / 1e6);
    json_parser_free(p);
}

#define RULE(field, operator, value) "{\"field\":\"" field "\",\"operator\":\"" operator"\",\"value\":\"" value "\"}"
#define ALL(rules)                   "{\"combinator\":\"and\",\"rules\":[" rules "]}"

int main(int argc, char **argv)
{
    struct err e = {0};
    struct store *s = NULL, *reader = NULL;
    struct arena *a = arena_create(256u << 20);
    struct phone_data phones;
    struct rusage use;
    char url[4096];
    int64_t people = 1000000;
    if (argc < 2 || a == NULL || (argc > 2 && !str_i64(str_of(argv[2]), &people)) || people < 1) {
        fprintf(stderr, "usage: audience_store DIRECTORY [PEOPLE]\n");
        return 2;
    }
    now_ms = clock_now_ms();
    snprintf(url, sizeof url, "%s/audience.db", argv[1]);
    phone_data_builtin(&phones);
    must(store_open(&s, url, NULL, &e), &e);
    fill(s, (uint64_t)people, &e);
    must(store_open(&reader, url, &(struct store_options){.read_only = true}, &e), &e);
    struct audience *au = build(reader, a, &phones, &e);
    getrusage(RUSAGE_SELF, &use);
    printf("model: %zu people, %.1f MB, %.1f bytes each; the process had %ld MB at most\n", audience_people(au),
           (double)audience_bytes(au) / 1e6, (double)audience_bytes(au) / (double)audience_people(au),
           use.ru_maxrss / 1024);
    ask(au, a, "everybody", ALL(""), &e);
    ask(au, a, "a tag", ALL(RULE("tag", "=", "tag7")), &e);
    ask(au, a, "country and tag", ALL(RULE("country", "in", "DE,AT") "," RULE("tag", "=", "tag7")), &e);
    ask(au, a, "six conditions",
        ALL(RULE("country", "in", "DE,AT") "," RULE("tag", "!=", "tag2") "," RULE(
            "attribute.visits",
            ">=", "30") "," RULE("last_read", ">=", "now-60d") "," RULE("score", ">", "0.2") "," RULE("campaign", "=",
                                                                                                      "k1:read")),
        &e);
    ask(au, a, "part of a city's name", ALL(RULE("attribute.city", "contains", "ity 12")), &e);
    audience_free(au);
    store_free(reader);
    store_free(s);
    arena_free(a);
    return 0;
}
