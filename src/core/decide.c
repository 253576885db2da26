/* SPDX-License-Identifier: Apache-2.0
 * decide.c - every rule judged, their verdicts joined.
 *
 * The join is the maximum of ALLOW < HOLD(until) < DENY and, of two holds, the later end; it does not depend on
 * the order in which rules are judged nor on judging one twice, and findings are kept sorted by rule id, so the
 * result is the same bytes however the rules come. After the rules of the file the two rules of the engine speak:
 * basis.none when nothing grants the message, hold.past_expiry when it would be held until it is worthless.
 * No clock, no allocation, no early exit: an explanation lists every reason, not the first. */
#include "core/intent.h"
#include "core/ruleset_impl.h"

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"allow", "hold", "deny"};
    return (unsigned)v < 3 ? names[v] : "deny";
}

/* Keeps findings in order of rule id; a rule judged twice is kept once. */
static void keep(struct decision *d, const struct finding *fi)
{
    size_t at = d->n;
    while (at > 0 && d->finding[at - 1].rule->rank > fi->rule->rank)
        at--;
    if (at > 0 && d->finding[at - 1].rule->rank == fi->rule->rank)
        return;
    for (size_t i = d->n; i > at; i--)
        d->finding[i] = d->finding[i - 1];
    d->finding[at] = *fi;
    d->n++;
}

static void join(struct decision *d, const struct finding *fi)
{
    if (fi->shadow)
        return;
    if (fi->verdict > d->verdict) {
        d->verdict = fi->verdict;
        d->until = fi->verdict == VERDICT_HOLD ? fi->until : 0;
    } else if (fi->verdict == VERDICT_HOLD && d->verdict == VERDICT_HOLD && fi->until > d->until) {
        d->until = fi->until;
    }
}

/* DENY basis.none unless one basis is true. */
static void judge_basis(const struct ruleset *rs, const struct facts *f, int64_t now, struct decision *ret)
{
    const struct rule *r = &rs->rule[rs->basis_rule];
    struct finding fi = {.rule = r, .index = r->index, .verdict = VERDICT_DENY};
    uint8_t slots = 0;
    for (size_t i = 0; i < rs->n_basis; i++) {
        struct view v = {rs, f, now, NULL};
        if (!values_at(&rs->basis[i].values, now, &v.row))
            continue;
        enum tri t = predicate_eval(&v, rs->basis[i].when);
        if (t == TRI_TRUE)
            return;
        fi.unknown = fi.unknown || t == TRI_UNKNOWN;
        predicate_why(&v, rs->basis[i].when, &slots);
    }
    finding_facts(&fi, r, slots);
    keep(ret, &fi);
    join(ret, &fi);
}

/* A hold, enforced, that ends after the message is worthless. */
static void judge_expiry(const struct ruleset *rs, int64_t expires, struct decision *ret)
{
    const struct rule *r = &rs->rule[rs->expiry_rule];
    struct finding fi = {.rule = r, .index = r->index, .verdict = VERDICT_DENY};
    bool late = false;
    for (size_t i = 0; i < ret->n; i++) {
        const struct finding *held = &ret->finding[i];
        late = late || (!held->shadow && held->verdict == VERDICT_HOLD && held->until > expires);
    }
    if (!late || expires == 0)
        return;
    keep(ret, &fi);
    join(ret, &fi);
}

void decide_in_order(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires,
                     const uint16_t *order, size_t n, struct decision *ret)
{
    ret->verdict = VERDICT_ALLOW;
    ret->until = 0;
    ret->n = 0;
    if (f->known[FACT_MESSAGE_KIND] && f->value[FACT_MESSAGE_KIND] == INTENT_RECEIPT)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct rule *r = &rs->rule[order[i]];
        struct finding fi;
        if (r->builtin != BUILTIN_NONE || r->mode == MODE_OFF || !rule_judge(rs, r, f, now, &fi))
            continue;
        keep(ret, &fi);
        join(ret, &fi);
    }
    judge_basis(rs, f, now, ret);
    judge_expiry(rs, expires, ret);
}

void decide(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires, struct decision *ret)
{
    decide_in_order(rs, f, now, expires, rs->by_rank, rs->n_rules, ret);
}

/* Of two findings that are joined, the one that speaks first for the decision. */
static bool speaks_before(const struct finding *a, const struct finding *b)
{
    if (a->verdict != b->verdict)
        return a->verdict > b->verdict;
    if (a->verdict == VERDICT_HOLD && a->until != b->until)
        return a->until > b->until;
    return a->index < b->index;
}

const struct finding *decision_main(const struct decision *d)
{
    const struct finding *best = NULL;
    for (size_t i = 0; i < d->n; i++) {
        const struct finding *fi = &d->finding[i];
        if (!fi->shadow && (best == NULL || speaks_before(fi, best)))
            best = fi;
    }
    return best;
}
