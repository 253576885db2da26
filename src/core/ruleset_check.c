/* SPDX-License-Identifier: Apache-2.0
 * ruleset_check.c - what a rule must prove before its set is accepted.
 *
 * First by enumeration: every fact the rule mentions takes the values at which the rule's answer could turn
 * (ruleset_cells.h), in every place and moment at which the calendar's could (ruleset_places.h), and over all combinations the rule must be true for
 * some and false for some; a condition that contradicts itself is found here. A rule with too many combinations is left to
 * its tests. Then the rule's own tests run: at least two, one in which it fires because its condition is true and one in
 * which it is silent because its condition is false. Test times are written relative to the test's `now`, which is the day
 * of the newest values unless the test names another. */
#include "core/ruleset_build.h"

#include "base/clock.h"
#include "core/facts_read.h"
#include "core/ruleset_cells.h"

#define COMBINATIONS_MAX 200000 /* above that the proof is left to the tests */
#define CELLS_BYTES      (8u << 20)
#define DAY_MS           INT64_C(86400000)

/* ---- proof ---- */

/* Tries all combinations at one moment, in one place (NULL: some, and nobody knows where); false when there are too many
 * to try. */
static bool try_at(const struct builder *b, const struct rule *r, int64_t now, const struct place *place,
                   struct arena *mem, uint64_t *budget, bool seen[3])
{
    struct grid *g = arena_new(mem, struct grid);
    struct facts f = {0};
    if (g == NULL)
        return false;
    grid_init(g, mem, now);
    grid_add_rule(g, b->rs, r);
    if (grid_close(g) != 0 || !g->exact)
        return false;
    if (place != NULL)
        grid_put(g, place);
    if (grid_points(g) > *budget)
        return false;
    *budget -= grid_points(g);
    for (uint64_t i = 0; i < grid_points(g) && !(seen[TRI_TRUE] && seen[TRI_FALSE]); i++) {
        grid_point(g, i, &f);
        seen[rule_truth(b->rs, r, &f, now)] = true;
    }
    return true;
}

/* All combinations everywhere in [since, end), until the rule was both true and false. */
static bool try_places(const struct builder *b, const struct rule *r, int64_t since, int64_t end, uint64_t *budget,
                       bool seen[3])
{
    struct arena *keep = arena_create(CELLS_BYTES), *mem = arena_create(CELLS_BYTES);
    struct places *places = keep != NULL ? arena_new(keep, struct places) : NULL;
    const struct places_rule rules[2] = {{b->rs, r}, {NULL, NULL}};
    bool all = mem != NULL && places != NULL && ruleset_places_find(keep, rules, since, end, *budget, places) == 0;
    for (size_t i = 0; all && i < places->n && !(seen[TRI_TRUE] && seen[TRI_FALSE]); i++) {
        arena_reset(mem);
        all = try_at(b, r, places->place[i].at, &places->place[i], mem, budget, seen);
    }
    all = all && places->exact;
    arena_free(mem);
    arena_free(keep);
    return all;
}

/* False when that is too much. */
static bool try_all(struct builder *b, const struct rule *r, int64_t since, bool seen[3])
{
    uint64_t budget = COMBINATIONS_MAX;
    struct arena *mem = arena_create(CELLS_BYTES);
    int64_t end = TIME_LAST;
    for (uint16_t i = 0; i < r->values.n_rows; i++) /* an ended rule is silent after its end: that proves nothing */
        end = r->values.row[i].since > since && r->values.row[i].since < end ? r->values.row[i].since : end;
    bool all = mem != NULL && try_at(b, r, since, NULL, mem, &budget, seen);
    arena_free(mem);
    return all && ((seen[TRI_TRUE] && seen[TRI_FALSE]) || try_places(b, r, since, end, &budget, seen));
}

static int prove(struct builder *b, const struct rule *r, int64_t since, const struct yaml *n, struct err *e)
{
    bool seen[3] = {false, false, false};
    if (!try_all(b, r, since, seen))
        return 0;
    if (!seen[TRI_TRUE])
        return yaml_error(yaml_get(n, "when"), e, "rule %s can never fire: its condition contradicts itself", r->id);
    if (!seen[TRI_FALSE])
        return yaml_error(yaml_get(n, "when"), e, "rule %s always fires: its condition is true whatever the facts",
                          r->id);
    return 0;
}

/* ---- tests ---- */

struct rule_test {
    struct facts facts;
    int64_t now;
    int expect; /* enum verdict; ALLOW: no finding */
    bool has_until;
    int64_t until;
};

static int read_time(const struct yaml *n, struct str text, int64_t now, int64_t *ret, struct err *e)
{
    struct err why = {0};
    int rc = facts_read_time(text, now, ret, &why);
    return rc == 0 ? 0 : yaml_error(n, e, "%s", why.text);
}

static int read_given(struct builder *b, const struct yaml *given, struct rule_test *t, struct err *e)
{
    struct str text;
    int rc = 0;
    if (given->kind != YAML_MAPPING)
        return yaml_error(given, e, "must map facts to values");
    for (const struct yaml *c = given->child; c != NULL && rc == 0; c = c->next) {
        struct yaml name = *c;
        uint8_t fact;
        int64_t v = 0;
        name.kind = YAML_SCALAR;
        name.text = c->key;
        if ((rc = expr_fact(b, &name, &fact, e)) != 0)
            return rc;
        if (fact_info[fact].type != FACT_TYPE_TIME)
            rc = expr_fact_value(b, fact, c, &v, e);
        else if ((rc = yaml_str(c, &text, e)) == 0)
            rc = read_time(c, text, t->now, &v, e);
        if (rc == 0)
            fact_set(&t->facts, (enum fact_id)fact, v);
    }
    return rc;
}

static int read_expect(const struct yaml *n, struct rule_test *t, struct err *e)
{
    static const char *const words[] = {"none", "hold", "deny", NULL};
    struct str text, until = STR("hold until ");
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    if (str_starts(text, until)) {
        t->expect = VERDICT_HOLD;
        t->has_until = true;
        return read_time(n, (struct str){text.p + until.n, text.n - until.n}, t->now, &t->until, e);
    }
    for (int i = 0; words[i] != NULL; i++) {
        if (str_eq(text, str_of(words[i]))) {
            t->expect = i;
            return 0;
        }
    }
    return yaml_error(n, e, "must be none, deny, hold, or \"hold until\" and a time");
}

static int read_test(struct builder *b, const struct yaml *n, int64_t newest, struct rule_test *t, struct err *e)
{
    static const char *const keys[] = {"given", "now", "expect", NULL};
    const struct yaml *given = yaml_get(n, "given"), *now = yaml_get(n, "now"), *expect = yaml_get(n, "expect");
    struct str text;
    int rc = yaml_known_keys(n, keys, "test", e);
    if (rc != 0)
        return rc;
    if (given == NULL || expect == NULL)
        return yaml_error(n, e, "a test needs `given` and `expect`");
    *t = (struct rule_test){.now = newest};
    if (now != NULL && ((rc = yaml_str(now, &text, e)) != 0 || (rc = read_time(now, text, newest, &t->now, e)) != 0))
        return rc;
    if ((rc = read_given(b, given, t, e)) != 0)
        return rc;
    return read_expect(expect, t, e);
}

static int run_test(struct builder *b, const struct rule *r, const struct rule_test *t, const struct yaml *n,
                    struct err *e)
{
    struct finding fi = {.verdict = VERDICT_ALLOW};
    bool fires = rule_judge(b->rs, r, &t->facts, t->now, &fi);
    int got = fires ? fi.verdict : VERDICT_ALLOW;
    if (got != t->expect)
        return yaml_error(n, e, "rule %s fails its test: expected %s, got %s%s", r->id,
                          t->expect == VERDICT_ALLOW ? "none" : verdict_name((enum verdict)t->expect),
                          fires ? verdict_name((enum verdict)got) : "none", fi.unknown ? " (by on_unknown)" : "");
    if (t->has_until && fi.until != t->until) {
        char is[TIME_TEXT], should[TIME_TEXT];
        return yaml_error(n, e, "rule %s fails its test: expected a hold until %s, got %s", r->id,
                          time_text(t->until, should), time_text(fi.until, is));
    }
    return 0;
}

/* A list of holidays must speak when the rule does: on a day before it nobody could be told a holiday from any other. */
static int check_list(const struct builder *b, const struct rule *r, uint32_t list, const struct yaml *rule,
                      struct err *e)
{
    const struct holiday_list *l = &b->rs->holidays[list];
    char since[TIME_TEXT], first[TIME_TEXT];
    if (l->days.first <= r->values.row[0].since / DAY_MS)
        return 0;
    return yaml_error(yaml_get(rule, "values"), e,
                      "rule %s is in force since %.10s and its holidays of %s since %.10s: list them from the first "
                      "day, or date the rule later",
                      r->id, time_text(r->values.row[0].since, since), l->area,
                      time_text(l->days.first * DAY_MS, first));
}

static int check_lists(const struct builder *b, const struct rule *r, const struct yaml *rule, struct err *e)
{
    const uint32_t roots[] = {r->applies, r->when};
    int rc = r->until.list != NO_LIST ? check_list(b, r, r->until.list, rule, e) : 0;
    for (size_t k = 0; k < 2; k++)
        for (uint32_t i = roots[k]; rc == 0 && roots[k] != NO_NODE && i < b->rs->node[roots[k]].end; i++)
            if (b->rs->node[i].op == OP_HOLIDAY)
                rc = check_list(b, r, b->rs->node[i].list, rule, e);
    return rc;
}

int rule_check(struct builder *b, const struct rule *r, const struct yaml *rule, struct err *e)
{
    const struct yaml *tests = yaml_get(rule, "tests");
    size_t last = r->values.n_rows - 1u; /* an ended rule is proven and tested as it was last */
    int64_t newest = r->values.row[r->values.row[last].v == NULL ? last - 1 : last].since;
    bool fires = false, silent = false;
    int rc = check_lists(b, r, rule, e);
    if (rc != 0 || (rc = prove(b, r, newest, rule, e)) != 0)
        return rc;
    if (tests->kind != YAML_SEQUENCE || tests->children < 2)
        return yaml_error(tests, e, "rule %s needs at least two tests", r->id);
    for (const struct yaml *c = tests->child; c != NULL; c = c->next) {
        struct rule_test t;
        if ((rc = read_test(b, c, newest, &t, e)) != 0 || (rc = run_test(b, r, &t, c, e)) != 0)
            return rc;
        enum tri truth = rule_truth(b->rs, r, &t.facts, t.now);
        fires = fires || (truth == TRI_TRUE && t.expect != VERDICT_ALLOW);
        silent = silent || (truth == TRI_FALSE && t.expect == VERDICT_ALLOW);
    }
    if (!fires)
        return yaml_error(tests, e, "rule %s has no test in which its condition is true and it fires", r->id);
    if (!silent)
        return yaml_error(tests, e, "rule %s has no test in which its condition is false", r->id);
    return 0;
}
