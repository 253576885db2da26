/* SPDX-License-Identifier: Apache-2.0
 * test_audience.c - what an audience keeps of people: what a number tells, what ended, who is left out, values and how many have them,
 * ids written as 64-bit Roaring; and all of it beyond one block of 65,536 people. */
#include "segment_people.h"

#include <roaring/roaring.h>

#include "core/audience_impl.h"

static struct phone_data phones;

static struct audience *audience_new(void)
{
    phone_data_builtin(&phones);
    struct audience *a = audience_create(&phones, NOW);
    assert_non_null(a);
    return a;
}

static void values_are(const struct audience *a, const char *field, size_t max, const char *want)
{
    struct arena *arena = arena_create(1 << 20);
    struct audience_value *v = NULL;
    struct err e = {0};
    char got[400] = "";
    size_t n = 0;
    assert_ok(audience_values(a, str_of(field), max, arena, &v, &n, &e), e);
    for (size_t i = 0; i < n; i++)
        sprintf(got + strlen(got), "%s%.*s=%d", i > 0 ? " " : "", (int)v[i].value.n, v[i].value.p, (int)v[i].people);
    if (strcmp(got, want) != 0)
        print_error("%s: \"%s\", not \"%s\"\n", field, got, want);
    assert_string_equal(got, want);
    arena_free(arena);
}

TEST(a_number_and_a_state_become_words)
{
    static const struct row rows[] = {
        {11, "+4915112345678", "de", "Anna", "city=Berlin", "vip|new|vip", "7|8", "granted", 3},
        {12, "+4930123456", "de", "", "city=Berlin|age=3", "vip", "8", "granted-1d", 200},
        {13, "+12125550100", "en", "Bo", "city=", "", "9", "withdrawn", -1},
        {14, "BR.13491208655302741918", "", "", "", "new", "", "stop", -1},
    };
    static const struct {
        const char *field, *values;
    } has[] = {
        {"country", "DE=2 BR=1 US=1"},
        {"line", "fixed_line=1 fixed_line_or_mobile=1 mobile=1"},
        {"zone", "Europe/Berlin=2 America/New_York=1"},
        {"language", "de=2 en=1"},
        {"name", "Anna=1 Bo=1"},
        {"tag", "new=2 vip=2"},
        {"import", "8=2 7=1 9=1"},
        {"list", "a.csv=2"}, /* two imports of one name, 11 in both */
        {"attribute.city", "Berlin=2"},
        {"attribute.none", ""},
        {"attribute", "city=2 age=1"},
        {"consent.marketing", "granted=2 none=1 withdrawn=1"}, /* of what has ended: none */
        {"activity", "new=2 active=1 dormant=1"},
        {"platform_stop", "true=1"},
        {"named", "phone=3 user_id=1"},
        {"campaign", "k1:in=1 k1:read=1"},
    };
    struct audience *a = audience_new();
    struct err e = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        add_row(a, &rows[i]);
    struct audience_person restricted = {.id = 15, .restricted = true, .name = STR("Gone"), .named = true},
                           twice = {.id = 14};
    assert_ok(audience_add(a, &restricted, &e), e);
    assert_int_equal(audience_add(a, &twice, &e), WL_EBUG);
    assert_ok(audience_add_source(a, 7, STR("a.csv"), &e), e);
    assert_ok(audience_add_source(a, 8, STR("a.csv"), &e), e);
    assert_ok(audience_add_mark(a, STR("k1"), 12, AUDIENCE_READ | AUDIENCE_IN_CAMPAIGN, &e), e);
    assert_ok(audience_add_mark(a, STR("k1"), 15, AUDIENCE_SENT, &e), e);
    assert_ok(audience_end(a, &e), e);
    for (size_t i = 0; i < sizeof has / sizeof *has; i++)
        values_are(a, has[i].field, 10, has[i].values);
    values_are(a, "tag", 1, "new=2");
    struct arena *arena = arena_create(1 << 16);
    struct audience_value *v;
    size_t n;
    assert_int_equal(audience_values(a, STR("last_read"), 5, arena, &v, &n, &e), WL_EINVAL);
    arena_free(arena);
    assert_int_equal(audience_people(a), 4);
    assert_string_equal(audience_country(a, 1), "DE");
    assert_string_equal(audience_country(a, 3), "BR");
    assert_int_equal(audience_source(a, 0), 7);
    assert_int_equal(audience_source(a, 3), 0);
    assert_int_equal(audience_number(a, 0, AUDIENCE_LAST_READ), NOW / 1000 - 3 * 86400 - 21600);
    assert_int_equal(audience_number(a, 3, AUDIENCE_LAST_READ), 0);
    uint32_t ordinal;
    assert_true(audience_ordinal(a, 13, &ordinal) && ordinal == 2 && !audience_ordinal(a, 15, &ordinal) &&
                !audience_ordinal(a, 1, &ordinal));
    audience_free(a);
}

/* What the format says, read by another reader: 8 bytes how many halves, each its half and a bitmap of the library's. */
static size_t read_snapshot(struct str s, int64_t *id, size_t max)
{
    uint64_t halves;
    size_t n = 0, at = sizeof halves;
    memcpy(&halves, s.p, sizeof halves);
    for (uint64_t h = 0; h < halves; h++) {
        uint32_t upper, low[200];
        memcpy(&upper, s.p + at, sizeof upper);
        at += sizeof upper;
        roaring_bitmap_t *b = roaring_bitmap_portable_deserialize_safe(s.p + at, s.n - at);
        assert_non_null(b);
        size_t bytes = roaring_bitmap_portable_size_in_bytes(b);
        char *same = malloc(bytes);
        roaring_bitmap_portable_serialize(b, same);
        assert_memory_equal(same, s.p + at,
                            bytes); /* where containers begin, too, which this reader does not look at */
        free(same);
        at += bytes;
        roaring_uint32_iterator_t it;
        roaring_init_iterator(b, &it);
        for (uint32_t k; (k = roaring_read_uint32_iterator(&it, low, 200)) > 0;)
            for (uint32_t i = 0; i < k && n < max; i++)
                id[n++] = (int64_t)upper << 32 | low[i];
        roaring_bitmap_free(b);
    }
    assert_int_equal(at, s.n);
    return n;
}

#define MANY 70000

TEST(a_snapshot_is_ids_that_any_reader_of_the_format_reads)
{
    struct audience *a = audience_new();
    struct err e = {0};
    struct buf out;
    int64_t *id = calloc(MANY, sizeof *id), last = 1;
    uint32_t *row = calloc(MANY, sizeof *row);
    for (uint32_t i = 0; i < MANY; i++) { /* dense, sparse, and with gaps over halves */
        last += i < 30000 ? 1 : i % 1000 == 0 ? (int64_t)1 << 33 : i % 7 == 0 ? 70001 : 3;
        assert_ok(audience_add(a, &(struct audience_person){.id = last, .named = true}, &e), e);
    }
    assert_ok(audience_end(a, &e), e);
    static const struct {
        uint32_t step, until, and_from;
    } sets[] = {{1, MANY, MANY},
                {3, MANY, MANY},
                {1, 4096, 31000},
                {1, 4097, 31000}}; /* an array of the format holds 4096 */
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        size_t n = 0;
        for (uint32_t i = 0; i < MANY; i += sets[k].step)
            if (i < sets[k].until || i >= sets[k].and_from)
                row[n++] = i;
        roaring_bitmap_t *some = roaring_bitmap_of_ptr(n, row);
        buf_init(&out, 8 << 20);
        assert_ok(audience_snapshot(a, some, &out, &e), e);
        assert_int_equal(read_snapshot(buf_str(&out), id, MANY), n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(id[i], audience_contact(a, row[i]));
        buf_clear(&out);
        out.max = 100;
        assert_int_equal(audience_snapshot(a, some, &out, &e), WL_ENOMEM);
        roaring_bitmap_free(some);
        buf_done(&out);
    }
    free(id);
    free(row);
    audience_free(a);
}

static int count_them(void *ctx, struct str value, const uint32_t *ordinal, size_t n, struct err *e)
{
    uint64_t *seen = ctx;
    (void)e;
    for (size_t i = 0; i < n; i++) {
        assert_true(str_eq(value, STR("odd")) == (ordinal[i] % 2 == 1) || str_eq(value, STR("rare")));
        seen[str_eq(value, STR("rare"))]++;
    }
    return 0;
}

TEST(values_lie_in_bitmaps_and_in_lists_and_nobody_is_lost_between_blocks)
{
    struct audience *a = audience_new();
    struct err e = {0};
    uint64_t seen[2] = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        struct str tag[2] = {i % 2 ? STR("odd") : STR("even"), STR("rare")};
        assert_ok(audience_add(a, &(struct audience_person){.id = i + 1, .tag = tag, .n_tags = i % 5000 == 0 ? 2 : 1},
                               &e),
                  e);
    }
    assert_ok(audience_end(a, &e), e);
    values_are(a, "tag", 9, "even=35000 odd=35000 rare=14");
    assert_ok(audience_each(a, STR("tag"), count_them, seen, &e), e);
    assert_int_equal(seen[0], MANY);
    assert_int_equal(seen[1], 14);
    assert_true(audience_bytes(a) < (size_t)4 << 20);
    audience_free(a);
}

TEST(bits_become_the_same_people)
{
    static const uint32_t counts[] = {0,   1, 4095, 4096, 4097, AUDIENCE_BLOCK,
                                      MANY}; /* around the most an array of the format holds */
    struct audience *a = audience_new();
    struct err e = {0};
    for (uint32_t i = 0; i < MANY; i++)
        assert_ok(audience_add(a, &(struct audience_person){.id = i + 1}, &e), e);
    assert_ok(audience_end(a, &e), e);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct audience_bits bits;
        roaring_bitmap_t *b = NULL, *want = roaring_bitmap_create();
        assert_ok(audience_bits_init(&bits, a, &e), e);
        for (uint32_t i = 0; i < counts[c]; i++) {
            uint32_t ordinal = MANY - 1 - i;
            audience_bits_set(&bits, &ordinal, 1);
            roaring_bitmap_add(want, ordinal);
        }
        assert_ok(audience_bits_take(&bits, &b, &e), e);
        assert_true(roaring_bitmap_equals(b, want));
        roaring_bitmap_free(b);
        roaring_bitmap_free(want);
        audience_bits_done(&bits);
    }
    audience_free(a);
}

TEST(nobody_at_all_is_an_audience_too)
{
    struct audience *a = audience_new();
    struct err e = {0};
    struct buf out;
    assert_ok(audience_end(a, &e), e);
    values_are(a, "country", 5, "");
    roaring_bitmap_t *none = roaring_bitmap_create();
    buf_init(&out, 100);
    assert_ok(audience_snapshot(a, none, &out, &e), e);
    assert_int_equal(out.len, 8);
    buf_done(&out);
    roaring_bitmap_free(none);
    audience_free(a);
}

TESTS(T(a_number_and_a_state_become_words), T(a_snapshot_is_ids_that_any_reader_of_the_format_reads),
      T(values_lie_in_bitmaps_and_in_lists_and_nobody_is_lost_between_blocks), T(bits_become_the_same_people),
      T(nobody_at_all_is_an_audience_too))
