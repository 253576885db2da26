/* SPDX-License-Identifier: Apache-2.0
 * test_regime.c - how long proof of consent is kept: the calendar, the one that counts, and what a file may not say. */
#include "t.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/regime.h"

static int64_t ms(const char *text)
{
    int64_t at = -1;
    if (time_parse(text, strlen(text), &at) == 0)
        fail_msg("%s is no time", text);
    return at;
}

static struct regimes *load(const char *text, struct err *e)
{
    struct regimes *r = NULL;
    char path[] = "/tmp/wl_regimes_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    memset(e, 0, sizeof *e);
    (void)regimes_load(&r, path, e);
    unlink(path);
    return r;
}

static void test_years_end_where_the_calendar_has_it(void **state)
{
    static const struct {
        int years;
        bool from_year_end;
        const char *last, *until;
    } rows[] = {
        {5, false, "2026-11-22T10:20:30Z", "2031-11-22T10:20:30Z"},
        {1, false, "2024-02-28T00:00:00Z", "2025-02-28T00:00:00Z"},
        {1, false, "2024-02-29T12:00:00Z", "2025-03-01T12:00:00Z"}, /* there is no such day */
        {4, false, "2024-02-29T12:00:00Z", "2028-02-29T12:00:00Z"},
        {76, false, "2024-02-29T12:00:00Z", "2100-03-01T12:00:00Z"}, /* no leap year */
        {3, false, "2025-12-31T23:59:59.999Z", "2028-12-31T23:59:59.999Z"},
        {3, false, "2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z"},
        {0, false, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
        {3, true, "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"},
        {3, true, "2026-02-28T00:00:00Z", "2030-01-01T00:00:00Z"},
        {3, true, "2026-12-31T23:59:59.999Z", "2030-01-01T00:00:00Z"},
        {0, true, "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z"},
        {3, true, "1970-01-01T00:00:00Z", "1974-01-01T00:00:00Z"},
    };
    char said[TIME_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct regime r = {.years = rows[i].years, .from_year_end = rows[i].from_year_end};
        int64_t until = regime_until(&r, ms(rows[i].last));
        if (until != ms(rows[i].until))
            fail_msg("%s: %s, not %s", rows[i].last, time_text(until, said), rows[i].until);
    }
}

#define CITE ", why: w, cite: {title: t, url: u, read: 2026-11-22}}\n"
#define ROW(id, area, keep, from)                                                                                      \
    "  - {id: " id ", area: " area ", keep: " keep ", from: " from ", duty: may, confidence: low" CITE
#define FILE_OF(rows) "schema: 1\nregimes:\n" rows

static const char several[] =
    FILE_OF(ROW("us", "[US]", "5 years", "last_use") ROW("us4", "[US]", "4 years", "last_use")
                ROW("ca", "[US-CA]", "6 years", "last_use") ROW("de", "[DE, AT]", "3 years", "year_end")
                    ROW("all", "['*']", "2 years", "last_use") ROW("all9", "['*']", "1 year", "last_use"));

static void test_the_longest_that_applies_counts(void **state)
{
    static const struct {
        const char *place[3];
        const char *id, *until;
    } rows[] = {
        {{"US", "", ""}, "us", "2031-11-22T00:00:00Z"},           {{"us", "", ""}, "us", "2031-11-22T00:00:00Z"},
        {{"US-TX", "", ""}, "us", "2031-11-22T00:00:00Z"},        {{"US-CA", "", ""}, "ca", "2032-11-22T00:00:00Z"},
        {{"CA", "", ""}, "all", "2028-11-22T00:00:00Z"}, /* no part of US-CA */
        {{"DE", "US", ""}, "us", "2031-11-22T00:00:00Z"},         {{"AT", "FR", ""}, "de", "2030-01-01T00:00:00Z"},
        {{"FR", "", ""}, "all", "2028-11-22T00:00:00Z"},          {{"", "", ""}, "all", "2028-11-22T00:00:00Z"},
        {{"USA", "nonsense", ""}, "all", "2028-11-22T00:00:00Z"},
    };
    struct err e;
    struct regimes *r = load(several, &e);
    (void)state;
    assert_non_null(r);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t until = 0;
        const struct regime *best = regimes_longest(r, rows[i].place, 3, ms("2026-11-22"), &until);
        if (best == NULL || strcmp(best->id, rows[i].id) != 0 || until != ms(rows[i].until))
            fail_msg("%s: %s", rows[i].place[0], best != NULL ? best->id : "none");
    }
    regimes_free(r);
}

static void test_without_one_of_everywhere_there_may_be_none(void **state)
{
    struct err e;
    struct regimes *r = load(FILE_OF(ROW("us", "[US]", "5 years", "last_use")), &e);
    const char *place[] = {"FR"};
    int64_t until = 7;
    (void)state;
    assert_non_null(r);
    assert_null(regimes_longest(r, place, 1, ms("2026-11-22"), &until));
    assert_int_equal(until, 7);
    regimes_free(r);
}

static void test_a_mistake_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "a file of regimes has schema and regimes"},
        {"schema: 2\nregimes: [a]\n", ":1:"},
        {"schema: 1\nregimes: []\n", "list of 1 to"},
        {"schema: 1\nregimes: x\n", "list of 1 to"},
        {"schema: 1\nregime: []\n", "schema and regimes"},
        {"schema: 1\nregimes: [a]\n", "must be a regime"},
        {FILE_OF(ROW("a", "[US]", "5 months", "last_use")), ":3:"},
        {FILE_OF(ROW("a", "[US]", "5", "last_use")), "number of years"},
        {FILE_OF(ROW("a", "[US]", "-1 years", "last_use")), "number of years"},
        {FILE_OF(ROW("a", "[US]", "101 years", "last_use")), "number of years"},
        {FILE_OF(ROW("a", "[usa]", "5 years", "last_use")), "did you mean US"},
        {FILE_OF(ROW("a", "[]", "5 years", "last_use")), "list of 1 to"},
        {FILE_OF(ROW("a", "US", "5 years", "last_use")), "list of 1 to"},
        {FILE_OF(ROW("a", "[US]", "5 years", "today")), "no word for from"},
        {FILE_OF(ROW("''", "[US]", "5 years", "last_use")), "empty"},
        {FILE_OF(ROW("a", "[US]", "5 years", "last_use") ROW("a", "[CA]", "5 years", "last_use")), "two regimes"},
        {"schema: 1\nregimes:\n  - {id: a, area: [US], keep: 5 years, from: last_use, duty: may, confidence: low, "
         "why: w}\n",
         "needs the text it follows from"},
        {"schema: 1\nregimes:\n  - {id: a, area: [US], keep: 5 years, from: last_use, duty: may, confidence: low, "
         "why: w, cite: {title: t, url: u, read: yesterday}}\n",
         ":3:"},
        {"schema: 1\nregimes:\n  - {id: a, area: [US], keeps: 5 years, from: last_use, duty: may, confidence: low" CITE,
         "keep"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e;
        struct regimes *r = load(rows[i].text, &e);
        if (r != NULL || e.code != WL_EINVAL || strstr(e.text, rows[i].says) == NULL)
            fail_msg("%zu: %s, not %s", i, e.text, rows[i].says);
    }
    struct regimes *none = NULL;
    struct err e = {0};
    assert_int_equal(regimes_load(&none, "/nonexistent/regimes.yaml", &e), WL_ENOTFOUND);
}

/* Whoever is erased has a date, wherever they are, and the file says why. */
static void test_the_shipped_file_has_an_answer_for_everybody(void **state)
{
    static const char *const places[] = {"US", "CA", "DE", "BR", "GB", "FR", "ZA", "", "US-TX"};
    char path[512];
    struct regimes *r = NULL;
    struct err e = {0};
    (void)state;
    snprintf(path, sizeof path, "%s/data/regimes.yaml", getenv("WAYLEAVE_SOURCE_ROOT"));
    if (regimes_load(&r, path, &e) != 0)
        fail_msg("%s", e.text);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int64_t until = 0;
        const struct regime *best = regimes_longest(r, &places[i], 1, ms("2026-11-22"), &until);
        assert_non_null(best);
        assert_true(until >= ms("2029-11-22") && until <= ms("2033-01-01"));
    }
    assert_true(regimes_find(r, "us-tsr")->must);
    for (size_t i = 0; i < regimes_count(r); i++)
        assert_int_equal(strncmp(regimes_at(r, i)->url, "https://", 8), 0);
    regimes_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_years_end_where_the_calendar_has_it),
                                       cmocka_unit_test(test_the_longest_that_applies_counts),
                                       cmocka_unit_test(test_without_one_of_everywhere_there_may_be_none),
                                       cmocka_unit_test(test_a_mistake_is_refused_with_its_line),
                                       cmocka_unit_test(test_the_shipped_file_has_an_answer_for_everybody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
