/* SPDX-License-Identifier: Apache-2.0
 * decide.c - every rule judged, their verdicts joined.
 *
 * The join is the maximum of ALLOW < HOLD(until) < DENY and, of two holds, the later end; it does not depend on
 * the order in which rules are judged nor on judging one twice, and findings are kept sorted by rule id, so the
 * result is the same bytes however the rules come. After the rules of the files the two rules of the engine speak:
 * basis.none when nothing grants the message, hold.past_expiry when it would be held until it is worthless. A rule of
 * the customer's own policy that a person has set aside is reported and not joined, like one in shadow mode; no other
 * rule can be set aside. A book without a platform set cannot grant, so it denies.
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

/* Reported only: somebody wants to see what it would do, or took it upon himself. */
static bool idle(const struct finding *fi)
{
    return fi->shadow || fi->overridden;
}

static void join(struct decision *d, const struct finding *fi)
{
    if (idle(fi))
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
        late = late || (!idle(held) && held->verdict == VERDICT_HOLD && held->until > expires);
    }
    if (!late || expires == 0)
        return;
    keep(ret, &fi);
    join(ret, &fi);
}

static bool set_aside(const struct ruleset *rs, const struct rule *r, const struct override *o)
{
    return o != NULL && rs->set[r->source].face.kind == RULESET_POLICY && (o->rule[r->index / 64] >> r->index % 64 & 1);
}

void decide_in_order(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires,
                     const uint16_t *order, size_t n, const struct override *o, struct decision *ret)
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
        fi.overridden = set_aside(rs, r, o);
        keep(ret, &fi);
        join(ret, &fi);
    }
    if (!rs->decides) {
        ret->verdict = VERDICT_DENY;
        ret->until = 0;
        return;
    }
    judge_basis(rs, f, now, ret);
    judge_expiry(rs, expires, ret);
}

void decide_overridden(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires,
                       const struct override *o, struct decision *ret)
{
    uint16_t order[RULES_MAX];
    size_t n = ruleset_candidates(rs, f, order);
    decide_in_order(rs, f, now, expires, order, n, o, ret);
}

void decide(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires, struct decision *ret)
{
    decide_overridden(rs, f, now, expires, NULL, ret);
}

int override_add(struct override *o, const struct ruleset *rs, struct str rule_id, struct err *e)
{
    int shown = (int)(rule_id.n > 60 ? 60 : rule_id.n);
    for (size_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = &rs->rule[i];
        const struct ruleset_source *source = &rs->set[r->source].face;
        if (!str_eq(rule_id, str_of(r->id)))
            continue;
        if (source->kind != RULESET_POLICY)
            return err_set(e, WL_EINVAL, "%s is a rule of %s (%s); only rules of your own policy can be set aside",
                           r->id, source->id, ruleset_kind_name(source->kind));
        o->rule[i / 64] |= (uint64_t)1 << i % 64;
        return 0;
    }
    return err_set(e, WL_ENOTFOUND, "no rule is called %.*s", shown, rule_id.p ? rule_id.p : "");
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
        if (!idle(fi) && (best == NULL || speaks_before(fi, best)))
            best = fi;
    }
    return best;
}
