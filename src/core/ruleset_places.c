/* SPDX-License-Identifier: Apache-2.0
 * ruleset_places.c - the classes of local times that hours and holidays tell apart.
 *
 * A week is cut where any of the hours begins or ends, and at midnights; within a cut both ends of a person's stretch
 * of zones can move without any answer changing. So the cells are pairs of cuts, one for the westernmost minute and one
 * for the easternmost, at most two days later. Which days: what a day means is its weekday and what the lists say of
 * it and of the two days after; each meaning is looked at once, so a list of twenty years is as exact as one of a week.
 * Meanings change only at holidays and where a list begins or ends, so the days around those, and a week after each,
 * are all there are. The first and last days of the stretch, in which not every minute can be, are looked at apart.
 *
 * Cells with the same answers of every hours and list, the same of the ends of holds, and the same order of these are
 * one class. Too many lists, classes or cells: then it is not exact, and says so. */
#include "core/ruleset_places.h"

#define MINUTE       60000
#define DAY_MINUTES  1440
#define SPAN_MAX     2880 /* between the westernmost and the easternmost offset a fact may say */
#define OFFSET_MAX   1440
#define THURSDAY     3 /* 1970-01-01; Monday is 0 */
#define LEAVES_MAX   56
#define LISTS_MAX    10 /* six bits of a meaning each */
#define CLASSES_MAX  (PLACES_MAX / PLACES_EACH)
#define KEYS_MAX     8192 /* a power of two */
#define MEANINGS_MAX 6000

struct rule_walk rule_walk(const struct ruleset *rs, const struct rule *r)
{
    struct rule_walk w = {.r = r, .rs = rs};
    if (r != NULL && r->when != NO_NODE) {
        w.at = r->when;
        w.end = rs->node[r->when].end;
    }
    return w;
}

const struct node *rule_walk_next(struct rule_walk *w)
{
    if (w->at == w->end && !w->second && w->r != NULL && w->r->applies != NO_NODE) {
        w->at = w->r->applies;
        w->end = w->rs->node[w->r->applies].end;
        w->second = true;
    }
    return w->at < w->end ? &w->rs->node[w->at++] : NULL;
}

/* ---- keys seen ---- */

struct key {
    uint64_t bits[2];
};

struct keys {
    size_t n;
    struct {
        struct key key;
        uint32_t place; /* + 1; 0: free */
    } slot[KEYS_MAX];
};

/* Its number; `max` when there is no room for another. */
static size_t key_number(struct keys *k, struct key key, size_t max)
{
    uint64_t h = (key.bits[0] ^ (key.bits[1] << 29 | key.bits[1] >> 35)) * 0x9e3779b97f4a7c15;
    for (size_t i = h >> 32;; i++) {
        uint32_t *place = &k->slot[i % KEYS_MAX].place;
        struct key *there = &k->slot[i % KEYS_MAX].key;
        if (*place == 0) {
            if (k->n == max)
                return max;
            *there = key;
            *place = (uint32_t)++k->n;
            return k->n - 1;
        }
        if (there->bits[0] == key.bits[0] && there->bits[1] == key.bits[1])
            return *place - 1u;
    }
}

/* ---- what is asked ---- */

struct leaf {
    struct view view; /* facts and now are set for each cell */
    uint32_t node;
};

/* The end of holds of one rule. */
struct end {
    bool asked;
    const struct hours *hours; /* NULL: any */
    const struct holidays *list;
};

struct class_of {
    uint64_t seen;
    size_t n;
    struct place place[PLACES_EACH];
};

struct search {
    struct places *ret;
    uint64_t most, seed;
    int64_t from;       /* ms */
    int64_t first, end; /* of the stretch, in minutes */
    size_t n_leaves, n_lists;
    struct leaf leaf[LEAVES_MAX];
    struct end until[2];
    const struct holidays *list[LISTS_MAX];
    bool cut[MINUTES_A_WEEK];
    size_t n_cuts, of_day[8];   /* first cut of each day of the week */
    int32_t at[MINUTES_A_WEEK]; /* where the cuts are, ascending */
    struct keys meanings, classes;
    struct class_of class_of[CLASSES_MAX];
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static void add_hours(struct search *s, const struct hours *h)
{
    for (uint8_t i = 0; i < h->n; i++)
        s->cut[h->from[i] % MINUTES_A_WEEK] = s->cut[h->to[i] % MINUTES_A_WEEK] = true;
}

static void add_list(struct search *s, const struct holidays *l)
{
    for (size_t i = 0; i < s->n_lists; i++)
        if (s->list[i] == l)
            return;
    if (s->n_lists == LISTS_MAX)
        s->ret->exact = false;
    else
        s->list[s->n_lists++] = l;
}

static void add_until(struct search *s, struct end *u, const struct ruleset *rs, const struct rule *r,
                      const int64_t *row)
{
    if (r->verdict != VERDICT_HOLD || r->until.kind < UNTIL_OPEN)
        return;
    u->asked = true;
    if (r->until.kind == UNTIL_OPEN)
        add_hours(s, u->hours = &rs->hours[operand_at(&r->until.arg, row)]);
    if (r->until.list != NO_LIST)
        add_list(s, u->list = &rs->holidays[r->until.list].days);
}

static void add_rule(struct search *s, struct end *u, const struct ruleset *rs, const struct rule *r)
{
    const int64_t *row;
    if (r == NULL || !values_at(&r->values, s->from, &row))
        return;
    struct rule_walk w = rule_walk(rs, r);
    for (const struct node *n; (n = rule_walk_next(&w)) != NULL;) {
        if (n->op < OP_OUTSIDE)
            continue;
        if (n->op == OP_OUTSIDE)
            add_hours(s, &rs->hours[operand_at(&n->arg, row)]);
        else
            add_list(s, &rs->holidays[n->list].days);
        if (s->n_leaves == LEAVES_MAX)
            s->ret->exact = false;
        else
            s->leaf[s->n_leaves++] = (struct leaf){{rs, NULL, 0, row}, (uint32_t)(n - rs->node)};
    }
    add_until(s, u, rs, r, row);
}

static void close_cuts(struct search *s)
{
    for (int32_t m = 0; m < MINUTES_A_WEEK; m++) {
        if (m % DAY_MINUTES == 0)
            s->of_day[m / DAY_MINUTES] = s->n_cuts;
        if (s->cut[m] || m % DAY_MINUTES == 0)
            s->at[s->n_cuts++] = m;
    }
    s->of_day[7] = s->n_cuts;
}

/* ---- one cell ---- */

/* When a hold ends, in two bits: there is no such moment, it is now, it is later. */
static uint64_t end_of(const struct end *u, const struct whereabouts *w, int64_t now, int64_t *ret_at)
{
    if (!u->asked)
        return 3;
    *ret_at = next_opening(u->hours, u->list, w, now);
    return *ret_at == 0 ? 0 : *ret_at <= now ? 1 : 2;
}

static struct key answers(struct search *s, const struct place *p)
{
    struct facts f = {0};
    struct whereabouts w = {p->min, p->max, 0, p->min, p->max};
    struct key k = {{0, 0}};
    int64_t at[2] = {0, 0}, now = within_time(p->at);
    fact_set(&f, FACT_RECIPIENT_UTC_MIN, p->min);
    fact_set(&f, FACT_RECIPIENT_UTC_MAX, p->max);
    for (size_t i = 0; i < s->n_leaves; i++) {
        s->leaf[i].view.facts = &f;
        s->leaf[i].view.now = p->at;
        k.bits[i / 32] |= (uint64_t)predicate_eval(&s->leaf[i].view, s->leaf[i].node) << (2 * (i % 32));
    }
    uint64_t ends = end_of(&s->until[0], &w, now, &at[0]) << 2 | end_of(&s->until[1], &w, now, &at[1]);
    uint64_t order = !s->until[0].asked || !s->until[1].asked || at[0] == at[1] ? 0 : at[0] < at[1] ? 1 : 2;
    k.bits[1] |= ends << 60 | order << 58;
    return k;
}

/* The narrowest stays; of all others each is as likely to be among the rest. */
static void keep(struct search *s, struct class_of *c, struct place p)
{
    size_t at = c->n;
    c->seen++;
    if (c->n > 0 && p.max - p.min < c->place[0].max - c->place[0].min) {
        struct place wider = c->place[0];
        c->place[0] = p;
        p = wider;
    }
    if (c->n < PLACES_EACH) {
        c->n++;
    } else {
        s->seed = s->seed * 6364136223846793005 + 1442695040888963407;
        at = (s->seed >> 33) % c->seen;
        if (at == 0 || at >= PLACES_EACH)
            return;
    }
    c->place[at] = p;
}

/* Local minutes that stand for a cell: a moment and offsets at which they are so. */
static void look(struct search *s, int64_t west, int64_t east)
{
    int64_t minute = west > east - OFFSET_MAX ? west : east - OFFSET_MAX;
    minute = minute < s->first ? s->first : minute >= s->end ? s->end - 1 : minute;
    struct place p = {.at = minute * MINUTE, .min = (int32_t)(west - minute), .max = (int32_t)(east - minute)};
    if (p.at < s->from)
        p.at = s->from;
    s->ret->asked++;
    size_t number = key_number(&s->classes, answers(s, &p), CLASSES_MAX);
    if (number == CLASSES_MAX)
        s->ret->exact = false;
    else
        keep(s, &s->class_of[number], p);
}

/* ---- one day ---- */

/* The cuts of a day and of those after it. */
struct cell {
    int64_t from, to; /* local minutes since 1970 */
};

static struct cell cell_at(const struct search *s, int64_t day, size_t i)
{
    size_t week_day = (size_t)(((day + THURSDAY) % 7 + 7) % 7);
    int64_t monday = (day - (int64_t)week_day) * DAY_MINUTES;
    size_t at = s->of_day[week_day] + i, next = at + 1;
    return (struct cell){monday + (int64_t)(at / s->n_cuts) * MINUTES_A_WEEK + s->at[at % s->n_cuts],
                         monday + (int64_t)(next / s->n_cuts) * MINUTES_A_WEEK + s->at[next % s->n_cuts]};
}

/* All cells whose westernmost minute is on that day. */
static void look_at_day(struct search *s, int64_t day)
{
    int64_t low = s->first - OFFSET_MAX, high = s->end + OFFSET_MAX; /* what local time can be */
    struct cell w, e;
    for (size_t i = 0; (w = cell_at(s, day, i)).from < (day + 1) * DAY_MINUTES; i++) {
        int64_t from = w.from > low ? w.from : low;
        for (size_t k = i; from < w.to && s->ret->asked < s->most; k++) {
            e = cell_at(s, day, k);
            if ((k == i ? from : e.from) >= high || e.from - (w.to - 1) > SPAN_MAX)
                break;
            look(s, k == i ? from : w.to - 1, k == i ? from : e.from);
        }
    }
}

/* What one list says of a day, in two bits. */
static uint64_t status(const struct holidays *l, int64_t day)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->day[middle] < day)
            low = middle + 1;
        else
            high = middle;
    }
    return (low < l->n && l->day[low] == day ? 1u : 0u) | (day < l->first || day > l->last ? 2u : 0u);
}

static void look_once(struct search *s, int64_t day)
{
    struct key k = {{(uint64_t)(((day + THURSDAY) % 7 + 7) % 7), 0}};
    for (size_t i = 0; i < s->n_lists; i++)
        for (int d = 0; d < 3; d++)
            k.bits[0] = k.bits[0] << 2 | status(s->list[i], day + d);
    size_t known = s->meanings.n;
    size_t number = key_number(&s->meanings, k, MEANINGS_MAX);
    if (number == MEANINGS_MAX || number == known)
        look_at_day(s, day);
}

/* ---- the days ---- */

/* Where what a list says changes: the two days before it, whose stretch reaches it, and a week of those after. */
static void look_around(struct search *s, int64_t day, int64_t low, int64_t high)
{
    for (int64_t d = day - 2; d <= day + 6; d++)
        if (d >= low && d <= high)
            look_once(s, d);
}

static void look_at_all(struct search *s)
{
    int64_t low = floor_div(s->first, DAY_MINUTES);    /* the first day of which every minute can be the westernmost */
    int64_t high = floor_div(s->end, DAY_MINUTES) - 2; /* the last with two days after it of which the same is true */
    int64_t last = floor_div(s->end - 1 + OFFSET_MAX, DAY_MINUTES);
    for (int64_t d = low; d <= low + 6 && d <= high; d++)
        look_once(s, d);
    look_at_day(s, low - 1);
    for (int64_t d = high >= low ? high + 1 : low; d <= last; d++)
        look_at_day(s, d);
    for (size_t i = 0; i < s->n_lists; i++) {
        const struct holidays *l = s->list[i];
        look_around(s, l->first, low, high);
        look_around(s, (int64_t)l->last + 1, low, high);
        for (size_t k = 0; k < l->n; k++) {
            look_around(s, l->day[k], low, high);
            look_around(s, (int64_t)l->day[k] + 1, low, high);
        }
    }
}

int ruleset_places_find(struct arena *a, const struct places_rule rules[2], int64_t from, int64_t to, uint64_t most,
                        struct places *ret)
{
    struct search *s = arena_new(a, struct search);
    if (s == NULL)
        return WL_ENOMEM;
    ret->exact = true;
    ret->n = 0;
    ret->asked = 0;
    s->ret = ret;
    s->most = most;
    s->from = within_time(from);
    s->first = floor_div(s->from, MINUTE);
    s->end = floor_div(within_time(to) - 1, MINUTE) + 1;
    for (size_t i = 0; i < 2; i++)
        add_rule(s, &s->until[i], rules[i].rs, rules[i].rule);
    close_cuts(s);
    if (s->n_leaves == 0 && !s->until[0].asked && !s->until[1].asked)
        return 0;
    look_at_all(s);
    ret->exact = ret->exact && ret->asked < most;
    for (size_t i = 0; i < s->classes.n; i++)
        for (size_t k = 0; k < s->class_of[i].n; k++)
            ret->place[ret->n++] = (struct place){s->class_of[i].place[k].at, s->class_of[i].place[k].min,
                                                  s->class_of[i].place[k].max, k > 0};
    return 0;
}
