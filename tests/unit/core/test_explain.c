/* SPDX-License-Identifier: Apache-2.0
 * test_explain.c - the explanation people read, its bounds, and decisions kept in the log. */
#include "rules_fixture.h"

static struct str details(const struct decision *d, const struct ruleset *rs, const struct facts *f, struct buf *out)
{
    buf_clear(out);
    decision_details(d, rs, f, out);
    return buf_str(out);
}

TEST(the_line_says_rule_reason_facts_way_out_and_source)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_answer();
    struct decision d;
    struct buf b;
    buf_init(&b, 4096);
    fact_set(&f, FACT_WINDOW_LAST_INBOUND, NOW - 25 * HOUR);
    decide(rs, &f, NOW, 0, &d);
    struct str line = details(&d, rs, &f, &b);
    const char *want =
        "rule window.closed: Free-form messages may be sent only within 24 hours of the person's last message "
        "(window.last_inbound 2026-11-24T08:46:40.000Z, message.kind freeform, recipient.form phone, message.category "
        "service). "
        "Needs: a message from the person, or an approved template. Source: Send messages, customer service "
        "windows, https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages "
        "(read 2026-11-21). Also: basis.none. Rules: whatsapp-platform ";
    assert_true(str_starts(line, str_of(want)));
    assert_int_equal(line.n, strlen(want) + 13); /* twelve digits of the hash and a full stop */
    buf_done(&b);
    ruleset_free(rs);
}

TEST(a_hold_says_until_when_and_doubt_says_so)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_facts();
    struct decision d;
    struct buf b;
    buf_init(&b, 4096);
    fact_set(&f, FACT_PAIR_TAT, NOW + 270000);
    decide(rs, &f, NOW, 0, &d);
    details(&d, rs, &f, &b);
    assert_non_null(strstr(buf_cstr(&b), ". Held until 2026-11-25T09:46:46.000Z. Needs: a little time. Source: "));
    f = fixture_facts();
    f.known[FACT_TEMPLATE_KNOWN] = false;
    decide(rs, &f, NOW, 0, &d);
    details(&d, rs, &f, &b);
    assert_true(strstr(buf_cstr(&b), "rule template.unknown: cannot be ruled out: The account has no template") ==
                buf_cstr(&b));
    assert_non_null(strstr(buf_cstr(&b), "(template.known unknown, message.category "));
    f = fixture_facts();
    decide(rs, &f, NOW, 0, &d);
    assert_int_equal(details(&d, rs, &f, &b).n, 0); /* nothing to explain */
    buf_done(&b);
    ruleset_free(rs);
}

/* Whatever the facts, the line keeps to its limit, keeps its source, and has no run of digits long enough to be a
 * phone number other than those of the facts' own times and numbers. */
TEST(the_line_is_bounded)
{
    struct ruleset *rs = shipped_set();
    uint64_t seed = 3;
    struct buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < 5000; i++) {
        struct facts f = random_facts(&seed);
        struct decision d;
        decide(rs, &f, NOW, 0, &d);
        struct str line = details(&d, rs, &f, &b);
        assert_true(line.n <= 900);
        assert_int_equal(line.n == 0, d.verdict == VERDICT_ALLOW);
        if (line.n > 0)
            assert_non_null(strstr(buf_cstr(&b), " Source: "));
    }
    buf_done(&b);
    ruleset_free(rs);
}

/* The longest texts a set may have: facts give way, reason, way out and source stay. */
TEST(the_longest_texts_still_fit)
{
    char reason[171], change[121], title[101], url[151], id[41], rule[8192];
    memset(reason, 'r', 170);
    memset(change, 'c', 120);
    memset(title, 't', 100);
    memset(url, 'u', 150);
    memset(id, 'i', 40);
    memcpy(url, "https://", 8);
    reason[170] = change[120] = title[100] = url[150] = id[40] = '\0';
    snprintf(rule, sizeof rule,
             "  - id: %s\n    title: %s\n    verdict: deny\n    code: 1\n    reason: %s\n    change: %s\n"
             "    cite: [{title: %s, url: '%s', read: 2026-11-21}]\n    values: {2020-01-01: {}}\n"
             "    when: {all: [{fact: window.last_inbound, older_than: 0}, {fact: recipient.undeliverable_at, "
             "older_than: 0}, "
             "{fact: consent.platform_at, older_than: 0}, {fact: consent.at, older_than: 0}, {fact: pair.tat, "
             "older_than: 0}]}\n"
             "    on_unknown: deny\n    tests:\n"
             "      - {given: {window.last_inbound: now, recipient.undeliverable_at: now, consent.platform_at: now, "
             "consent.at: now, "
             "pair.tat: now}, expect: deny}\n"
             "      - {given: {window.last_inbound: now+1h}, expect: none}\n",
             id, title, reason, change, title, url);
    struct ruleset *rs = tiny_set(rule);
    struct facts f = {0};
    struct decision d;
    struct buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < FACT_COUNT; i++)
        if (fact_info[i].type == FACT_TYPE_TIME)
            fact_set(&f, (enum fact_id)i, NOW - 1);
    fact_set(&f, FACT_MESSAGE_KIND, INTENT_TEMPLATE);
    decide(rs, &f, NOW, 0, &d);
    struct str line = details(&d, rs, &f, &b);
    assert_true(line.n <= 900);
    assert_non_null(strstr(buf_cstr(&b), reason));
    assert_non_null(strstr(buf_cstr(&b), change));
    assert_non_null(strstr(buf_cstr(&b), url));
    assert_non_null(strstr(buf_cstr(&b), "(window.last_inbound 2026-"));
    buf_done(&b);
    ruleset_free(rs);
}

TEST(json_is_the_same_explanation_in_full)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_facts();
    struct decision d;
    struct buf b;
    struct json_out o;
    struct json doc;
    struct err e = {0};
    struct json_parser *p = json_parser_create();
    char hash[SHA256_HEX];
    fact_set(&f, FACT_PAIR_TAT, NOW + 270000);
    decide(rs, &f, NOW, 0, &d);
    buf_init(&b, 1 << 20);
    json_out_init(&o, &b);
    decision_json(&d, rs, &f, &o);
    assert_ok(json_parse(p, buf_str(&b), false, &doc, &e), e);
    hex_encode(ruleset_hash(rs), SHA256_BYTES, hash);
    assert_str(json_str_or(json_get(doc, "verdict"), STR("")), "hold");
    assert_str(json_str_or(json_get(doc, "until"), STR("")), "2026-11-25T09:46:46.000Z");
    assert_str(json_str_or(json_at(doc, "ruleset", "id"), STR("")), "whatsapp-platform");
    assert_str(json_str_or(json_at(doc, "ruleset", "hash"), STR("")), hash);
    struct json_iter it = json_iter(json_get(doc, "findings"));
    assert_true(json_next(&it));
    assert_str(json_str_or(json_get(it.value, "rule"), STR("")), "pair.rate");
    assert_str(json_str_or(json_at(it.value, "facts", "pair.tat"), STR("")), "2026-11-25T09:51:10.000Z");
    assert_int_equal(json_count(json_get(it.value, "citations")), 2);
    assert_true(json_str_or(json_get(it.value, "change"), STR("")).n > 0);
    assert_false(json_next(&it));
    fact_set(&f, FACT_SENDER_STATUS,
             fact_word(FACT_SENDER_STATUS,
                       STR("banned"))); /* it speaks, and "pair.rate" is before it in the alphabet */
    decide(rs, &f, NOW, 0, &d);
    buf_clear(&b);
    json_out_init(&o, &b);
    decision_json(&d, rs, &f, &o);
    assert_ok(json_parse(p, buf_str(&b), false, &doc, &e), e);
    assert_str(json_str_or(json_get(doc, "verdict"), STR("")), "deny");
    it = json_iter(json_get(doc, "findings"));
    assert_true(json_next(&it) && d.n > 1 && decision_main(&d) != &d.finding[0]);
    assert_str(json_str_or(json_get(it.value, "rule"), STR("")), rule_id(decision_main(&d)->rule));
    assert_true(json_next(&it));
    assert_str(json_str_or(json_get(it.value, "rule"), STR("")), "pair.rate");
    assert_int_equal(json_count(json_get(doc, "findings")), d.n);
    f = fixture_facts();
    decide(rs, &f, NOW, 0, &d);
    buf_clear(&b);
    json_out_init(&o, &b);
    decision_json(&d, rs, &f, &o);
    assert_non_null(strstr(buf_cstr(&b), "{\"verdict\":\"allow\",\"until\":null,"));
    assert_ok(json_parse(p, buf_str(&b), false, &doc, &e), e); /* what an allowed message rests on is told too */
    assert_str(json_str_or(json_at(doc, "facts", "consent.status"), STR("")), "granted");
    json_parser_free(p);
    buf_done(&b);
    ruleset_free(rs);
}

#define LOCAL_RULE                                                                                                     \
    "rules:\n  - id: quiet\n    title: T\n    confidence: medium\n    verdict: hold\n    code: 131049\n    reason: "   \
    "Too "                                                                                                             \
    "early.\n    change: the opening hour\n" TINY_CITE "    until: {open: $hours}\n    values: {2020-01-01: {hours: "  \
    "\"daily 08:00-20:00\"}}\n    when: {outside: $hours}\n    on_unknown: hold 1h\n    tests:\n"                      \
    "      - {given: {recipient.utc_min: 0, recipient.utc_max: 0}, expect: hold until now+8h}\n"                       \
    "      - {given: {recipient.utc_min: 720, recipient.utc_max: 720}, expect: none}\n"
#define OWN_RULE                                                                                                       \
    "rules:\n  - id: own\n    title: T\n    verdict: deny\n    code: 100\n    reason: R.\n    change: c\n" TINY_CITE   \
    "    values: {2020-01-01: {}}\n    when: {fact: recipient.valid, is: false}\n    on_unknown: ignore\n    tests:\n" \
    "      - {given: {recipient.valid: false}, expect: deny}\n      - {given: {recipient.valid: true}, expect: "       \
    "none}\n"

static void assert_local(const struct ruleset *rs, int min, int max, const char *line, const char *change)
{
    struct facts f = fixture_facts();
    struct decision d;
    struct buf b;
    struct json_out o;
    buf_init(&b, 1 << 20);
    fact_set(&f, FACT_RECIPIENT_UTC_MIN, min);
    fact_set(&f, FACT_RECIPIENT_UTC_MAX, max);
    if (min == 9999)
        f.known[FACT_RECIPIENT_UTC_MIN] = false;
    decide(rs, &f, 1795564800000 /* 2026-11-25T00:00Z */, 0, &d);
    details(&d, rs, &f, &b);
    if (strstr(buf_cstr(&b), line) == NULL)
        fail_msg("\"%s\" is not in %s", line, buf_cstr(&b));
    buf_clear(&b);
    json_out_init(&o, &b);
    decision_json(&d, rs, &f, &o);
    if (strstr(buf_cstr(&b), change) == NULL)
        fail_msg("\"%s\" is not in %s", change, buf_cstr(&b));
    buf_done(&b);
}

TEST(a_hold_of_local_time_says_what_the_clock_there_will_show)
{
    struct ruleset *rs = tiny_book("", LOCAL_RULE, OWN_RULE);
    assert_local(rs, -180, -180, ". Held until 2026-11-25T11:00:00.000Z (08:00 at UTC-03:00). Needs: the opening hour.",
                 "\"change\":\"the opening hour; from 2026-11-25T11:00:00.000Z (08:00 at UTC-03:00)\"");
    assert_local(rs, -300, -120, "(08:00 at UTC-05:00, 11:00 at UTC-02:00). Needs",
                 "; from 2026-11-25T13:00:00.000Z (08:00 at UTC-05:00, 11:00 at UTC-02:00)\"");
    assert_local(rs, 345, 345, "Held until 2026-11-25T02:15:00.000Z (08:00 at UTC+05:45). ", "(08:00 at UTC+05:45)\"");
    assert_local(rs, 9999, 0, "Held until 2026-11-25T01:00:00.000Z. Needs", "; from 2026-11-25T01:00:00.000Z\"");
    ruleset_free(rs);
}

TEST(a_book_of_several_sets_says_whose_rule_speaks)
{
    struct ruleset *rs = tiny_book("", LOCAL_RULE, OWN_RULE);
    struct override aside = {0};
    struct facts f = fixture_facts();
    struct decision d;
    struct err e = {0};
    struct buf b;
    struct json_out o;
    char hash[SHA256_HEX], end[128];
    buf_init(&b, 1 << 20);
    json_out_init(&o, &b);
    fact_set(&f, FACT_RECIPIENT_VALID, false);
    fact_set(&f, FACT_RECIPIENT_UTC_MIN, 0);
    fact_set(&f, FACT_RECIPIENT_UTC_MAX, 0);
    assert_ok(override_add(&aside, rs, STR("own"), &e), e);
    decide_overridden(rs, &f, 1795564800000, 0, &aside, &d);
    decision_json(&d, rs, &f, &o);
    assert_non_null(
        strstr(buf_cstr(&b), "\"confidence\":null,\"ruleset\":\"policy\",\"shadow\":false,\"overridden\":true}"));
    assert_non_null(
        strstr(buf_cstr(&b), "\"confidence\":\"medium\",\"ruleset\":\"law\",\"shadow\":false,\"overridden\":false}"));
    hex_encode(ruleset_hash(rs), SHA256_BYTES, hash);
    snprintf(end, sizeof end, " Rules: tiny+law+policy %.12s.", hash);
    struct str line = details(&d, rs, &f, &b);
    assert_true(str_ends(line, str_of(end)));
    assert_null(strstr(buf_cstr(&b), "Also")); /* what was set aside refuses nothing */
    buf_done(&b);
    ruleset_free(rs);
}

TEST(a_logged_decision_reads_back_whole)
{
    struct ruleset *rs = shipped_set();
    uint64_t seed = 5;
    for (int i = 0; i < 5000; i++) {
        struct facts f = random_facts(&seed);
        struct decision d, back;
        uint8_t x[DECISION_PACKED_MAX], y[DECISION_PACKED_MAX];
        decide(rs, &f, NOW, i % 2 ? 0 : NOW + HOUR, &d);
        size_t n = decision_pack(&d, x);
        assert_true(n <= sizeof x);
        assert_int_equal(decision_unpack(x, n, rs, &back), 0);
        assert_true(back.verdict == d.verdict && back.until == d.until && back.n == d.n);
        for (size_t k = 0; k < d.n; k++) {
            assert_ptr_equal(back.finding[k].rule, d.finding[k].rule);
            assert_int_equal(back.finding[k].n_facts, d.finding[k].n_facts);
            assert_memory_equal(back.finding[k].facts, d.finding[k].facts, d.finding[k].n_facts);
        }
        assert_int_equal(decision_pack(&back, y), n);
        assert_memory_equal(x, y, n);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(decision_unpack(x, cut, rs, &back), WL_EINVAL);
    }
    ruleset_free(rs);
}

TEST(a_damaged_log_is_refused)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_facts();
    struct decision d, back;
    uint8_t x[DECISION_PACKED_MAX + 1] = {0};
    uint64_t seed = 17;
    fact_set(&f, FACT_CONSENT_STATUS, 0);
    decide(rs, &f, NOW, 0, &d);
    size_t n = decision_pack(&d, x);
    assert_true(n <= 9); /* two findings: a decision with its facts stays near 40 bytes */
    assert_int_equal(decision_unpack(x, n + 1, rs, &back), WL_EINVAL);
    x[3] = 250; /* no such rule */
    assert_int_equal(decision_unpack(x, n, rs, &back), WL_EINVAL);
    for (int i = 0; i < 20000; i++) { /* any bytes: refused or read, never worse */
        uint8_t noise[40];
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (uint8_t)next_random(&seed);
        noise[0] = 1;
        noise[1] %= 3;
        noise[2] %= 8;
        if (decision_unpack(noise, 3 + next_random(&seed) % 37, rs, &back) == 0)
            assert_true(decision_pack(&back, x) > 0);
    }
    ruleset_free(rs);
}

TESTS(T(the_line_says_rule_reason_facts_way_out_and_source), T(a_hold_says_until_when_and_doubt_says_so),
      T(the_line_is_bounded), T(the_longest_texts_still_fit), T(json_is_the_same_explanation_in_full),
      T(a_hold_of_local_time_says_what_the_clock_there_will_show), T(a_book_of_several_sets_says_whose_rule_speaks),
      T(a_logged_decision_reads_back_whole), T(a_damaged_log_is_refused))
