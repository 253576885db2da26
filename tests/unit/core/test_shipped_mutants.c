/* SPDX-License-Identifier: Apache-2.0
 * test_shipped_mutants.c - do the tests inside the shipped rule files notice when a rule is wrong?
 *
 * Every shipped rule is changed in small ways a slip of the pen makes: a comparison negated, all for any, a word left
 * out, a threshold or an hour moved by its smallest unit, another on_unknown. After each change the rule's own proof and
 * tests run as they do when a file is loaded; a change that passes them is a survivor. At least 95 of 100 must be
 * noticed. A change that can make no difference is not made: a threshold below zero, an hour beyond its day. */
#include "shipped_fixture.h"

#include "core/ruleset_build.h"

struct lab {
    struct ruleset *rs;
    struct rule *rule;
    const struct yaml *yaml; /* of the rule */
    struct arena *tmp;
    const char *names[FACT_COUNT + 1];
    size_t made, noticed;
};

static bool survives(struct lab *l)
{
    struct err e = {0};
    struct builder b = {.rs = l->rs, .fact_names = l->names, .tmp = arena_create(4u << 20)};
    assert_non_null(b.tmp);
    bool passed = rule_check(&b, l->rule, l->yaml, &e) == 0;
    arena_free(b.tmp);
    return passed;
}

static void count(struct lab *l, const char *what, int64_t from)
{
    bool survived = survives(l);
    l->made++;
    l->noticed += !survived;
    if (survived)
        print_message("survivor: %s, %s %lld\n", rule_id(l->rule), what, (long long)from);
}

/* ---- conditions ---- */

static void mutate_words(struct lab *l, struct node *n)
{
    uint64_t words = n->words;
    if ((words & (words - 1)) == 0)
        return; /* one word: negating says all */
    for (unsigned w = 0; w < 64; w++) {
        if (!(words >> w & 1))
            continue;
        n->words = words & ~((uint64_t)1 << w);
        count(l, "without word", w);
    }
    n->words = words;
}

static void mutate_list(struct lab *l, struct node *n)
{
    int64_t *list = (int64_t *)(uintptr_t)l->rs->list + n->list;
    if (n->n_list < 2)
        return;
    for (uint32_t i = 0; i < n->n_list; i++) {
        int64_t kept = list[i];
        list[i] = INT64_MAX;
        count(l, "without entry", i);
        list[i] = kept;
    }
}

static void mutate_op(struct lab *l, struct node *n, uint8_t other, const char *what)
{
    uint8_t op = n->op;
    n->op = other;
    count(l, what, op);
    n->op = op;
}

static void mutate_leaf(struct lab *l, struct node *n)
{
    static const struct {
        uint8_t from, to;
    } swaps[] = {{OP_LT, OP_LE}, {OP_LE, OP_LT},       {OP_GT, OP_GE},
                 {OP_GE, OP_GT}, {OP_OLDER, OP_NEWER}, {OP_NEWER, OP_OLDER}};
    if (n->op == OP_OUTSIDE || n->op == OP_HOLIDAY) {
        mutate_op(l, n, OP_KNOWN, "the calendar not asked");
        return;
    }
    if (n->op == OP_BEFORE) {
        uint8_t fact = n->fact;
        n->fact = n->other;
        n->other = fact;
        count(l, "before turned round", fact);
        n->other = n->fact;
        n->fact = fact;
        return;
    }
    n->negate = !n->negate;
    count(l, "negated comparison with fact", n->fact);
    n->negate = !n->negate;
    for (size_t i = 0; i < sizeof swaps / sizeof swaps[0]; i++)
        if (n->op == swaps[i].from)
            mutate_op(l, n, swaps[i].to, "swapped comparison");
    if (n->op == OP_WORDS)
        mutate_words(l, n);
    if (n->op == OP_LIST)
        mutate_list(l, n);
}

static int64_t unit_of(enum fact_type type, int64_t v)
{
    return type == FACT_TYPE_INT ? 1 : v < 1000 ? 1 : 1000;
}

static void mutate_number(struct lab *l, int64_t *v, int64_t unit, const char *what)
{
    int64_t kept = *v;
    *v = kept + unit;
    count(l, what, kept);
    *v = kept - unit;
    if (*v >= 0)
        count(l, what, kept);
    *v = kept;
}

static void mutate_tree(struct lab *l, uint32_t root)
{
    struct node *nodes = (struct node *)(uintptr_t)l->rs->node;
    for (uint32_t i = root; root != NO_NODE && i < nodes[root].end; i++) {
        struct node *n = &nodes[i];
        if (n->op == OP_ALL || n->op == OP_ANY) {
            if (nodes[i + 1].end < n->end)
                mutate_op(l, n, n->op == OP_ALL ? OP_ANY : OP_ALL, "all and any swapped, was");
        } else if (n->op != OP_NOT) {
            mutate_leaf(l, n);
            bool number = n->op >= OP_LT && n->op <= OP_AHEAD;
            for (int t = 0; number && t < (n->arg.sign == 0 ? 1 : 2); t++)
                if (n->arg.value[t] < 0)
                    mutate_number(l, &n->arg.constant[t], unit_of(fact_info[n->fact].type, n->arg.constant[t]),
                                  "moved threshold");
        }
    }
}

/* ---- values, hours, ends ---- */

static bool uses(const struct operand *o, int value)
{
    return o->value[0] == value || (o->sign != 0 && o->value[1] == value);
}

/* Whether the rule itself computes with this value, or only the gateway reads it. */
static bool is_used(const struct lab *l, int value)
{
    const uint32_t roots[] = {l->rule->applies, l->rule->when};
    if (l->rule->until.kind != UNTIL_NONE && uses(&l->rule->until.arg, value))
        return true;
    for (size_t r = 0; r < 2; r++)
        for (uint32_t i = roots[r]; roots[r] != NO_NODE && i < l->rs->node[roots[r]].end; i++)
            if (l->rs->node[i].op > OP_NOT && uses(&l->rs->node[i].arg, value))
                return true;
    return false;
}

/* Whether the condition asks for these hours, or only the end of a hold, for which closings do not matter. */
static bool in_condition(const struct lab *l, int value)
{
    for (uint32_t i = l->rule->when; i < l->rs->node[l->rule->when].end; i++)
        if (l->rs->node[i].op == OP_OUTSIDE && uses(&l->rs->node[i].arg, value))
            return true;
    return false;
}

/* Moves every opening (or closing) that stands at this minute of a day. */
static bool move_edges(struct hours *h, const struct hours *was, bool close, uint16_t at, int by)
{
    for (uint8_t i = 0; i < h->n; i++) {
        uint16_t *edge = close ? &h->to[i] : &h->from[i];
        if ((close ? was->to[i] : was->from[i]) % 1440 == at)
            *edge = (uint16_t)(*edge + by);
        if (*edge > 2 * MINUTES_A_WEEK || h->from[i] >= h->to[i])
            return false;
    }
    return true;
}

static void mutate_hours(struct lab *l, struct hours *h, bool closings)
{
    const struct hours was = *h;
    bool seen[2][1440] = {{false}};
    for (unsigned i = 0; i < (closings ? 2u : 1u) * was.n; i++) {
        bool close = i >= was.n;
        uint16_t at = (uint16_t)((close ? was.to[i - was.n] : was.from[i]) % 1440);
        if (seen[close][at])
            continue;
        seen[close][at] = true;
        for (int by = -1; by <= 1; by += 2) {
            *h = was;
            if (move_edges(h, &was, close, at, by))
                count(l, close ? "moved closing, minute" : "moved opening, minute", at);
        }
    }
    *h = was;
}

static void mutate_values(struct lab *l)
{
    const struct values *v = &l->rule->values;
    size_t last = v->n_rows - 1u;
    if (v->row[last].v == NULL)
        last--;
    for (int i = 0; i < v->n_names; i++) {
        int64_t *value = (int64_t *)(uintptr_t)&v->row[last].v[i];
        if (!is_used(l, i))
            continue;
        if (v->kind[i] == VALUE_HOURS)
            mutate_hours(l, (struct hours *)(uintptr_t)&l->rs->hours[*value], in_condition(l, i));
        else
            mutate_number(l, value, unit_of(v->kind[i] == VALUE_INT ? FACT_TYPE_INT : FACT_TYPE_TIME, *value),
                          v->name[i]);
    }
}

static void mutate_rest(struct lab *l)
{
    struct rule *r = l->rule;
    uint8_t unknown = r->on_unknown;
    for (uint8_t u = UNKNOWN_DENY; u <= UNKNOWN_IGNORE; u++) {
        if (u == unknown)
            continue;
        int64_t kept = r->unknown_hold;
        r->on_unknown = u;
        r->unknown_hold = kept ? kept : 60000;
        count(l, "other on_unknown", u);
        r->unknown_hold = kept;
    }
    r->on_unknown = unknown;
    if (r->until.sign != 0) {
        r->until.sign = (int8_t)-r->until.sign;
        count(l, "until turned round", 0);
        r->until.sign = (int8_t)-r->until.sign;
    }
}

/* ---- files ---- */

static const struct yaml *rule_in(const struct yaml *root, const char *id)
{
    for (const struct yaml *c = yaml_get(root, "rules")->child; c != NULL; c = c->next)
        if (str_eq(yaml_get(c, "id")->text, str_of(id)))
            return c;
    fail_msg("no rule %s in the file", id);
    return NULL;
}

static void mutate_file(struct lab *l, const char *path)
{
    struct err e = {0};
    struct yaml *root;
    struct arena *tree = arena_create(64u << 20);
    assert_non_null(tree);
    assert_ok(yaml_parse_file(tree, path, &root, &e), e);
    assert_ok(ruleset_load(&l->rs, path, &e), e);
    for (size_t i = 0; i < ruleset_count(l->rs); i++) {
        l->rule = &l->rs->rule[i];
        if (l->rule->builtin != BUILTIN_NONE)
            continue;
        l->yaml = rule_in(root, l->rule->id);
        if (!survives(l))
            fail_msg("%s: rule %s does not pass unchanged", path, l->rule->id);
        mutate_tree(l, l->rule->applies);
        mutate_tree(l, l->rule->when);
        mutate_values(l);
        mutate_rest(l);
    }
    ruleset_free(l->rs);
    arena_free(tree);
}

TEST(the_tests_in_the_files_notice_what_goes_wrong)
{
    struct lab l = {0};
    struct shipped s;
    shipped_files(&s);
    for (size_t i = 0; i < FACT_COUNT; i++)
        l.names[i] = fact_info[i].name;
    for (size_t i = 0; i < s.n; i++)
        mutate_file(&l, s.path[i]);
    print_message("%zu of %zu changes noticed (%zu permille)\n", l.noticed, l.made, l.noticed * 1000 / l.made);
    assert_true(l.made > 900);
    assert_true(l.noticed * 100 >= l.made * 95);
}

TESTS(T(the_tests_in_the_files_notice_what_goes_wrong))
