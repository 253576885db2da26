/* SPDX-License-Identifier: Apache-2.0
 * ruleset_search.c - a whole message about which two books differ, grown around the few facts on which one rule does.
 *
 * The facts of the rule are pinned. The rest begins as an ordinary message that is usually allowed and is then repaired:
 * as long as the weaker book says as much as the stronger one, a rule that makes it do so is chosen, and one of its free
 * facts (or two) takes the value that leaves the least to be repaired. Later attempts turn wrong at times, which leads out
 * of dead ends; the numbers for it are always the same. A search may fail where an example exists; it
 * never returns one that is none, because both books are asked about it in the end. */
#include "core/intent.h"
#include "core/ruleset_diff_impl.h"
#include "core/template.h"

#define STEPS_MAX   40
#define ARENA_MAX   (8u << 20)
#define PAIRS_MAX   3000 /* combinations of two facts tried in one step */
#define GRID_EFFORT 150  /* what making a grid costs, in rules judged */
#define DAY         86400000
#define NO_PLACE    SIZE_MAX

struct search {
    const struct ruleset *weak;
    struct arena *arena;
    struct facts facts;
    bool pinned[FACT_COUNT];
    struct say target; /* the weak book must say less */
    int64_t now;
    uint64_t *effort, seed;
    bool noisy;
};

/* An approved marketing template to a person who opted in lately, from a number in good standing. */
static void ordinary_template(struct facts *f, int64_t now)
{
    static const struct {
        enum fact_id id;
        int64_t v;
    } usual[] = {
        {FACT_MESSAGE_KIND, INTENT_TEMPLATE},
        {FACT_MESSAGE_CATEGORY, CATEGORY_MARKETING},
        {FACT_MESSAGE_PATH, PATH_MESSAGES},
        {FACT_MESSAGE_TYPE_REACTION, false},
        {FACT_RECIPIENT_FORM, IDENTITY_PHONE},
        {FACT_RECIPIENT_VALID, true},
        {FACT_RECIPIENT_IS_SENDER, false},
        {FACT_RECIPIENT_UNDELIVERABLE_AT, 0},
        {FACT_CONSENT_STATUS, 1},
        {FACT_CONSENT_PLATFORM_STOP, false},
        {FACT_CONSENT_PLATFORM_AT, 0},
        {FACT_WINDOW_LAST_INBOUND, 0},
        {FACT_TEMPLATE_KNOWN, true},
        {FACT_TEMPLATE_STATUS, TEMPLATE_APPROVED},
        {FACT_TEMPLATE_FIT, FIT_OK},
        {FACT_PAIR_TAT, 0},
        {FACT_SENDER_STATUS, 1},
        {FACT_SENDER_QUALITY, 1},
        {FACT_SENDER_FREE_AT, 0},
        {FACT_TEMPLATE_QUALITY, 1},
        {FACT_ACCOUNT_STATE, 0},
        {FACT_ACCOUNT_TEMPLATES_UNTIL, 0},
        {FACT_ACCOUNT_MESSAGES_UNTIL, 0},
        {FACT_ACCOUNT_UTILITY_UNTIL, 0},
        {FACT_ACCOUNT_PAYMENT_AT, 0},
        {FACT_PORTFOLIO_LIMIT, 0},
        {FACT_PORTFOLIO_USED, 0},
        {FACT_PORTFOLIO_FREE_AT, 0},
        {FACT_PORTFOLIO_RESERVE_AT, 0},
        {FACT_CONSENT_RANK, 5},
        {FACT_RECIPIENT_ENGAGEMENT_AT, 0},
        {FACT_RECIPIENT_EXPERIMENT_AT, 0},
        {FACT_RECIPIENT_UTC_MIN, 0},
        {FACT_RECIPIENT_UTC_MAX, 0},
        {FACT_DUPLICATE_SAME_AT, 0},
        {FACT_DUPLICATE_NEAR_AT, 0},
    };
    *f = (struct facts){0};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        fact_set(f, usual[i].id, usual[i].v);
    for (int i = FACT_MARKETING_SENT_1; i <= FACT_MARKETING_SENT_16; i++)
        fact_set(f, (enum fact_id)i, 0);
    fact_set(f, FACT_CONSENT_AT, now - 30 * (int64_t)DAY);
    fact_set_code(f, FACT_RECIPIENT_COUNTRY, "BR");
    fact_set_code(f, FACT_SENDER_COUNTRY, "BR");
}

/* The answer to somebody who wrote an hour ago. */
static void ordinary_answer(struct facts *f, int64_t now)
{
    ordinary_template(f, now);
    fact_set(f, FACT_MESSAGE_KIND, INTENT_FREEFORM);
    fact_set(f, FACT_MESSAGE_CATEGORY, CATEGORY_SERVICE);
    fact_set(f, FACT_WINDOW_LAST_INBOUND, now - DAY / 24);
    f->known[FACT_TEMPLATE_KNOWN] = f->known[FACT_TEMPLATE_STATUS] = f->known[FACT_TEMPLATE_FIT] = false;
}

/* What the weak book says too much, and the first rule that says it (n_rules: the basis). */
static uint32_t cost_of(const struct search *s, size_t *ret_first)
{
    const struct ruleset *rs = s->weak;
    uint32_t cost = 0;
    size_t first = NO_PLACE;
    *s->effort -= *s->effort > rs->n_rules ? rs->n_rules : *s->effort;
    for (size_t i = 0; i <= rs->n_rules; i++) {
        struct say one =
            i < rs->n_rules ? rule_say(rs, &rs->rule[i], &s->facts, s->now) : basis_say(rs, &s->facts, s->now);
        if (say_less(one, s->target))
            continue;
        cost += one.verdict;
        first = first == NO_PLACE ? i : first;
    }
    if (ret_first != NULL)
        *ret_first = first;
    return cost;
}

struct change {
    const struct axis *x, *y; /* y NULL: one fact only */
    uint32_t i, k;
    uint32_t cost;
};

static void try_change(struct search *s, struct change *best, const struct axis *x, uint32_t i, const struct axis *y,
                       uint32_t k)
{
    struct facts kept = s->facts;
    axis_cell(x, i, &s->facts);
    if (y != NULL)
        axis_cell(y, k, &s->facts);
    uint32_t cost = cost_of(s, NULL);
    if (cost < best->cost)
        *best = (struct change){x, y, i, k, cost};
    s->facts = kept;
}

static void try_one(struct search *s, const struct grid *g, struct change *best)
{
    for (size_t a = 0; a < g->n && best->cost > 0; a++)
        for (uint32_t i = 0; i <= g->axis[a].n && !s->pinned[g->axis[a].fact]; i++)
            try_change(s, best, &g->axis[a], i, NULL, 0);
}

static void try_two(struct search *s, const struct grid *g, struct change *best)
{
    size_t tried = 0;
    for (size_t a = 0; a < g->n; a++)
        for (size_t b = a + 1; b < g->n && !s->pinned[g->axis[a].fact]; b++)
            for (uint32_t i = 0; i <= g->axis[a].n && !s->pinned[g->axis[b].fact]; i++)
                for (uint32_t k = 0; k <= g->axis[b].n; k++)
                    if (best->cost > 0 && tried++ < PAIRS_MAX)
                        try_change(s, best, &g->axis[a], i, &g->axis[b], k);
}

static uint64_t below(struct search *s, uint64_t n)
{
    uint64_t z = s->seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    return ((z ^ (z >> 27)) >> 16) % n;
}

/* Any free fact of the rule takes any value. */
static bool turn_wrong(struct search *s, const struct grid *g)
{
    size_t a = g->n > 0 ? below(s, g->n) : 0;
    if (g->n == 0 || s->pinned[g->axis[a].fact])
        return false;
    axis_cell(&g->axis[a], (uint32_t)below(s, g->axis[a].n + 1u), &s->facts);
    return true;
}

/* Whether any fact of a rule may still be chosen; those of the basis are not listed. */
static bool has_free_fact(const struct search *s, size_t rule)
{
    bool is_free = rule == s->weak->n_rules;
    for (uint8_t i = 0; !is_free && i < s->weak->rule[rule].facts.n; i++)
        is_free = !s->pinned[s->weak->rule[rule].facts.fact[i]];
    return is_free;
}

/* The best change to the facts of one rule (n_rules: the basis) that lessens the cost. */
static bool repair(struct search *s, size_t rule, uint32_t cost)
{
    struct change best = {.cost = cost};
    struct grid *g = has_free_fact(s, rule) ? arena_new(s->arena, struct grid) : NULL;
    if (g == NULL)
        return false;
    grid_init(g, s->arena, s->now);
    if (rule < s->weak->n_rules)
        grid_add_rule(g, s->weak, &s->weak->rule[rule]);
    for (size_t i = 0; rule == s->weak->n_rules && i < s->weak->n_basis; i++)
        grid_add_tree(g, s->weak, &s->weak->basis[i].values, s->weak->basis[i].when);
    if (grid_close(g) != 0)
        return false;
    *s->effort -= *s->effort > GRID_EFFORT ? GRID_EFFORT : *s->effort;
    if (s->noisy && below(s, 3) == 0 && turn_wrong(s, g))
        return true;
    try_one(s, g, &best);
    if (best.x == NULL)
        try_two(s, g, &best);
    if (best.x == NULL)
        return false;
    axis_cell(best.x, best.i, &s->facts);
    if (best.y != NULL)
        axis_cell(best.y, best.k, &s->facts);
    return true;
}

/* Repairs until the weak book says less than the target, or nothing helps. */
static bool walk(struct search *s)
{
    for (int step = 0; step<STEPS_MAX && * s->effort> 0; step++) {
        size_t first, blocked;
        uint32_t cost = cost_of(s, &first);
        if (first == NO_PLACE)
            return true;
        if (repair(s, first, cost))
            continue;
        bool helped = false;
        for (blocked = first + 1; blocked <= s->weak->n_rules && !helped; blocked++) {
            const struct ruleset *rs = s->weak;
            struct say one = blocked < rs->n_rules ? rule_say(rs, &rs->rule[blocked], &s->facts, s->now)
                                                   : basis_say(rs, &s->facts, s->now);
            helped = !say_less(one, s->target) && repair(s, blocked, cost);
        }
        if (!helped)
            return false;
    }
    return false;
}

static bool tree_mentions(const struct ruleset *rs, uint32_t root, uint8_t fact)
{
    for (uint32_t i = root; i < rs->node[root].end; i++)
        if (rs->node[i].op > OP_NOT && (rs->node[i].fact == fact || rs->node[i].other == fact))
            return true;
    return false;
}

static bool book_mentions(const struct ruleset *rs, uint8_t fact)
{
    for (size_t i = 0; i < rs->n_rules; i++)
        for (uint8_t k = 0; k < rs->rule[i].facts.n; k++)
            if (rs->rule[i].facts.fact[k] == fact)
                return true;
    for (size_t i = 0; i < rs->n_basis; i++)
        if (tree_mentions(rs, rs->basis[i].when, fact))
            return true;
    return false;
}

/* A message is shown with what the rules look at; the rest would only be noise. */
static void forget_others(const struct comparison *c, struct facts *f)
{
    for (int id = 0; id < FACT_COUNT; id++)
        if (!book_mentions(c->book[0], (uint8_t)id) && !book_mentions(c->book[1], (uint8_t)id))
            f->known[id] = false;
}

bool example_confirm(const struct comparison *c, enum direction dir, const struct facts *f, int64_t now,
                     struct diff_example *ret)
{
    struct diff_example x = {.found = true, .facts = *f, .at = now};
    struct say before = book_say(c->book[0], f, now, &x.before_rule);
    struct say after = book_say(c->book[1], f, now, &x.after_rule);
    if (!(dir == LOOSER ? say_less(after, before) : say_less(before, after)))
        return false;
    x.before = before.verdict;
    x.after = after.verdict;
    x.before_until = before.until;
    x.after_until = after.until;
    forget_others(c, &x.facts);
    *ret = x;
    return true;
}

static void take_pinned(struct search *s, const struct facts *pinned)
{
    for (int id = 0; id < FACT_COUNT; id++) {
        if (!s->pinned[id])
            continue;
        s->facts.known[id] = pinned->known[id];
        s->facts.value[id] = pinned->value[id];
    }
}

bool search_example(struct comparison *c, const struct search_goal *goal, int attempt, struct diff_example *ret)
{
    static void (*const starts[])(struct facts *, int64_t) = {ordinary_template, ordinary_answer};
    const struct facts *pinned = goal->pinned;
    struct search s = {.weak = c->book[!goal->dir], .target = goal->target, .now = goal->now, .effort = &c->effort};
    bool answer = pinned->known[FACT_MESSAGE_KIND] && pinned->value[FACT_MESSAGE_KIND] == INTENT_FREEFORM;
    for (size_t k = 0; k < goal->grid->n; k++)
        s.pinned[goal->grid->axis[k].fact] = true;
    starts[answer != (attempt % 2 != 0)](&s.facts, goal->now);
    s.noisy = attempt >= 2;
    s.seed = (uint64_t)attempt;
    take_pinned(&s, pinned);
    if (is_receipt(&s.facts) || (s.arena = arena_create(ARENA_MAX)) == NULL)
        return false;
    bool found = walk(&s) && example_confirm(c, goal->dir, &s.facts, goal->now, ret);
    arena_free(s.arena);
    return found;
}
