/* SPDX-License-Identifier: Apache-2.0
 * test_clock.c - dates to milliseconds and back against fixed points and against libc's own calendar; what is
 * not a date is refused. */
#include "base/clock.h"

#include <pthread.h>
#include <time.h>

#include "base/buf.h"
#include "t.h"

TEST(known_points)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00.000Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-11-22T01:43:07.123Z", 1795311787123},
        {"2000-02-29T12:00:00.000Z", 951825600000},
        {"2038-01-19T03:14:08.000Z", 2147483648000},
        {"0000-03-01T00:00:00.000Z", -62162035200000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[TIME_TEXT];
        int64_t ms = 1;
        assert_string_equal(time_text(rows[i].ms, out), rows[i].text);
        assert_true(time_parse(rows[i].text, strlen(rows[i].text), &ms));
        assert_int_equal(ms, rows[i].ms);
    }
    char out[TIME_TEXT];
    assert_true(strlen(time_text(INT64_MIN, out)) < TIME_TEXT);
    assert_int_equal(out[strlen(out) - 1], 'Z');
    assert_int_equal(time_text(INT64_MAX, out)[strlen(out) - 1], 'Z');
}

TEST(agrees_with_libc_on_every_day)
{
    for (int64_t day = -30000; day < 60000; day++) {
        time_t t = (time_t)(day * 86400 + 43200);
        struct tm tm;
        char want[TIME_TEXT], got[TIME_TEXT];
        gmtime_r(&t, &tm);
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        assert_string_equal(time_text((int64_t)t * 1000, got), want);
        int64_t back;
        assert_true(time_parse(want, 10, &back));
        assert_int_equal(back, day * 86400000);
    }
}

TEST(accepted_spellings)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-02", 86400000},         {"1970-01-01t00:00:01z", 1000},          {"1970-01-01 00:00:01Z", 1000},
        {"1970-01-01T02:00:00+02:00", 0}, {"1970-01-01T02:00:00+0200", 0},         {"1969-12-31T20:30:00-03:30", 0},
        {"1970-01-01T00:00:00.1Z", 100},  {"1970-01-01T00:00:00.123456789Z", 123}, {"1970-01-01T00:59:60Z", 3600000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = 77;
        if (!time_parse(rows[i].text, strlen(rows[i].text), &ms) || ms != rows[i].ms)
            fail_msg("\"%s\" gave %lld", rows[i].text, (long long)ms);
    }
}

TEST(refused_spellings)
{
    static const char *const rows[] = {
        "",
        "2026",
        "2026-1-1",
        "2026-13-01",
        "2026-00-10",
        "2026-02-29",
        "2026-04-31",
        "2026-01-00",
        "1900-02-29",
        "2026-01-01T",
        "2026-01-01T10:00Z",
        "2026-01-01T10:00:00",
        "2026-01-01T24:00:00Z",
        "2026-01-01T10:60:00Z",
        "2026-01-01T10:00:60Z",
        "2026-01-01T10:00:00.Z",
        "2026-01-01T10:00:00Zx",
        "2026-01-01T10:00:00+2",
        "2026-01-01T10:00:00+24:00",
        "2026-01-01T10:00:00+01:60",
        " 2026-01-01",
        "2026-01-01 ",
        "-026-01-01",
        "+2026-01-01",
        "2026/01/01",
        "1795311787",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = 77;
        if (time_parse(rows[i], strlen(rows[i]), &ms) || ms != 77)
            fail_msg("\"%s\" was accepted", rows[i]);
    }
    int64_t ms;
    assert_false(time_parse(NULL, 0, &ms));
    assert_false(time_parse("2026-01-01T10:00:00Z", 19, &ms)); /* the length counts, not the NUL */
}

static void *watch(void *failed)
{
    int64_t last = 0;
    for (int i = 0; i < 100000; i++) {
        int64_t now = clock_now_ms();
        if (now < last)
            *(int *)failed = 1;
        last = now;
    }
    return NULL;
}

TEST(now_never_goes_back)
{
    pthread_t threads[4];
    int failed[4] = {0};
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, watch, &failed[i]);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failed[i], 0);
    }
    int64_t a = clock_mono_ns(), now = clock_now_ms();
    assert_true(llabs(now - (int64_t)time(NULL) * 1000) < 5000);
    assert_true(clock_mono_ns() >= a);
}

TESTS(T(known_points), T(agrees_with_libc_on_every_day), T(accepted_spellings), T(refused_spellings),
      T(now_never_goes_back))
