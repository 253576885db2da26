/* SPDX-License-Identifier: Apache-2.0
 * test_places.c - where a person may be: their own zone, their country, the few countries a number may belong to.
 *
 * What would hurt: a range that leaves out a place the person may be in wakes them at night. Read from the system's time
 * zone database; the days are in a past whose clocks no later edition of it changes. */
#include "gateway/places.h"

#include "base/clock.h"

#include "t.h"

static struct phone_data plans;

static struct places *load(void)
{
    struct places *p;
    struct err e = {0};
    phone_data_builtin(&plans);
    places_load(&p, NULL, &plans, &e);
    return p;
}

static int64_t at(const char *text)
{
    int64_t ms;
    assert_int_equal(time_parse(text, strlen(text), &ms), 1);
    return ms;
}

static struct identity who(const char *value)
{
    struct identity id = {0};
    bool number = value[0] >= '0' && value[0] <= '9';
    assert_int_equal(number ? identity_phone(str_of(value), &id, NULL) : identity_user_id(str_of(value), &id, NULL), 0);
    return id;
}

struct row {
    const char *zone, *who, *now;
    bool known;
    struct whereabouts want;
    const char *change; /* "" none */
};

static void check(struct places *p, const struct row *r)
{
    struct whereabouts got = {0};
    struct identity id = who(r->who);
    bool known = places_find(p, r->zone, &id, at(r->now), &got);
    int64_t change = r->change[0] != '\0' ? at(r->change) : 0;
    if (known != r->known || got.min != r->want.min || got.max != r->want.max || got.change_at != change ||
        got.min_after != r->want.min_after || got.max_after != r->want.max_after)
        fail_msg("%s %s %s: %d [%d, %d] change %lld [%d, %d]", r->who, r->zone, r->now, known, got.min, got.max,
                 (long long)got.change_at, got.min_after, got.max_after);
}

TEST(rows)
{
    static const struct row rows[] = {
        {"", "4915112345678", "2024-07-01T12:00:00Z", true, {120, 120, 0, 120, 120}, ""},
        {"", "5511912345678", "2024-07-01T12:00:00Z", true, {-300, -120, 0, -300, -120}, ""},
        {"America/Sao_Paulo", "5511912345678", "2024-07-01T12:00:00Z", true, {-180, -180, 0, -180, -180}, ""},
        {"Europe/Berlin", "5511912345678", "2024-01-01T12:00:00Z", true, {60, 60, 0, 60, 60}, ""},
        {"Nowhere/Atall", "4915112345678", "2024-07-01T12:00:00Z", true, {120, 120, 0, 120, 120}, ""},
        /* the clocks go back on 2024-10-27 at 01:00 UTC: in sight from 16 days before */
        {"", "4915112345678", "2024-10-20T12:00:00Z", true, {120, 120, 0, 60, 60}, "2024-10-27T01:00:00Z"},
        {"", "4915112345678", "2024-10-27T00:59:59Z", true, {120, 120, 0, 60, 60}, "2024-10-27T01:00:00Z"},
        {"", "4915112345678", "2024-10-27T01:00:00Z", true, {60, 60, 0, 60, 60}, ""},
        {"Europe/Berlin", "5511912345678", "2024-10-26T12:00:00Z", true, {120, 120, 0, 60, 60}, "2024-10-27T01:00:00Z"},
        /* one country, from Hawaii to the east coast, which changes first */
        {"", "12125550100", "2024-07-01T12:00:00Z", true, {-600, -240, 0, -600, -240}, ""},
        {"", "12125550100", "2024-11-01T12:00:00Z", true, {-600, -240, 0, -600, -300}, "2024-11-03T06:00:00Z"},
        {"", "14165550100", "2024-07-01T12:00:00Z", true, {-420, -150, 0, -420, -150}, ""},
        {"", "17875550100", "2024-07-01T12:00:00Z", true, {-240, -240, 0, -240, -240}, ""},
        {"", "447700900123", "2024-07-01T12:00:00Z", true, {60, 60, 0, 60, 60}, ""},
        {"", "79161234567", "2024-07-01T12:00:00Z", true, {120, 720, 0, 120, 720}, ""},
        {"", "61412345678", "2024-07-01T12:00:00Z", true, {390, 630, 0, 390, 630}, ""},
        {"", "61412345678", "2024-01-01T12:00:00Z", true, {390, 660, 0, 390, 660}, ""},
        {"", "38344123456", "2024-07-01T12:00:00Z", true, {120, 120, 0, 120, 120}, ""}, /* listed under Serbia */
        {"", "24740123", "2024-07-01T12:00:00Z", true, {0, 0, 0, 0, 0}, ""},            /* under Saint Helena */
        {"", "9779812345678", "2024-07-01T12:00:00Z", true, {345, 345, 0, 345, 345}, ""},
        {"", "BR.13491208655302", "2024-07-01T12:00:00Z", true, {-300, -120, 0, -300, -120}, ""},
        {"Asia/Tokyo", "BR.13491208655302", "2024-07-01T12:00:00Z", true, {540, 540, 0, 540, 540}, ""},
        {"", "8001234567", "2024-07-01T12:00:00Z", false, {0}, ""}, /* no country */
        {"Asia/Tokyo", "8001234567", "2024-07-01T12:00:00Z", true, {540, 540, 0, 540, 540}, ""},
    };
    struct places *p = load();
    if (!places_known(p))
        skip_loudly("no time zone database");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(p, &rows[i]);
    for (size_t i = sizeof rows / sizeof rows[0]; i-- > 0;) /* another order, with what was remembered */
        check(p, &rows[i]);
    places_free(p);
}

/* What is remembered is never older than the truth: asked every hour of a year, the answer is that of fresh eyes. */
TEST(remembering_changes_nothing)
{
    static const char *const numbers[] = {"5511912345678", "12125550100", "61412345678", "212612345678"};
    struct places *p = load();
    if (!places_known(p))
        skip_loudly("no time zone database");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct identity id = who(numbers[i]);
        int64_t now = at("2024-01-01T00:00:00Z");
        for (int hour = 0; hour < 366 * 24; hour += 5) {
            struct whereabouts kept, fresh;
            struct places *q = load();
            assert_true(places_find(p, "", &id, now + hour * INT64_C(3600000), &kept));
            assert_true(places_find(q, "", &id, now + hour * INT64_C(3600000), &fresh));
            bool far = fresh.change_at > now + hour * INT64_C(3600000) + CALENDAR_HORIZON_DAYS * INT64_C(86400000);
            if (kept.min != fresh.min || kept.max != fresh.max || (!far && kept.change_at != fresh.change_at))
                fail_msg("%s, hour %d: [%d, %d] until %lld, was [%d, %d] until %lld", numbers[i], hour, fresh.min,
                         fresh.max, (long long)fresh.change_at, kept.min, kept.max, (long long)kept.change_at);
            places_free(q);
            hour += hour % 7 == 0 ? 100 : 0;
        }
    }
    places_free(p);
}

TEST(without_a_database_everybody_is_nowhere)
{
    struct places *p;
    struct whereabouts w;
    struct err e = {0};
    struct identity id = who("4915112345678");
    places_load(&p, "/nonexistent", &plans, &e);
    assert_false(places_known(p));
    assert_true(e.code != 0 && e.text[0] != '\0');
    assert_false(places_find(p, "Europe/Berlin", &id, at("2024-07-01T12:00:00Z"), &w));
    places_free(p);
}

TEST(groups_and_nobody_have_no_place)
{
    struct places *p = load();
    struct whereabouts w;
    struct identity group = {.kind = IDENTITY_GROUP, .value = "BRgroup"}, nobody = {0};
    assert_false(places_find(p, "Europe/Berlin", &group, at("2024-07-01T12:00:00Z"), &w));
    assert_false(places_find(p, "Europe/Berlin", &nobody, at("2024-07-01T12:00:00Z"), &w));
    places_free(p);
}

TESTS(T(rows), T(remembering_changes_nothing), T(without_a_database_everybody_is_nowhere),
      T(groups_and_nobody_have_no_place))
