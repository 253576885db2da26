/* SPDX-License-Identifier: Apache-2.0
 * test_campaign_time.c - a repetition falls due when people of its zone would say so, over clock changes, months and leap years.
 *
 * Rows by hand for what people stumble over, from the system's own zones; then a walk of thirty years in zones that are hard,
 * in which every due time is checked against a clock that is read minute by minute around it. */
#include "base/zone.h"
#include "core/campaign.h"

#include "t.h"

#define MINUTE 60000LL
#define DAY    (1440 * MINUTE)

static struct zones *zones;

static const struct zone *zone_of(const char *name)
{
    struct err e = {0};
    if (zones == NULL)
        assert_ok(zones_load(&zones, NULL, &e), e);
    const struct zone *z = zone_find(zones, str_of(name));
    assert_non_null(z);
    return z;
}

static int64_t at(const char *text) /* "2026-03-29 01:30", UTC */
{
    int y, m, d, hh, mm;
    assert_int_equal(sscanf(text, "%d-%d-%d %d:%d", &y, &m, &d, &hh, &mm), 5);
    int64_t yy = m <= 2 ? y - 1 : y, era = yy / 400, of_era = yy - era * 400;
    int64_t days =
        era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return (days - 719468) * DAY + (hh * 60 + mm) * MINUTE;
}

#define ALL_DAYS 127
static const struct row {
    const char *name, *zone, *after, *want;
    enum campaign_every every;
    int weekdays, month_day, minute;
} rows[] = {
    {"weekly, later today", "UTC", "2026-11-23 08:00", "2026-11-23 09:00", REPEAT_WEEK, 1, 0, 540},
    {"weekly, exactly now is over", "UTC", "2026-11-23 09:00", "2026-11-30 09:00", REPEAT_WEEK, 1, 0, 540},
    {"two weekdays", "UTC", "2026-11-23 09:00", "2026-11-26 09:00", REPEAT_WEEK, 1 | 8, 0, 540},
    {"Monday there is Sunday here", "Pacific/Auckland", "2026-11-22 10:00", "2026-11-22 20:00", REPEAT_WEEK, 1, 0, 540},
    {"left out by the clock", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:00", REPEAT_WEEK, 64, 0, 150},
    {"and right after it", "Europe/Berlin", "2026-03-29 01:00", "2026-04-05 00:30", REPEAT_WEEK, 64, 0, 150},
    {"shown twice: the first", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 00:30", REPEAT_WEEK, 64, 0, 150},
    {"shown twice: not again", "Europe/Berlin", "2026-10-25 00:30", "2026-11-01 01:30", REPEAT_WEEK, 64, 0, 150},
    {"between the two", "Europe/Berlin", "2026-10-25 00:45", "2026-11-01 01:30", REPEAT_WEEK, 64, 0, 150},
    {"a change of half an hour", "Australia/Lord_Howe", "2026-10-02 00:00", "2026-10-03 15:30", REPEAT_WEEK, 64, 0,
     135},
    {"at midnight of a change", "America/Santiago", "2026-09-05 12:00", "2026-09-06 04:00", REPEAT_WEEK, 64, 0, 0},
    {"a day that never was", "Pacific/Apia", "2011-12-29 12:00", "2011-12-30 10:00", REPEAT_WEEK, 16, 0, 600},
    {"the 31st", "UTC", "2026-01-31 10:00", "2026-02-28 10:00", REPEAT_MONTH, 0, 31, 600},
    {"the 31st of a leap year", "UTC", "2028-01-31 10:00", "2028-02-29 10:00", REPEAT_MONTH, 0, 31, 600},
    {"the 29th of no leap year", "UTC", "2026-02-01 00:00", "2026-02-28 10:00", REPEAT_MONTH, 0, 29, 600},
    {"the 30th of a month of 30", "UTC", "2026-04-01 00:00", "2026-04-30 10:00", REPEAT_MONTH, 0, 30, 600},
    {"the first", "America/New_York", "2026-12-01 05:00", "2027-01-01 05:00", REPEAT_MONTH, 0, 1, 0},
    {"a day just gone", "UTC", "2026-01-15 10:00", "2026-02-15 10:00", REPEAT_MONTH, 0, 15, 600},
};

static struct campaign_repeat repeat_of(const struct row *r)
{
    return (struct campaign_repeat){.every = r->every,
                                    .weekdays = (uint8_t)r->weekdays,
                                    .month_day = (uint8_t)r->month_day,
                                    .minute = r->minute};
}

TEST(rows_by_hand)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct campaign_repeat r = repeat_of(&rows[i]);
        int64_t got = campaign_next(&r, zone_of(rows[i].zone), at(rows[i].after));
        if (got != at(rows[i].want))
            fail_msg("%s: %lld min off", rows[i].name, (long long)((got - at(rows[i].want)) / MINUTE));
    }
}

TEST(it_ends)
{
    struct campaign_repeat r = {.every = REPEAT_WEEK, .weekdays = 1, .minute = 540, .until = at("2026-11-30 09:00")};
    const struct zone *z = zone_of("UTC");
    assert_true(campaign_next(&r, z, at("2026-11-23 09:00")) == r.until);
    assert_int_equal(campaign_next(&r, z, r.until), 0);
    r = (struct campaign_repeat){.every = REPEAT_NEVER, .weekdays = ALL_DAYS};
    assert_int_equal(campaign_next(&r, z, 0), 0);
    r = (struct campaign_repeat){.every = REPEAT_WEEK};
    assert_int_equal(campaign_next(&r, z, 0), 0);
}

static int64_t clock_of(const struct zone *z, int64_t t)
{
    return t + zone_offset(z, t) * 1000LL;
}

/* Every day of thirty years: due once for each date the zone had, at the first minute its clock shows the time or has passed it. */
TEST(once_a_day_for_thirty_years)
{
    static const char *const hard[] = {"Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
                                       "Asia/Tehran",   "America/Nuuk",        "Pacific/Chatham"};
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
        const struct zone *z = zone_of(hard[i]);
        struct campaign_repeat r = {.every = REPEAT_WEEK, .weekdays = ALL_DAYS, .minute = (int)(i * 37 % 240)};
        int64_t t = at("2000-01-01 00:00"), end = at("2030-01-01 00:00"), due = 0, n = 0;
        while ((t = campaign_next(&r, z, t)) != 0 && t < end) {
            int64_t shown = clock_of(z, t), before = clock_of(z, t - MINUTE), time = (int64_t)r.minute * MINUTE;
            int64_t day = (shown - time) / DAY;
            assert_true(shown - (day * DAY + time) < 3 * 60 * MINUTE); /* not later than a jump */
            assert_true(before < day * DAY + time || shown < before);
            assert_true(due == 0 || day == due + 1);
            due = day;
            n++;
        }
        assert_true(n >= 10957 && n <= 10959);
    }
}

TESTS(T(rows_by_hand), T(it_ends), T(once_a_day_for_thirty_years))
