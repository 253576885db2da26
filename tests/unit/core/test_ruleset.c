/* SPDX-License-Identifier: Apache-2.0
 * test_ruleset.c - what a rule set must prove before it is accepted, its values by date, and its hash. */
#include "rules_fixture.h"

#include "base/clock.h"

#define RULE_TOP     "  - id: r\n    title: T\n    verdict: deny\n    code: 100\n    reason: R.\n    change: c\n" TINY_CITE
#define RULE_WHEN    "    when: {fact: recipient.valid, is: false}\n"
#define RULE_DATED   "    values: {2020-01-01: {}}\n"
#define RULE_UNKNOWN "    on_unknown: deny\n"
#define RULE_TESTS                                                                                                     \
    "    tests:\n      - {given: {recipient.valid: false}, expect: deny}\n      - {given: {recipient.valid: true}, "   \
    "expect: none}\n"
#define GOOD_RULE RULE_TOP RULE_DATED RULE_WHEN RULE_UNKNOWN RULE_TESTS

static void assert_refused(const char *rules, const char *because)
{
    struct err e = {0};
    struct ruleset *rs = NULL;
    int rc = tiny_compile(&rs, rules, &e);
    ruleset_free(rs);
    if (rc != WL_EINVAL || strstr(e.text, because) == NULL)
        fail_msg("wanted a refusal with \"%s\", got %d: %s", because, rc, rc ? e.text : "accepted");
    assert_true(strstr(e.text, "tiny.yaml:") == e.text);
}

TEST(a_set_is_refused_for_what_it_lacks)
{
    static const struct {
        const char *rules, *because;
    } rows[] = {
        {RULE_TOP RULE_DATED RULE_WHEN RULE_TESTS, "needs `on_unknown`"},
        {RULE_TOP RULE_DATED RULE_WHEN RULE_UNKNOWN, "needs `tests`"},
        {RULE_TOP RULE_WHEN RULE_UNKNOWN RULE_TESTS, "needs `values`"},
        {RULE_TOP RULE_DATED RULE_UNKNOWN RULE_TESTS, "needs `when`"},
        {"  - id: r\n    title: T\n    verdict: deny\n    code: 100\n    reason: R.\n    change: c\n" RULE_DATED
             RULE_WHEN RULE_UNKNOWN RULE_TESTS,
         "needs `cite`"},
        {GOOD_RULE GOOD_RULE, "two rules are called r; the other stands at line "},
        {GOOD_RULE "    colour: red\n", "colour"},
        {RULE_TOP RULE_DATED RULE_WHEN "    on_unkown: deny\n" RULE_TESTS, "on_unknown"},
        {RULE_TOP RULE_DATED RULE_WHEN "    on_unknown: allow\n" RULE_TESTS, "must be deny, ignore, or hold"},
        {RULE_TOP RULE_DATED RULE_WHEN "    on_unknown: hold 0\n" RULE_TESTS, "more than nothing"},
        {RULE_TOP RULE_DATED RULE_WHEN "    on_unknown: hold soon\n" RULE_TESTS, "duration"},
        {GOOD_RULE "    mode: shadwo\n", "did you mean shadow?"},
        {GOOD_RULE "    until: {now_plus: 1h}\n", "only a hold"},
        {GOOD_RULE "    builtin: true\n", "belongs to basis.none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(rows[i].rules, rows[i].because);
}

TEST(both_rules_of_the_engine_are_needed)
{
    struct err e = {0};
    struct ruleset *rs = NULL;
    assert_int_equal(ruleset_compile(&rs, "x", str_of(TINY_HEAD GOOD_RULE), &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "basis.none"));
    assert_int_equal(ruleset_compile(&rs, "x",
                                     STR("ruleset: a\nkind: platform\nschema: 2\ntitle: t\nbasis: []\nrules: []\n"),
                                     &e),
                     WL_EINVAL);
    assert_int_equal(ruleset_compile(&rs, "x", STR(""), &e), WL_EINVAL);
    assert_int_equal(ruleset_compile(&rs, "x", STR("- a\n- b\n"), &e), WL_EINVAL);
    assert_int_equal(ruleset_load(&rs, "/nonexistent/rules.yaml", &e), WL_ENOTFOUND);
    assert_null(rs);
}

/* One condition in a rule of its own, with tests that do not matter: the condition itself must be refused. */
static void assert_condition_refused(const char *condition, const char *because)
{
    char rule[4096];
    snprintf(rule, sizeof rule, "%s    values: {2020-01-01: {d: 1h, n: 5}}\n    when: %s\n%s%s", RULE_TOP, condition,
             RULE_UNKNOWN, RULE_TESTS);
    assert_refused(rule, because);
}

TEST(a_condition_is_refused_for_what_cannot_be_meant)
{
    static const char *const rows[][2] = {
        {"{fact: recipient.vaild, is: false}", "did you mean recipient.valid?"},
        {"{fact: template.status, is: aproved}", "did you mean approved?"},
        {"{fact: template.status, is_: approved}", "is_"},
        {"{fact: recipient.valid, is: no}", "true or false"},
        {"{fact: recipient.valid}", "exactly one comparison"},
        {"{fact: recipient.valid, is: true, is_not: true}", "exactly one comparison"},
        {"{fact: recipient.valid, older_than: 1h}", "does not fit recipient.valid"},
        {"{fact: pair.tat, is: 5}", "does not fit pair.tat"},
        {"{fact: pair.tat, older_than: 5}", "duration"},
        {"{fact: pair.tat, older_than: $n}", "$n is a number"},
        {"{fact: pair.tat, older_than: $x}", "$x is not among"},
        {"{fact: pair.tat, older_than: $d - $x}", "$x is not among"},
        {"{fact: pair.tat, before: pair.tat}", "another fact that is a time"},
        {"{fact: pair.tat, before: recipient.valid}", "another fact that is a time"},
        {"{fact: pair.tat, before: consent.att}", "did you mean consent.at?"},
        {"{all: [{fact: pair.tat, before: consent.at}, {fact: consent.at, older_than: 0}, {fact: pair.tat, ahead_by: "
         "0}]}",
         "can never fire"},
        {"{fact: recipient.country, is: TOOLONGCODE}", "is no country"},
        {"{fact: template.status, in: []}", "at least one value"},
        {"{fact: template.status, in: [paused, paused]}", "same value twice"},
        {"{fact: recipient.country, in: [BR, BR]}", "same value twice"},
        {"{fact: recipient.valid, in: [true, false]}", "only one answer"},
        {"{all: []}", "at least one condition"},
        {"{all: [{fact: recipient.valid, is: true}], any: []}", "stands alone"},
        {"{al: [{fact: recipient.valid, is: true}]}", "al"},
        {"{}", "a condition is a mapping"},
        {"yes", "a condition is a mapping"},
        {"{all: [{fact: recipient.valid, is: true}, {fact: recipient.valid, is: false}]}", "can never fire"},
        {"{all: [{fact: pair.tat, older_than: 2h}, {fact: pair.tat, newer_than: 1h}]}", "can never fire"},
        {"{not: {all: [{fact: recipient.country, is: BR}, {fact: recipient.country, is: US}]}}", "always fires"},
        {"{any: [{fact: recipient.valid, known: true}, {fact: recipient.valid, known: false}]}", "always fires"},
        {"{all: [{fact: message.kind, known: true}, {fact: message.category, known: true}, {fact: message.path, known: "
         "true}, "
         "{fact: message.reaction, known: true}, {fact: recipient.form, known: true}, {fact: recipient.valid, known: "
         "true}, "
         "{fact: recipient.is_sender, known: true}, {fact: recipient.country, known: true}, {fact: consent.at, known: "
         "true}]}",
         "at most 8 different facts"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_condition_refused(rows[i][0], rows[i][1]);
}

TEST(values_are_the_same_names_and_kinds_at_every_date)
{
    static const char *const rows[][2] = {
        {"{2020-01-01: {d: 1h}, 2021-01-01: {}}", "same values"},
        {"{2020-01-01: {d: 1h}, 2021-01-01: {e: 1h}}", "not among the values of the first date"},
        {"{2020-01-01: {d: 1h}, 2021-01-01: {d: 5}}", "a duration at one date and a number at another"},
        {"{2021-01-01: {d: 1h}, 2020-01-01: {d: 2h}}", "dates stand in order"},
        {"{2020-01-01: {d: 1h}, 2020-01-01: {d: 2h}}", "already on line"},
        {"{2020-13-01: {d: 1h}}", "date"},
        {"{soon: {d: 1h}}", "date"},
        {"{2020-01-01: 5}", "mapping of value names"},
        {"{2020-01-01: off}", "ends what is not in force"},
        {"{2020-01-01: {}, 2021-01-01: off, 2022-01-01: off}", "ends what is not in force"},
        {"{2020-01-01: {}, 2021-01-01: on}", "or off"},
        {"{2020-01-01: {d: often}}", "duration"},
        {"{2020-01-01: {D: 1h}}", "lower-case"},
        {"{}", "1 to"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rule[2048];
        snprintf(rule, sizeof rule, "%s    values: %s\n%s%s%s", RULE_TOP, rows[i][0], RULE_WHEN, RULE_UNKNOWN,
                 RULE_TESTS);
        assert_refused(rule, rows[i][1]);
    }
}

TEST(tests_of_a_rule_must_prove_it)
{
    static const char *const rows[][2] = {
        {"[{given: {recipient.valid: false}, expect: deny}]", "at least two"},
        {"[{given: {recipient.valid: false}, expect: deny}, {given: {recipient.valid: true}, expect: deny}]",
         "expected deny, got none"},
        {"[{given: {recipient.valid: false}, expect: none}, {given: {recipient.valid: true}, expect: none}]",
         "expected none, got deny"},
        {"[{given: {}, expect: deny}, {given: {recipient.valid: true}, expect: none}]",
         "no test in which its condition is true"},
        {"[{given: {recipient.valid: false}, expect: deny}, {given: {recipient.valid: false}, expect: deny}]",
         "its condition is false"},
        {"[{given: {recipient.valid: false}, expect: deny}, {given: {recipient.valid: true}, expect: maybe}]",
         "must be none, deny"},
        {"[{given: {recipient.valid: false}, expect: deny}, {given: {pair.tat: later}, expect: none}]",
         "a time is never"},
        {"[{given: {recipient.valid: false}, expect: deny}, {given: {pair.tar: now}, expect: none}]",
         "did you mean pair.tat?"},
        {"[{given: {recipient.valid: false}, expect: deny}, {expect: none}]", "needs `given`"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rule[2048];
        snprintf(rule, sizeof rule, "%s    tests: %s\n", RULE_TOP RULE_DATED RULE_WHEN RULE_UNKNOWN, rows[i][0]);
        assert_refused(rule, rows[i][1]);
    }
}

TEST(citations_say_what_was_read_where_and_when)
{
    static const char *const rows[][2] = {
        {"[]", "at least one citation"},
        {"[{title: T, url: 'https://x', read: soon}]", "date"},
        {"[{title: T, url: 'http://x', read: 2026-01-01}]", "https"},
        {"[{title: T, url: 'https://x y', read: 2026-01-01}]", "https"},
        {"[{title: T, read: 2026-01-01}]", "needs `url`"},
        {"[{title: \"a\\nb\", url: 'https://x', read: 2026-01-01}]", "one line"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rule[2048];
        snprintf(rule, sizeof rule,
                 "  - id: r\n    title: T\n    verdict: deny\n    code: 100\n    reason: R.\n    change: c\n    cite: "
                 "%s\n%s%s%s%s",
                 rows[i][0], RULE_DATED, RULE_WHEN, RULE_UNKNOWN, RULE_TESTS);
        assert_refused(rule, rows[i][1]);
    }
}

static void assert_same_hash(const char *a, const char *b, bool same)
{
    struct ruleset *x = tiny_set(a), *y = tiny_set(b);
    assert_int_equal(memcmp(ruleset_hash(x), ruleset_hash(y), SHA256_BYTES) == 0, same);
    assert_int_equal(str_eq(ruleset_canonical(x), ruleset_canonical(y)), same);
    ruleset_free(x);
    ruleset_free(y);
}

TEST(the_hash_follows_the_meaning_and_not_the_writing)
{
    assert_same_hash(GOOD_RULE, GOOD_RULE, true);
    assert_same_hash(GOOD_RULE, "# a comment\n" RULE_TOP RULE_UNKNOWN RULE_WHEN "\n" RULE_DATED RULE_TESTS, true);
    assert_same_hash(GOOD_RULE,
                     RULE_TOP RULE_DATED
                     "    when:\n      fact: 'recipient.valid'\n      in: [false]\n" RULE_UNKNOWN RULE_TESTS,
                     true);
    assert_same_hash(GOOD_RULE, GOOD_RULE "      - {given: {}, expect: deny}\n", true); /* one test more */
    assert_same_hash(GOOD_RULE, GOOD_RULE "    mode: enforce\n", true);
    assert_same_hash(GOOD_RULE, GOOD_RULE "    mode: shadow\n", false);
    assert_same_hash(GOOD_RULE, RULE_TOP RULE_DATED RULE_WHEN "    on_unknown: ignore\n" RULE_TESTS, false);
    assert_same_hash(GOOD_RULE, RULE_TOP "    values: {2020-01-02: {}}\n" RULE_WHEN RULE_UNKNOWN RULE_TESTS, false);
    assert_same_hash(GOOD_RULE, RULE_TOP "    values: {2020-01-01: {a: 1h}}\n" RULE_WHEN RULE_UNKNOWN RULE_TESTS,
                     false);
    assert_same_hash(RULE_TOP "    values: {2020-01-01: {a: 1h, b: 2}}\n" RULE_WHEN RULE_UNKNOWN RULE_TESTS,
                     RULE_TOP "    values: {2020-01-01: {b: 2, a: 60m}}\n" RULE_WHEN RULE_UNKNOWN RULE_TESTS, true);
}

TEST(the_hash_is_the_hash_of_the_canonical_form)
{
    struct ruleset *rs = shipped_set();
    uint8_t hash[SHA256_BYTES];
    struct str text = ruleset_canonical(rs);
    struct json_parser *p = json_parser_create();
    struct json doc;
    struct err e = {0};
    sha256(text.p, text.n, hash);
    assert_memory_equal(hash, ruleset_hash(rs), SHA256_BYTES);
    assert_ok(json_parse(p, text, false, &doc, &e), e);
    assert_int_equal(json_count(json_get(doc, "rules")), ruleset_count(rs));
    json_parser_free(p);
    ruleset_free(rs);
}

/* Which row of values is in force is the answer to "what was the rule on that day". */
TEST(values_are_those_in_force_on_the_day)
{
    struct ruleset *rs =
        tiny_set(RULE_TOP "    values: {2024-01-01: {age: 1h}, 2024-06-01: {age: 2h}}\n"
                          "    when: {fact: pair.tat, older_than: $age}\n" RULE_UNKNOWN "    tests:\n"
                          "      - {given: {pair.tat: now-119m}, expect: none}\n"
                          "      - {given: {pair.tat: now-120m}, expect: deny}\n"
                          "      - {given: {pair.tat: now-119m}, now: 2024-05-31, expect: deny}\n"
                          "      - {given: {pair.tat: now-59m}, now: 2024-05-31T23:59:59Z, expect: none}\n"
                          "      - {given: {pair.tat: never}, now: 2023-12-31, expect: none}\n");
    int64_t v = -1, day;
    assert_true(time_parse("2024-05-31", 10, &day));
    assert_int_equal(ruleset_value(rs, "r", "age", day, &v), 0);
    assert_int_equal(v, 3600000);
    assert_int_equal(ruleset_value(rs, "r", "age", day + 86400000, &v), 0);
    assert_int_equal(v, 7200000);
    v = -1;
    assert_int_equal(ruleset_value(rs, "r", "age", 0, &v), WL_ENOTFOUND);
    assert_int_equal(ruleset_value(rs, "r", "size", day, &v), WL_ENOTFOUND);
    assert_int_equal(ruleset_value(rs, "q", "age", day, &v), WL_ENOTFOUND);
    assert_int_equal(v, -1);
    ruleset_free(rs);
}

/* `off` ends a rule on a day; it may come back, and the canonical form says all of it. */
TEST(a_rule_may_end_and_come_back)
{
    static const char rule[] =
        RULE_TOP "    values: {2020-01-01: {age: 1h}, 2021-01-01: off, 2024-01-01: {age: 2h}, 2025-01-01: off}\n"
                 "    when: {fact: pair.tat, older_than: $age}\n" RULE_UNKNOWN "    tests:\n"
                 "      - {given: {pair.tat: now-119m}, expect: none}\n" /* as it was last */
                 "      - {given: {pair.tat: now-120m}, expect: deny}\n"
                 "      - {given: {pair.tat: now-1h}, now: 2020-12-31, expect: deny}\n"
                 "      - {given: {pair.tat: never}, now: 2021-01-01, expect: none}\n"
                 "      - {given: {}, now: 2023-12-31, expect: none}\n"
                 "      - {given: {pair.tat: never}, now: 2025-01-01, expect: none}\n";
    struct ruleset *rs = tiny_set(rule), *back = NULL;
    const struct rule *r = ruleset_find(rs, "r");
    const int64_t *dates;
    struct err e = {0};
    struct buf text;
    int64_t v = -1;
    assert_int_equal(rule_dates(r, &dates), 4);
    assert_int_equal(ruleset_value(rs, "r", "age", dates[1] - 1, &v), 0);
    assert_int_equal(ruleset_value(rs, "r", "age", dates[1], &v), WL_ENOTFOUND);
    assert_int_equal(ruleset_value(rs, "r", "age", dates[3], &v), WL_ENOTFOUND);
    assert_false(rule_ends(r, 0));
    assert_true(rule_ends(r, 1));
    assert_false(rule_ends(r, 2));
    assert_true(rule_ends(r, 3));
    assert_false(rule_ends(r, 4));
    buf_init(&text, 100);
    rule_value_text(rs, r, 1, 0, &text);
    assert_str(buf_str(&text), "off");
    buf_done(&text);
    assert_ok(ruleset_restore(&back, ruleset_canonical(rs), ruleset_hash(rs), &e), e);
    assert_true(rule_ends(ruleset_find(back, "r"), 3));
    ruleset_free(back);
    ruleset_free(rs);
    assert_same_hash(GOOD_RULE,
                     RULE_TOP "    values: {2020-01-01: {}, 2021-01-01: off}\n" RULE_WHEN RULE_UNKNOWN RULE_TESTS,
                     false);
}

TEST(the_shipped_set_is_whole)
{
    struct ruleset *rs = shipped_set();
    int64_t v;
    assert_string_equal(ruleset_id(rs), "whatsapp-platform");
    assert_int_equal(ruleset_value(rs, "pair.rate", "interval", NOW, &v), 0);
    assert_int_equal(v, 6000);
    assert_int_equal(ruleset_value(rs, "pair.rate", "tolerance", NOW, &v), 0);
    assert_int_equal(v, 264000);
    assert_int_equal(rule_code(ruleset_find(rs, "window.closed")), 131047);
    assert_null(ruleset_find(rs, "window"));
    assert_null(ruleset_rule(rs, ruleset_count(rs)));
    for (size_t i = 0; i < ruleset_count(rs); i++) {
        const struct rule *r = ruleset_rule(rs, i);
        assert_true(rule_citations(r) >= 1);
        assert_null(rule_citation(r, rule_citations(r)));
        /* the window and its margin are one fact of the platform written in several rules */
        int64_t margin;
        if (ruleset_value(rs, rule_id(r), "window", NOW, &v) == 0 &&
            ruleset_value(rs, rule_id(r), "margin", NOW, &margin) == 0) {
            assert_int_equal(v, 24 * HOUR);
            assert_int_equal(margin, 60000);
        }
    }
    ruleset_free(rs);
}

TESTS(T(a_set_is_refused_for_what_it_lacks), T(both_rules_of_the_engine_are_needed),
      T(a_condition_is_refused_for_what_cannot_be_meant), T(values_are_the_same_names_and_kinds_at_every_date),
      T(tests_of_a_rule_must_prove_it), T(citations_say_what_was_read_where_and_when),
      T(the_hash_follows_the_meaning_and_not_the_writing), T(the_hash_is_the_hash_of_the_canonical_form),
      T(values_are_those_in_force_on_the_day), T(a_rule_may_end_and_come_back), T(the_shipped_set_is_whole))
