/* SPDX-License-Identifier: Apache-2.0
 * test_decide.c - what the shipped rules say about the sends a business makes, and the laws of the join. */
#include "rules_fixture.h"

#include "core/pace.h"
#include "core/ruleset_impl.h"

static const struct finding *found(const struct decision *d, const char *rule)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(rule_id(d->finding[i].rule), rule) == 0)
            return &d->finding[i];
    return NULL;
}

static void assert_decided(const struct decision *d, enum verdict want, const char *main_rule)
{
    const struct finding *fi = decision_main(d);
    const char *got = fi ? rule_id(fi->rule) : "";
    if (d->verdict != want || strcmp(got, main_rule) != 0)
        fail_msg("got %s by \"%s\", want %s by \"%s\"", verdict_name(d->verdict), got, verdict_name(want), main_rule);
}

/* One fact changed in a message that is otherwise allowed. */
struct row {
    bool answer; /* start from the free-form answer, not from the marketing template */
    enum fact_id fact;
    int64_t value; /* UNKNOWN: take the fact away */
    enum verdict verdict;
    const char *rule; /* that speaks; "" none */
};
#define UNKNOWN (INT64_MIN + 1)

TEST(each_reason_alone)
{
    static const struct row rows[] = {
        {false, FACT_SENDER_STATUS, 3, VERDICT_DENY, "sender.locked"},
        {false, FACT_SENDER_STATUS, 5, VERDICT_DENY, "sender.locked"},
        {false, FACT_SENDER_STATUS, 2, VERDICT_DENY, "sender.state"},
        {false, FACT_SENDER_STATUS, 6, VERDICT_DENY, "sender.state"},
        {false, FACT_SENDER_STATUS, 0, VERDICT_ALLOW, ""},
        {false, FACT_SENDER_STATUS, UNKNOWN, VERDICT_ALLOW, ""},
        {false, FACT_MESSAGE_KIND, INTENT_ENCRYPTED, VERDICT_DENY, "message.encrypted"},
        {false, FACT_MESSAGE_KIND, UNKNOWN, VERDICT_DENY, "message.encrypted"},
        {false, FACT_RECIPIENT_VALID, false, VERDICT_DENY, "recipient.invalid"},
        {false, FACT_RECIPIENT_IS_SENDER, true, VERDICT_DENY, "recipient.self"},
        {false, FACT_RECIPIENT_UNDELIVERABLE_AT, NOW - 29 * 24 * HOUR, VERDICT_DENY, "recipient.undeliverable"},
        {false, FACT_RECIPIENT_UNDELIVERABLE_AT, NOW - 31 * 24 * HOUR, VERDICT_ALLOW, ""},
        {false, FACT_TEMPLATE_KNOWN, false, VERDICT_DENY, "template.unknown"},
        {false, FACT_TEMPLATE_KNOWN, UNKNOWN, VERDICT_DENY, "template.unknown"},
        {false, FACT_TEMPLATE_STATUS, TEMPLATE_PENDING, VERDICT_DENY, "template.not_approved"},
        {false, FACT_TEMPLATE_STATUS, TEMPLATE_LOCKED, VERDICT_DENY, "template.not_approved"},
        {false, FACT_TEMPLATE_STATUS, TEMPLATE_PAUSED, VERDICT_HOLD, "template.paused"},
        {false, FACT_TEMPLATE_STATUS, TEMPLATE_DISABLED, VERDICT_DENY, "template.disabled"},
        {false, FACT_TEMPLATE_FIT, FIT_COUNT, VERDICT_DENY, "template.params.count"},
        {false, FACT_TEMPLATE_FIT, FIT_TYPE, VERDICT_DENY, "template.params.type"},
        {false, FACT_TEMPLATE_FIT, FIT_FORMAT, VERDICT_DENY, "template.params.type"},
        {false, FACT_TEMPLATE_FIT, FIT_TEXT, VERDICT_DENY, "template.params.text"},
        {false, FACT_CONSENT_STATUS, 0, VERDICT_DENY, "consent.missing"},
        {false, FACT_CONSENT_STATUS, 2, VERDICT_DENY, "consent.withdrawn"},
        {false, FACT_CONSENT_STATUS, UNKNOWN, VERDICT_DENY, "consent.withdrawn"},
        {false, FACT_CONSENT_PLATFORM_STOP, true, VERDICT_DENY, "consent.platform_stop"},
        {false, FACT_MESSAGE_PATH, PATH_MARKETING_MESSAGES, VERDICT_ALLOW, ""},
        {false, FACT_PAIR_TAT, NOW + 264000, VERDICT_ALLOW, ""},
        {false, FACT_PAIR_TAT, NOW + 264001, VERDICT_HOLD, "pair.rate"},
        {false, FACT_WINDOW_LAST_INBOUND, UNKNOWN, VERDICT_ALLOW, ""},
        {true, FACT_WINDOW_LAST_INBOUND, NOW - 24 * HOUR + 60001, VERDICT_ALLOW, ""},
        {true, FACT_WINDOW_LAST_INBOUND, NOW - 24 * HOUR + 60000, VERDICT_DENY, "window.closed"},
        {true, FACT_WINDOW_LAST_INBOUND, 0, VERDICT_DENY, "window.closed"},
        {true, FACT_WINDOW_LAST_INBOUND, UNKNOWN, VERDICT_DENY, "window.closed"},
        {true, FACT_RECIPIENT_FORM, IDENTITY_GROUP, VERDICT_ALLOW, ""},
        {true, FACT_CONSENT_STATUS, 2, VERDICT_ALLOW, ""}, /* an opt-out never silences a conversation */
        {true, FACT_CONSENT_PLATFORM_STOP, true, VERDICT_ALLOW, ""},
        {true, FACT_MESSAGE_PATH, PATH_MARKETING_MESSAGES, VERDICT_DENY, "template.category_path"},
    };
    struct ruleset *rs = shipped_set();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = rows[i].answer ? fixture_answer() : fixture_facts();
        struct decision d;
        fact_set(&f, rows[i].fact, rows[i].value);
        f.known[rows[i].fact] = rows[i].value != UNKNOWN;
        decide(rs, &f, NOW, 0, &d);
        assert_decided(&d, rows[i].verdict, rows[i].rule);
    }
    ruleset_free(rs);
}

TEST(utility_needs_consent_outside_the_window_only)
{
    struct ruleset *rs = shipped_set();
    struct decision d;
    static const int kinds[] = {INTENT_TEMPLATE, INTENT_DIRECT};
    for (size_t i = 0; i < 2; i++) {
        struct facts f = fixture_facts();
        fact_set(&f, FACT_MESSAGE_KIND, kinds[i]);
        fact_set(&f, FACT_MESSAGE_CATEGORY, CATEGORY_UTILITY);
        fact_set(&f, FACT_CONSENT_STATUS, 0);
        decide(rs, &f, NOW, 0, &d);
        assert_decided(&d, VERDICT_DENY, "consent.missing");
        assert_non_null(found(&d, "basis.none"));
        fact_set(&f, FACT_WINDOW_LAST_INBOUND, NOW - HOUR);
        decide(rs, &f, NOW, 0, &d);
        assert_decided(&d, VERDICT_ALLOW, "");
        fact_set(&f, FACT_CONSENT_STATUS, 2); /* opted out of utility */
        decide(rs, &f, NOW, 0, &d);
        assert_decided(&d, VERDICT_DENY, "consent.withdrawn");
        fact_set(&f, FACT_CONSENT_STATUS, 1);
        fact_set(&f, FACT_CONSENT_PLATFORM_STOP, true); /* stops marketing, not this */
        decide(rs, &f, NOW, 0, &d);
        assert_decided(&d, VERDICT_ALLOW, "");
    }
    ruleset_free(rs);
}

TEST(united_states_marketing_by_date)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_facts();
    struct decision d;
    int64_t day = 1743465600000; /* 2025-04-01 */
    fact_set_code(&f, FACT_RECIPIENT_COUNTRY, "US");
    decide(rs, &f, NOW, 0, &d);
    assert_decided(&d, VERDICT_DENY, "recipient.country");
    decide(rs, &f, day - 1, 0, &d);
    assert_null(found(&d, "recipient.country"));
    decide(rs, &f, day, 0, &d);
    assert_non_null(found(&d, "recipient.country"));
    f.known[FACT_RECIPIENT_COUNTRY] = false; /* +1 alone does not say */
    decide(rs, &f, NOW, 0, &d);
    assert_decided(&d, VERDICT_ALLOW, "");
    ruleset_free(rs);
}

TEST(receipts_are_not_sends)
{
    struct ruleset *rs = shipped_set();
    struct facts f = {0};
    struct decision d;
    fact_set(&f, FACT_MESSAGE_KIND, INTENT_RECEIPT);
    fact_set(&f, FACT_SENDER_STATUS, 5);
    decide(rs, &f, NOW, 1, &d);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_int_equal(d.n, 0);
    ruleset_free(rs);
}

TEST(nothing_known_is_refused)
{
    struct ruleset *rs = shipped_set();
    struct facts f = {0};
    struct decision d;
    decide(rs, &f, NOW, 0, &d);
    assert_int_equal(d.verdict, VERDICT_DENY);
    assert_true(found(&d, "basis.none")->unknown);
    decide(rs, &f, 0, 0, &d); /* 1970: hardly a rule in force, and still no basis */
    assert_decided(&d, VERDICT_DENY, "basis.none");
    ruleset_free(rs);
}

TEST(every_reason_is_listed)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_facts();
    struct decision d;
    fact_set(&f, FACT_CONSENT_STATUS, 0);
    fact_set(&f, FACT_CONSENT_PLATFORM_STOP, true);
    fact_set(&f, FACT_TEMPLATE_FIT, FIT_TEXT);
    fact_set(&f, FACT_PAIR_TAT, NOW + 500000);
    decide(rs, &f, NOW, 0, &d);
    static const char *const want[] = {"basis.none", "consent.missing", "consent.platform_stop", "pair.rate",
                                       "template.params.text"};
    assert_int_equal(d.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(rule_id(d.finding[i].rule), want[i]);
    assert_decided(&d, VERDICT_DENY, "consent.platform_stop");
    assert_true(found(&d, "pair.rate")->until == NOW + 500000 - 264000);
    ruleset_free(rs);
}

/* 45 messages at once go through, the 46th waits 6 s: the burst Meta documents. */
TEST(the_pair_burst_is_45)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_facts();
    struct decision d;
    int64_t tat = 0, interval = 0;
    assert_int_equal(ruleset_value(rs, "pair.rate", "interval", NOW, &interval), 0);
    for (int i = 0; i < 45; i++) {
        fact_set(&f, FACT_PAIR_TAT, tat);
        decide(rs, &f, NOW, 0, &d);
        assert_int_equal(d.verdict, VERDICT_ALLOW);
        tat = pace_take(tat, NOW, interval);
    }
    fact_set(&f, FACT_PAIR_TAT, tat);
    decide(rs, &f, NOW, 0, &d);
    assert_decided(&d, VERDICT_HOLD, "pair.rate");
    assert_true(d.until == NOW + 6000);
    decide(rs, &f, d.until, 0, &d);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    ruleset_free(rs);
}

TEST(a_hold_past_expiry_is_a_denial)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_facts();
    struct decision d;
    fact_set(&f, FACT_TEMPLATE_STATUS, TEMPLATE_PAUSED);
    fact_set(&f, FACT_PAIR_TAT, NOW + 270000);
    decide(rs, &f, NOW, 0, &d);
    assert_decided(&d, VERDICT_HOLD, "template.paused"); /* the later of the two holds speaks */
    assert_true(d.until == NOW + 3 * HOUR);
    decide(rs, &f, NOW, NOW + 3 * HOUR, &d);
    assert_int_equal(d.verdict, VERDICT_HOLD);
    decide(rs, &f, NOW, NOW + 3 * HOUR - 1, &d);
    assert_decided(&d, VERDICT_DENY, "hold.past_expiry");
    assert_int_equal(found(&d, "template.paused")->verdict, VERDICT_HOLD);
    assert_true(d.until == 0);
    ruleset_free(rs);
}

#define TOP(id, mode, verdict)                                                                                         \
    "  - id: " id "\n    title: T\n    mode: " mode "\n    verdict: " verdict                                          \
    "\n    code: 100\n    reason: R.\n    change: c\n" TINY_CITE "    values: {2020-01-01: {}}\n"
#define FIRES(want)                                                                                                    \
    "    tests:\n      - {given: {recipient.valid: false}, expect: " want                                              \
    "}\n      - {given: {recipient.valid: true}, expect: none}\n"
#define WHEN "    when: {fact: recipient.valid, is: false}\n"

TEST(shadow_is_reported_and_off_is_silent)
{
    struct ruleset *rs = tiny_set(TOP("watching", "shadow", "deny") WHEN "    on_unknown: deny\n" FIRES("deny")
                                      TOP("gone", "off", "deny") WHEN "    on_unknown: deny\n" FIRES("deny"));
    struct facts f = fixture_facts();
    struct decision d;
    fact_set(&f, FACT_RECIPIENT_VALID, false);
    decide(rs, &f, NOW, 0, &d);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_null(decision_main(&d));
    assert_int_equal(d.n, 1);
    assert_true(d.finding[0].shadow);
    assert_int_equal(d.finding[0].verdict, VERDICT_DENY);
    ruleset_free(rs);
}

TEST(what_is_unknown_does_as_the_rule_says)
{
    struct ruleset *rs = tiny_set(TOP("a", "enforce", "deny") WHEN "    on_unknown: hold 15m\n" FIRES("deny")
                                      TOP("b", "enforce", "deny") WHEN "    on_unknown: ignore\n" FIRES("deny"));
    struct facts f = fixture_facts();
    struct decision d;
    f.known[FACT_RECIPIENT_VALID] = false;
    decide(rs, &f, NOW, 0, &d);
    assert_decided(&d, VERDICT_HOLD, "a");
    assert_true(d.until == NOW + 15 * 60000);
    assert_int_equal(d.n, 1);
    assert_true(d.finding[0].unknown);
    assert_int_equal(d.finding[0].n_facts, 1);
    assert_int_equal(d.finding[0].facts[0], FACT_RECIPIENT_VALID);
    ruleset_free(rs);
}

TEST(a_hold_without_a_known_end_is_a_denial_and_one_that_has_ended_is_nothing)
{
    struct ruleset *rs =
        tiny_set(TOP("h", "enforce",
                     "hold") "    until: {fact: pair.tat, plus: 1h}\n" WHEN "    on_unknown: ignore\n    tests:\n"
                             "      - {given: {recipient.valid: false, pair.tat: now}, expect: hold until now+1h}\n"
                             "      - {given: {recipient.valid: false}, expect: deny}\n"
                             "      - {given: {recipient.valid: false, pair.tat: now-1h}, expect: none}\n"
                             "      - {given: {recipient.valid: true}, expect: none}\n");
    struct facts f = fixture_facts();
    struct decision d;
    fact_set(&f, FACT_RECIPIENT_VALID, false);
    fact_set(&f, FACT_PAIR_TAT, INT64_MAX);
    decide(rs, &f, NOW, 0, &d);
    assert_decided(&d, VERDICT_HOLD, "h");
    assert_true(d.until == TIME_LAST);
    ruleset_free(rs);
}

#define HOLDS(want)                                                                                                    \
    "    until: {now_plus: 2h}\n" WHEN "    on_unknown: ignore\n    tests:\n      - {given: {recipient.valid: "        \
    "false}, expect: hold until now+" want "}\n      - {given: {recipient.valid: true}, expect: none}\n"

/* Somebody takes responsibility for one rule of the customer's own; nobody can for the platform's or a law's. */
TEST(only_policy_can_be_set_aside)
{
    struct ruleset *rs =
        tiny_book(TOP("plat", "enforce", "deny") WHEN "    on_unknown: deny\n" FIRES("deny"),
                  "rules:\n" TOP("law", "enforce", "deny") "    confidence: high\n" WHEN
                                                           "    on_unknown: deny\n" FIRES("deny"),
                  "rules:\n" TOP("own", "enforce", "deny") WHEN "    on_unknown: deny\n" FIRES("deny"));
    struct override o = {0};
    struct err e = {0};
    struct facts f = fixture_facts();
    struct decision d, plain;
    assert_int_equal(override_add(&o, rs, STR("plat"), &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "tiny (platform)"));
    assert_int_equal(override_add(&o, rs, STR("law"), &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "law (law)"));
    assert_int_equal(override_add(&o, rs, STR("basis.none"), &e), WL_EINVAL);
    assert_int_equal(override_add(&o, rs, STR("own "), &e), WL_ENOTFOUND);
    for (size_t i = 0; i < OVERRIDE_WORDS; i++)
        assert_true(o.rule[i] == 0);
    assert_ok(override_add(&o, rs, STR("own"), &e), e);
    fact_set(&f, FACT_RECIPIENT_VALID, false);
    memset(&o, 0xff, sizeof o); /* whatever the bits say */
    decide_overridden(rs, &f, NOW, 0, &o, &d);
    decide(rs, &f, NOW, 0, &plain);
    assert_decided(&d, VERDICT_DENY, "plat");
    assert_int_equal(d.n, 3);
    assert_true(found(&d, "own")->overridden && !found(&plain, "own")->overridden);
    assert_false(found(&d, "plat")->overridden || found(&d, "law")->overridden);
    ruleset_free(rs);
}

TEST(what_is_set_aside_is_reported_and_not_joined)
{
    struct ruleset *rs =
        tiny_book("",
                  "rules:\n" TOP("law", "shadow", "deny") "    confidence: low\n" WHEN
                                                          "    on_unknown: deny\n" FIRES("deny"),
                  "rules:\n" TOP("own.deny", "enforce", "deny") WHEN "    on_unknown: deny\n" FIRES("deny")
                      TOP("own.hold", "enforce", "hold") HOLDS("2h"));
    struct override o = {0};
    struct facts f = fixture_facts();
    struct decision d;
    struct err e = {0};
    fact_set(&f, FACT_RECIPIENT_VALID, false);
    assert_ok(override_add(&o, rs, STR("own.deny"), &e), e);
    decide_overridden(rs, &f, NOW, 0, &o, &d);
    assert_decided(&d, VERDICT_HOLD, "own.hold");
    assert_int_equal(d.n, 3);
    decide_overridden(rs, &f, NOW, NOW + HOUR, &o, &d);
    assert_decided(&d, VERDICT_DENY, "hold.past_expiry");
    assert_ok(override_add(&o, rs, STR("own.hold"), &e), e);
    decide_overridden(rs, &f, NOW, NOW + HOUR, &o, &d); /* a hold set aside makes nothing late */
    assert_decided(&d, VERDICT_ALLOW, "");
    assert_true(found(&d, "own.hold")->overridden && found(&d, "own.hold")->until == NOW + 2 * HOUR);
    uint8_t x[DECISION_PACKED_MAX], y[DECISION_PACKED_MAX];
    struct decision back;
    size_t n = decision_pack(&d, x);
    assert_int_equal(decision_unpack(x, n, rs, &back), 0);
    assert_true(found(&back, "own.hold")->overridden);
    assert_int_equal(decision_pack(&back, y), n);
    assert_memory_equal(x, y, n);
    f.known[FACT_CONSENT_STATUS] = f.known[FACT_MESSAGE_KIND] = false; /* and gives no basis */
    decide_overridden(rs, &f, NOW, 0, &o, &d);
    assert_decided(&d, VERDICT_DENY, "basis.none");
    ruleset_free(rs);
}

/* A rule of one message: `$name` stands wherever a number may. */
TEST(numbers_compare_with_dated_values)
{
    struct ruleset *rs =
        tiny_set("  - id: r\n    title: T\n    verdict: deny\n    code: 100\n    reason: R.\n    change: c\n" TINY_CITE
                 "    values: {2020-01-01: {most: 900, reserve: 100}, 2024-01-01: {most: 950, reserve: 100}}\n"
                 "    when: {any: [{fact: portfolio.used, gt: $most}, {all: [{fact: portfolio.used, ge: $most - "
                 "$reserve}, {fact: "
                 "portfolio.counted, is: false}]}]}\n    on_unknown: ignore\n    tests:\n"
                 "      - {given: {portfolio.used: 951}, expect: deny}\n"
                 "      - {given: {portfolio.used: 950, portfolio.counted: true}, expect: none}\n"
                 "      - {given: {portfolio.used: 901}, now: 2023-01-01, expect: deny}\n"
                 "      - {given: {portfolio.used: 850, portfolio.counted: false}, expect: deny}\n"
                 "      - {given: {portfolio.used: 849, portfolio.counted: false}, expect: none}\n"
                 "      - {given: {portfolio.counted: false}, expect: none}\n");
    ruleset_free(rs);
}

TEST(three_valued_logic)
{
    static const struct {
        const char *when;
        int a, b;          /* 0 false, 1 true, 2 unknown */
        enum verdict want; /* HOLD stands for unknown */
    } rows[] = {
        {"{all: [A, B]}", 1, 1, VERDICT_DENY},
        {"{all: [A, B]}", 1, 2, VERDICT_HOLD},
        {"{all: [A, B]}", 0, 2, VERDICT_ALLOW},
        {"{all: [A, B]}", 2, 0, VERDICT_ALLOW},
        {"{any: [A, B]}", 0, 2, VERDICT_HOLD},
        {"{any: [A, B]}", 2, 1, VERDICT_DENY},
        {"{any: [A, B]}", 0, 0, VERDICT_ALLOW},
        {"{not: {all: [A, B]}}", 1, 2, VERDICT_HOLD},
        {"{not: {any: [A, B]}}", 0, 0, VERDICT_DENY},
        {"{not: {any: [A, B]}}", 1, 2, VERDICT_ALLOW},
        {"{not: {not: {all: [A, B]}}}", 1, 1, VERDICT_DENY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char when[512] = "", rule[2048];
        for (const char *p = rows[i].when; *p; p++) {
            size_t n = strlen(when);
            if (*p == 'A' || *p == 'B')
                snprintf(when + n, sizeof when - n, "{fact: recipient.%s, is: true}",
                         *p == 'A' ? "valid" : "is_sender");
            else
                snprintf(when + n, sizeof when - n, "%c", *p);
        }
        bool on = rows[i].when[1] == 'a' || rows[i].when[1] == 'o' || strstr(rows[i].when, "not: {not") != NULL;
        on = on && strncmp(rows[i].when, "{not: {a", 8) != 0;
        snprintf(rule, sizeof rule,
                 "%s    when: %s\n    on_unknown: hold 1m\n    tests:\n"
                 "      - {given: {recipient.valid: true, recipient.is_sender: true}, expect: %s}\n"
                 "      - {given: {recipient.valid: false, recipient.is_sender: false}, expect: %s}\n",
                 TOP("r", "enforce", "deny"), when, on ? "deny" : "none", on ? "none" : "deny");
        struct ruleset *rs = tiny_set(rule);
        struct facts f = fixture_facts();
        struct decision d;
        fact_set(&f, FACT_RECIPIENT_VALID, rows[i].a);
        fact_set(&f, FACT_RECIPIENT_IS_SENDER, rows[i].b);
        f.known[FACT_RECIPIENT_VALID] = rows[i].a != 2;
        f.known[FACT_RECIPIENT_IS_SENDER] = rows[i].b != 2;
        decide(rs, &f, NOW, 0, &d);
        if (d.verdict != rows[i].want)
            fail_msg("row %zu: got %s", i, verdict_name(d.verdict));
        ruleset_free(rs);
    }
}

/* ---- laws ---- */

static void assert_same_decision(const struct ruleset *rs, const struct facts *f, const struct decision *a,
                                 const struct decision *b)
{
    uint8_t x[DECISION_PACKED_MAX], y[DECISION_PACKED_MAX];
    struct buf s, t;
    struct json_out o;
    size_t n = decision_pack(a, x);
    assert_int_equal(decision_pack(b, y), n);
    assert_memory_equal(x, y, n);
    buf_init(&s, 1 << 20);
    buf_init(&t, 1 << 20);
    json_out_init(&o, &s);
    decision_json(a, rs, f, &o);
    json_out_init(&o, &t);
    decision_json(b, rs, f, &o);
    assert_true(str_eq(buf_str(&s), buf_str(&t)));
    buf_done(&s);
    buf_done(&t);
}

/* Rules shuffled, and some judged twice, give the same bytes. */
TEST(order_and_repetition_do_not_matter)
{
    struct ruleset *rs = shipped_set();
    uint64_t seed = 7;
    size_t n = ruleset_count(rs);
    for (int i = 0; i < 3000; i++) {
        struct facts f = random_facts(&seed);
        struct decision a, b;
        uint16_t order[2 * RULES_MAX];
        int64_t expires = i % 3 == 0 ? NOW + (int64_t)(next_random(&seed) % (4 * HOUR)) : 0;
        for (size_t k = 0; k < 2 * n; k++)
            order[k] = (uint16_t)(k < n ? k : next_random(&seed) % n);
        for (size_t k = 2 * n - 1; k > 0; k--) {
            size_t with = next_random(&seed) % (k + 1);
            uint16_t kept = order[k];
            order[k] = order[with];
            order[with] = kept;
        }
        decide(rs, &f, NOW, expires, &a);
        decide_in_order(rs, &f, NOW, expires, order, 2 * n, NULL, &b);
        assert_same_decision(rs, &f, &a, &b);
    }
    ruleset_free(rs);
}

/* Whatever the facts and times: an answer, bounded, sorted, and joined as the lattice says. */
TEST(decide_is_total)
{
    struct ruleset *rs = shipped_set();
    uint64_t seed = 11;
    int seen[3] = {0};
    for (int i = 0; i < 50000; i++) {
        struct facts f = random_facts(&seed);
        struct decision d;
        int64_t now = i % 10 == 0 ? (int64_t)next_random(&seed) : NOW;
        int64_t expires = i % 7 == 0 ? (int64_t)next_random(&seed) : 0;
        int strongest = VERDICT_ALLOW;
        decide(rs, &f, now, expires, &d);
        for (size_t k = 0; k < d.n; k++) {
            assert_true(k == 0 || strcmp(rule_id(d.finding[k - 1].rule), rule_id(d.finding[k].rule)) < 0);
            assert_true(d.finding[k].n_facts <= FINDING_FACTS_MAX);
            strongest = d.finding[k].verdict > strongest ? d.finding[k].verdict : strongest;
            if (d.finding[k].verdict == VERDICT_HOLD && d.verdict == VERDICT_HOLD)
                assert_true(d.until >= d.finding[k].until);
        }
        assert_int_equal(d.verdict, strongest);
        assert_true((decision_main(&d) == NULL) == (d.verdict == VERDICT_ALLOW));
        assert_true(decision_main(&d) == NULL || decision_main(&d)->verdict == d.verdict);
        seen[d.verdict]++;
    }
    assert_true(seen[VERDICT_ALLOW] > 0 && seen[VERDICT_DENY] > 0);
    ruleset_free(rs);
}

/* A proactive message is never allowed without consent, whatever else is true of it. */
TEST(no_marketing_without_consent_in_any_case)
{
    struct ruleset *rs = shipped_set();
    uint64_t seed = 13;
    for (int i = 0; i < 20000; i++) {
        struct facts f = random_facts(&seed);
        struct decision d;
        fact_set(&f, FACT_MESSAGE_KIND, i % 2 ? INTENT_TEMPLATE : INTENT_DIRECT);
        fact_set(&f, FACT_MESSAGE_CATEGORY, CATEGORY_MARKETING);
        fact_set(&f, FACT_RECIPIENT_FORM, IDENTITY_PHONE);
        if (f.known[FACT_CONSENT_STATUS] && f.value[FACT_CONSENT_STATUS] == 1)
            fact_set(&f, FACT_CONSENT_PLATFORM_STOP, true);
        else if (f.known[FACT_CONSENT_STATUS])
            fact_set(&f, FACT_CONSENT_STATUS, i % 3 ? 0 : 2);
        decide(rs, &f, NOW, 0, &d);
        assert_int_equal(d.verdict, VERDICT_DENY);
    }
    ruleset_free(rs);
}

TESTS(T(each_reason_alone), T(utility_needs_consent_outside_the_window_only), T(united_states_marketing_by_date),
      T(receipts_are_not_sends), T(nothing_known_is_refused), T(every_reason_is_listed), T(the_pair_burst_is_45),
      T(a_hold_past_expiry_is_a_denial), T(shadow_is_reported_and_off_is_silent),
      T(what_is_unknown_does_as_the_rule_says),
      T(a_hold_without_a_known_end_is_a_denial_and_one_that_has_ended_is_nothing), T(only_policy_can_be_set_aside),
      T(what_is_set_aside_is_reported_and_not_joined), T(numbers_compare_with_dated_values), T(three_valued_logic),
      T(order_and_repetition_do_not_matter), T(decide_is_total), T(no_marketing_without_consent_in_any_case))
