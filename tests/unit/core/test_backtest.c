/* SPDX-License-Identifier: Apache-2.0
 * test_backtest.c - the report against decisions counted by hand, and the simulation against a second life of the log. */
#include "core/backtest.h"

#include "core/budget.h"
#include "core/caps.h"
#include "core/pace.h"
#include "rules_fixture.h"

#define ARENA  (512u << 20)
#define ROWS   4000
#define PEOPLE 12
#define LIMIT  10
#define MINUTE 60000LL

#define PAIR_RATE                                                                                                      \
    "  - id: pair.rate\n    title: T\n    verdict: hold\n    code: 131056\n    reason: R.\n    change: c\n"            \
    "    until: {fact: pair.tat, minus: $burst}\n"                                                                     \
    "    values:\n      2018-08-01: {interval: 6s, burst: 12s}\n"                                                      \
    "    when: {fact: pair.tat, ahead_by: $burst}\n    on_unknown: ignore\n"                                           \
    "    tests:\n"                                                                                                     \
    "      - {given: {pair.tat: now+13s}, expect: hold}\n      - {given: {pair.tat: now}, expect: none}\n" TINY_CITE
#define CAP(id, nth, age)                                                                                              \
    "  - id: " id "\n    title: T\n    verdict: hold\n    code: 131049\n    reason: R.\n    change: c\n"               \
    "    until: {fact: marketing.sent." nth ", plus: $age}\n    values:\n      2018-08-01: {age: " age "}\n"           \
    "    applies: {fact: message.category, is: marketing}\n"                                                           \
    "    when: {fact: marketing.sent." nth ", newer_than: $age}\n    on_unknown: ignore\n    tests:\n"                 \
    "      - {given: {message.category: marketing, marketing.sent." nth ": now-1s}, expect: hold}\n"                   \
    "      - {given: {message.category: marketing, marketing.sent." nth ": never}, expect: none}\n" TINY_CITE

#define FULL(permille, at)                                                                                             \
    "  - id: portfolio.full\n    title: T\n    verdict: hold\n    code: 131048\n    reason: R.\n    change: c\n"       \
    "    until: {fact: portfolio." at "}\n    values:\n      2018-08-01: {}\n"                                         \
    "    when:\n      all:\n        - {fact: portfolio.used, ge: " permille "}\n"                                      \
    "        - {fact: portfolio.counted, is: false}\n    on_unknown: ignore\n    tests:\n"                             \
    "      - {given: {portfolio.used: " permille ", portfolio.counted: false, portfolio." at ": now+1h}, expect: "     \
    "hold}\n      - {given: {portfolio.used: 0, portfolio.counted: false}, expect: none}\n" TINY_CITE

struct bed {
    struct arena *a;
    struct err e;
    struct buf block;
    struct logged_decision rows[ROWS];
    struct ruleset *book; /* of the recorded decisions */
};

static struct bed *bed_new(void)
{
    static struct bed b;
    b = (struct bed){.a = arena_create(ARENA)};
    buf_init(&b.block, DECISION_BLOCK_BYTES);
    return &b;
}

static void bed_done(struct bed *b)
{
    buf_done(&b->block);
    arena_free(b->a);
}

static void record(struct bed *b, size_t i, const struct facts *f, const struct decision *d)
{
    uint8_t *facts = arena_alloc(b->a, FACTS_PACKED_MAX), *findings = arena_alloc(b->a, DECISION_PACKED_MAX);
    struct logged_decision *row = &b->rows[i];
    row->facts = (struct str){(char *)facts, facts_pack(f, facts)};
    row->findings = (struct str){(char *)findings, decision_pack(d, findings)};
    row->verdict = (int64_t)d->verdict;
    row->until = d->until;
    row->ruleset = 1;
    row->id = row->ts << 22 | (int64_t)i;
}

static const struct ruleset *book_of(void *ctx, int64_t number)
{
    return number == 1 ? ((struct bed *)ctx)->book : NULL;
}

/* Backtests rows [0, n) in blocks of `each`; every stopped message is said to have been read. */
static struct backtest_report run(struct bed *b, const struct ruleset *other, bool stateful, size_t n, size_t each)
{
    struct backtest_options o = {.rules = other, .stateful = stateful, .book = book_of, .ctx = b};
    struct backtest *bt = backtest_create(&o, b->a);
    struct backtest_report report;
    assert_non_null(bt);
    for (size_t at = 0; at < n; at += each) {
        struct decision_block block;
        const struct backtest_stopped *stopped;
        size_t n_stopped = 0, many = n - at < each ? n - at : each;
        buf_clear(&b->block);
        assert_ok(decision_block_write(&b->block, b->rows + at, many, NULL, b->a, &b->e), b->e);
        char *copy = arena_memdup(b->a, b->block.data, b->block.len);
        assert_ok(decision_block_open(&block, (struct str){copy, b->block.len}, NULL, b->a, &b->e), b->e);
        assert_ok(backtest_block(bt, &block, 0, many, &stopped, &n_stopped, &b->e), b->e);
        for (size_t i = 0; i < n_stopped; i++)
            backtest_became(bt, &stopped[i], FATE_READ, 0, ANSWER_NO, ANSWER_YES);
    }
    assert_ok(backtest_report(bt, &report, &b->e), b->e);
    return report;
}

static uint64_t below(uint64_t *seed, uint64_t n)
{
    return next_random(seed) % n;
}

/* Facts from anywhere: what the columns keep back must not matter. */
TEST(static_is_decide_on_the_recorded_facts)
{
    struct bed *b = bed_new();
    struct ruleset *shipped = shipped_set(), *tiny = tiny_set(CAP("cap", "1", "24h"));
    uint64_t seed = 5, want[3][3] = {0};
    b->book = tiny;
    for (size_t i = 0; i < 1500; i++) {
        struct facts f = i % 3 ? random_facts(&seed) : fixture_facts();
        struct decision d, other;
        if (i % 3 == 0)
            fact_set(&f, FACT_PAIR_TAT, NOW + (int64_t)(next_random(&seed) % 600000) - 200000);
        b->rows[i].ts = NOW + (int64_t)i;
        decide(tiny, &f, b->rows[i].ts, 0, &d);
        decide(shipped, &f, b->rows[i].ts, 0, &other);
        record(b, i, &f, &d);
        want[d.verdict][other.verdict]++;
    }
    struct backtest_report r = run(b, shipped, false, 1500, 400);
    assert_memory_equal(r.count, want, sizeof want);
    assert_true(want[0][1] > 0 && want[0][2] > 0 && want[1][2] > 0);
    assert_int_equal(r.decisions, 1500);
    assert_int_equal(r.no_book, 0);
    r = run(b, tiny, false, 1500, 1500);
    for (size_t i = 0; i < 9; i++)
        assert_true(i % 4 == 0 || (&r.count[0][0])[i] == 0); /* the same book says the same */
    assert_int_equal(r.held_longer + r.held_shorter, 0);
    ruleset_free(shipped);
    ruleset_free(tiny);
    bed_done(b);
}

/* Everything that is recorded of a decision and not of its facts: rules set aside, messages that could not wait. */
TEST(the_same_book_says_the_same_of_any_log)
{
    struct bed *b = bed_new();
    struct ruleset *rs = tiny_set(PAIR_RATE CAP("cap.day", "1", "24h"));
    uint64_t seed = 77;
    size_t denied = 0;
    for (size_t i = 0; i < 2000; i++) {
        struct facts f = i % 2 ? random_facts(&seed) : fixture_facts();
        struct decision d;
        int64_t ts = NOW + (int64_t)i, expires = below(&seed, 3) ? ts + 1 + (int64_t)below(&seed, 200) * MINUTE : 0;
        fact_set(&f, FACT_PAIR_TAT, ts + (int64_t)below(&seed, 180) * MINUTE - 20 * MINUTE);
        fact_set(&f, FACT_MARKETING_SENT_1, below(&seed, 2) ? ts - 24 * HOUR + (int64_t)below(&seed, 180) * MINUTE : 0);
        b->rows[i].ts = ts;
        decide(rs, &f, ts, expires, &d);
        denied += d.verdict == VERDICT_DENY;
        record(b, i, &f, &d);
    }
    b->book = rs;
    assert_true(denied > 100);
    for (int stateful = 0; stateful < 2; stateful++) {
        struct backtest_report r = run(b, rs, stateful, 2000, 300);
        for (size_t i = 0; i < 9; i++)
            if (i % 4 != 0 && (&r.count[0][0])[i] != 0)
                fail_msg("%s became %s %llu times", verdict_name((enum verdict)(i / 3)),
                         verdict_name((enum verdict)(i % 3)), (unsigned long long)(&r.count[0][0])[i]);
        assert_true(r.count[2][2] == denied && r.held_longer + r.held_shorter == 0);
    }
    ruleset_free(rs);
    bed_done(b);
}

/* A message that could not wait for a hold: no later end of another book's saves it, an earlier one may. */
TEST(what_could_not_wait_does_not_wait_longer)
{
    static const struct {
        const char *age;
        int want;
    } cases[] = {{"24h", VERDICT_DENY}, {"30h", VERDICT_DENY}, {"23h", VERDICT_HOLD}};
    for (size_t i = 0; i < 3; i++) {
        char cap[1024];
        struct bed *b = bed_new();
        struct facts f = fixture_facts();
        struct decision d;
        snprintf(cap, sizeof cap, CAP("cap.day", "1", "%s"), cases[i].age);
        struct ruleset *was = tiny_set(CAP("cap.day", "1", "24h")), *is = tiny_set(cap);
        fact_set(&f, FACT_MARKETING_SENT_1, NOW - HOUR);
        b->rows[0].ts = NOW;
        decide(was, &f, NOW, NOW + HOUR, &d);
        assert_true(d.verdict == VERDICT_DENY && strcmp(rule_id(decision_main(&d)->rule), "hold.past_expiry") == 0);
        record(b, 0, &f, &d);
        b->book = was;
        struct backtest_report r = run(b, is, false, 1, 1);
        assert_int_equal(r.count[VERDICT_DENY][cases[i].want], 1);
        ruleset_free(was);
        ruleset_free(is);
        bed_done(b);
    }
}

/* What people were asked to get, and when: the same whatever any book says. */
struct demand {
    int64_t ts;
    int person;
    bool marketing;
};

static void make_demand(struct demand *d, size_t n)
{
    uint64_t seed = 9;
    int64_t ts = NOW;
    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(&seed);
        ts += r % 4 == 0 ? (int64_t)(r >> 8) % (90 * MINUTE) : (int64_t)(r >> 8) % 5000;
        d[i] = (struct demand){ts, (int)(r >> 40) % PEOPLE, (r >> 50) % 4 != 0};
    }
}

/* A gateway's life with a book: the verdicts, and (into != NULL) the log. */
static void live(const struct ruleset *rs, const struct demand *d, size_t n, uint8_t *verdict, struct bed *into)
{
    struct caps caps[PEOPLE] = {0};
    int64_t tat[PEOPLE] = {0}, opened[PEOPLE] = {0}, interval = 0;
    struct budget budget = {0};
    for (size_t i = 0; i < n; i++) {
        struct facts f = fixture_facts();
        struct decision found;
        fact_set(&f, FACT_MESSAGE_CATEGORY, d[i].marketing ? CATEGORY_MARKETING : CATEGORY_UTILITY);
        caps_facts(&caps[d[i].person], &f);
        fact_set(&f, FACT_PAIR_TAT, tat[d[i].person]);
        budget_facts(&budget, LIMIT, 0, budget_counted(&budget, opened[d[i].person], d[i].ts), d[i].ts, &f);
        decide(rs, &f, d[i].ts, 0, &found);
        verdict[i] = (uint8_t)found.verdict;
        if (into != NULL) {
            into->rows[i] = (struct logged_decision){.ts = d[i].ts, .contact = 4096 * (1 + d[i].person), .sender = 111};
            record(into, i, &f, &found);
        }
        if (found.verdict != VERDICT_ALLOW)
            continue;
        opened[d[i].person] = budget_take(&budget, opened[d[i].person], d[i].ts);
        if (d[i].marketing)
            caps_sent(&caps[d[i].person], d[i].ts, NULL);
        if (ruleset_value(rs, "pair.rate", "interval", d[i].ts, &interval) == 0)
            tat[d[i].person] = pace_take(tat[d[i].person], d[i].ts, interval);
    }
}

static struct backtest_report assert_lives_agree(const char *was, const char *is, size_t n)
{
    struct bed *b = bed_new();
    static struct demand demand[ROWS];
    static uint8_t old[ROWS], new[ROWS];
    struct ruleset *before = tiny_set(was), *after = tiny_set(is);
    uint64_t want[3][3] = {0};
    make_demand(demand, n);
    live(before, demand, n, old, b);
    live(after, demand, n, new, NULL);
    b->book = before;
    for (size_t i = 0; i < n; i++)
        want[old[i]][new[i]]++;
    struct backtest_report r = run(b, after, true, n, 700);
    assert_memory_equal(r.count, want, sizeof want);
    ruleset_free(before);
    ruleset_free(after);
    bed_done(b);
    return r;
}

TEST(stateful_is_the_life_the_other_book_would_have_led)
{
    static const char weak[] = PAIR_RATE CAP("cap.day", "9", "24h"),
                      strict[] = PAIR_RATE CAP("cap.day", "2", "24h") CAP("cap.week", "5", "7d"),
                      none[] = CAP("cap.day", "16", "2s");
    struct backtest_report r = assert_lives_agree(weak, strict, ROWS);
    assert_true(r.count[0][1] > 100 && r.count[0][0] > 100);
    r = assert_lives_agree(strict, weak, ROWS); /* looser: more was sent, and that counts */
    assert_true(r.count[1][0] > 100);
    assert_lives_agree(strict, strict, ROWS);
    static const char full[] = PAIR_RATE FULL("1000", "free_at");
    r = assert_lives_agree(weak, full, ROWS);
    assert_true(r.count[0][1] > 20);
    r = assert_lives_agree(full, weak, ROWS);
    assert_true(r.count[1][0] > 20);
    r = assert_lives_agree(strict, full, ROWS);
    assert_true(r.count[0][1] > 0 && r.count[1][0] > 20);
    r = assert_lives_agree(none, strict, ROWS);
    assert_true(r.count[0][1] > 100);
}

/* The static mode asks something else: the recorded facts hold what the recorded book let through. */
TEST(static_and_stateful_differ_where_they_must)
{
    struct bed *b = bed_new();
    static struct demand demand[ROWS];
    static uint8_t old[ROWS];
    struct ruleset *none = tiny_set(CAP("cap.day", "16", "2s")), *strict = tiny_set(CAP("cap.day", "2", "24h"));
    make_demand(demand, ROWS);
    live(none, demand, ROWS, old, b);
    b->book = none;
    struct backtest_report fixed = run(b, strict, false, ROWS, ROWS), moving = run(b, strict, true, ROWS, ROWS);
    assert_true(fixed.count[0][1] > moving.count[0][1]); /* who was stopped once is further from the cap */
    ruleset_free(none);
    ruleset_free(strict);
    bed_done(b);
}

static const struct backtest_group *group_of(const struct backtest_report *r, enum backtest_dimension by, int64_t key,
                                             const char *rule)
{
    for (size_t i = 0; i < r->n_groups; i++)
        if (r->group[i]->by == by && (rule != NULL ? strcmp(r->group[i]->rule, rule) == 0 : r->group[i]->key == key))
            return r->group[i];
    return NULL;
}

TEST(the_report_groups_names_and_follows_up)
{
    struct bed *b = bed_new();
    struct ruleset *none = tiny_set(CAP("cap.never", "16", "2s")), *strict = tiny_set(CAP("cap.day", "1", "24h"));
    b->book = none;
    for (size_t i = 0; i < 90; i++) {
        struct facts f = fixture_facts();
        struct decision d;
        bool capped = i % 3 == 0;
        fact_set(&f, FACT_MARKETING_SENT_1, capped ? NOW - HOUR : 0);
        fact_set_code(&f, FACT_RECIPIENT_COUNTRY, i % 2 ? "BR" : "IN");
        if (i == 1)
            f.known[FACT_RECIPIENT_COUNTRY] = false;
        b->rows[i] = (struct logged_decision){.ts = NOW, .contact = 4096, .sender = 1, .campaign = i < 30 ? 7 : 0};
        decide(none, &f, NOW, 0, &d);
        record(b, i, &f, &d);
    }
    struct backtest_report r = run(b, strict, false, 90, 90);
    assert_int_equal(r.count[0][1], 30);
    assert_int_equal(r.n_examples[0][1], 20);
    assert_true(r.example[0][1][0] == b->rows[0].id && r.example[0][1][19] == b->rows[57].id);
    assert_int_equal(r.fates.fate[FATE_READ], 30);
    assert_int_equal(r.fates.opted_out[ANSWER_YES], 30);
    const struct backtest_group *g = group_of(&r, BY_RULE, 0, "cap.day");
    assert_true(g != NULL && g->count[0][1] == 30 && g->fates.fate[FATE_READ] == 30);
    g = group_of(&r, BY_CAMPAIGN, 7, NULL);
    assert_true(g != NULL && g->count[0][1] == 10 && g->count[0][0] == 20);
    assert_non_null(group_of(&r, BY_COUNTRY, -1, NULL));
    assert_true(group_of(&r, BY_COUNTRY, 'B' | 'R' << 8, NULL)->count[0][0] == 29);
    b->book = strict; /* and the other way round: recorded as strict, let through by the other one */
    for (size_t i = 0; i < 90; i++) {
        struct facts f;
        struct decision d;
        assert_int_equal(facts_unpack(b->rows[i].facts.p, b->rows[i].facts.n, &f), 0);
        decide(strict, &f, NOW, 0, &d);
        record(b, i, &f, &d);
    }
    r = run(b, none, false, 90, 90);
    assert_true(r.count[1][0] == 30 && r.fates.fate[FATE_READ] == 0); /* nothing is said of what never went out */
    g = group_of(&r, BY_RULE, 0, "cap.day");
    assert_true(g != NULL && g->count[1][0] == 30);
    b->book = NULL;
    r = run(b, none, false, 90, 90);
    assert_true(r.no_book == 30 && r.count[1][0] == 30);
    ruleset_free(none);
    ruleset_free(strict);
    bed_done(b);
}

TEST(damaged_facts_are_counted_and_nothing_more)
{
    struct bed *b = bed_new();
    struct ruleset *rs = tiny_set(CAP("cap.day", "1", "24h"));
    b->book = rs;
    for (size_t i = 0; i < 10; i++) {
        struct facts f = fixture_facts();
        struct decision d;
        b->rows[i] = (struct logged_decision){.ts = NOW};
        decide(rs, &f, NOW, 0, &d);
        record(b, i, &f, &d);
        if (i == 4)
            b->rows[i].facts.n--;
    }
    struct backtest_report r = run(b, rs, false, 10, 10);
    assert_true(r.decisions == 10 && r.unreadable == 1 && r.count[0][0] == 9);
    ruleset_free(rs);
    bed_done(b);
}

TESTS(T(static_is_decide_on_the_recorded_facts), T(the_same_book_says_the_same_of_any_log),
      T(what_could_not_wait_does_not_wait_longer), T(stateful_is_the_life_the_other_book_would_have_led),
      T(static_and_stateful_differ_where_they_must), T(the_report_groups_names_and_follows_up),
      T(damaged_facts_are_counted_and_nothing_more))
