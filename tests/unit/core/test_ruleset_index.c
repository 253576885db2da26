/* SPDX-License-Identifier: Apache-2.0
 * test_ruleset_index.c - the index leaves out only what would have been silent: judging the rules it proposes and judging
 * all of them give the same bytes, on the shipped rules and on books of rules nobody would write. */
#include "rules_fixture.h"

#include <glob.h>

#include "core/ruleset_impl.h"

static struct ruleset *shipped_book(void)
{
    static const char *const patterns[] = {"data/rules/*.yaml", "data/rules/*/*.yaml"};
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    struct ruleset *rs = NULL;
    struct err e = {0};
    glob_t g = {0};
    for (int i = 0; i < 2; i++) {
        char pattern[1024];
        snprintf(pattern, sizeof pattern, "%s/%s", root ? root : ".", patterns[i]);
        glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &g);
    }
    assert_true(g.gl_pathc > 0);
    assert_ok(ruleset_load_all(&rs, (const char *const *)g.gl_pathv, g.gl_pathc, &e), e);
    globfree(&g);
    return rs;
}

/* Decides both ways; returns how many rules the index left out. */
static size_t assert_same(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires,
                          const struct override *o)
{
    static struct decision a, b;
    static uint8_t x[DECISION_PACKED_MAX], y[DECISION_PACKED_MAX];
    uint16_t order[RULES_MAX];
    decide_overridden(rs, f, now, expires, o, &a);
    decide_in_order(rs, f, now, expires, rs->by_rank, rs->n_rules, o, &b);
    size_t n = decision_pack(&a, x);
    assert_int_equal(decision_pack(&b, y), n);
    assert_memory_equal(x, y, n);
    return rs->n_rules - ruleset_candidates(rs, f, order);
}

TEST(the_shipped_rules_decide_the_same_with_and_without_it)
{
    struct ruleset *rs = shipped_book();
    uint64_t seed = 31, left_out = 0;
    for (int i = 0; i < 120000; i++) {
        struct facts f = random_facts(&seed);
        struct override o = {{next_random(&seed), next_random(&seed)}};
        int64_t now =
            i % 10 == 0 ? (int64_t)(next_random(&seed) >> 20) : NOW + (int64_t)(next_random(&seed) % (200 * HOUR));
        if (i % 2) /* what is sent every day, with one thing different */
            for (int k = 0; k < FACT_COUNT; k++) {
                struct facts usual = i % 4 == 1 ? fixture_facts() : fixture_answer();
                if (next_random(&seed) % 8 && usual.known[k])
                    fact_set(&f, (enum fact_id)k, usual.value[k]);
            }
        left_out += assert_same(rs, &f, now, i % 3 ? 0 : now + HOUR, i % 5 ? NULL : &o);
    }
    assert_true(left_out > 120000 * (ruleset_count(rs) / 3)); /* and it does leave out */
    ruleset_free(rs);
}

/* ---- random rules ---- */

static void random_condition(struct buf *b, uint64_t *seed, int depth, const int *facts, int n);

static void random_leaf(struct buf *b, uint64_t *seed, const int *facts, int n)
{
    static const char *const of_time[] = {"older_than: $d", "newer_than: 30h", "ahead_by: 5m",
                                          "before: window.last_inbound"};
    static const char *const of_int[] = {"lt: 300", "ge: $n", "in: [0, 5, 7]", "is: 3", "is_not: 500"};
    int fact = facts[next_random(seed) % (uint64_t)n];
    const struct fact_info *info = &fact_info[fact];
    uint64_t r = next_random(seed);
    if (r % 12 == 0) {
        buf_puts(b, r & 16 ? "{outside: $h}" : "{holiday: CO}");
        return;
    }
    buf_printf(b, "{fact: %s, ", info->name);
    if (r % 7 == 0) {
        buf_printf(b, "known: %s}", r & 16 ? "true" : "false");
    } else if (info->type == FACT_TYPE_TIME) {
        buf_printf(b, "%s}", of_time[(r >> 8) % (fact == FACT_WINDOW_LAST_INBOUND ? 3 : 4)]);
    } else if (info->type == FACT_TYPE_INT) {
        buf_printf(b, "%s}", of_int[(r >> 8) % 5]);
    } else {
        static const char *const codes[] = {"US", "BR", "CO", "MX"};
        char word[64];
        const char *p = info->words;
        for (uint64_t skip = (r >> 8) % 3; skip > 0 && strchr(p, ' '); skip--)
            p = strchr(p, ' ') + 1;
        snprintf(word, sizeof word, "%.*s", (int)strcspn(p, " "), p);
        buf_printf(b, "%s: %s}", r & 32 ? "is" : "is_not",
                   info->type == FACT_TYPE_BOOL   ? (r & 64 ? "true" : "false")
                   : info->type == FACT_TYPE_CODE ? codes[(r >> 8) % 4]
                                                  : word);
    }
}

static void random_condition(struct buf *b, uint64_t *seed, int depth, const int *facts, int n)
{
    uint64_t r = next_random(seed) % 8;
    if (depth == 0 || r < 3) {
        random_leaf(b, seed, facts, n);
        return;
    }
    if (r == 3) {
        buf_puts(b, "{not: ");
        random_condition(b, seed, depth - 1, facts, n);
        buf_putc(b, '}');
        return;
    }
    buf_puts(b, r % 2 ? "{all: [" : "{any: [");
    for (uint64_t i = 0, parts = 1 + next_random(seed) % 3; i < parts; i++) {
        buf_puts(b, i > 0 ? ", " : "");
        random_condition(b, seed, depth - 1, facts, n);
    }
    buf_puts(b, "]}");
}

/* A book as the store might keep it: restored, so its rules need no tests. */
static struct ruleset *random_book(uint64_t *seed)
{
    static const char *const unknown[] = {"deny", "hold 15m", "ignore", "ignore"};
    struct ruleset *rs = NULL;
    struct err e = {0};
    struct buf b;
    uint8_t hash[SHA256_BYTES];
    buf_init(&b, 1 << 20);
    buf_puts(
        &b, "ruleset: random\nkind: platform\nschema: 1\ntitle: T\nbasis:\n  - id: all\n    when: {fact: message.kind, "
            "known: true}\n" TINY_CITE "holidays: {CO: {from: 2026-01-01, to: 2026-12-31, cite: [{title: T, url: "
            "'https://x', read: 2026-01-01}], days: [2026-11-26, 2026-11-27]}}\nrules:\n" TINY_TAIL);
    for (int i = 0; i < 90; i++) {
        int facts[4];
        for (int k = 0; k < 4; k++)
            facts[k] = (int)(next_random(seed) % FACT_COUNT);
        bool hold = next_random(seed) % 3 == 0;
        buf_printf(&b,
                   "  - id: r%d\n    title: T\n    verdict: %s\n    code: 1\n    reason: R.\n    change: c\n" TINY_CITE,
                   i, hold ? "hold" : "deny");
        if (hold)
            buf_puts(&b, i % 2 ? "    until: {now_plus: 1h}\n" : "    until: {fact: pair.tat}\n");
        buf_printf(&b, "    mode: %s\n    on_unknown: %s\n",
                   i % 11 == 0   ? "shadow"
                   : i % 13 == 0 ? "'off'"
                                 : "enforce",
                   unknown[next_random(seed) % 4]);
        buf_puts(&b,
                 "    values: {2020-01-01: {d: 20h, n: 400, h: \"mon-fri 08:00-18:00\"}, 2026-11-26: {d: 30h, n: 5, h: "
                 "\"daily 09:00-12:00\"}}\n    when: ");
        random_condition(&b, seed, 3, facts, 3);
        if (next_random(seed) % 2) {
            buf_puts(&b, "\n    applies: ");
            random_condition(&b, seed, 2, facts, 4);
        }
        buf_putc(&b, '\n');
    }
    sha256(b.data, b.len, hash);
    assert_ok(ruleset_restore(&rs, buf_str(&b), hash, &e), e);
    buf_done(&b);
    return rs;
}

TEST(rules_nobody_would_write_decide_the_same_too)
{
    uint64_t seed = 37;
    for (int i = 0; i < 120; i++) {
        struct ruleset *rs = random_book(&seed);
        for (int k = 0; k < 250; k++) {
            struct facts f = random_facts(&seed);
            assert_same(rs, &f, NOW + (int64_t)(next_random(&seed) % (100 * HOUR)) - 50 * HOUR, 0, NULL);
        }
        ruleset_free(rs);
    }
}

TESTS(T(the_shipped_rules_decide_the_same_with_and_without_it), T(rules_nobody_would_write_decide_the_same_too))
