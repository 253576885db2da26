/* SPDX-License-Identifier: Apache-2.0
 * ruleset_say.c - what one rule, the basis, or a whole book says, for the comparison of books.
 *
 * As decide() joins it, without findings: rules that are not enforced say nothing, a receipt is judged by nobody, and
 * a part without a platform set has no basis to ask for. Expiry is left out: what it adds grows with the hold it is
 * added to, so it cannot turn a comparison round. */
#include "core/intent.h"
#include "core/ruleset_diff_impl.h"

bool is_receipt(const struct facts *f)
{
    return f->known[FACT_MESSAGE_KIND] && f->value[FACT_MESSAGE_KIND] == INTENT_RECEIPT;
}

struct say rule_say(const struct ruleset *rs, const struct rule *r, const struct facts *f, int64_t now)
{
    struct finding fi;
    if (r == NULL || r->builtin != BUILTIN_NONE || r->mode != MODE_ENFORCE || !rule_judge(rs, r, f, now, &fi))
        return (struct say){0, VERDICT_ALLOW, false};
    bool holds = fi.verdict == VERDICT_HOLD, calendar = r->verdict == VERDICT_HOLD && r->until.kind >= UNTIL_OPEN;
    return (struct say){holds ? fi.until : 0, fi.verdict, calendar && holds != fi.unknown};
}

struct say basis_say(const struct ruleset *rs, const struct facts *f, int64_t now)
{
    if (!rs->decides)
        return (struct say){0, VERDICT_ALLOW, false};
    for (size_t i = 0; i < rs->n_basis; i++) {
        struct view v = {rs, f, now, NULL};
        if (values_at(&rs->basis[i].values, now, &v.row) && predicate_eval(&v, rs->basis[i].when) == TRI_TRUE)
            return (struct say){0, VERDICT_ALLOW, false};
    }
    return (struct say){0, VERDICT_DENY, false};
}

static bool is_basis(const struct pair *p)
{
    return p->before == NULL && p->after == NULL;
}

struct say pair_say(const struct comparison *c, const struct pair *p, int side, const struct facts *f, int64_t now)
{
    if (is_basis(p))
        return basis_say(c->book[side], f, now);
    return rule_say(c->book[side], side == 0 ? p->before : p->after, f, now);
}

struct say book_say(const struct ruleset *rs, const struct facts *f, int64_t now, const char **ret_rule)
{
    struct say best = {0, VERDICT_ALLOW, false}, one;
    *ret_rule = NULL;
    if (is_receipt(f))
        return best;
    for (size_t i = 0; i < rs->n_rules; i++) {
        one = rule_say(rs, &rs->rule[i], f, now);
        if (say_less(best, one)) {
            best = one;
            *ret_rule = rs->rule[i].id;
        }
    }
    one = basis_say(rs, f, now);
    if (say_less(best, one)) {
        best = one;
        *ret_rule = rs->rule[rs->basis_rule].id;
    }
    return best;
}

bool asks_calendar(const struct ruleset *rs, const struct rule *r)
{
    if (r == NULL)
        return false;
    struct rule_walk w = rule_walk(rs, r);
    for (const struct node *n; (n = rule_walk_next(&w)) != NULL;)
        if (n->op >= OP_OUTSIDE)
            return true;
    return r->until.kind >= UNTIL_OPEN;
}

void grid_add_side(struct grid *g, const struct ruleset *rs, const struct pair *p, int side)
{
    const struct rule *r = side == 0 ? p->before : p->after;
    if (r != NULL && r->mode == MODE_ENFORCE)
        grid_add_rule(g, rs, r);
    for (size_t i = 0; is_basis(p) && i < rs->n_basis; i++)
        grid_add_tree(g, rs, &rs->basis[i].values, rs->basis[i].when);
}

void grid_add_pair(struct grid *g, const struct comparison *c, const struct pair *p)
{
    grid_add_side(g, c->book[0], p, 0);
    grid_add_side(g, c->book[1], p, 1);
}
