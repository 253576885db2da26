/* SPDX-License-Identifier: Apache-2.0
 * test_ruleset_places.c - no moment and no pair of zones gives an answer that no place stands for.
 *
 * Books of random hours and holidays in a random stretch of time; random moments and offsets, most of them within a
 * minute of an edge, are answered by brute force and looked for among the places. */
#include "core/ruleset_places.h"

#include "base/clock.h"
#include "core/ruleset_diff.h"
#include "rules_fixture.h"

#define MINUTE 60000
#define DAY    (24 * HOUR)

/* Two hours and two lists, all asked about by one rule. */
struct asked {
    struct ruleset rs;
    struct rule rule;
    struct node node[5];
    struct hours hours[2];
    struct holiday_list list[2];
    int32_t day[2][64];
    struct value_row row;
    int64_t value[2];
};

static uint64_t below(uint64_t *seed, uint64_t n)
{
    return next_random(seed) % n;
}

static void some_hours(struct hours *h, uint64_t *seed)
{
    static const char *const days[] = {"mon", "tue", "wed-fri", "sat", "daily", "fri-mon"};
    char text[256] = "";
    struct err e = {0};
    size_t n = 1 + below(seed, 3);
    for (size_t i = 0; i < n; i++) {
        int from = (int)below(seed, 1440), to = (int)below(seed, 1441);
        from = from == to ? 0 : from;
        to = from == to ? 60 : to;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %02d:%02d-%02d:%02d", i ? ", " : "",
                 days[below(seed, 6)], from / 60, from % 60, to / 60, to % 60);
    }
    if (hours_parse(str_of(text), h, &e) != 0)
        assert_ok(hours_parse(STR("mon-fri 20:00-22:30 23:00-24:00"), h, &e), e);
}

static void some_list(struct asked *b, size_t i, int64_t today, uint64_t *seed)
{
    size_t n = below(seed, 64);
    int32_t day = (int32_t)today + (int32_t)below(seed, 40) - 20;
    b->list[i].days.first = day;
    for (size_t k = 0; k < n; k++)
        b->day[i][k] = day += 1 + (int32_t)(below(seed, 3) ? below(seed, 3) : below(seed, 60));
    b->list[i].days.day = b->day[i];
    b->list[i].days.n = n;
    b->list[i].days.last = day + (int32_t)below(seed, 10);
}

static void some_rule(struct asked *b, uint64_t *seed)
{
    memset(b, 0, sizeof *b);
    b->node[0] = (struct node){.op = OP_ALL, .end = 5};
    for (uint32_t i = 0; i < 4; i++)
        b->node[i + 1] = (struct node){.op = i < 2 ? OP_OUTSIDE : OP_HOLIDAY,
                                       .fact = FACT_RECIPIENT_UTC_MIN,
                                       .other = FACT_RECIPIENT_UTC_MAX,
                                       .end = i + 2,
                                       .list = i % 2,
                                       .arg = {.value = {(int16_t)(i % 2), -1}}};
    for (size_t i = 0; i < 2; i++) {
        b->value[i] = (int64_t)i;
        some_hours(&b->hours[i], seed);
        some_list(b, i, NOW / DAY, seed);
    }
    b->row = (struct value_row){0, b->value};
    b->rule = (struct rule){.applies = NO_NODE, .until = {.list = NO_LIST}};
    b->rule.values = (struct values){.n_names = 2, .n_rows = 1, .row = &b->row};
    b->rs = (struct ruleset){.node = b->node, .hours = b->hours, .holidays = b->list, .n_nodes = 5};
}

/* The answers of the four, at one place. */
static unsigned answers(const struct asked *b, int64_t at, int64_t min, int64_t max)
{
    struct facts f = {0};
    unsigned all = 0;
    fact_set(&f, FACT_RECIPIENT_UTC_MIN, min);
    fact_set(&f, FACT_RECIPIENT_UTC_MAX, max);
    struct view v = {&b->rs, &f, at, b->value};
    for (uint32_t i = 1; i < 5; i++)
        all = all * 3 + (unsigned)predicate_eval(&v, i);
    return all;
}

/* Some moment of the stretch, and offsets, so that both local times lie near edges. */
static void somewhere(const struct asked *b, int64_t from, int64_t to, uint64_t *seed, int64_t *at, int64_t *min,
                      int64_t *max)
{
    *at = from + (int64_t)below(seed, (uint64_t)(to - from < 300 * DAY ? to - from : 300 * DAY));
    *min = (int64_t)below(seed, 2881) - 1440;
    if (below(seed, 4) != 0) {
        const struct hours *h = &b->hours[below(seed, 2)];
        size_t i = below(seed, h->n);
        int64_t edge = below(seed, 2) ? h->from[i] : h->to[i];
        int64_t local = (*at / MINUTE + 3 * 1440) % 1440;
        *min = (edge - local + (int64_t)below(seed, 3) - 1) % 1440;
    }
    *max = *min + (int64_t)(below(seed, 3) == 0 ? 0 : below(seed, (uint64_t)(1441 - *min)));
}

TEST(every_answer_has_a_place)
{
    static struct asked b;
    static struct places p;
    uint64_t seed = 20261125, found = 0;
    for (int round = 0; round < 60; round++) {
        bool seen[81] = {false};
        some_rule(&b, &seed);
        int64_t from = NOW + (int64_t)below(&seed, DAY);
        int64_t to = round % 3 == 0 ? TIME_LAST : from + 1 + (int64_t)below(&seed, 20 * DAY);
        struct arena *mem = arena_create(4u << 20);
        const struct places_rule rules[2] = {{&b.rs, &b.rule}, {NULL, NULL}};
        assert_int_equal(ruleset_places_find(mem, rules, from, to, UINT64_MAX, &p), 0);
        assert_true(p.exact);
        for (size_t i = 0; i < p.n; i++) {
            const struct place *x = &p.place[i];
            assert_true(x->at >= from && x->at < to && x->min <= x->max && x->min >= -1440 && x->max <= 1440);
            seen[answers(&b, x->at, x->min, x->max)] = true;
        }
        for (int i = 0; i < 4000; i++) {
            int64_t at, min, max;
            somewhere(&b, from, to, &seed, &at, &min, &max);
            if (!seen[answers(&b, at, min, max)])
                fail_msg("round %d: nothing stands for %lld with %lld to %lld minutes", round, (long long)at,
                         (long long)min, (long long)max);
        }
        for (int i = 0; i < 81; i++)
            found += seen[i];
        arena_free(mem);
    }
    assert_true(found > 60 * 5);
}

/* ---- through the comparison ---- */

#define LIST_HEAD                                                                                                      \
    "ruleset: p\nschema: 1\nkind: policy\ntitle: T\nholidays:\n  DE:\n    from: 2020-01-01\n    to: 2045-12-31\n"      \
    "    cite: [{title: t, url: 'https://example.org/x', read: 2026-11-21}]\n    days: ["
#define LATER(hours) ", 2028-06-01: {hours: '" hours "'}, 2030-06-01: {hours: '" hours "'}"
#define LIST_RULE(i, hours, later, when)                                                                               \
    "  - id: r." i "\n    title: T\n    verdict: deny\n    code: 1\n    reason: R.\n    change: c\n"                   \
    "    values: {2020-01-01: {hours: '" hours "'}" later "}\n    when: " when "\n    on_unknown: deny\n" TINY_CITE    \
    "    tests:\n      - {given: {recipient.country: FR, consent.rank: none, message.category: marketing,"             \
    " recipient.utc_min: 0, recipient.utc_max: 0}, now: '2026-11-09T23:58:00Z', expect: deny}\n"                       \
    "      - {given: {recipient.country: ZZ, consent.rank: none, message.category: marketing,"                         \
    " recipient.utc_min: 0, recipient.utc_max: 0}, now: '2026-11-10T12:00:00Z', expect: none}\n"
#define ON_LIST "{all: [{outside: $hours}, {holiday: DE}]}"

/* n holidays, four days apart from a Monday on, and a rule. */
static struct ruleset *with_days(int n, const char *rules)
{
    static char text[131072];
    struct ruleset *rs = NULL;
    struct err e = {0};
    char day[TIME_TEXT];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", LIST_HEAD);
    for (int i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.10s", i ? ", " : "",
                                time_text((20766 + 4 * (int64_t)i) * DAY, day)); /* from 2026-11-09 on */
    len += (size_t)snprintf(text + len, sizeof text - len, "]\nrules:\n%s", rules);
    assert_true(len < sizeof text);
    assert_ok(ruleset_compile(&rs, "list", str_of(text), &e), e);
    return rs;
}

static void compare(struct ruleset *a, struct ruleset *b, enum diff_relation want)
{
    struct arena *mem = arena_create(64u << 20);
    struct ruleset_diff d;
    struct err e = {0};
    assert_ok(ruleset_diff(a, b, NOW, mem, &d, &e), e);
    if (d.relation != want)
        fail_msg("%s, want %s", diff_relation_name(d.relation), diff_relation_name(want));
    arena_free(mem);
    ruleset_free(a);
    ruleset_free(b);
}

/* A day at the end of a list of many years counts like any other. */
TEST(long_lists_are_exact)
{
    const char *rule = LIST_RULE("a", "mon-fri 08:00-20:00", "", ON_LIST);
    compare(with_days(120, rule), with_days(100, rule), DIFF_LOOSER);
    compare(with_days(1000, rule), with_days(1001, rule), DIFF_STRICTER);
    compare(with_days(1000, rule),
            with_days(1000, LIST_RULE("a", "mon-fri 08:00-20:00", "",
                                      "{all: [{holiday: DE}, {outside: $hours}, {holiday: DE}]}")),
            DIFF_SAME);
}

/* A person between two zones 90 minutes apart sees the difference, nobody in one zone does. */
TEST(widths_between_an_hour_and_a_day_count)
{
    compare(with_days(1, LIST_RULE("a", "sun 20:00-22:30 23:00-24:00, mon 00:00-04:00", "", ON_LIST)),
            with_days(1, LIST_RULE("a", "sun 20:00-24:00, mon 00:00-04:00", "", ON_LIST)), DIFF_LOOSER);
}

#define LARGE                                                                                                          \
    "{any: [{outside: $hours}, {holiday: DE}]}\n    applies: {all: [{fact: recipient.country, in: [FR, CO]},"          \
    " {fact: message.category, in: [marketing, utility]}, {fact: consent.rank, in: [none, listed]}]}"

/* Forty rules over the same facts, with hours that all lie differently, at three dates. */
TEST(a_large_policy_comes_to_an_end)
{
    static char text[2][65536];
    for (int side = 0; side < 2; side++) {
        size_t n = 0;
        for (int i = 0; i < 40; i++) {
            char hours[80], id[8];
            snprintf(id, sizeof id, "%02d", i);
            snprintf(hours, sizeof hours, "daily 00:%02d-03:%02d 05:%02d-08:%02d 10:%02d-13:%02d", i, side, i, side, i,
                     side);
            n += (size_t)snprintf(text[side] + n, sizeof text[side] - n, LIST_RULE("%s", "%s", LATER("%s"), LARGE), id,
                                  hours, hours, hours);
        }
        assert_true(n < sizeof text[side]);
    }
    struct ruleset *a = with_days(60, text[0]), *b = with_days(60, text[1]);
    struct arena *mem = arena_create(64u << 20);
    struct ruleset_diff d;
    struct err e = {0};
    assert_ok(ruleset_diff(a, b, NOW, mem, &d, &e), e);
    assert_int_equal(d.n_dates, 3);
    assert_true(d.points < 6u << 20 && d.relation != DIFF_SAME);
    arena_free(mem);
    ruleset_free(a);
    ruleset_free(b);
}

TESTS(T(every_answer_has_a_place), T(long_lists_are_exact), T(widths_between_an_hour_and_a_day_count),
      T(a_large_policy_comes_to_an_end))
