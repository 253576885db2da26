/* SPDX-License-Identifier: Apache-2.0
 * ruleset_check.c - what a rule must prove before its set is accepted.
 *
 * First by enumeration: every fact the rule mentions takes the values at which the rule's answer could turn (each
 * word, each listed value and one other, both sides of each threshold, unknown), and over all combinations the rule must
 * be true for some and false for some; a condition that contradicts itself is found here. A rule that asks the calendar
 * is tried at UTC at the minutes at which its hours begin and end and on the days before, of and after its holidays. A
 * rule with too many combinations is left to its tests. Then the rule's own tests run: at least two, one in which it fires because its
 * condition is true and one in which it is silent because its condition is false. Test times are written relative
 * to the test's `now`, which is the day of the newest values unless the test names another. */
#include "core/ruleset_build.h"

#include "base/clock.h"

#define CELLS_MAX        64   /* values one fact may take in the proof */
#define CALENDAR_MAX     8    /* hours and lists of holidays of one rule */
#define MOMENTS_MAX      1024 /* times a rule of local time is tried at */
#define MINUTE_MS        60000LL
#define DAY_MS           86400000LL
#define COMBINATIONS_MAX 200000 /* above that the proof is left to the tests */

/* ---- proof ---- */

struct cells {
    size_t n;
    bool unknown; /* whether "unknown" is one more of them */
    int64_t v[CELLS_MAX];
};

static bool cell_add(struct cells *c, int64_t v)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i] == v)
            return true;
    if (c->n == CELLS_MAX)
        return false;
    c->v[c->n++] = v;
    return true;
}

/* Both sides of a threshold. */
static bool cell_around(struct cells *c, int64_t v)
{
    return cell_add(c, add_ms(v, -1)) && cell_add(c, v) && cell_add(c, add_ms(v, 1));
}

static bool cells_of_leaf(const struct view *v, const struct node *n, struct cells *c)
{
    int64_t arg;
    switch (n->op) {
    case OP_LIST:
        for (uint32_t i = 0; i < n->n_list; i++)
            if (!cell_add(c, v->rs->list[n->list + i]))
                return false;
        return cell_add(c, INT64_MAX - 1);
    case OP_OLDER:
    case OP_NEWER:
        arg = operand_at(&n->arg, v->row);
        return cell_around(c, add_ms(v->now, -arg));
    case OP_AHEAD:
        return cell_around(c, add_ms(v->now, operand_at(&n->arg, v->row)));
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return cell_around(c, operand_at(&n->arg, v->row));
    default:
        return true;
    }
}

static bool cells_of_fact(struct builder *b, uint8_t fact, struct cells *c)
{
    const char **words;
    *c = (struct cells){.unknown = true};
    switch (fact_info[fact].type) {
    case FACT_TYPE_BOOL:
        return cell_add(c, 0) && cell_add(c, 1);
    case FACT_TYPE_WORD:
        words = words_of(b->tmp, fact_info[fact].words);
        for (int64_t i = 0; words != NULL && words[i] != NULL; i++)
            if (!cell_add(c, i))
                return false;
        return words != NULL;
    default:
        return cell_add(c, 0); /* "never", no code, zero */
    }
}

static bool cells_of_tree(const struct view *v, uint32_t root, struct cells *cells)
{
    for (uint32_t i = root; i < v->rs->node[root].end; i++) {
        const struct node *n = &v->rs->node[i];
        if (n->op == OP_BEFORE &&
            (!cell_around(&cells[n->slot], v->now) || !cell_around(&cells[n->other_slot], v->now)))
            return false;
        if (n->op > OP_NOT && !cells_of_leaf(v, n, &cells[n->slot]))
            return false;
    }
    return true;
}

/* Sets the facts to combination number `at`. */
static void combination(const struct rule *r, const struct cells *cells, uint64_t at, struct facts *f)
{
    for (uint8_t s = 0; s < r->facts.n; s++) {
        size_t n = cells[s].n + 1, i = at % n;
        enum fact_id id = (enum fact_id)r->facts.fact[s];
        at /= n;
        f->known[id] = i < cells[s].n;
        f->value[id] = i < cells[s].n ? cells[s].v[i] : 0;
    }
}

/* What a rule asks of the calendar. */
struct calendar {
    size_t n_hours, n_lists;
    const struct hours *hours[CALENDAR_MAX];
    const struct holidays *list[CALENDAR_MAX];
};

static bool calendar_of_tree(const struct view *v, uint32_t root, struct calendar *c)
{
    if (root == NO_NODE)
        return true;
    for (uint32_t i = root; i < v->rs->node[root].end; i++) {
        const struct node *n = &v->rs->node[i];
        if (c->n_hours == CALENDAR_MAX || c->n_lists == CALENDAR_MAX)
            return false;
        if (n->op == OP_OUTSIDE)
            c->hours[c->n_hours++] = &v->rs->hours[operand_at(&n->arg, v->row)];
        else if (n->op == OP_HOLIDAY)
            c->list[c->n_lists++] = &v->rs->holidays[n->list].days;
    }
    return true;
}

/* When the rule is tried. */
struct moments {
    size_t n;
    int64_t at[MOMENTS_MAX];
};

static void moment_add(struct moments *m, int64_t at)
{
    if (m->n < MOMENTS_MAX)
        m->at[m->n++] = at;
}

static int64_t monday_of(int64_t ms)
{
    int64_t day = ms >= 0 ? ms / DAY_MS : (ms + 1) / DAY_MS - 1;
    return (day - ((day + 3) % 7 + 7) % 7) * DAY_MS; /* 1970-01-01 was a Thursday */
}

/* The minutes from `first` to `last` at which hours begin or end. */
static void moments_of_hours(struct moments *m, const struct calendar *c, int64_t first, int64_t last)
{
    for (size_t i = 0; i < c->n_hours; i++) {
        for (int k = 0; k < 2 * c->hours[i]->n; k++) {
            int minute = (k % 2 ? c->hours[i]->to[k / 2] : c->hours[i]->from[k / 2]) % MINUTES_A_WEEK;
            int64_t at = monday_of(first) + minute * MINUTE_MS;
            at += at < first ? 7 * DAY_MS : 0;
            if (at <= last)
                moment_add(m, at);
        }
    }
}

/* The day the values came into force, the week after it, and the days around each holiday. */
static void moments_of(struct moments *m, const struct calendar *c, int64_t since)
{
    moment_add(m, since);
    moments_of_hours(m, c, since, since + 7 * DAY_MS - 1);
    for (size_t i = 0; i < c->n_lists; i++) {
        for (size_t k = 0; k < 3 * c->list[i]->n; k++) {
            int64_t day = (c->list[i]->day[k / 3] + (int64_t)(k % 3) - 1) * DAY_MS;
            if (day < since)
                continue;
            moment_add(m, day);
            moments_of_hours(m, c, day, day + DAY_MS - 1);
        }
    }
}

/* Tries all combinations at one moment; false when there are too many to try. */
static bool try_at(struct builder *b, const struct rule *r, int64_t now, uint64_t *budget, bool seen[3])
{
    struct view v = {b->rs, NULL, now, NULL};
    struct cells cells[RULE_FACTS_MAX];
    struct facts f = {0};
    uint64_t total = 1;
    bool possible = values_at(&r->values, now, &v.row);
    for (uint8_t s = 0; s < r->facts.n && possible; s++)
        possible = cells_of_fact(b, r->facts.fact[s], &cells[s]);
    if (!possible || !cells_of_tree(&v, r->when, cells) ||
        (r->applies != NO_NODE && !cells_of_tree(&v, r->applies, cells)))
        return false;
    for (uint8_t s = 0; s < r->facts.n && total <= *budget; s++)
        total *= cells[s].n + 1;
    if (total > *budget)
        return false;
    *budget -= total;
    for (uint64_t i = 0; i < total && !(seen[TRI_TRUE] && seen[TRI_FALSE]); i++) {
        combination(r, cells, i, &f);
        seen[rule_truth(b->rs, r, &f, now)] = true;
    }
    return true;
}

static int prove(struct builder *b, const struct rule *r, int64_t since, const struct yaml *n, struct err *e)
{
    struct view v = {b->rs, NULL, since, NULL};
    struct moments m = {0};
    struct calendar c = {0};
    bool seen[3] = {false, false, false};
    uint64_t budget = COMBINATIONS_MAX;
    values_at(&r->values, since, &v.row);
    if (!calendar_of_tree(&v, r->when, &c) || !calendar_of_tree(&v, r->applies, &c))
        return 0;
    moments_of(&m, &c, since);
    for (size_t i = 0; i < m.n && !(seen[TRI_TRUE] && seen[TRI_FALSE]); i++)
        if (!try_at(b, r, m.at[i], &budget, seen))
            return 0;
    if (m.n == MOMENTS_MAX)
        return 0; /* not all were tried */
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

/* "never", "now", "now-23h", "now+270s" or a date and time. */
static int read_time(const struct yaml *n, struct str text, int64_t now, int64_t *ret, struct err *e)
{
    struct yaml scalar = *n;
    int64_t ms;
    int rc;
    if (str_eq(text, STR("never")) || str_eq(text, STR("now"))) {
        *ret = text.n == 3 ? now : 0;
        return 0;
    }
    if (str_starts(text, STR("now-")) || str_starts(text, STR("now+"))) {
        scalar.text = (struct str){text.p + 4, text.n - 4};
        if ((rc = yaml_duration(&scalar, &ms, e)) == 0)
            *ret = add_ms(now, text.p[3] == '+' ? ms : -ms);
        return rc;
    }
    if (!time_parse(text.p, text.n, &ms))
        return yaml_error(n, e, "a time is never, now, now-23h, now+270s or 2026-11-21T10:00:00Z");
    *ret = ms;
    return 0;
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

int rule_check(struct builder *b, const struct rule *r, const struct yaml *rule, struct err *e)
{
    const struct yaml *tests = yaml_get(rule, "tests");
    size_t last = r->values.n_rows - 1u; /* an ended rule is proven and tested as it was last */
    int64_t newest = r->values.row[r->values.row[last].v == NULL ? last - 1 : last].since;
    bool fires = false, silent = false;
    int rc = prove(b, r, newest, rule, e);
    if (rc != 0)
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
