/* SPDX-License-Identifier: Apache-2.0
 * fuzz_segment.c - any JSON as a segment, asked of an audience of sixty people.
 *
 * What must hold: it is refused with a sentence and a place, or it means people of the audience and says so in one sentence of valid
 * UTF-8 without line breaks; the same segment negated means exactly the others; who may be sent to is among who is meant; its SQL has no
 * quote left open. */
#include <roaring/roaring.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/segment.h"

#define NOW    ((int64_t)1795305600000)
#define DAY_MS ((int64_t)86400000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct audience *make_people(void)
{
    static struct phone_data phones;
    static const char *const cities[] = {"Berlin", "berlin", "O'Hara", "12", "12.5", "2026-11-01", "M\xc3\xbcnchen"};
    static const char *const tags[] = {"vip", "new", "a,b"};
    phone_data_builtin(&phones);
    struct audience *a = audience_create(&phones, NOW);
    must(a != NULL);
    for (int i = 0; i < 60; i++) {
        struct consent_state consent = {0};
        struct activity activity = {0};
        struct audience_pair pair = {STR("city"), str_of(cities[i % 7])};
        struct str tag = str_of(tags[i % 3]);
        int64_t source = 7 + i % 2;
        consent.of[CATEGORY_MARKETING].status = (uint8_t)(i % 3);
        activity_add(&activity, &(struct activity_event){.kind = ACTIVITY_READ,
                                                         .at = NOW - i * 3 * DAY_MS,
                                                         .sent = NOW - 200 * DAY_MS});
        struct audience_person p = {.id = i * 2 + 1,
                                    .created_at = NOW - i * DAY_MS,
                                    .lang = STR("de"),
                                    .name = str_of(cities[i % 5]),
                                    .phone = {IDENTITY_PHONE, "4915112345678"},
                                    .consent = &consent,
                                    .activity = i % 4 ? &activity : NULL,
                                    .named = i % 10 != 0,
                                    .attribute = &pair,
                                    .n_attributes = i % 5 != 0,
                                    .tag = &tag,
                                    .n_tags = i % 2,
                                    .source = &source,
                                    .n_sources = i % 3 == 0};
        must(audience_add(a, &p, NULL) == 0);
    }
    must(audience_add_source(a, 7, STR("spring.csv"), NULL) == 0 &&
         audience_add_mark(a, STR("k0a"), 3, 127, NULL) == 0);
    must(audience_end(a, NULL) == 0);
    return a;
}

static void look_at_texts(const struct segment *s)
{
    struct buf text;
    size_t quotes = 0;
    buf_init(&text, 8 << 20);
    segment_say(s, &text);
    must(!text.failed && text.len > 2 && text.data[text.len - 1] == '.' && memchr(text.data, '\n', text.len) == NULL);
    buf_clear(&text);
    must(segment_sql(s, NOW, &text, NULL) == 0);
    for (size_t i = 0; i < text.len; i++)
        quotes += text.data[i] == '\'';
    must(quotes % 2 == 0);
    buf_done(&text);
}

/* The segment as the one rule of a negated group. */
static void look_at_others(const struct audience *a, struct str query, const roaring_bitmap_t *meant)
{
    static struct json_parser *parser;
    struct arena *arena = arena_create(64 << 20);
    struct buf text;
    struct segment *s = NULL;
    struct json v;
    roaring_bitmap_t *others = NULL;
    parser = parser != NULL ? parser : json_parser_create();
    buf_init(&text, 1 << 20);
    buf_puts(&text, "{\"combinator\":\"and\",\"not\":true,\"rules\":[");
    buf_putstr(&text, query);
    buf_puts(&text, "]}");
    must(json_parse(parser, buf_str(&text), false, &v, NULL) == 0);
    if (segment_read(v, arena, &s, NULL, NULL) == 0) { /* else it is a level too deep, or nothing is in it */
        must(segment_select(s, a, NOW, &others, NULL) == 0 && !roaring_bitmap_intersect(meant, others));
        must(roaring_bitmap_get_cardinality(meant) + roaring_bitmap_get_cardinality(others) == audience_people(a));
        roaring_bitmap_free(others);
    }
    buf_done(&text);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser;
    static struct arena *arena;
    static struct audience *people;
    struct segment *s = NULL;
    const char *path = NULL;
    struct json v;
    struct err e = {0};
    roaring_bitmap_t *meant = NULL, *may = NULL;
    struct str unheard[4];
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create(64 << 20);
        people = make_people();
    }
    arena_reset(arena);
    if (size > SEGMENT_QUERY_MAX || json_parse(parser, (struct str){(const char *)data, size}, false, &v, NULL) != 0)
        return 0;
    int rc = segment_read(v, arena, &s, &path, &e);
    must(rc == e.code && (rc == 0) == (e.text[0] == '\0') && (rc == 0) == (s != NULL) && (rc == 0) == (path == NULL));
    if (rc != 0)
        return 0;
    must(segment_select(s, people, NOW, &meant, &e) == 0);
    must(segment_reachable(meant, people, CATEGORY_MARKETING, NOW, &may, &e) == 0 &&
         roaring_bitmap_is_subset(may, meant));
    must(segment_unheard(s, people, unheard, 4) <= 4);
    look_at_texts(s);
    look_at_others(people, (struct str){(const char *)data, size}, meant);
    roaring_bitmap_free(meant);
    roaring_bitmap_free(may);
    return 0;
}
