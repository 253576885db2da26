/* SPDX-License-Identifier: Apache-2.0
 * test_ruleset_book.c - several sets in one book: who may say what, in which order, under which hash; rules of local
 * time; and a book built again from the text the store keeps. */
#include "rules_fixture.h"

#include "base/clock.h"
#include "core/ruleset_build.h"

#define TOP(id, verdict)                                                                                               \
    "  - id: " id "\n    title: T\n    verdict: " verdict "\n    code: 100\n    reason: R.\n    change: c\n" TINY_CITE
#define BODY                                                                                                           \
    "    values: {2020-01-01: {}}\n    when: {fact: recipient.valid, is: false}\n    on_unknown: deny\n    tests:\n"   \
    "      - {given: {recipient.valid: false}, expect: deny}\n      - {given: {recipient.valid: true}, expect: "       \
    "none}\n"
#define HEAD(id, kind, more) "ruleset: " id "\nkind: " kind "\nschema: 1\ntitle: Title of " id "\n" more "rules:\n"

#define PLATFORM TINY_HEAD TOP("plat", "deny") BODY TINY_TAIL
#define LAW      HEAD("law-co", "law", "area: CO\n") TOP("co.valid", "deny") "    confidence: high\n" BODY
#define POLICY   HEAD("policy", "policy", "") TOP("own.valid", "deny") BODY

#define HOLIDAYS                                                                                                       \
    "holidays:\n  CO:\n    from: 2024-01-01\n    to: 2027-12-31\n    cite: [{title: T, url: 'https://example.org/h', " \
    "read: 2026-11-21}]\n    days: [2026-01-01, 2026-12-08, 2026-12-25]\n"
#define HOURS_VALUE "    values: {2024-01-01: {hours: \"mon-fri 07:00-19:00, sat 08:00-15:00\"}}\n"
/* 2026-11-25 is a Wednesday. */
#define HOURS_RULE                                                                                                     \
    TOP("quiet.hours", "hold")                                                                                         \
    "    confidence: medium\n    until: {open: $hours, holidays: CO}\n" HOURS_VALUE                                    \
    "    when: {any: [{outside: $hours}, {holiday: CO}]}\n    on_unknown: hold 15m\n    tests:\n"                      \
    "      - {given: {recipient.utc_min: -300, recipient.utc_max: -300}, now: '2026-11-25T11:59:00Z', expect: hold "   \
    "until 2026-11-25T12:00:00Z}\n"                                                                                    \
    "      - {given: {recipient.utc_min: -300, recipient.utc_max: -300}, now: '2026-11-25T12:00:00Z', expect: none}\n" \
    "      - {given: {recipient.utc_min: -300, recipient.utc_max: -300}, now: '2026-12-08T12:00:00Z', expect: hold "   \
    "until 2026-12-09T12:00:00Z}\n"                                                                                    \
    "      - {given: {recipient.utc_min: -300}, now: '2026-11-25T12:00:00Z', expect: hold until now+15m}\n"

static int compile(struct ruleset **ret, const char *const *texts, size_t n, struct err *e)
{
    static char names[8][32];
    struct ruleset_file files[8] = {{0}};
    for (size_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "file%zu.yaml", i);
        files[i] = (struct ruleset_file){names[i], str_of(texts[i])};
    }
    return ruleset_compile_all(ret, files, n, e);
}

static struct ruleset *book(const char *const *texts, size_t n)
{
    struct ruleset *rs = NULL;
    struct err e = {0};
    assert_ok(compile(&rs, texts, n, &e), e);
    return rs;
}

static void assert_book_refused(const char *const *texts, size_t n, const char *because)
{
    struct ruleset *rs = NULL;
    struct err e = {0};
    int rc = compile(&rs, texts, n, &e);
    ruleset_free(rs);
    if (rc != WL_EINVAL || strstr(e.text, because) == NULL)
        fail_msg("wanted a refusal with \"%s\", got %d: %s", because, rc, rc ? e.text : "accepted");
}

static void assert_set_refused(const char *text, const char *because)
{
    assert_book_refused(&text, 1, because);
}

TEST(each_kind_says_only_what_it_may)
{
    static const char *const rows[][2] = {
        {"ruleset: a\nschema: 1\ntitle: t\nbasis: []\nrules: []\n", "needs `kind`"},
        {HEAD("a", "lwa", "") TOP("r", "deny") BODY, "did you mean law?"},
        {"ruleset: a\nkidn: law\nschema: 1\ntitle: t\nrules: []\n", "did you mean \"kind\"?"},
        {HEAD("a", "law", "") TOP("r", "deny") BODY, "needs `confidence`"},
        {HEAD("a", "law", "") TOP("r", "deny") "    confidence: low\n" BODY, "mode: off or shadow"},
        {HEAD("a", "law", "") TOP("r", "deny") "    confidence: lwo\n    mode: off\n" BODY, "did you mean low?"},
        {HEAD("a", "policy", "area: CO\n") TOP("r", "deny") BODY, "only a law has an area"},
        {HEAD("a", "law", "area: Colombia\n") TOP("r", "deny") "    confidence: high\n" BODY, "ISO country or region"},
        {HEAD("a", "law", "area: CO-\n") TOP("r", "deny") "    confidence: high\n" BODY, "ISO country or region"},
        {HEAD("a", "policy", "basis: [{id: x, when: {fact: message.kind, known: true}}]\n") TOP("r", "deny") BODY,
         "only a platform set grants"},
        {HEAD("a", "platform", "") TOP("r", "deny") BODY, "a platform set needs `basis`"},
        {HEAD("a", "policy", "") TOP("r", "deny") BODY TINY_TAIL, "in the platform set only"},
        {"ruleset: a\nkind: policy\nschema: 1\ntitle: t\n", "needs `rules`"},
        {"ruleset: a\nkind: policy\nschema: 1\ntitle: t\nrules: []\n", "at least one rule"},
        {HEAD("a", "policy", "colour: red\n") TOP("r", "deny") BODY, "colour"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_set_refused(rows[i][0], rows[i][1]);
    const char *fine[] = {HEAD("a", "law", "area: US-TX\n")
                              TOP("r", "deny") "    confidence: low\n    mode: shadow\n" BODY,
                          HEAD("b", "law", "") TOP("q", "deny") "    confidence: low\n    mode: 'off'\n" BODY};
    ruleset_free(book(fine, 2));
}

TEST(a_book_has_an_order_a_name_and_a_hash)
{
    const char *const texts[] = {POLICY, LAW, PLATFORM};
    const char *const other[] = {PLATFORM, POLICY, LAW};
    struct ruleset *rs = book(texts, 3), *same = book(other, 3), *law = book(&texts[1], 1);
    static const char *const ids[] = {"tiny", "law-co", "policy"}, *const areas[] = {"", "CO", ""};
    static const size_t first[] = {0, 3, 4}, count[] = {3, 1, 1};
    uint8_t hash[SHA256_BYTES];
    struct buf all;
    buf_init(&all, 4096);
    assert_int_equal(ruleset_sources(rs), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct ruleset_source *s = ruleset_source(rs, i);
        assert_string_equal(s->id, ids[i]);
        assert_string_equal(s->area, areas[i]);
        assert_int_equal(s->kind, i);
        assert_int_equal(s->first, first[i]);
        assert_int_equal(s->n, count[i]);
        assert_ptr_equal(rule_source(rs, ruleset_rule(rs, s->first)), s);
        buf_put(&all, s->id, strlen(s->id) + 1);
        buf_put(&all, s->hash, SHA256_BYTES);
    }
    assert_null(ruleset_source(rs, 3));
    assert_string_equal(ruleset_source(rs, 1)->title, "Title of law-co");
    assert_string_equal(ruleset_source(rs, 1)->file, "file1.yaml");
    assert_string_equal(ruleset_id(rs), "tiny+law-co+policy");
    sha256(all.data, all.len, hash);
    assert_memory_equal(ruleset_hash(rs), hash, SHA256_BYTES);
    assert_memory_equal(ruleset_hash(same), hash, SHA256_BYTES);
    assert_memory_equal(ruleset_hash(law), ruleset_source(rs, 1)->hash, SHA256_BYTES); /* one set: its own */
    assert_string_equal(ruleset_id(law), "law-co");
    assert_string_equal(rule_confidence(ruleset_find(rs, "co.valid")), "high");
    assert_string_equal(rule_confidence(ruleset_find(rs, "plat")), "");
    assert_true(ruleset_decides(rs) && !ruleset_decides(law));
    buf_done(&all);
    ruleset_free(rs);
    ruleset_free(same);
    ruleset_free(law);
}

TEST(nothing_stands_twice_in_a_book)
{
    const char *const two_platforms[] = {PLATFORM, HEAD("b", "platform", "basis: []\n") TOP("x", "deny") BODY};
    const char *const same_id[] = {LAW, HEAD("law-co", "policy", "") TOP("x", "deny") BODY};
    const char *const same_rule[] = {LAW, HEAD("b", "policy", "") TOP("co.valid", "deny") BODY};
    assert_book_refused(two_platforms, 2, "one platform set");
    assert_book_refused(same_id, 2, "two sets are called law-co; the other is file0.yaml");
    assert_book_refused(same_rule, 2, "two rules are called co.valid; the other stands in file0.yaml");
    assert_book_refused(NULL, 0, "1 to 64 rule files");
}

/* Without a platform set nothing grants, so nothing is allowed. */
TEST(a_part_denies)
{
    const char *text = LAW;
    struct ruleset *rs = book(&text, 1);
    struct facts f = fixture_facts();
    struct decision d;
    decide(rs, &f, NOW, 0, &d);
    assert_int_equal(d.verdict, VERDICT_DENY);
    assert_int_equal(d.n, 0);
    ruleset_free(rs);
}

/* ---- local time ---- */

static const char *const local_book[] = {TINY_HEAD TINY_TAIL, HEAD("law-co", "law", "area: CO\n" HOLIDAYS) HOURS_RULE};

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(time_parse(text, strlen(text), &ms));
    return ms;
}

TEST(hours_hold_until_it_is_open_where_the_person_is)
{
    static const struct {
        const char *now;
        int64_t min, max;  /* 9999: unknown */
        const char *until; /* "": nothing to say */
        bool unknown;
    } rows[] = {
        {"2026-11-25T12:00:00Z", -300, -300, "", false},
        {"2026-11-25T11:59:59Z", -300, -300, "2026-11-25T12:00:00.000Z", false},
        {"2026-11-26T00:00:00Z", -300, -300, "2026-11-26T12:00:00.000Z", false}, /* 19:00 is closed */
        {"2026-11-25T12:00:00Z", -360, -300, "2026-11-25T13:00:00.000Z", false}, /* in one of the zones too early */
        {"2026-11-29T12:00:00Z", -300, -300, "2026-11-30T12:00:00.000Z", false}, /* Sunday */
        {"2026-12-08T15:00:00Z", -300, -300, "2026-12-09T12:00:00.000Z", false}, /* holiday */
        {"2026-12-25T05:00:00Z", -300, -300, "2026-12-26T13:00:00.000Z", false}, /* holiday, then a Saturday */
        {"2026-11-25T12:00:00Z", 9999, -300, "2026-11-25T12:15:00.000Z", true},
        {"2026-11-25T12:00:00Z", -300, 9999, "2026-11-25T12:15:00.000Z", true},
        {"2026-11-25T12:00:00Z", -300, -360, "2026-11-25T12:15:00.000Z", true}, /* cannot be */
        {"2026-11-25T12:00:00Z", -30000, -300, "2026-11-25T12:15:00.000Z", true},
        {"2028-03-01T12:00:00Z", -300, -300, "2028-03-01T12:15:00.000Z", true},  /* the list says nothing */
        {"2028-03-01T03:00:00Z", -300, -300, "2028-03-01T12:00:00.000Z", false}, /* closed whatever the list says */
    };
    struct ruleset *rs = book(local_book, 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = fixture_facts();
        struct decision d;
        char text[TIME_TEXT];
        if (rows[i].min != 9999)
            fact_set(&f, FACT_RECIPIENT_UTC_MIN, rows[i].min);
        if (rows[i].max != 9999)
            fact_set(&f, FACT_RECIPIENT_UTC_MAX, rows[i].max);
        decide(rs, &f, at(rows[i].now), 0, &d);
        const char *got = d.n == 0 ? "" : d.verdict == VERDICT_HOLD ? time_text(d.until, text) : "denied";
        if (strcmp(got, rows[i].until) != 0 || (d.n > 0 && d.finding[0].unknown != rows[i].unknown))
            fail_msg("row %zu: got \"%s\", want \"%s\"", i, got, rows[i].until);
    }
    ruleset_free(rs);
}

TEST(a_change_of_offset_is_seen_and_an_unknown_one_is_none)
{
    struct ruleset *rs = book(local_book, 2);
    struct facts f = fixture_facts();
    struct decision d;
    int64_t now = at("2026-11-25T03:00:00Z");
    fact_set(&f, FACT_RECIPIENT_UTC_MIN, -300);
    fact_set(&f, FACT_RECIPIENT_UTC_MAX, -300);
    decide(rs, &f, now, 0, &d);
    assert_true(d.until == at("2026-11-25T12:00:00Z"));
    fact_set(&f, FACT_RECIPIENT_UTC_CHANGE_AT, at("2026-11-25T06:00:00Z"));
    fact_set(&f, FACT_RECIPIENT_UTC_MIN_AFTER, -240);
    decide(rs, &f, now, 0, &d); /* half a change is none */
    assert_true(d.until == at("2026-11-25T12:00:00Z"));
    fact_set(&f, FACT_RECIPIENT_UTC_MAX_AFTER, -240);
    decide(rs, &f, now, 0, &d);
    assert_true(d.until == at("2026-11-25T11:00:00Z"));
    ruleset_free(rs);
}

TEST(hours_and_holidays_are_refused_for_what_cannot_be_meant)
{
#define LOCAL(holidays, values, until, when)                                                                           \
    HEAD("a", "policy", holidays)                                                                                      \
    TOP("r", "hold")                                                                                                   \
    "    until: " until "\n    values: " values "\n    when: " when                                                    \
    "\n    on_unknown: deny\n    tests:\n      - {given: {}, expect: deny}\n      - {given: {}, "                      \
    "expect: deny}\n"
#define H   "{2020-01-01: {hours: \"mon-fri 07:00-19:00\", n: 5, d: 1h}}"
#define OUT "{outside: $hours}"
#define LIST(from, to, days)                                                                                           \
    "holidays: {CO: {from: " from ", to: " to ", cite: [{title: T, url: 'https://x', read: 2026-01-01}], days: " days  \
    "}}\n"
    static const char *const rows[][2] = {
        {LOCAL("", H, "{open: $hours}", "{outside: $n}"), "$n is a number, but a week's hours is needed here"},
        {LOCAL("", H, "{open: $hours}", "{outside: 5}"), "such as $hours"},
        {LOCAL("", H, "{open: $hours}", "{outside: $house}"), "$house is not among"},
        {LOCAL("", H, "{open: $d}", OUT), "$d is a duration"},
        {LOCAL("", H, "{now_plus: $hours}", OUT), "$hours is a week's hours, but a duration"},
        {LOCAL("", H, "{open: $hours}", "{outside: $hours, known: true}"), "stands alone"},
        {LOCAL("", H, "{open: $hours}", "{holiday: CO}"), "CO is not among the set's `holidays`"},
        {LOCAL("", H, "{open: $hours, holidays: CO}", OUT), "CO is not among"},
        {LOCAL("", H, "{after_holiday: CO}", OUT), "CO is not among"},
        {LOCAL("", H, "{open: $hours, plus: 1h}", OUT), "must be {open: ..}"},
        {LOCAL("", H, "{after_holiday: CO, holidays: CO}", OUT), "must be {open: ..}"},
        {LOCAL("", H, "{holidays: CO}", OUT), "must be {now_plus: ..}"},
        {LOCAL("", "{2020-01-01: {hours: \"mon-fri 07:00-07\"}}", "{open: $hours}", OUT), "hours"},
        {LOCAL("", "{2020-01-01: {hours: \"mon 07:00-08:00\"}, 2021-01-01: {hours: 0}}", "{open: $hours}", OUT),
         "week's hours at one date and a number at another"},
        {LOCAL("holidays: {}\n", H, "{open: $hours}", OUT), "must map countries"},
        {LOCAL("holidays: {co: {}}\n", H, "{open: $hours}", OUT), "needs `from`"},
        {LOCAL(LIST("2024-01-01", "2023-01-01", "[2024-01-01]"), H, "{open: $hours}", OUT), "must not be before"},
        {LOCAL(LIST("2024-01-01", "2024-12-31", "[2025-01-01]"), H, "{open: $hours}", OUT), "outside of `from`"},
        {LOCAL(LIST("2024-01-01", "2024-12-31", "[2024-02-01, 2024-01-01]"), H, "{open: $hours}", OUT), "in order"},
        {LOCAL(LIST("2024-01-01", "2024-12-31", "[2024-02-30]"), H, "{open: $hours}", OUT), "date"},
        {LOCAL(LIST("2024-01-01", "2024-12-31", "[]"), H, "{open: $hours}", OUT), "1 to"},
        {LOCAL(LIST("2024-01-01", "2024-12-31", "[2024-01-01]"), H, "{open: $hours, holidays: CO}", OUT),
         "since 2020-01-01 and its holidays of CO since 2024-01-01"},
        {LOCAL(LIST("2020-01-02", "2024-12-31", "[2024-01-01]"), H, "{open: $hours}", "{holiday: CO}"),
         "since 2020-01-01 and its holidays of CO since 2020-01-02"},
        {LOCAL(LIST("2020-01-02", "2024-12-31", "[2024-01-01]"), H, "{after_holiday: CO}", OUT),
         "since 2020-01-01 and its holidays of CO since 2020-01-02"},
        {LOCAL("", H, "{open: $hours}", "{all: [{outside: $hours}, {not: {outside: $hours}}]}"), "can never fire"},
        {LOCAL("", H, "{open: $hours}", "{not: {all: [{outside: $hours}, {not: {outside: $hours}}]}}"), "always fires"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_set_refused(rows[i][0], rows[i][1]);
}

/* A week in which nothing is ever open for long enough: nobody can say when to try again. */
TEST(no_opening_in_sight_is_a_denial)
{
    const char *texts[] = {TINY_HEAD TINY_TAIL,
                           HEAD("p", "policy",
                                "holidays: {CO: {from: 2020-01-01, to: 2026-12-31, cite: [{title: T, url: 'https://x', "
                                "read: 2026-01-01}], days: [2026-11-02, 2026-11-09, 2026-11-16, 2026-11-23]}}\n")
                               TOP("r", "hold") "    until: {open: $hours, holidays: CO}\n"
                                                "    values: {2020-01-01: {hours: \"mon 09:00-10:00\"}}\n"
                                                "    when: {outside: $hours}\n    on_unknown: ignore\n    tests:\n"
                                                "      - {given: {recipient.utc_min: 0, recipient.utc_max: 0}, now: "
                                                "2026-11-01, expect: deny}\n"
                                                "      - {given: {recipient.utc_min: 0, recipient.utc_max: 0}, now: "
                                                "'2026-11-30T09:30:00Z', expect: none}\n"};
    struct ruleset *rs = book(texts, 2);
    struct facts f = fixture_facts();
    struct decision d;
    fact_set(&f, FACT_RECIPIENT_UTC_MIN, 0);
    fact_set(&f, FACT_RECIPIENT_UTC_MAX, 0);
    decide(rs, &f, at("2026-11-01T00:00:00Z"), 0, &d);
    assert_int_equal(d.verdict, VERDICT_DENY);
    assert_true(d.finding[0].unknown);
    ruleset_free(rs);
}

/* ---- what is shown ---- */

TEST(values_dates_and_conditions_read_as_in_the_file)
{
    const char *text = HEAD("p", "policy", HOLIDAYS) TOP(
        "r",
        "deny") "    values: {2024-01-01: {n: 3, d: 24h, z: 0, w: 7d, hours: \"mon-fri 07:00-19:00\"}, 2025-01-01: {n: "
                "4, d: "
                "90m, z: 0, w: 1500ms, hours: \"mon-fri 08:00-19:00\"}}\n"
                "    applies: {fact: message.category, in: [marketing, utility]}\n"
                "    when: {all: [{not: {outside: $hours}}, {fact: portfolio.used, gt: $n + 1}, {fact: pair.tat, "
                "newer_than: $d "
                "- 5s}, {fact: message.reaction, is_not: true}, {holiday: CO}]}\n    on_unknown: ignore\n    tests:\n"
                "      - {given: {message.category: utility, recipient.utc_min: 0, recipient.utc_max: 0, "
                "portfolio.used: 6, "
                "pair.tat: now, message.reaction: false}, now: '2026-12-08T09:00:00Z', expect: deny}\n"
                "      - {given: {message.category: service}, expect: none}\n"
                "      - {given: {portfolio.used: 5}, expect: none}\n";
    static const char *const want[2][5] = {{"3", "24h", "0", "7d", "mon-fri 07:00-19:00"},
                                           {"4", "90m", "0", "1500ms", "mon-fri 08:00-19:00"}};
    struct ruleset *rs = book(&text, 1);
    const struct rule *r = ruleset_find(rs, "r");
    const int64_t *dates;
    const char *const *names;
    struct buf b;
    buf_init(&b, 4096);
    assert_int_equal(rule_dates(r, &dates), 2);
    assert_true(dates[0] == at("2024-01-01") && dates[1] == at("2025-01-01"));
    assert_int_equal(rule_values(r, &names), 5);
    assert_string_equal(names[4], "hours");
    for (size_t d = 0; d < 2; d++)
        for (size_t v = 0; v < 5; v++) {
            buf_clear(&b);
            rule_value_text(rs, r, d, v, &b);
            if (v < 4)
                assert_string_equal(buf_cstr(&b), want[d][v]);
        }
    buf_clear(&b);
    rule_part_text(rs, r, RULE_APPLIES, &b);
    assert_string_equal(buf_cstr(&b), "{fact: message.category, in: [marketing, utility]}");
    buf_clear(&b);
    rule_part_text(rs, r, RULE_WHEN, &b);
    assert_string_equal(buf_cstr(&b),
                        "{all: [{not: {outside: $hours}}, {fact: portfolio.used, gt: $n + 1}, {fact: pair.tat, "
                        "newer_than: $d - 5s}, {fact: message.reaction, is_not: true}, {holiday: CO}]}");
    buf_clear(&b);
    rule_holidays_text(rs, r, &b);
    assert_true(str_starts(buf_str(&b), STR("CO 20")));
    buf_clear(&b);
    rule_part_text(rs, r, RULE_ON_UNKNOWN, &b);
    assert_true(b.len > 0);
    buf_done(&b);
    ruleset_free(rs);
}

/* ---- kept and restored ---- */

static void assert_restores(const struct ruleset *rs)
{
    struct ruleset *back = NULL;
    struct err e = {0};
    struct str text = ruleset_canonical(rs);
    uint64_t seed = 21;
    assert_ok(ruleset_restore(&back, text, ruleset_hash(rs), &e), e);
    assert_string_equal(ruleset_id(back), ruleset_id(rs));
    assert_memory_equal(ruleset_hash(back), ruleset_hash(rs), SHA256_BYTES);
    assert_true(str_eq(ruleset_canonical(back), text));
    for (size_t i = 0; i < ruleset_sources(rs); i++) { /* and writes the same text as what was compiled from the file */
        struct buf again;
        buf_init(&again, 8 << 20);
        ruleset_canonicalise(back, &back->set[i], &again);
        assert_true(str_eq(buf_str(&again), rs->set[i].canonical));
        buf_done(&again);
    }
    for (int i = 0; i < 3000; i++) {
        struct facts f = random_facts(&seed);
        struct decision a, b;
        uint8_t x[DECISION_PACKED_MAX], y[DECISION_PACKED_MAX];
        decide(rs, &f, NOW + i * HOUR, NOW + 10000 * HOUR, &a);
        decide(back, &f, NOW + i * HOUR, NOW + 10000 * HOUR, &b);
        size_t n = decision_pack(&a, x);
        assert_int_equal(decision_pack(&b, y), n);
        assert_memory_equal(x, y, n);
    }
    ruleset_free(back);
}

TEST(a_book_is_built_again_from_what_the_store_keeps)
{
    struct ruleset *shipped = shipped_set(), *local = book(local_book, 2);
    const char *const texts[] = {PLATFORM, LAW, POLICY};
    struct ruleset *three = book(texts, 3);
    assert_restores(shipped);
    assert_restores(local);
    assert_restores(three);
    ruleset_free(shipped);
    ruleset_free(local);
    ruleset_free(three);
}

TEST(what_was_changed_in_the_store_is_not_restored)
{
    struct ruleset *rs = book(local_book, 2), *back = NULL;
    struct str text = ruleset_canonical(rs);
    uint8_t hash[SHA256_BYTES];
    char *copy = malloc(text.n);
    struct err e = {0};
    memcpy(copy, text.p, text.n);
    memcpy(hash, ruleset_hash(rs), SHA256_BYTES);
    assert_int_equal(ruleset_restore(&back, (struct str){copy, text.n - 1}, hash, &e), WL_EINVAL);
    assert_int_equal(ruleset_restore(&back, (struct str){NULL, 0}, hash, &e), WL_EINVAL);
    char *holiday = memmem(copy, text.n, "2026-12-08", 10);
    holiday[9] = '9';
    assert_int_equal(ruleset_restore(&back, (struct str){copy, text.n}, hash, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "hash"));
    holiday[9] = '8';
    hash[31] ^= 1;
    assert_int_equal(ruleset_restore(&back, (struct str){copy, text.n}, hash, &e), WL_EINVAL);
    assert_null(back);
    /* without tests it is no rule file: the one door for untested rules is restoring */
    assert_int_equal(ruleset_compile(&back, "x", rs->set[1].canonical, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "needs `tests`"));
    free(copy);
    ruleset_free(rs);
}

TEST(the_order_of_lists_of_holidays_means_nothing)
{
#define ONE                                                                                                            \
    "from: 2024-01-01, to: 2027-12-31, cite: [{title: T, url: 'https://x', read: 2026-01-01}], days: [2026-01-01]"
    const char *a = HEAD("p", "policy", "holidays:\n  CO: {" ONE "}\n  AR: {" ONE "}\n") TOP("r", "deny") BODY;
    const char *b = HEAD("p", "policy", "holidays:\n  AR: {" ONE "}\n  CO: {" ONE "}\n") TOP("r", "deny") BODY;
    struct ruleset *x = book(&a, 1), *y = book(&b, 1);
    assert_memory_equal(ruleset_hash(x), ruleset_hash(y), SHA256_BYTES);
    ruleset_free(x);
    ruleset_free(y);
}

TESTS(T(each_kind_says_only_what_it_may), T(a_book_has_an_order_a_name_and_a_hash), T(nothing_stands_twice_in_a_book),
      T(a_part_denies), T(hours_hold_until_it_is_open_where_the_person_is),
      T(a_change_of_offset_is_seen_and_an_unknown_one_is_none),
      T(hours_and_holidays_are_refused_for_what_cannot_be_meant), T(no_opening_in_sight_is_a_denial),
      T(values_dates_and_conditions_read_as_in_the_file), T(a_book_is_built_again_from_what_the_store_keeps),
      T(what_was_changed_in_the_store_is_not_restored), T(the_order_of_lists_of_holidays_means_nothing))
