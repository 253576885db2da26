/* SPDX-License-Identifier: Apache-2.0
 * ruleset_cells.c - the cells of facts, as far as some rules can tell them apart.
 *
 * Candidates first: every word and one that has no name, both sides of every threshold, members and neighbours of
 * lists, "never". Then candidates that give the same answer to every comparison are merged, which is what keeps the
 * product of eight facts small. Facts that are compared with one another (`before`) keep all of each other's candidates,
 * with as many neighbours on each side as there are such facts, so that every order of them occurs. Ends of holds are
 * thresholds too. What this cannot do exactly it says, by `exact`. */
#include "core/ruleset_cells.h"

#include "core/intent.h"

#define CODE_NOBODYS 0x5a5a /* "ZZ", which is nobody's country and can be written in a message */

void grid_init(struct grid *g, struct arena *a, int64_t now)
{
    *g = (struct grid){.arena = a, .now = now, .exact = true};
}

static struct axis *axis_of(struct grid *g, uint8_t fact)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->axis[i].fact == fact)
            return &g->axis[i];
    if (g->n == GRID_AXES_MAX) {
        g->exact = false;
        return NULL;
    }
    g->axis[g->n] = (struct axis){.fact = fact};
    return &g->axis[g->n++];
}

bool grid_has(const struct grid *g, uint8_t fact)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->axis[i].fact == fact)
            return true;
    return false;
}

static void add(struct grid *g, struct axis *x, int64_t v)
{
    for (uint32_t i = 0; i < x->n; i++)
        if (x->v[i] == v)
            return;
    if (x->n == x->room) {
        uint32_t room = x->room ? 2 * x->room : 16;
        int64_t *more = arena_new_array(g->arena, int64_t, room);
        if (more == NULL) {
            g->failed = true;
            return;
        }
        if (x->n > 0)
            memcpy(more, x->v, x->n * sizeof *more);
        x->v = more;
        x->room = room;
    }
    x->v[x->n++] = v;
}

/* A threshold and its neighbours. */
static void around(struct grid *g, struct axis *x, int64_t v, int64_t width)
{
    add(g, x, v);
    for (int64_t i = 1; i <= width; i++) {
        add(g, x, add_ms(v, -i));
        add(g, x, add_ms(v, i));
    }
}

static int64_t words_count(uint8_t fact)
{
    int64_t n = 1;
    for (const char *p = fact_info[fact].words; *p != '\0'; p++)
        n += *p == ' ';
    return n;
}

/* What a fact may be before any rule is looked at. */
static void natural(struct grid *g, struct axis *x)
{
    if (fact_info[x->fact].type == FACT_TYPE_BOOL) {
        add(g, x, 0);
        add(g, x, 1);
    } else if (fact_info[x->fact].type == FACT_TYPE_WORD) {
        /* The last has no name: a word of a later release. A receipt is judged by no rule and stands for no message. */
        for (int64_t w = x->fact == FACT_MESSAGE_KIND ? INTENT_RECEIPT + 1 : 0; w <= words_count(x->fact); w++)
            add(g, x, w);
    } else {
        add(g, x, fact_info[x->fact].type == FACT_TYPE_CODE ? CODE_NOBODYS : 0); /* 0: "never", zero */
    }
}

static void list_cells(struct grid *g, struct axis *x, const struct ruleset *rs, const struct node *n)
{
    bool number = fact_info[x->fact].type == FACT_TYPE_INT;
    for (uint32_t i = 0; i < n->n_list; i++)
        around(g, x, rs->list[n->list + i], number ? 1 : 0);
    add(g, x, 0); /* whatever the list may hold: this is no code at all */
}

/* Some zones, for those who only seek a message: one, two an hour and a day apart, and as far apart as can be. All that
 * the calendar tells apart is found by ruleset_places_find(), moment and zones together, and put in by grid_put(). */
static void zone_cells(struct grid *g, uint8_t min, uint8_t max)
{
    static const int64_t west[] = {0, -1440}, east[] = {0, 60, 1440};
    struct axis *x = axis_of(g, min), *y = axis_of(g, max);
    g->calendar = true;
    for (size_t i = 0; x != NULL && i < sizeof west / sizeof west[0]; i++)
        add(g, x, west[i]);
    for (size_t i = 0; y != NULL && i < sizeof east / sizeof east[0]; i++)
        add(g, y, east[i]);
}

static void leaf_cells(struct grid *g, const struct ruleset *rs, const int64_t *row, const struct node *n)
{
    struct axis *x, *y;
    if (n->op >= OP_OUTSIDE) {
        zone_cells(g, n->fact, n->other);
        return;
    }
    if ((x = axis_of(g, n->fact)) == NULL)
        return;
    natural(g, x);
    switch (n->op) {
    case OP_LIST:
        list_cells(g, x, rs, n);
        break;
    case OP_OLDER:
    case OP_NEWER:
        around(g, x, add_ms(g->now, -operand_at(&n->arg, row)), 1);
        break;
    case OP_AHEAD:
        around(g, x, add_ms(g->now, operand_at(&n->arg, row)), 1);
        break;
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        around(g, x, operand_at(&n->arg, row), 1);
        break;
    case OP_BEFORE:
        x->compared = true;
        if ((y = axis_of(g, n->other)) == NULL)
            return;
        natural(g, y);
        y->compared = true;
        break;
    default:
        break;
    }
}

static void add_nodes(struct grid *g, const struct ruleset *rs, const int64_t *row, uint32_t root)
{
    for (uint32_t i = root; i < rs->node[root].end; i++) {
        if (rs->node[i].op <= OP_NOT)
            continue;
        leaf_cells(g, rs, row, &rs->node[i]);
        if (g->n_leaves == GRID_LEAVES_MAX)
            g->exact = false;
        else
            g->leaf[g->n_leaves++] = (struct grid_leaf){rs, row, i};
    }
}

void grid_add_tree(struct grid *g, const struct ruleset *rs, const struct values *values, uint32_t root)
{
    const int64_t *row;
    if (values_at(values, g->now, &row))
        add_nodes(g, rs, row, root);
}

static void add_delay(struct grid *g, int64_t ms)
{
    if (g->n_delays == sizeof g->delay / sizeof g->delay[0])
        g->exact = false;
    else
        g->delay[g->n_delays++] = ms;
}

static void add_until(struct grid *g, const struct rule *r, const int64_t *row)
{
    int64_t arg = r->until.kind == UNTIL_NOW_PLUS || r->until.kind == UNTIL_FACT ? operand_at(&r->until.arg, row) : 0;
    struct axis *x;
    if (r->until.kind == UNTIL_NOW_PLUS) {
        add_delay(g, arg);
    } else if (r->until.kind == UNTIL_OPEN || r->until.kind == UNTIL_AFTER_HOLIDAY) {
        zone_cells(g, FACT_RECIPIENT_UTC_MIN, FACT_RECIPIENT_UTC_MAX);
    } else if (r->until.kind == UNTIL_FACT && (x = axis_of(g, r->until.fact)) != NULL) {
        natural(g, x);
        if (g->n_untils == sizeof g->until / sizeof g->until[0]) {
            g->exact = false;
            return;
        }
        g->until[g->n_untils].fact = r->until.fact;
        g->until[g->n_untils++].plus = r->until.sign * arg;
    }
}

void grid_add_rule(struct grid *g, const struct ruleset *rs, const struct rule *r)
{
    const int64_t *row;
    if (r->builtin != BUILTIN_NONE || !values_at(&r->values, g->now, &row))
        return;
    add_nodes(g, rs, row, r->when);
    if (r->applies != NO_NODE)
        add_nodes(g, rs, row, r->applies);
    if (r->on_unknown == UNKNOWN_HOLD)
        add_delay(g, r->unknown_hold);
    if (r->verdict == VERDICT_HOLD)
        add_until(g, r, row);
}

/* Where the end of a hold passes the moment, or the end of another hold. */
static void until_cells(struct grid *g)
{
    for (size_t i = 0; i < g->n_untils; i++) {
        struct axis *x = axis_of(g, g->until[i].fact);
        int64_t at = add_ms(g->now, -g->until[i].plus);
        around(g, x, at, 1);
        for (size_t d = 0; d < g->n_delays; d++)
            around(g, x, add_ms(at, g->delay[d]), 1);
        for (size_t k = 0; k < g->n_untils; k++)
            g->exact = g->exact && g->until[k].fact == g->until[i].fact;
        x->compared = true; /* the end itself is an answer */
    }
}

/* Facts compared with one another get each other's candidates, and neighbours for every order. */
static void compared_cells(struct grid *g)
{
    int64_t width = 0, *all;
    size_t n = 0, total = 0;
    for (size_t i = 0; i < g->n; i++) {
        width += g->axis[i].compared;
        total += g->axis[i].compared ? g->axis[i].n : 0;
    }
    if (width < 2)
        return;
    if ((all = arena_new_array(g->arena, int64_t, total)) == NULL) {
        g->failed = true;
        return;
    }
    for (size_t i = 0; i < g->n; i++)
        for (uint32_t k = 0; g->axis[i].compared && k < g->axis[i].n; k++)
            all[n++] = g->axis[i].v[k];
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; g->axis[i].compared && k < n; k++)
            around(g, &g->axis[i], all[k], width - 1);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15;
    return h ^ (h >> 29);
}

/* One answer of every leaf that looks at the fact, packed in 128 bits: two a leaf, mixed beyond that. */
struct signature_of {
    uint64_t bits[2];
};

static struct signature_of answers(const struct grid *g, uint8_t fact, struct facts *f)
{
    struct signature_of s = {{0, 0}};
    size_t at = 0;
    for (size_t i = 0; i < g->n_leaves; i++) {
        const struct grid_leaf *l = &g->leaf[i];
        if (l->rs->node[l->node].fact != fact)
            continue;
        struct view v = {l->rs, f, g->now, l->row};
        uint64_t t = (uint64_t)predicate_eval(&v, l->node);
        if (at < 64)
            s.bits[at / 32] |= t << (2 * (at % 32));
        else
            s.bits[at % 2] = mix(s.bits[at % 2], t + 3 * at);
        at++;
    }
    return s;
}

/* Keeps the first candidate of each class. */
static void merge(struct grid *g, struct axis *x)
{
    struct facts f = {0};
    uint32_t kept = 0;
    struct signature_of *seen = arena_new_array(g->arena, struct signature_of, x->n + 1);
    if (seen == NULL) {
        g->failed = true;
        return;
    }
    for (uint32_t i = 0; i < x->n; i++) {
        bool known = false;
        fact_set(&f, (enum fact_id)x->fact, x->v[i]);
        struct signature_of s = answers(g, x->fact, &f);
        for (uint32_t k = 0; k < kept && !known; k++)
            known = seen[k].bits[0] == s.bits[0] && seen[k].bits[1] == s.bits[1];
        if (!known) {
            seen[kept] = s;
            x->v[kept++] = x->v[i];
        }
    }
    x->n = kept;
}

static bool is_zone(uint8_t fact)
{
    return fact == FACT_RECIPIENT_UTC_MIN || fact == FACT_RECIPIENT_UTC_MAX || fact == FACT_RECIPIENT_UTC_MIN_AFTER ||
           fact == FACT_RECIPIENT_UTC_MAX_AFTER;
}

int grid_close(struct grid *g)
{
    until_cells(g);
    compared_cells(g);
    for (size_t i = 0; i < g->n; i++) {
        struct axis *x = &g->axis[i];
        bool zone = g->calendar && is_zone(x->fact);
        for (size_t k = 0; zone && k < g->n_leaves; k++) {
            const struct node *n = &g->leaf[k].rs->node[g->leaf[k].node];
            g->exact = g->exact && (n->fact != x->fact || n->op >= OP_OUTSIDE); /* a zone compared as a number */
        }
        if (!x->compared && !zone)
            merge(g, x);
    }
    return g->failed ? WL_ENOMEM : 0;
}

static void put(struct grid *g, uint8_t fact, int64_t v)
{
    struct axis *x = axis_of(g, fact);
    if (x == NULL)
        return;
    x->n = 0;
    add(g, x, v);
    x->put = true;
}

void grid_put(struct grid *g, const struct place *p)
{
    put(g, FACT_RECIPIENT_UTC_MIN, p->min);
    put(g, FACT_RECIPIENT_UTC_MAX, p->max);
}

static uint64_t cells_of(const struct axis *x)
{
    return x->put ? 1 : (uint64_t)x->n + 1;
}

void axis_cell(const struct axis *x, uint64_t at, struct facts *f)
{
    f->known[x->fact] = at < x->n;
    f->value[x->fact] = at < x->n ? x->v[at] : 0;
}

uint64_t grid_points(const struct grid *g)
{
    uint64_t total = 1;
    for (size_t i = 0; i < g->n; i++)
        if (__builtin_mul_overflow(total, cells_of(&g->axis[i]), &total))
            return UINT64_MAX;
    return total;
}

void grid_point(const struct grid *g, uint64_t i, struct facts *f)
{
    for (size_t k = 0; k < g->n; k++) {
        uint64_t n = cells_of(&g->axis[k]);
        axis_cell(&g->axis[k], i % n, f);
        i /= n;
    }
}

/* Every axis by itself: a number of a point beyond counting has no place in 64 bits. */
void grid_random_point(const struct grid *g, uint64_t (*draw)(uint64_t *seed), uint64_t *seed, struct facts *f)
{
    for (size_t k = 0; k < g->n; k++)
        axis_cell(&g->axis[k], draw(seed) % cells_of(&g->axis[k]), f);
}
