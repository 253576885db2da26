/* SPDX-License-Identifier: Apache-2.0
 * ruleset_same.c - two versions of a rule, side by side, without any facts.
 *
 * Most rules of two books are equal, and equal rules need no enumeration: conditions are compared node by node with the
 * numbers in force, lists by their members, hours and holidays by their content. Hours and holidays are also put in
 * order: openings that lie, minute by minute, within the other's are never open when the other is closed, whatever zone
 * a person is in and however many zones that may be, so the next of them is never earlier. */
#include "core/ruleset_diff_impl.h"

struct side {
    const struct ruleset *rs;
    const int64_t *row;
};

static bool same_hours(const struct hours *a, const struct hours *b)
{
    return a->n == b->n && memcmp(a->from, b->from, a->n * sizeof a->from[0]) == 0 &&
           memcmp(a->to, b->to, a->n * sizeof a->to[0]) == 0;
}

static bool same_days(const struct holidays *a, const struct holidays *b)
{
    return a->n == b->n && a->first == b->first && a->last == b->last &&
           (a->n == 0 || memcmp(a->day, b->day, a->n * sizeof a->day[0]) == 0);
}

static bool same_lists(struct side a, struct side b, uint32_t x, uint32_t y)
{
    if (x == NO_LIST || y == NO_LIST)
        return x == y;
    return same_days(&a.rs->holidays[x].days, &b.rs->holidays[y].days);
}

static bool same_members(struct side a, const struct node *x, struct side b, const struct node *y)
{
    if (x->n_list != y->n_list)
        return false;
    for (uint32_t i = 0; i < x->n_list; i++) {
        bool found = false;
        for (uint32_t k = 0; k < y->n_list && !found; k++)
            found = a.rs->list[x->list + i] == b.rs->list[y->list + k];
        if (!found)
            return false;
    }
    return true;
}

static bool same_leaf(struct side a, const struct node *x, struct side b, const struct node *y)
{
    if (x->fact != y->fact || x->negate != y->negate)
        return false;
    switch (x->op) {
    case OP_WORDS:
        return x->words == y->words;
    case OP_LIST:
        return same_members(a, x, b, y);
    case OP_KNOWN:
        return true;
    case OP_BEFORE:
        return x->other == y->other;
    case OP_HOLIDAY:
        return same_lists(a, b, x->list, y->list);
    case OP_OUTSIDE:
        return same_hours(&a.rs->hours[operand_at(&x->arg, a.row)], &b.rs->hours[operand_at(&y->arg, b.row)]);
    default:
        return operand_at(&x->arg, a.row) == operand_at(&y->arg, b.row);
    }
}

static bool same_tree(struct side a, uint32_t x, struct side b, uint32_t y)
{
    if (x == NO_NODE || y == NO_NODE)
        return x == y;
    uint32_t n = a.rs->node[x].end - x;
    if (b.rs->node[y].end - y != n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct node *p = &a.rs->node[x + i], *q = &b.rs->node[y + i];
        if (p->op != q->op || p->end - x != q->end - y || (p->op > OP_NOT && !same_leaf(a, p, b, q)))
            return false;
    }
    return true;
}

static bool same_until(struct side a, const struct rule *x, struct side b, const struct rule *y)
{
    if (x->until.kind != y->until.kind)
        return false;
    switch (x->until.kind) {
    case UNTIL_NONE:
        return true;
    case UNTIL_OPEN:
        return same_lists(a, b, x->until.list, y->until.list) &&
               same_hours(&a.rs->hours[operand_at(&x->until.arg, a.row)],
                          &b.rs->hours[operand_at(&y->until.arg, b.row)]);
    case UNTIL_AFTER_HOLIDAY:
        return same_lists(a, b, x->until.list, y->until.list);
    case UNTIL_FACT:
        if (x->until.fact != y->until.fact || x->until.sign != y->until.sign)
            return false;
        break;
    default:
        break;
    }
    return operand_at(&x->until.arg, a.row) == operand_at(&y->until.arg, b.row);
}

static bool speaks(const struct rule *r, int64_t now, const int64_t **ret_row)
{
    return r != NULL && r->mode == MODE_ENFORCE && r->builtin == BUILTIN_NONE && values_at(&r->values, now, ret_row);
}

static bool same_basis(const struct comparison *c, int64_t now)
{
    const struct ruleset *x = c->book[0], *y = c->book[1];
    if (x->decides != y->decides || x->n_basis != y->n_basis)
        return false;
    for (size_t i = 0; i < x->n_basis; i++) {
        struct side a = {x, NULL}, b = {y, NULL};
        bool in = values_at(&x->basis[i].values, now, &a.row), out = values_at(&y->basis[i].values, now, &b.row);
        if (in != out || (in && !same_tree(a, x->basis[i].when, b, y->basis[i].when)))
            return false;
    }
    return true;
}

bool same_at(const struct comparison *c, const struct pair *p, int64_t now)
{
    struct side a = {c->book[0], NULL}, b = {c->book[1], NULL};
    const struct rule *x = p->before, *y = p->after;
    if (x == NULL && y == NULL)
        return same_basis(c, now);
    bool in = speaks(x, now, &a.row), out = speaks(y, now, &b.row);
    if (!in || !out)
        return in == out;
    return x->verdict == y->verdict && x->on_unknown == y->on_unknown &&
           (x->on_unknown != UNKNOWN_HOLD || x->unknown_hold == y->unknown_hold) &&
           same_tree(a, x->applies, b, y->applies) && same_tree(a, x->when, b, y->when) &&
           (x->verdict != VERDICT_HOLD || same_until(a, x, b, y));
}

static bool same_optional(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool same_text(const struct rule *a, const struct rule *b)
{
    if (strcmp(a->title, b->title) != 0 || strcmp(a->reason, b->reason) != 0 || strcmp(a->change, b->change) != 0 ||
        strcmp(a->confidence, b->confidence) != 0 || a->code != b->code || a->mode != b->mode || a->n_cite != b->n_cite)
        return false;
    for (size_t i = 0; i < a->n_cite; i++) {
        const struct citation *x = &a->cite[i].face, *y = &b->cite[i].face;
        if (strcmp(x->title, y->title) != 0 || strcmp(x->url, y->url) != 0 || strcmp(x->read, y->read) != 0 ||
            !same_optional(a->cite[i].source, b->cite[i].source))
            return false;
    }
    return true;
}

/* ---- the order of hours and holidays ---- */

/* The hours and the list a rule asks about, if it asks about one of each. */
struct calendar {
    const struct hours *hours;
    const struct holidays *list, *until_list;
    bool plain;    /* at most one of each */
    uint8_t until; /* UNTIL_NONE: it does not hold until the calendar says so */
};

static void take_hours(struct calendar *k, const struct hours *h)
{
    k->plain = k->plain && (k->hours == NULL || same_hours(k->hours, h));
    k->hours = h;
}

static void take_list(struct calendar *k, const struct holidays *l)
{
    k->plain = k->plain && (k->list == NULL || same_days(k->list, l));
    k->list = l;
}

static struct calendar calendar_of(const struct ruleset *rs, const struct rule *r, int64_t now)
{
    struct calendar k = {.plain = true, .until = UNTIL_NONE};
    const int64_t *row;
    if (!speaks(r, now, &row))
        return k;
    struct rule_walk w = rule_walk(rs, r);
    for (const struct node *n; (n = rule_walk_next(&w)) != NULL;) {
        if (n->op == OP_OUTSIDE)
            take_hours(&k, &rs->hours[operand_at(&n->arg, row)]);
        if (n->op == OP_HOLIDAY)
            take_list(&k, &rs->holidays[n->list].days);
    }
    if (r->verdict != VERDICT_HOLD || (r->until.kind != UNTIL_OPEN && r->until.kind != UNTIL_AFTER_HOLIDAY))
        return k;
    k.until = r->until.kind;
    if (r->until.kind == UNTIL_OPEN)
        take_hours(&k, &rs->hours[operand_at(&r->until.arg, row)]);
    if (r->until.list != NO_LIST)
        take_list(&k, k.until_list = &rs->holidays[r->until.list].days);
    return k;
}

/* Whether each opening of `in` lies within one of `out`. Openings are joined where they touch, and one may reach into the
 * next week. */
static bool hours_within(const struct hours *in, const struct hours *out)
{
    for (uint8_t i = 0; i < in->n; i++) {
        bool held = false;
        for (uint8_t k = 0; k < out->n && !held; k++)
            for (int week = -1; week <= 1 && !held; week++)
                held = in->from[i] >= out->from[k] + week * MINUTES_A_WEEK &&
                       in->to[i] <= out->to[k] + week * MINUTES_A_WEEK;
        if (!held)
            return false;
    }
    return true;
}

static bool days_within(const struct holidays *in, const struct holidays *out)
{
    size_t k = 0;
    for (size_t i = 0; i < in->n; i++) {
        while (k < out->n && out->day[k] < in->day[i])
            k++;
        if (k == out->n || out->day[k] != in->day[i])
            return false;
    }
    return true;
}

/* Conditions are enumerated; what is put in order here is the end of holds, where both versions hold that way. */
bool calendar_ordered(const struct comparison *c, const struct pair *p, enum direction dir, int64_t now)
{
    struct calendar a = calendar_of(c->book[0], p->before, now), b = calendar_of(c->book[1], p->after, now);
    const struct calendar *strong = dir == LOOSER ? &a : &b, *weak = dir == LOOSER ? &b : &a;
    if (!a.plain || !b.plain)
        return false;
    if (a.until == UNTIL_NONE || b.until == UNTIL_NONE)
        return true;
    if (a.until != b.until || (a.until == UNTIL_OPEN && !hours_within(weak->hours, strong->hours)))
        return false;
    return strong->until_list == NULL ||
           (weak->until_list != NULL && days_within(strong->until_list, weak->until_list));
}
