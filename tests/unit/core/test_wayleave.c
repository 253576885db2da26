/* SPDX-License-Identifier: Apache-2.0
 * test_wayleave.c - libwayleave as a program meets it: the header, the shared library, and nothing else. */
#include <pthread.h>

#include <wayleave.h>

#include "t.h"

#define NOW  INT64_C(1795600000000) /* 2026-11-25T09:46:40Z */
#define HOUR INT64_C(3600000)

static char *platform_path(void)
{
    static char path[1024];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/data/rules/whatsapp-platform.yaml", root ? root : ".");
    return path;
}

static wl_rules *platform(void)
{
    const char *path = platform_path();
    wl_rules *rules = NULL;
    wl_error e = {0, ""};
    if (wl_rules_load(&rules, &path, 1, &e) != 0)
        fail_msg("%s", e.text);
    return rules;
}

static void set(wl_facts *facts, const char *name, const char *value)
{
    wl_error e = {0, ""};
    if (wl_facts_set(facts, name, value, NOW, &e) != 0)
        fail_msg("%s", e.text);
}

/* An answer to somebody who wrote an hour ago. */
static wl_facts *answer(void)
{
    static const char *const pairs[][2] = {
        {"message.kind", "freeform"},
        {"message.category", "service"},
        {"message.path", "messages"},
        {"recipient.form", "phone"},
        {"recipient.valid", "true"},
        {"recipient.is_sender", "false"},
        {"recipient.undeliverable_at", "never"},
        {"consent.status", "none"},
        {"consent.platform_stop", "false"},
        {"window.last_inbound", "now-1h"},
        {"pair.tat", "never"},
        {"sender.status", "connected"},
        {"sender.free_at", "never"},
        {"account.state", "ok"},
        {"account.no_messages_until", "never"},
        {"account.no_templates_until", "never"},
        {"account.payment_failed_at", "never"},
    };
    wl_facts *facts = NULL;
    assert_int_equal(wl_facts_create(&facts), 0);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        set(facts, pairs[i][0], pairs[i][1]);
    return facts;
}

static wl_decision *ask(const wl_rules *rules, const wl_facts *facts, int64_t expires)
{
    wl_decision *d = NULL;
    wl_error e = {0, ""};
    if (wl_decide(&d, rules, facts, NOW, expires, &e) != 0)
        fail_msg("%s", e.text);
    return d;
}

TEST(decides_and_explains)
{
    wl_rules *rules = platform();
    wl_facts *facts = answer();
    wl_decision *d = ask(rules, facts, 0);
    if (wl_decision_verdict(d) != WL_ALLOW)
        fail_msg("%s", wl_decision_text(d));
    assert_int_equal(wl_decision_code(d), 0);
    assert_null(wl_decision_rule(d));
    assert_int_equal(wl_decision_until(d), 0);
    assert_non_null(strstr(wl_decision_text(d), "allowed"));
    wl_decision_free(d);

    set(facts, "window.last_inbound", "now-25h");
    d = ask(rules, facts, 0);
    assert_int_equal(wl_decision_verdict(d), WL_DENY);
    assert_string_equal(wl_decision_rule(d), "window.closed");
    assert_int_equal(wl_decision_code(d), 131047);
    assert_non_null(strstr(wl_decision_text(d), "rule window.closed"));
    assert_non_null(strstr(wl_decision_json(d), "\"verdict\":\"deny\""));
    assert_non_null(strstr(wl_decision_json(d), wl_rules_hash(rules)));
    wl_decision_free(d);
    wl_facts_free(facts);
    wl_rules_free(rules);
}

TEST(holds_until_a_time_and_expires)
{
    wl_rules *rules = platform();
    wl_facts *facts = answer();
    set(facts, "sender.free_at", "now+90s");
    wl_decision *d = ask(rules, facts, 0);
    assert_int_equal(wl_decision_verdict(d), WL_HOLD);
    assert_int_equal(wl_decision_until(d), NOW + 90000);
    assert_string_equal(wl_decision_rule(d), "sender.rate");
    wl_decision_free(d);
    d = ask(rules, facts, NOW + 60000);
    assert_int_equal(wl_decision_verdict(d), WL_DENY);
    assert_string_equal(wl_decision_rule(d), "hold.past_expiry");
    wl_decision_free(d);
    wl_facts_free(facts);
    wl_rules_free(rules);
}

TEST(facts_name_what_is_wrong)
{
    static const struct {
        const char *name, *value, *says;
    } rows[] = {
        {"consent.statis", "granted", "did you mean consent.status?"},
        {"consent.status", "grantd", "did you mean granted?"},
        {"window.last_inbound", "yesterday", "window.last_inbound: a time is"},
        {"window.last_inbound", "now-23", "a time is"},
        {"window.last_inbound", "", "a time is"},
        {"recipient.valid", "yes", "is true or false"},
        {"portfolio.used", "1.5", "is a whole number"},
        {"recipient.country", "Br\xc3\xa9sil", "is no country"},
        {"recipient.country", "", "is no country"},
        {"recipient.country", "uk", "did you mean GB?"},
        {"", "x", "no fact is called"},
    };
    wl_facts *facts = NULL;
    assert_int_equal(wl_facts_create(&facts), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wl_error e = {0, ""};
        assert_int_equal(wl_facts_set(facts, rows[i].name, rows[i].value, NOW, &e), WL_ERR_INVALID);
        assert_int_equal(e.code, WL_ERR_INVALID);
        if (strstr(e.text, rows[i].says) == NULL)
            fail_msg("%s = %s: %s", rows[i].name, rows[i].value, e.text);
        assert_int_equal(wl_facts_set(facts, rows[i].name, rows[i].value, NOW, NULL), WL_ERR_INVALID);
    }
    assert_int_equal(wl_facts_set(facts, "recipient.valid", NULL, NOW, NULL), WL_ERR_INVALID);
    wl_facts_free(facts);
}

static int set_json(wl_facts *facts, const char *json, wl_error *e)
{
    return wl_facts_set_json(facts, json, strlen(json), NOW, e);
}

TEST(json_is_taken_whole_or_not_at_all)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{\"consent.status\":\"withdrawn\",\"consent.nothing\":1}",
        "{\"consent.status\":\"withdrawn\",\"consent.status\":\"withdrawn\"}",
        "{\"consent.status\":\"withdrawn\",\"recipient.valid\":3}",
        "{\"consent.status\":\"withdrawn\",\"portfolio.used\":1.5}",
        "{\"consent.status\":\"withdrawn\",\"portfolio.used\":[1]}",
        "{\"consent.status\":\"withdrawn\",\"portfolio.used\":18446744073709551615}",
        "{\"consent.status\":\"withdrawn\",\"recipient.country\":\"B\\u0000R\"}",
    };
    wl_rules *rules = platform();
    wl_facts *facts = answer();
    wl_error e = {0, ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (set_json(facts, bad[i], &e) != WL_ERR_INVALID || e.text[0] == '\0')
            fail_msg("taken: %s", bad[i]);
    wl_decision *d = ask(rules, facts, 0);
    assert_null(strstr(wl_decision_json(d), "withdrawn"));
    wl_decision_free(d);
    assert_int_equal(set_json(facts,
                              "{\"consent.status\":\"withdrawn\",\"portfolio.used\":-5,\"recipient.valid\":true,"
                              "\"window.last_inbound\":\"now-2h\",\"consent.at\":1795500000000,\"pair.tat\":null}",
                              &e),
                     0);
    d = ask(rules, facts, 0);
    assert_non_null(strstr(wl_decision_json(d), "\"consent.status\":\"withdrawn\""));
    assert_non_null(strstr(wl_decision_json(d), "\"portfolio.used\":\"-5\""));
    assert_non_null(strstr(wl_decision_json(d), "\"window.last_inbound\":\"2026-11-25T07:46:40.000Z\""));
    assert_non_null(strstr(wl_decision_json(d), "\"consent.at\":\"2026-11-24T06:00:00.000Z\""));
    assert_null(strstr(wl_decision_json(d), "pair.tat\":\"never"));
    wl_decision_free(d);
    wl_facts_free(facts);
    wl_rules_free(rules);
}

TEST(rules_say_what_is_wrong_with_them)
{
    const char *nowhere = "/nonexistent/rules.yaml", *text = "ruleset: x\n", *name = "mine.yaml";
    wl_rules *rules = NULL;
    wl_error e = {0, ""};
    assert_int_equal(wl_rules_load(&rules, &nowhere, 1, &e), WL_ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "/nonexistent/rules.yaml"));
    assert_int_equal(wl_rules_compile(&rules, &name, &text, 1, &e), WL_ERR_INVALID);
    assert_non_null(strstr(e.text, "mine.yaml"));
    assert_int_equal(wl_rules_load(&rules, NULL, 0, &e), WL_ERR_INVALID);
    assert_int_equal(wl_rules_load(&rules, &nowhere, 1000, NULL), WL_ERR_INVALID);
    assert_null(rules);
}

static const char part[] =
    "ruleset: mine\nkind: policy\nschema: 1\ntitle: Mine\nrules:\n"
    "  - id: mine.never\n    title: T\n    verdict: deny\n    code: 1\n    reason: R.\n    change: c\n"
    "    values: {2020-01-01: {}}\n    when: {fact: message.reaction, is: true}\n"
    "    on_unknown: ignore\n    cite: [{title: T, url: 'https://example.org/t', read: 2026-11-21}]\n"
    "    tests:\n      - {given: {message.reaction: true}, expect: deny}\n"
    "      - {given: {message.reaction: false}, expect: none}\n";

TEST(a_part_decides_nothing_and_a_book_does)
{
    const char *texts[2] = {part, NULL}, *names[2] = {"mine.yaml", "platform.yaml"};
    char *platform_text = NULL;
    wl_rules *rules = NULL;
    wl_facts *facts = answer();
    wl_decision *d = NULL;
    wl_error e = {0, ""};
    if (wl_rules_compile(&rules, names, texts, 1, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(wl_rules_count(rules), 1);
    assert_string_equal(wl_rules_id(rules, 0), "mine.never");
    assert_null(wl_rules_id(rules, 1));
    assert_int_equal(wl_decide(&d, rules, facts, NOW, 0, &e), WL_ERR_INVALID);
    assert_null(d);
    wl_rules_free(rules);

    FILE *f = fopen(platform_path(), "r");
    assert_non_null(f);
    size_t room = 1u << 20;
    platform_text = calloc(1, room);
    assert_non_null(platform_text);
    assert_true(fread(platform_text, 1, room - 1, f) > 0);
    fclose(f);
    texts[1] = platform_text;
    if (wl_rules_compile(&rules, names, texts, 2, &e) != 0)
        fail_msg("%s", e.text);
    free(platform_text);
    set(facts, "message.reaction", "true");
    d = ask(rules, facts, 0);
    assert_string_equal(wl_decision_rule(d), "mine.never");
    wl_decision_free(d);
    wl_facts_free(facts);
    wl_rules_free(rules);
}

TEST(phone_numbers)
{
    static const struct {
        const char *text, *region, *e164, *where, *status, *type;
    } rows[] = {
        {"+55 11 91234-5678", NULL, "+5511912345678", "BR", "ok", "mobile"},
        {"(11) 91234-5678", "BR", "+5511912345678", "BR", "ok", "mobile"},
        {"020 7946 0958", "GB", "+442079460958", "GB", "ok", "fixed_line"},
        {"+1 416 555 0100", NULL, "+14165550100", "CA", "ok", "fixed_line_or_mobile"},
        {"+15550001111", NULL, "+15550001111", "ZZ", "ok", "unknown"},
        {"0170 1234567", NULL, "", "ZZ", "unknown_country_code", "unknown"},
        {"hello", "BR", "", "ZZ", "not_a_number", "unknown"},
    };
    wl_plans *plans = NULL, *other = NULL;
    wl_phone p;
    wl_error e = {0, ""};
    assert_int_equal(wl_plans_create(&plans, NULL, 0, &e), 0);
    assert_true(strlen(wl_plans_name(plans)) > 10);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(wl_phone_read(plans, rows[i].text, rows[i].region, &p, &e), 0);
        assert_string_equal(p.e164, rows[i].e164);
        assert_string_equal(p.region, rows[i].where);
        assert_string_equal(p.status, rows[i].status);
        assert_string_equal(p.type, rows[i].type);
        assert_int_equal(p.valid, strcmp(rows[i].type, "unknown") != 0);
    }
    assert_int_equal(wl_plans_create(&other, "no plans", 8, &e), WL_ERR_INVALID);
    assert_int_equal(wl_phone_read(plans, "1", "Brasil", &p, &e), WL_ERR_INVALID);
    wl_plans_free(plans);
}

TEST(countries_of_phone_numbers)
{
    static const char *const rows[][2] = {{"12125550100", "US"},  {"14165550100", "CA"},  {"18765550100", "JM"},
                                          {"393471234567", "IT"}, {"447400123456", "GB"}, {"4791234567", "NO"},
                                          {"79161234567", "RU"},  {"77011234567", "KZ"},  {"61412345678", "AU"}};
    wl_plans *plans = NULL;
    char country[3] = "??";
    assert_int_equal(wl_plans_create(&plans, NULL, 0, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(wl_phone_country(plans, rows[i][0], country), 0);
        assert_string_equal(country, rows[i][1]);
    }
    assert_int_equal(wl_phone_country(plans, "+5511912345678", country), WL_ERR_INVALID);
    assert_int_equal(wl_phone_country(plans, "99999999999999999999999", country), WL_ERR_INVALID);
    wl_plans_free(plans);
}

TEST(names_and_nothing)
{
    size_t n = 0;
    while (wl_fact_name(n) != NULL)
        n++;
    assert_true(n > 60);
    assert_null(wl_fact_name(n + 1000));
    assert_string_equal(wl_fact_name(0), "message.kind");
    assert_true(strlen(wl_version()) >= 5);
    wl_rules_free(NULL);
    wl_facts_free(NULL);
    wl_decision_free(NULL);
    wl_plans_free(NULL);
}

/* Whatever is NULL, nothing crashes, nothing is written, and a sentence says so. */
TEST(nothing_is_refused)
{
    const char *none[1] = {NULL}, *text[1] = {"x"};
    wl_rules *rules = platform(), *other = NULL;
    wl_facts *facts = answer();
    wl_decision *d = NULL;
    wl_plans *plans = NULL, *none_yet = NULL;
    wl_phone phone = {.e164 = "unchanged"};
    char country[3] = "??";
    wl_error e = {0, ""};
    assert_int_equal(wl_plans_create(&plans, NULL, 0, &e), 0);
    const int refused[] = {
        wl_rules_load(&other, none, 1, &e),
        wl_rules_load(&other, NULL, 1, &e),
        wl_rules_load(NULL, text, 1, &e),
        wl_rules_compile(&other, NULL, none, 1, &e),
        wl_rules_compile(&other, none, text, 1, &e),
        wl_rules_compile(NULL, NULL, text, 1, &e),
        wl_facts_create(NULL),
        wl_facts_set(NULL, "consent.status", "none", 0, &e),
        wl_facts_set(facts, NULL, "none", 0, &e),
        wl_facts_set(facts, "consent.status", NULL, 0, &e),
        wl_facts_set_json(NULL, "{}", 2, 0, &e),
        wl_facts_set_json(facts, NULL, 5, 0, &e),
        wl_decide(NULL, rules, facts, NOW, 0, &e),
        wl_decide(&d, NULL, facts, NOW, 0, &e),
        wl_decide(&d, rules, NULL, NOW, 0, &e),
        wl_decide(&d, rules, NULL, NOW, 0, NULL),
        wl_plans_create(NULL, NULL, 0, &e),
        wl_plans_create(&none_yet, "", 0, &e),
        wl_phone_read(NULL, "+551191234567", NULL, &phone, &e),
        wl_phone_read(plans, NULL, NULL, &phone, &e),
        wl_phone_read(plans, "+551191234567", NULL, NULL, &e),
        wl_phone_country(NULL, "551191234567", country),
        wl_phone_country(plans, NULL, country),
        wl_phone_country(plans, "551191234567", NULL),
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (refused[i] != WL_ERR_INVALID)
            fail_msg("call %zu gave %d", i, refused[i]);
    assert_true(other == NULL && d == NULL && none_yet == NULL && wl_plans_name(NULL) == NULL);
    assert_true(strcmp(phone.e164, "unchanged") == 0 && strcmp(country, "??") == 0);
    wl_plans_free(plans);
    assert_true(wl_rules_hash(NULL) == NULL && wl_rules_count(NULL) == 0 && wl_rules_id(NULL, 0) == NULL);
    assert_true(wl_decision_verdict(NULL) == WL_DENY && wl_decision_until(NULL) == 0 && wl_decision_code(NULL) == 0);
    assert_true(wl_decision_rule(NULL) == NULL && wl_decision_text(NULL) == NULL && wl_decision_json(NULL) == NULL);
    wl_facts_free(facts);
    wl_rules_free(rules);
}

static void *ask_often(void *rules)
{
    for (int i = 0; i < 200; i++) {
        wl_facts *facts = answer();
        set(facts, "window.last_inbound", i % 2 ? "now-1h" : "now-25h");
        wl_decision *d = ask(rules, facts, 0);
        assert_int_equal(wl_decision_verdict(d), i % 2 ? WL_ALLOW : WL_DENY);
        wl_decision_free(d);
        wl_facts_free(facts);
    }
    return NULL;
}

TEST(rules_are_shared_by_threads)
{
    pthread_t thread[4];
    wl_rules *rules = platform();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, ask_often, rules), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    wl_rules_free(rules);
}

TESTS(T(decides_and_explains), T(holds_until_a_time_and_expires), T(facts_name_what_is_wrong),
      T(json_is_taken_whole_or_not_at_all), T(rules_say_what_is_wrong_with_them),
      T(a_part_decides_nothing_and_a_book_does), T(phone_numbers), T(countries_of_phone_numbers), T(names_and_nothing),
      T(nothing_is_refused), T(rules_are_shared_by_threads))
