/* SPDX-License-Identifier: Apache-2.0
 * test_country.c - codes of countries are taken as ISO writes them, and what people write instead is refused with what they
 * meant, in facts and in rule files. A rule about "usa" would be silent for ever. */
#include "rules_fixture.h"

#include "core/country.h"
#include "core/facts_read.h"
#include "core/phone_country.h"

static const struct {
    enum place_kind kind;
    const char *text, *says; /* says NULL: taken */
} rows[] = {
    {PLACE_COUNTRY, "US", NULL},
    {PLACE_COUNTRY, "AD", NULL}, /* the first */
    {PLACE_COUNTRY, "ZW", NULL}, /* the last */
    {PLACE_COUNTRY, "XK", NULL},
    {PLACE_COUNTRY, "AC", NULL},
    {PLACE_COUNTRY, "ZZ", NULL},
    {PLACE_REGION, "US-TX", NULL},
    {PLACE_REGION, "FR-971", NULL},
    {PLACE_REGION, "CH-1", NULL},
    {PLACE_REGION, "ZZ", NULL},
    {PLACE_EITHER, "CO", NULL},
    {PLACE_EITHER, "CO-ANT", NULL},
    {PLACE_COUNTRY, "us", "did you mean US?"},
    {PLACE_COUNTRY, "Us", "did you mean US?"},
    {PLACE_COUNTRY, "USA", "did you mean US?"},
    {PLACE_COUNTRY, "usa", "did you mean US?"},
    {PLACE_COUNTRY, "uk", "did you mean GB?"},
    {PLACE_COUNTRY, "UK", "did you mean GB?"},
    {PLACE_COUNTRY, "EL", "did you mean GR?"},
    {PLACE_COUNTRY, "CHN", "did you mean CN?"},
    {PLACE_COUNTRY, "AUT", "did you mean AT?"},
    {PLACE_COUNTRY, "XX", "XX is no country: two capitals"},
    {PLACE_COUNTRY, "", "two capitals"},
    {PLACE_COUNTRY, "U", "two capitals"},
    {PLACE_COUNTRY, " US", "two capitals"},
    {PLACE_COUNTRY, "Brasil", "two capitals"},
    {PLACE_COUNTRY, "AN", "two capitals"}, /* no country since 2010 */
    {PLACE_COUNTRY, "DA", "two capitals"}, /* stands in the text, across ANDAD */
    {PLACE_COUNTRY, "US-TX", "two capitals"},
    {PLACE_REGION, "US", "as in US-TX"},
    {PLACE_REGION, "US-", "as in US-TX"},
    {PLACE_REGION, "US-TEXAS", "as in US-TX"},
    {PLACE_REGION, "US-tx", "as in US-TX"},
    {PLACE_REGION, "us-tx", "did you mean US-TX?"},
    {PLACE_REGION, "TX", "TX is no country"},
    {PLACE_EITHER, "usa-tx", "did you mean US-TX?"},
};

TEST(countries_and_regions)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        int rc = country_check(str_of(rows[i].text), rows[i].kind, &e);
        if ((rc == 0) != (rows[i].says == NULL) || (rows[i].says != NULL && strstr(e.text, rows[i].says) == NULL))
            fail_msg("%s: %d, \"%s\"", rows[i].text, rc, e.text);
    }
}

TEST(nobody_is_guessed_for_what_nobody_means)
{
    static const char *const texts[] = {"XX", "", "U", "TX", "QQQ", "Brasil", "12", "ZY"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct err e = {0};
        assert_int_equal(country_check(str_of(texts[i]), PLACE_COUNTRY, &e), WL_EINVAL);
        if (strstr(e.text, "did you mean") != NULL)
            fail_msg("%s", e.text);
    }
}

/* What a phone number can say, rules can ask. */
TEST(the_countries_of_phone_numbers_are_countries)
{
    struct phone_data plans;
    size_t seen = 0;
    phone_data_builtin(&plans);
    for (uint64_t head = 1; head < 100000; head++) {
        const char *country[PHONE_COUNTRIES_MAX];
        size_t n = phone_countries(&plans, head * 1000000, country, PHONE_COUNTRIES_MAX);
        for (size_t i = 0; i < n; i++) {
            struct err e = {0};
            assert_ok(country_check(str_of(country[i]), PLACE_COUNTRY, &e), e);
        }
        seen += n;
    }
    assert_true(seen > 50000);
}

TEST(facts_in_other_spellings_are_refused)
{
    struct facts f = {0};
    struct err e = {0};
    assert_int_equal(facts_read(&f, STR("recipient.country"), STR("usa"), NOW, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "recipient.country: usa is no country"));
    assert_int_equal(facts_read(&f, STR("sender.country"), STR("uk"), NOW, &e), WL_EINVAL);
    assert_int_equal(facts_read(&f, STR("recipient.region"), STR("TX"), NOW, &e), WL_EINVAL);
    assert_int_equal(facts_read(&f, STR("recipient.country"), STR("US"), NOW, &e), 0);
    assert_int_equal(facts_read(&f, STR("recipient.region"), STR("US-TX"), NOW, &e), 0);
    struct facts want = {0};
    fact_set_code(&want, FACT_RECIPIENT_COUNTRY, "US");
    fact_set_code(&want, FACT_RECIPIENT_REGION, "US-TX");
    assert_memory_equal(&f, &want, sizeof f);
}

#define RULE(fact, code)                                                                                               \
    "  - id: r\n    title: T\n    verdict: deny\n    code: 1\n    reason: R.\n    change: c\n" TINY_CITE               \
    "    values: {2020-01-01: {}}\n    when: {fact: " fact ", is: " code "}\n    on_unknown: ignore\n    tests:\n"     \
    "      - {given: {" fact ": " code "}, expect: deny}\n      - {given: {" fact ": ZZ}, expect: none}\n"

TEST(rules_in_other_spellings_are_refused)
{
    static const struct {
        const char *rule, *says;
    } files[] = {
        {RULE("recipient.country", "US"), NULL},
        {RULE("recipient.region", "US-TX"), NULL},
        {RULE("recipient.country", "us"), "us is no country: two capitals of ISO 3166 are wanted; did you mean US?"},
        {RULE("sender.country", "UK"), "did you mean GB?"},
        {RULE("recipient.region", "TX"), "TX is no country"},
        {RULE("recipient.region", "us-tx"), "did you mean US-TX?"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct ruleset *rs = NULL;
        struct err e = {0};
        int rc = tiny_compile(&rs, files[i].rule, &e);
        if ((rc == 0) != (files[i].says == NULL) || (rc != 0 && strstr(e.text, files[i].says) == NULL))
            fail_msg("file %zu: %d, %s", i, rc, e.text);
        ruleset_free(rs);
    }
}

TESTS(T(countries_and_regions), T(nobody_is_guessed_for_what_nobody_means),
      T(the_countries_of_phone_numbers_are_countries), T(facts_in_other_spellings_are_refused),
      T(rules_in_other_spellings_are_refused))
