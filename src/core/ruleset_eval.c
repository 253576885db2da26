/* SPDX-License-Identifier: Apache-2.0
 * ruleset_eval.c - what one rule says about one set of facts.
 *
 * Predicates are three-valued: a comparison with an unknown fact is unknown, `all` is the least of its parts, `any`
 * the greatest, `not` the mirror image. A rule whose predicate is true gives its verdict; one whose predicate is
 * unknown does what its on_unknown says. What asks for local time is unknown while nobody knows where the person is. A
 * hold whose end has passed says nothing, and one whose end cannot be told is a denial, because nobody could say when to
 * try again. Integers only, no allocation, no text: the work of a decision is a walk over flat arrays. Sums of times
 * saturate, so absurd facts give absurd findings, not a crash. */
#include "core/ruleset_impl.h"

int64_t add_ms(int64_t a, int64_t b)
{
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return b > 0 ? INT64_MAX : INT64_MIN;
}

static int64_t sub_ms(int64_t a, int64_t b)
{
    int64_t difference;
    if (!__builtin_sub_overflow(a, b, &difference))
        return difference;
    return b > 0 ? INT64_MIN : INT64_MAX;
}

bool values_at(const struct values *v, int64_t now, const int64_t **ret_row)
{
    if (v->n_rows == 0) {
        *ret_row = NULL;
        return true;
    }
    for (size_t i = v->n_rows; i-- > 0;) {
        if (now >= v->row[i].since) {
            *ret_row = v->row[i].v;
            return *ret_row != NULL; /* ended */
        }
    }
    return false;
}

static int64_t term_at(const struct operand *o, int i, const int64_t *row)
{
    return o->value[i] < 0 ? o->constant[i] : row[o->value[i]];
}

int64_t operand_at(const struct operand *o, const int64_t *row)
{
    int64_t first = term_at(o, 0, row);
    if (o->sign == 0)
        return first;
    return o->sign > 0 ? add_ms(first, term_at(o, 1, row)) : sub_ms(first, term_at(o, 1, row));
}

static bool in_list(const struct view *v, const struct node *n, int64_t value)
{
    for (uint32_t i = 0; i < n->n_list; i++)
        if (v->rs->list[n->list + i] == value)
            return true;
    return false;
}

static bool in_words(const struct node *n, int64_t value)
{
    return value >= 0 && value < 64 && (n->words >> value & 1);
}

/* Time 0 is "never": older than anything, newer than nothing, ahead of nothing, before any other time. */
static bool compare(const struct view *v, const struct node *n, int64_t value)
{
    switch (n->op) {
    case OP_WORDS:
        return in_words(n, value);
    case OP_LIST:
        return in_list(v, n, value);
    case OP_LT:
        return value < operand_at(&n->arg, v->row);
    case OP_LE:
        return value <= operand_at(&n->arg, v->row);
    case OP_GT:
        return value > operand_at(&n->arg, v->row);
    case OP_GE:
        return value >= operand_at(&n->arg, v->row);
    case OP_OLDER:
        return value == 0 || value <= sub_ms(v->now, operand_at(&n->arg, v->row));
    case OP_NEWER:
        return value != 0 && value > sub_ms(v->now, operand_at(&n->arg, v->row));
    case OP_AHEAD:
        return value != 0 && value > add_ms(v->now, operand_at(&n->arg, v->row));
    default:
        return false;
    }
}

/* Minutes east of UTC; the real ones lie between -720 and 840. */
static bool offset_of(const struct facts *f, enum fact_id id, int32_t *ret)
{
    if (!f->known[id] || f->value[id] < -1440 || f->value[id] > 1440)
        return false;
    *ret = (int32_t)f->value[id];
    return true;
}

bool whereabouts_of(const struct facts *f, struct whereabouts *ret)
{
    struct whereabouts w = {0};
    if (!offset_of(f, FACT_RECIPIENT_UTC_MIN, &w.min) || !offset_of(f, FACT_RECIPIENT_UTC_MAX, &w.max) || w.min > w.max)
        return false;
    w.min_after = w.min;
    w.max_after = w.max;
    int32_t min, max;
    if (f->known[FACT_RECIPIENT_UTC_CHANGE_AT] && f->value[FACT_RECIPIENT_UTC_CHANGE_AT] > 0 &&
        offset_of(f, FACT_RECIPIENT_UTC_MIN_AFTER, &min) && offset_of(f, FACT_RECIPIENT_UTC_MAX_AFTER, &max) &&
        min <= max) {
        w.change_at = within_time(f->value[FACT_RECIPIENT_UTC_CHANGE_AT]);
        w.min_after = min;
        w.max_after = max;
    }
    *ret = w;
    return true;
}

static enum tri calendar_eval(const struct view *v, const struct node *n)
{
    struct whereabouts w;
    int64_t now = within_time(v->now);
    if (!whereabouts_of(v->facts, &w))
        return TRI_UNKNOWN;
    if (n->op == OP_OUTSIDE)
        return hours_open(&v->rs->hours[operand_at(&n->arg, v->row)], &w, now) ? TRI_FALSE : TRI_TRUE;
    int holiday = holiday_at(&v->rs->holidays[n->list].days, &w, now);
    return holiday < 0 ? TRI_UNKNOWN : holiday > 0 ? TRI_TRUE : TRI_FALSE;
}

static enum tri leaf_eval(const struct view *v, const struct node *n)
{
    if (n->op >= OP_OUTSIDE)
        return calendar_eval(v, n);
    bool known = v->facts->known[n->fact];
    int64_t value = v->facts->value[n->fact];
    if (n->op == OP_KNOWN)
        return known != n->negate ? TRI_TRUE : TRI_FALSE;
    if (!known)
        return TRI_UNKNOWN;
    if (n->op == OP_BEFORE) {
        if (!v->facts->known[n->other])
            return TRI_UNKNOWN;
        return value < v->facts->value[n->other] ? TRI_TRUE : TRI_FALSE;
    }
    if (fact_info[n->fact].type == FACT_TYPE_BOOL)
        value = value != 0;
    return compare(v, n, value) != n->negate ? TRI_TRUE : TRI_FALSE;
}

enum tri predicate_eval(const struct view *v, uint32_t root)
{
    const struct node *nodes = v->rs->node, *n = &nodes[root];
    enum tri result;
    if (n->op > OP_NOT)
        return leaf_eval(v, n);
    if (n->op == OP_NOT)
        return (enum tri)(TRI_TRUE - predicate_eval(v, root + 1));
    result = n->op == OP_ALL ? TRI_TRUE : TRI_FALSE;
    for (uint32_t i = root + 1; i < n->end; i = nodes[i].end) {
        enum tri part = predicate_eval(v, i);
        if (n->op == OP_ALL ? part < result : part > result)
            result = part;
        if (result == (n->op == OP_ALL ? TRI_FALSE : TRI_TRUE))
            break; /* nothing can change it any more; the parts have no effects */
    }
    return result;
}

void predicate_why(const struct view *v, uint32_t root, uint8_t *slots)
{
    const struct node *nodes = v->rs->node, *n = &nodes[root];
    if (n->op > OP_NOT) {
        *slots |= (uint8_t)(1u << n->slot);
        if (n->op == OP_BEFORE || n->op >= OP_OUTSIDE)
            *slots |= (uint8_t)(1u << n->other_slot);
        return;
    }
    if (n->op == OP_NOT) {
        predicate_why(v, root + 1, slots);
        return;
    }
    enum tri whole = predicate_eval(v, root);
    for (uint32_t i = root + 1; i < n->end; i = nodes[i].end)
        if (predicate_eval(v, i) == whole)
            predicate_why(v, i, slots);
}

void finding_facts(struct finding *fi, const struct rule *r, uint8_t slots)
{
    fi->n_facts = 0;
    for (uint8_t s = 0; s < r->facts.n && fi->n_facts < FINDING_FACTS_MAX; s++)
        if (slots >> s & 1)
            fi->facts[fi->n_facts++] = r->facts.fact[s];
}

static enum tri truth_at(const struct view *v, const struct rule *r)
{
    enum tri applies = r->applies == NO_NODE ? TRI_TRUE : predicate_eval(v, r->applies);
    if (applies == TRI_FALSE)
        return TRI_FALSE;
    enum tri when = predicate_eval(v, r->when);
    return when < applies ? when : applies;
}

enum tri rule_truth(const struct ruleset *rs, const struct rule *r, const struct facts *f, int64_t now)
{
    struct view v = {rs, f, now, NULL};
    return values_at(&r->values, now, &v.row) ? truth_at(&v, r) : TRI_FALSE;
}

/* The facts behind a rule that is `truth`: of `when` and of `applies`, those that have that value. */
static void rule_why(const struct view *v, const struct rule *r, enum tri truth, struct finding *ret)
{
    uint8_t slots = 0;
    if (predicate_eval(v, r->when) == truth)
        predicate_why(v, r->when, &slots);
    if (r->applies != NO_NODE && predicate_eval(v, r->applies) == truth)
        predicate_why(v, r->applies, &slots);
    finding_facts(ret, r, slots);
}

int64_t within_time(int64_t t)
{
    return t < 0 ? 0 : t > TIME_LAST ? TIME_LAST : t;
}

/* The next opening where the person is; false when nobody knows where, or there is none within the horizon. */
static bool opening(const struct view *v, const struct rule *r, int64_t *ret)
{
    const struct hours *hours = NULL;
    const struct holidays *list = NULL;
    struct whereabouts w;
    if (!whereabouts_of(v->facts, &w))
        return false;
    if (r->until.kind == UNTIL_OPEN)
        hours = &v->rs->hours[operand_at(&r->until.arg, v->row)];
    if (r->until.list != NO_LIST)
        list = &v->rs->holidays[r->until.list].days;
    int64_t at = next_opening(hours, list, &w, within_time(v->now));
    if (at == 0)
        return false;
    *ret = within_time(at);
    return true;
}

/* When a hold that fired ends; false when the facts that say so are unknown. */
static bool hold_until(const struct view *v, const struct rule *r, int64_t *ret)
{
    if (r->until.kind == UNTIL_OPEN || r->until.kind == UNTIL_AFTER_HOLIDAY)
        return opening(v, r, ret);
    int64_t arg = operand_at(&r->until.arg, v->row);
    if (r->until.kind == UNTIL_NOW_PLUS) {
        *ret = within_time(add_ms(v->now, arg));
        return true;
    }
    if (!v->facts->known[r->until.fact])
        return false;
    int64_t at = v->facts->value[r->until.fact];
    *ret = within_time(r->until.sign < 0 ? sub_ms(at, arg) : add_ms(at, r->until.sign > 0 ? arg : 0));
    return true;
}

static bool judge_unknown(const struct view *v, const struct rule *r, struct finding *ret)
{
    if (r->on_unknown == UNKNOWN_IGNORE)
        return false;
    ret->unknown = true;
    ret->verdict = r->on_unknown == UNKNOWN_HOLD ? VERDICT_HOLD : VERDICT_DENY;
    ret->until = ret->verdict == VERDICT_HOLD ? within_time(add_ms(v->now, r->unknown_hold)) : 0;
    rule_why(v, r, TRI_UNKNOWN, ret);
    return true;
}

bool rule_judge(const struct ruleset *rs, const struct rule *r, const struct facts *f, int64_t now, struct finding *ret)
{
    struct view v = {rs, f, now, NULL};
    enum tri truth = values_at(&r->values, now, &v.row) ? truth_at(&v, r) : TRI_FALSE;
    if (truth == TRI_FALSE)
        return false; /* the usual answer: nothing else is touched */
    struct finding fi = {.rule = r, .index = r->index, .verdict = r->verdict, .shadow = r->mode == MODE_SHADOW};
    if (truth == TRI_UNKNOWN && !judge_unknown(&v, r, &fi))
        return false;
    if (truth == TRI_TRUE) {
        if (r->verdict == VERDICT_HOLD && !hold_until(&v, r, &fi.until)) {
            fi.verdict = VERDICT_DENY;
            fi.unknown = true;
        } else if (r->verdict == VERDICT_HOLD && fi.until <= now) {
            return false;
        }
        rule_why(&v, r, TRI_TRUE, &fi);
    }
    *ret = fi;
    return true;
}
