/* SPDX-License-Identifier: Apache-2.0
 * segment.c - what an audience costs and how long a segment takes over it: segment PEOPLE [FILE]
 *
 * People are made up, with values as unevenly spread as people's are. Times are of the processor, the best of eleven; bytes are those the
 * audience holds when it is done. FILE: a copy of the audience for bench/segment/run, which asks databases the same. */
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/digest.h"
#include "core/audience_impl.h"
#include "core/segment.h"
#include "store/audience_file.h"

#define NOW    ((int64_t)1795305600000)
#define DAY_MS ((int64_t)86400000)
#define TURNS  11

static uint64_t seed = 20261122;

static uint32_t roll(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % n;
}

/* 0..n-1, each about half as often as the one before it. */
static uint32_t uneven(uint32_t n)
{
    uint32_t i = 0;
    while (i + 1 < n && roll(100) < 55)
        i++;
    return i;
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(int rc, const struct err *e)
{
    if (rc != 0) {
        fprintf(stderr, "%s\n", e->text);
        exit(1);
    }
}

/* --- people ----------------------------------------------------------------------------------------------------------- */

static struct audience *people(const struct phone_data *phones, uint32_t n)
{
    static const char *const prefix[] = {"5511912", "9198123", "6281234", "4915112",
                                         "3519123", "1212555", "3361234", "4366412"};
    static const char *const languages[] = {"pt-BR", "hi", "id", "de", "pt", "en", "fr", "de-AT"};
    static const char *const first[] = {"Ana", "Ravi", "Budi", "Jonas", "Joana", "Mary", "Luc", "Lena", "Omar", "Ivy"};
    struct audience *a = audience_create(phones, NOW);
    struct err e = {0};
    for (uint32_t i = 0; i < n; i++) {
        char name[32], city[16], tier[8], even16[8], even100[8], tag[3][8];
        uint32_t from = uneven(8);
        struct audience_pair pair[4] = {{STR("city"), {city, 0}},
                                        {STR("tier"), {tier, 0}},
                                        {STR("even 16"), {even16, 0}},
                                        {STR("even 100"), {even100, 0}}};
        struct str tags[3];
        struct consent_state consent = {0};
        struct activity activity = {0};
        int64_t source = 100 + uneven(12);
        struct audience_person p = {.id = (((int64_t)1780000000000 + i / 50) << 22) + i % 50,
                                    .created_at = NOW - (int64_t)roll(900) * DAY_MS,
                                    .lang = str_of(languages[from]),
                                    .consent = &consent,
                                    .activity = &activity,
                                    .named = true,
                                    .attribute = pair,
                                    .n_attributes = 4,
                                    .tag = tags,
                                    .source = &source,
                                    .n_sources = 1};
        p.phone.kind = IDENTITY_PHONE;
        snprintf(p.phone.value, sizeof p.phone.value, "%s%06u", prefix[from], roll(1000000));
        p.name = (struct str){name, (size_t)snprintf(name, sizeof name, "%s %u", first[roll(10)], roll(50000))};
        pair[0].value.n = (size_t)snprintf(city, sizeof city, "city%u", uneven(9) * 200 + roll(200));
        pair[2].value.n =
            (size_t)snprintf(even16, sizeof even16, "e%u", roll(16)); /* the worst there is: nothing to pack */
        pair[3].value.n = (size_t)snprintf(even100, sizeof even100, "e%u", roll(100));
        pair[1].value.n = (size_t)snprintf(tier, sizeof tier, "t%u", uneven(6));
        for (p.n_tags = 0; p.n_tags < 3 && roll(2); p.n_tags++)
            tags[p.n_tags] =
                (struct str){tag[p.n_tags], (size_t)snprintf(tag[p.n_tags], sizeof tag[0], "tag%u", uneven(30))};
        consent.of[CATEGORY_MARKETING].status = (uint8_t)(roll(10) < 7 ? CONSENT_GRANTED
                                                          : roll(2)    ? CONSENT_WITHDRAWN
                                                                       : CONSENT_NONE);
        if (roll(10) < 8)
            activity_add(&activity, &(struct activity_event){.kind = roll(4) ? ACTIVITY_READ : ACTIVITY_REPLIED,
                                                             .at = NOW - (int64_t)(uneven(16) * 20 + roll(20)) * DAY_MS,
                                                             .sent = NOW - 321 * DAY_MS,
                                                             .sure = true});
        must(audience_add(a, &p, &e), &e);
    }
    must(audience_end(a, &e), &e);
    return a;
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

#define F(field, op, value) "{\"field\":\"" field "\",\"operator\":\"" op "\",\"value\":" value "}"
#define AND(x)              "{\"combinator\":\"and\",\"rules\":[" x "]}"
#define OR(x)               "{\"combinator\":\"or\",\"rules\":[" x "]}"

static const struct {
    const char *what, *query;
} questions[] = {
    {"six terms",
     AND(F("country", "in", "\"DE,AT\"") "," F("consent.marketing", "=", "\"granted\"") "," F(
         "tag", "=", "\"tag3\"") "," F("tag", "!=", "\"tag2\"") "," F("score", ">=", "0.3") "," F("last_read", ">=",
                                                                                                  "\"now-60d\""))},
    {"six terms, large",
     AND(F("country", "in", "\"BR,IN\"") "," F("consent.marketing", "=", "\"granted\"") "," F(
         "tag", "=", "\"tag0\"") "," F("tag", "!=", "\"tag5\"") "," F("score", ">=", "0.1") "," F("last_read", ">=",
                                                                                                  "\"now-60d\""))},
    {"one country", AND(F("country", "=", "\"BR\""))},
    {"two tags", AND(F("tag", "=", "\"tag1\"") "," F("tag", "=", "\"tag2\""))},
    {"a time, alone", AND(F("last_read", ">=", "\"now-60d\""))},
    {"two times or a tag",
     OR(F("last_read", ">=", "\"now-60d\"") "," F("last_replied", "notNull", "null") "," F("tag", "=", "\"tag1\""))},
    {"a city of 1,800", AND(F("attribute.city", "=", "\"city204\""))},
    {"part of a city's name", AND(F("attribute.city", "contains", "\"y4\""))},
    {"part of a name", AND(F("name", "contains", "\"mary 1\""))},
    {"everybody", AND("")},
};

static roaring_bitmap_t *ask(const struct audience *a, struct segment *s, double *ret_ms)
{
    roaring_bitmap_t *b = NULL;
    struct err e = {0};
    double best = 1e12;
    for (int i = 0; i < TURNS; i++) {
        if (b != NULL)
            roaring_bitmap_free(b);
        double from = cpu_ms();
        must(segment_select(s, a, NOW, &b, &e), &e);
        double ms = cpu_ms() - from;
        best = ms < best ? ms : best;
    }
    *ret_ms = best;
    return b;
}

static struct segment *read_one(struct json_parser *parser, struct arena *arena, const char *query)
{
    struct segment *s = NULL;
    struct json v;
    struct err e = {0};
    must(json_parse(parser, str_of(query), false, &v, &e), &e);
    must(segment_read(v, arena, &s, NULL, &e), &e);
    return s;
}

static void ask_all(const struct audience *a)
{
    struct json_parser *parser = json_parser_create();
    struct arena *arena = arena_create(1 << 20);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        roaring_bitmap_t *may = NULL;
        struct err e = {0};
        double ms, from;
        roaring_bitmap_t *b = ask(a, read_one(parser, arena, questions[i].query), &ms);
        from = cpu_ms();
        must(segment_reachable(b, a, CATEGORY_MARKETING, NOW, &may, &e), &e);
        printf("%-24s %9llu people %9.2f ms, and who of them may be sent to %.2f ms\n", questions[i].what,
               (unsigned long long)roaring_bitmap_get_cardinality(b), ms, cpu_ms() - from);
        roaring_bitmap_free(b);
        roaring_bitmap_free(may);
    }
    arena_free(arena);
    json_parser_free(parser);
}

/* The launch of a campaign to a million: who is meant, as ids in Roaring's form, and the hash of that. */
static void launch(const struct audience *a)
{
    struct json_parser *parser = json_parser_create();
    struct arena *arena = arena_create(1 << 20);
    struct segment *s =
        read_one(parser, arena, AND(F("consent.marketing", "=", "\"granted\"") "," F("last_read", "notNull", "null")));
    struct buf out;
    struct err e = {0};
    uint8_t hash[SHA256_BYTES];
    double best = 1e12, ms;
    roaring_bitmap_t *b = ask(a, s, &ms), *some = NULL;
    uint32_t last = 0;
    if (!roaring_bitmap_select(b, 999999, &last))
        last = UINT32_MAX;
    some = roaring_bitmap_from_range(0, (uint64_t)last + 1, 1);
    roaring_bitmap_and_inplace(some, b);
    buf_init(&out, (size_t)1 << 32);
    for (int i = 0; i < TURNS; i++) {
        buf_clear(&out);
        double from = cpu_ms();
        must(audience_snapshot(a, some, &out, &e), &e);
        sha256(out.data, out.len, hash);
        best = cpu_ms() - from < best ? cpu_ms() - from : best;
    }
    printf("launch: %llu people meant in %.1f ms; ids and SHA-256 in %.1f ms, %.2f MB\n",
           (unsigned long long)roaring_bitmap_get_cardinality(some), ms, best, (double)out.len / 1e6);
    buf_done(&out);
    roaring_bitmap_free(b);
    roaring_bitmap_free(some);
    arena_free(arena);
    json_parser_free(parser);
}

static void sizes(const struct audience *a)
{
    size_t n = audience_people(a), bits = 0;
    printf("%zu people: %.1f MB, %.1f bytes each\n", n, (double)audience_bytes(a) / 1e6,
           (double)audience_bytes(a) / (double)n);
    for (size_t i = 0; i < AUDIENCE_SETS; i++)
        if (audience_set_count(&a->set[i]) > 0)
            printf("  %-24s %8u values %6.2f bytes a person\n", audience_words_fields[i],
                   audience_set_count(&a->set[i]), (double)audience_set_bytes(&a->set[i]) / (double)n);
    for (uint32_t i = 0; i < audience_set_count(&a->attributes); i++, bits++)
        printf("  attribute %-14.*s %8u values %6.2f bytes a person\n", (int)audience_set_text(&a->attributes, i).n,
               audience_set_text(&a->attributes, i).p, audience_set_count(a->attribute[i]),
               (double)audience_set_bytes(a->attribute[i]) / (double)n);
    printf("  ids, numbers, times      %.2f bytes a person\n", (double)arena_used(a->arena) / (double)n);
}

int main(int argc, char **argv)
{
    struct phone_data phones;
    struct err e = {0};
    uint32_t n = argc > 1 ? (uint32_t)strtod(argv[1], NULL) : 1000000;
    phone_data_builtin(&phones);
    double from = cpu_ms();
    struct audience *a = people(&phones, n);
    printf("built in %.1f s of the processor, %.2f us a person, making them up included\n", (cpu_ms() - from) / 1e3,
           (cpu_ms() - from) * 1e3 / n);
    sizes(a);
    ask_all(a);
    launch(a);
    if (argc > 2)
        must(audience_file_write(argv[2], a, &e), &e);
    audience_free(a);
    return 0;
}
