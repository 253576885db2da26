/* SPDX-License-Identifier: Apache-2.0
 * test_ruleset_diff.c - the comparison of books against brute force: no proof is ever wrong, every example is one.
 *
 * Books are generated as compiled tables, without files: a few rules over a few facts, and a second book that is the
 * first with one to three things changed. Random facts near the thresholds then look for anything that contradicts the
 * answer. WL_SIM_SENDS sets how many facts are tried in all (default 200,000), WL_SIM_SEED which; tools/soak diff. */
#include "core/ruleset_diff.h"
#include "core/ruleset_impl.h"
#include "rules_fixture.h"

#define DAY        (24 * HOUR)
#define GEN_RULES  5
#define GEN_NODES  256
#define GEN_LISTS  64
#define FACTS_EACH 2000

/* A book whose parts can be written to. */
struct generated {
    struct ruleset rs;
    struct set set;
    struct rule rule[GEN_RULES];
    struct basis basis[2];
    struct node node[GEN_NODES];
    int64_t list[GEN_LISTS];
    struct hours hours[4];
    struct value_row row[GEN_RULES][2];
    int64_t value[GEN_RULES][2][2];
    char id[GEN_RULES][24];
};

static const uint8_t pool[] = {FACT_MESSAGE_KIND,        FACT_MESSAGE_CATEGORY,  FACT_CONSENT_STATUS,
                               FACT_TEMPLATE_KNOWN,      FACT_RECIPIENT_COUNTRY, FACT_RECIPIENT_UNDELIVERABLE_AT,
                               FACT_WINDOW_LAST_INBOUND, FACT_PAIR_TAT,          FACT_PORTFOLIO_USED};
#define POOL (sizeof pool / sizeof pool[0])
static const char *const countries[] = {"BR", "CO", "FR", "DE"};
static const char *const weeks[] = {"mon-fri 08:00-20:00", "mon-fri 09:00-19:00", "daily 10:00-18:00",
                                    "mon-sat 07:00-21:00", "mon-fri 08:00-20:00, sat 09:00-12:00"};
static const char *const names[] = {"limit", "hours"};

static uint64_t below(uint64_t *seed, uint64_t n)
{
    return next_random(seed) % n;
}

static int64_t code_of(const char *country)
{
    struct facts f = {0};
    fact_set_code(&f, FACT_RECIPIENT_COUNTRY, country);
    return f.value[FACT_RECIPIENT_COUNTRY];
}

static uint8_t slot_of(struct rule *r, uint8_t fact)
{
    for (uint8_t i = 0; i < r->facts.n; i++)
        if (r->facts.fact[i] == fact)
            return i;
    assert_true(r->facts.n < RULE_FACTS_MAX);
    r->facts.fact[r->facts.n] = fact;
    return r->facts.n++;
}

static int64_t some_duration(uint64_t *seed)
{
    return (int64_t)(1 + below(seed, 5)) * 12 * HOUR;
}

static void some_leaf(struct generated *b, struct rule *r, struct node *n, uint64_t *seed)
{
    uint8_t fact = pool[below(seed, POOL)];
    *n = (struct node){.fact = fact, .end = (uint32_t)(n - b->node) + 1, .arg = {.value = {-1, -1}}};
    n->negate = below(seed, 4) == 0;
    n->arg.constant[0] = some_duration(seed);
    if (fact_info[fact].type == FACT_TYPE_TIME) {
        static const uint8_t ops[] = {OP_OLDER, OP_NEWER, OP_AHEAD, OP_BEFORE};
        n->op = ops[below(seed, 4)];
        n->negate = false;
        if (n->op == OP_BEFORE) {
            n->other = fact == FACT_WINDOW_LAST_INBOUND ? FACT_PAIR_TAT : FACT_WINDOW_LAST_INBOUND;
            n->other_slot = slot_of(r, n->other);
        } else if (below(seed, 2) == 0) {
            n->arg.value[0] = 0;
        }
    } else if (fact == FACT_PORTFOLIO_USED) {
        n->op = (uint8_t)(OP_LT + below(seed, 4));
        n->negate = false;
        n->arg.constant[0] = (int64_t)below(seed, 6) * 100;
    } else if (fact == FACT_RECIPIENT_COUNTRY) {
        n->op = OP_LIST;
        n->list = b->rs.n_lists;
        n->n_list = 1 + (uint32_t)below(seed, 2);
        for (uint32_t i = 0; i < n->n_list; i++)
            b->list[b->rs.n_lists++] = code_of(countries[(below(seed, 3) + i) % 4]);
    } else {
        uint64_t words = fact == FACT_TEMPLATE_KNOWN   ? 2
                         : fact == FACT_CONSENT_STATUS ? 3
                         : fact == FACT_MESSAGE_KIND   ? 5
                                                       : 6;
        n->op = below(seed, 8) == 0 ? OP_KNOWN : OP_WORDS;
        n->words = 1u + below(seed, (1u << words) - 1);
    }
    n->slot = slot_of(r, fact);
}

static void some_hours(struct generated *b, struct rule *r, struct node *n)
{
    *n = (struct node){.op = OP_OUTSIDE,
                       .fact = FACT_RECIPIENT_UTC_MIN,
                       .other = FACT_RECIPIENT_UTC_MAX,
                       .end = (uint32_t)(n - b->node) + 1,
                       .arg = {.value = {1, -1}}};
    n->slot = slot_of(r, FACT_RECIPIENT_UTC_MIN);
    n->other_slot = slot_of(r, FACT_RECIPIENT_UTC_MAX);
}

/* A group of two or three leaves, or one leaf. */
static uint32_t some_tree(struct generated *b, struct rule *r, uint64_t *seed, bool hours)
{
    uint32_t root = b->rs.n_nodes++;
    size_t parts = below(seed, 3) + (hours ? 2 : 0);
    if (parts == 0) {
        some_leaf(b, r, &b->node[root], seed);
        return root;
    }
    b->node[root] = (struct node){.op = hours || below(seed, 2) ? OP_ALL : OP_ANY, .arg = {.value = {-1, -1}}};
    for (size_t i = 0; i < parts && i < 3; i++) {
        bool not = below(seed, 6) == 0;
        uint32_t wrap = b->rs.n_nodes;
        if (not )
            b->node[b->rs.n_nodes++] = (struct node){.op = OP_NOT, .end = wrap + 2, .arg = {.value = {-1, -1}}};
        if (hours && i == 0)
            some_hours(b, r, &b->node[b->rs.n_nodes++]);
        else
            some_leaf(b, r, &b->node[b->rs.n_nodes++], seed);
    }
    b->node[root].end = b->rs.n_nodes;
    return root;
}

static void some_until(struct rule *r, uint64_t *seed, bool hours)
{
    r->until.arg = (struct operand){.value = {-1, -1}};
    r->until.list = NO_LIST;
    if (hours) {
        r->until.kind = UNTIL_OPEN;
        r->until.arg.value[0] = 1;
    } else if (below(seed, 2)) {
        r->until.kind = UNTIL_NOW_PLUS;
        r->until.arg.constant[0] = some_duration(seed);
    } else {
        r->until.kind = UNTIL_FACT;
        r->until.fact = FACT_PAIR_TAT;
        r->until.slot = slot_of(r, FACT_PAIR_TAT);
        r->until.sign = (int8_t)(below(seed, 3)) - 1;
        r->until.arg.constant[0] = some_duration(seed);
    }
}

static void some_values(struct generated *b, size_t i, uint64_t *seed)
{
    struct rule *r = &b->rule[i];
    for (size_t row = 0; row < 2; row++) {
        b->value[i][row][0] = some_duration(seed);
        b->value[i][row][1] = (int64_t)below(seed, 4);
        b->row[i][row].v = b->value[i][row];
    }
    b->row[i][0].since = NOW - 100 * DAY;
    b->row[i][1].since = NOW + (int64_t)(1 + below(seed, 2)) * 10 * DAY;
    r->values = (struct values){.n_names = 2, .n_rows = (uint16_t)(1 + (below(seed, 4) == 0)), .name = (void *)names};
    r->values.row = b->row[i];
}

static void some_rule(struct generated *b, size_t i, uint64_t *seed)
{
    struct rule *r = &b->rule[i];
    bool hours = below(seed, 6) == 0;
    *r =
        (struct rule){.id = b->id[i], .title = "T", .reason = "R", .change = "c", .confidence = "", .applies = NO_NODE};
    snprintf(b->id[i], sizeof b->id[i], "r%zu", i);
    some_values(b, i, seed);
    r->verdict = hours || below(seed, 3) == 0 ? VERDICT_HOLD : VERDICT_DENY;
    r->mode = below(seed, 8) == 0 ? MODE_SHADOW : MODE_ENFORCE;
    r->on_unknown = (uint8_t)below(seed, 3);
    r->unknown_hold = some_duration(seed);
    r->when = some_tree(b, r, seed, hours);
    if (r->verdict == VERDICT_HOLD)
        some_until(r, seed, hours);
}

static void point_at_own(struct generated *b)
{
    b->rs.rule = b->rule;
    b->rs.basis = b->basis;
    b->rs.node = b->node;
    b->rs.list = b->list;
    b->rs.hours = b->hours;
    b->rs.set = &b->set;
    for (size_t i = 0; i < b->rs.n_rules; i++) {
        b->rule[i].index = b->rule[i].rank = (uint16_t)i;
        b->rule[i].id = b->id[i];
        b->rule[i].values.row = b->row[i];
        for (size_t k = 0; k < 2; k++)
            b->row[i][k].v = b->value[i][k];
    }
}

static void some_book(struct generated *b, uint64_t *seed)
{
    struct err e = {0};
    memset(b, 0, sizeof *b);
    b->rs.id = "generated";
    b->rs.n_sets = 1;
    for (size_t i = 0; i < 4; i++)
        assert_ok(hours_parse(str_of(weeks[below(seed, 5)]), &b->hours[i], &e), e);
    b->rs.n_hours = 4;
    size_t n = 1 + below(seed, 3);
    for (size_t i = 0; i < n; i++)
        some_rule(b, i, seed);
    b->rs.n_rules = n + 1; /* the last is basis.none */
    b->rule[n] = (struct rule){.builtin = BUILTIN_BASIS,
                               .title = "",
                               .reason = "",
                               .change = "",
                               .confidence = "",
                               .applies = NO_NODE,
                               .when = NO_NODE};
    snprintf(b->id[n], sizeof b->id[n], "zz");
    b->rs.decides = true;
    b->rs.basis_rule = (uint16_t)n;
    b->rs.n_basis = 1 + below(seed, 2);
    for (size_t i = 0; i < b->rs.n_basis; i++) {
        struct rule scratch = {0};
        struct node *leaf = &b->node[b->rs.n_nodes];
        b->basis[i] = (struct basis){.id = "b", .when = b->rs.n_nodes++};
        do
            some_leaf(b, &scratch, leaf, seed);
        while (leaf->arg.value[0] >= 0);
    }
    point_at_own(b);
}

static void change_condition(struct generated *b, struct rule *r, uint64_t *seed)
{
    struct node *leaf = &b->node[r->when];
    while (leaf->op <= OP_NOT)
        leaf++;
    if (leaf->op == OP_WORDS && below(seed, 2))
        leaf->words ^= 1u << below(seed, 2);
    else if (leaf->op != OP_OUTSIDE && below(seed, 2))
        leaf->arg.value[0] = -1;
    leaf->arg.constant[0] = some_duration(seed);
}

static void change_hold(struct rule *r, uint64_t *seed)
{
    if (r->until.kind == UNTIL_NONE || r->until.kind == UNTIL_OPEN)
        r->verdict = VERDICT_DENY;
    else if (below(seed, 3) == 0)
        r->verdict = r->verdict == VERDICT_DENY ? VERDICT_HOLD : VERDICT_DENY;
    else if (r->facts.n < RULE_FACTS_MAX && below(seed, 2))
        some_until(r, seed, false);
    else
        r->until.arg.constant[0] = some_duration(seed);
}

/* The same book with something changed. */
static void mutate(struct generated *b, uint64_t *seed)
{
    size_t i = below(seed, b->rs.n_rules - 1);
    struct rule *r = &b->rule[i];
    switch (below(seed, 9)) {
    case 0:
        b->value[i][below(seed, 2)][0] = some_duration(seed);
        break;
    case 1:
        b->value[i][below(seed, 2)][1] = (int64_t)below(seed, 4);
        break;
    case 2:
        r->mode = r->mode == MODE_ENFORCE ? MODE_SHADOW : MODE_ENFORCE;
        break;
    case 3:
        r->on_unknown = (uint8_t)below(seed, 3);
        break;
    case 4:
        change_hold(r, seed);
        break;
    case 5: /* another rule in its place */
        snprintf(b->id[i], sizeof b->id[i], "n%zu", i);
        break;
    case 6:
        b->rs.n_basis = 1;
        break;
    default:
        change_condition(b, r, seed);
        break;
    }
}

static struct facts near_facts(uint64_t *seed, int64_t now)
{
    struct facts f = random_facts(seed);
    for (size_t i = 0; i < POOL; i++) {
        enum fact_id id = (enum fact_id)pool[i];
        int64_t v = f.value[id];
        if (fact_info[id].type == FACT_TYPE_TIME)
            v = now + ((int64_t)below(seed, 21) - 10) * 12 * HOUR + (int64_t)below(seed, 3) - 1;
        if (id == FACT_PORTFOLIO_USED)
            v = (int64_t)below(seed, 6) * 100 + (int64_t)below(seed, 3) - 1;
        if (id == FACT_RECIPIENT_COUNTRY)
            v = code_of(countries[below(seed, 4)]);
        if (fact_info[id].type == FACT_TYPE_WORD)
            v = (int64_t)below(seed, 6);
        if (below(seed, 16) == 0)
            v = 0;
        fact_set(&f, id, v);
        f.known[id] = below(seed, 8) != 0;
    }
    if (f.value[FACT_MESSAGE_KIND] == INTENT_RECEIPT)
        fact_set(&f, FACT_MESSAGE_KIND, INTENT_TEMPLATE); /* receipts are judged by nobody */
    int64_t west = ((int64_t)below(seed, 9) - 4) * 60;
    fact_set(&f, FACT_RECIPIENT_UTC_MIN, west);
    fact_set(&f, FACT_RECIPIENT_UTC_MAX, west + (int64_t)(below(seed, 3) ? below(seed, 2) * 120 : below(seed, 1200)));
    f.known[FACT_RECIPIENT_UTC_MAX] = below(seed, 8) != 0;
    f.known[FACT_RECIPIENT_UTC_CHANGE_AT] = false;
    return f;
}

/* The join, written again here. */
static void verdict_of(const struct ruleset *rs, const struct facts *f, int64_t now, int *ret, int64_t *ret_until)
{
    int verdict = VERDICT_ALLOW;
    int64_t until = 0;
    bool basis = false;
    for (size_t i = 0; i < rs->n_rules; i++) {
        struct finding fi;
        const struct rule *r = &rs->rule[i];
        if (r->builtin || r->mode != MODE_ENFORCE || !rule_judge(rs, r, f, now, &fi))
            continue;
        if (fi.verdict == VERDICT_HOLD && verdict <= VERDICT_HOLD)
            until = fi.until > until ? fi.until : until;
        verdict = fi.verdict > verdict ? fi.verdict : verdict;
    }
    for (size_t i = 0; i < rs->n_basis; i++) {
        struct view v = {rs, f, now, NULL};
        basis = basis || predicate_eval(&v, rs->basis[i].when) == TRI_TRUE;
    }
    *ret = basis ? verdict : VERDICT_DENY;
    *ret_until = *ret == VERDICT_HOLD ? until : 0;
}

/* -1: b is weaker than a; 1: stronger. */
static int compared(const struct ruleset *a, const struct ruleset *b, const struct facts *f, int64_t now)
{
    int x, y;
    int64_t ux, uy;
    verdict_of(a, f, now, &x, &ux);
    verdict_of(b, f, now, &y, &uy);
    if (x != y)
        return y < x ? -1 : 1;
    return uy < ux ? -1 : uy > ux;
}

struct tally {
    size_t relation[5], missed, pairs;
};

static void check_pair(const struct generated *a, const struct generated *b, uint64_t *seed, struct tally *t)
{
    struct arena *mem = arena_create(64u << 20);
    struct ruleset_diff d;
    struct err e = {0};
    bool weaker = false, stronger = false;
    assert_ok(ruleset_diff(&a->rs, &b->rs, NOW, mem, &d, &e), e);
    if (d.looser.found)
        assert_int_equal(compared(&a->rs, &b->rs, &d.looser.facts, d.looser.at), -1);
    if (d.stricter.found)
        assert_int_equal(compared(&a->rs, &b->rs, &d.stricter.facts, d.stricter.at), 1);
    for (int i = 0; i < FACTS_EACH; i++) {
        int64_t now = NOW + (int64_t)below(seed, 30 * 24 * 12) * 300000;
        struct facts f = near_facts(seed, now);
        int sign = compared(&a->rs, &b->rs, &f, now);
        weaker = weaker || sign < 0;
        stronger = stronger || sign > 0;
        if ((sign < 0 && d.never_looser) || (sign > 0 && d.never_stricter))
            fail_msg("pair %zu: said %s, but there are facts for which the second book is %s", t->pairs,
                     diff_relation_name(d.relation), sign < 0 ? "looser" : "stricter");
    }
    t->relation[d.relation]++;
    t->missed += (weaker && !d.looser.found) + (stronger && !d.stricter.found);
    t->pairs++;
    arena_free(mem);
}

TEST(no_answer_is_wrong)
{
    static struct generated a, b;
    const char *more = getenv("WL_SIM_SENDS"), *other = getenv("WL_SIM_SEED");
    uint64_t total = more != NULL ? strtoull(more, NULL, 10) : 200000;
    uint64_t seed = other != NULL ? strtoull(other, NULL, 10) : 20261122;
    struct tally t = {0};
    for (uint64_t done = 0; done < total; done += FACTS_EACH) {
        some_book(&a, &seed);
        b = a;
        for (uint64_t k = 0; k <= below(&seed, 3); k++)
            mutate(&b, &seed);
        point_at_own(&b);
        check_pair(&a, &b, &seed, &t);
    }
    print_message("%zu pairs: %zu same, %zu stricter, %zu looser, %zu incomparable, %zu not proven; %zu differences "
                  "without an example\n",
                  t.pairs, t.relation[0], t.relation[1], t.relation[2], t.relation[3], t.relation[4], t.missed);
    assert_true(t.relation[DIFF_STRICTER] > 0 && t.relation[DIFF_LOOSER] > 0 && t.relation[DIFF_INCOMPARABLE] > 0 &&
                t.relation[DIFF_SAME] > 0);
    assert_true(t.relation[DIFF_UNPROVEN] * 10 < t.pairs);
}

/* ---- cases by name: policies as files say them ---- */

#define HEAD "ruleset: p\nkind: policy\nschema: 1\ntitle: P\nrules:\n"
#define RULE(id, verdict, when, tests)                                                                                 \
    "  - id: " id "\n    title: T\n    verdict: " verdict                                                              \
    "\n    code: 1\n    reason: R.\n    change: c\n    when: " when "\n" TINY_CITE "    tests:\n" tests
#define DENY_TESTS(yes, no) "      - {given: {" yes "}, expect: deny}\n      - {given: {" no "}, expect: none}\n"
#define QUIET(hours)                                                                                                   \
    HEAD RULE(                                                                                                         \
        "q",                                                                                                           \
        "hold\n    until: {open: $hours}\n    on_unknown: ignore\n    values: {2020-01-01: {hours: '" hours "'}}",     \
        "{outside: $hours}",                                                                                           \
        "      - {given: {recipient.utc_min: 0, recipient.utc_max: 0}, now: 2026-11-23T03:00:00Z, expect: "            \
        "hold}\n      - {given: {recipient.utc_min: 0, recipient.utc_max: 0}, now: 2026-11-23T12:00:00Z, expect: "     \
        "none}\n")
#define PLAIN "deny\n    on_unknown: ignore\n    values: {2020-01-01: {}}"
#define BOTH  "{fact: template.quality, in: [yellow, red]}"
#define ONE(id, word)                                                                                                  \
    RULE(id, PLAIN, "{fact: template.quality, is: " word "}",                                                          \
         DENY_TESTS("template.quality: " word, "template.quality: green"))

static const struct {
    const char *name, *before, *after;
    enum diff_relation want;
} named[] = {
    {"shorter hours", QUIET("mon-fri 08:00-20:00"), QUIET("mon-fri 09:00-19:00"), DIFF_STRICTER},
    {"one more minute", QUIET("mon-fri 08:00-20:00"), QUIET("mon-fri 08:00-20:01"), DIFF_LOOSER},
    {"a day more, an hour less", QUIET("mon-fri 08:00-20:00"), QUIET("mon-sat 09:00-20:00"), DIFF_INCOMPARABLE},
    {"the same hours in other words", QUIET("mon-fri 08:00-20:00"),
     QUIET("mon-wed 08:00-20:00, thu 08:00-20:00, fri 08:00-20:00"), DIFF_SAME},
    {"split in two", HEAD RULE("a", PLAIN, BOTH, DENY_TESTS("template.quality: red", "template.quality: green")),
     HEAD ONE("a.red", "red") ONE("a.yellow", "yellow"), DIFF_SAME},
    {"half of it gone", HEAD RULE("a", PLAIN, BOTH, DENY_TESTS("template.quality: red", "template.quality: green")),
     HEAD ONE("a", "red"), DIFF_LOOSER},
    {"superfluous",
     HEAD RULE("a", PLAIN, BOTH, DENY_TESTS("template.quality: red", "template.quality: green")) ONE("b", "red"),
     HEAD RULE("a", PLAIN, BOTH, DENY_TESTS("template.quality: red", "template.quality: green")), DIFF_SAME},
    {"covered today, not next year",
     HEAD RULE("a", "deny\n    on_unknown: ignore\n    values: {2020-01-01: {age: 60h}, 2029-01-01: {age: 10h}}",
               "{fact: recipient.undeliverable_at, newer_than: $age}",
               DENY_TESTS("recipient.undeliverable_at: now-1h", "recipient.undeliverable_at: never")),
     HEAD RULE("a", "deny\n    on_unknown: ignore\n    values: {2020-01-01: {age: 60h}, 2029-01-01: {age: 10h}}",
               "{fact: recipient.undeliverable_at, newer_than: $age}",
               DENY_TESTS("recipient.undeliverable_at: now-1h", "recipient.undeliverable_at: never"))
         RULE("b", PLAIN, "{fact: recipient.undeliverable_at, newer_than: 20h}",
              DENY_TESTS("recipient.undeliverable_at: now-1h", "recipient.undeliverable_at: never")),
     DIFF_STRICTER},
    {"watched only", HEAD ONE("a", "red"),
     HEAD RULE("a", "deny\n    mode: shadow\n    on_unknown: ignore\n    values: {2020-01-01: {}}",
               "{fact: template.quality, is: red}", DENY_TESTS("template.quality: red", "template.quality: green")),
     DIFF_LOOSER},
};

static struct ruleset *compiled(const char *name, const char *text)
{
    struct ruleset *rs = NULL;
    struct err e = {0};
    if (ruleset_compile(&rs, name, str_of(text), &e) != 0)
        fail_msg("%s", e.text);
    return rs;
}

TEST(named_changes)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        struct ruleset *a = compiled(named[i].name, named[i].before), *b = compiled(named[i].name, named[i].after);
        struct arena *mem = arena_create(64u << 20);
        struct ruleset_diff d;
        struct err e = {0};
        assert_ok(ruleset_diff(a, b, NOW, mem, &d, &e), e);
        if (d.relation != named[i].want)
            fail_msg("%s: %s, want %s", named[i].name, diff_relation_name(d.relation),
                     diff_relation_name(named[i].want));
        arena_free(mem);
        ruleset_free(a);
        ruleset_free(b);
    }
}

/* What was read to write a rule down is part of its words. */
TEST(another_source_is_another_text)
{
    static const char *const source[] = {"", ", source: 'a book'", ", source: 'another book'"};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++) {
            struct ruleset *rs[2];
            struct arena *mem = arena_create(64u << 20);
            struct ruleset_diff d;
            struct err e = {0};
            for (size_t side = 0; side < 2; side++) {
                char text[2048];
                snprintf(text, sizeof text,
                         HEAD
                         "  - id: a\n    title: T\n    verdict: deny\n    code: 1\n    reason: R.\n    change: c\n"
                         "    when: " BOTH "\n    on_unknown: ignore\n    values: {2020-01-01: {}}\n"
                         "    cite: [{title: T, url: 'https://example.org/t', read: 2026-11-21%s}]\n    tests:\n%s",
                         source[side == 0 ? i : k], DENY_TESTS("template.quality: red", "template.quality: green"));
                rs[side] = compiled("source", text);
            }
            assert_ok(ruleset_diff(rs[0], rs[1], NOW, mem, &d, &e), e);
            assert_int_equal(d.relation, DIFF_SAME);
            assert_int_equal(d.n_rules, i != k);
            assert_true(i == k || d.rule[0].change == DIFF_TEXT);
            arena_free(mem);
            ruleset_free(rs[0]);
            ruleset_free(rs[1]);
        }
}

/* More cells than can be looked at: what is found is shown, what is not proven is not claimed. */
TEST(what_is_too_large_is_not_proven)
{
    static struct generated a, b;
    struct arena *mem = arena_create(64u << 20);
    struct ruleset_diff d;
    struct err e = {0};
    uint64_t seed = 7;
    some_book(&a, &seed);
    struct rule *r = &a.rule[0];
    *r = (struct rule){.id = a.id[0], .title = "", .reason = "", .change = "", .confidence = "", .applies = NO_NODE};
    r->values = (struct values){.n_rows = 1, .n_names = 2, .name = (void *)names, .row = a.row[0]};
    r->verdict = VERDICT_DENY;
    r->on_unknown = UNKNOWN_IGNORE;
    r->when = a.rs.n_nodes;
    a.node[a.rs.n_nodes++] = (struct node){.op = OP_ALL};
    for (uint8_t i = 0; i < RULE_FACTS_MAX; i++) {
        struct node *n = &a.node[a.rs.n_nodes++];
        *n = (struct node){.op = OP_BEFORE, .fact = (uint8_t)(FACT_MARKETING_SENT_1 + i), .end = a.rs.n_nodes};
        n->other = (uint8_t)(FACT_MARKETING_SENT_1 + (i + 1) % RULE_FACTS_MAX);
        n->slot = slot_of(r, n->fact);
        n->other_slot = slot_of(r, n->other);
    }
    a.node[r->when].end = a.rs.n_nodes;
    a.rs.n_rules = 2;
    point_at_own(&a);
    b = a;
    point_at_own(&b);
    b.rule[0].verdict = VERDICT_HOLD;
    b.rule[0].until.kind = UNTIL_NOW_PLUS;
    b.rule[0].until.arg = (struct operand){.constant = {HOUR}, .value = {-1, -1}};
    a.rs.decides = b.rs.decides = false;
    a.rs.n_basis = b.rs.n_basis = 0;
    a.rs.n_rules = b.rs.n_rules = 1;
    assert_ok(ruleset_diff(&a.rs, &b.rs, NOW, mem, &d, &e), e);
    assert_int_equal(d.relation, DIFF_UNPROVEN);
    assert_true(d.sampled && !d.never_looser && !d.never_stricter);
    arena_free(mem);
}

TESTS(T(no_answer_is_wrong), T(named_changes), T(another_source_is_another_text), T(what_is_too_large_is_not_proven))
