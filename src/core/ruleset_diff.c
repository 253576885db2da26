/* SPDX-License-Identifier: Apache-2.0
 * ruleset_diff.c - two books compared rule by rule, date by date, cell by cell.
 *
 * Rules are paired by id; the basis sections are one more pair. A pair that is equal, node by node, needs nothing. Else
 * both versions judge every cell of their facts. No cell in which the later says less: it dominates, and a book of rules
 * that all dominate theirs is never looser. A cell in which it does say less is either grown to a whole message about
 * which the books differ, or shown to be answered by other rules of the book. Dates: the given one and every later one at
 * which values change, because between two of them only distances in time matter (and the calendar, whose places and
 * moments are enumerated, by ruleset_places.c). Work is bounded; what is cut off is sampled, and proves nothing. */
#include "core/ruleset_diff_impl.h"

#include <stdlib.h>

#define SCRATCH_MAX      (64u << 20)
#define POINTS_MAX       (UINT64_C(1) << 20) /* of one pair at one date */
#define POINTS_TOTAL     (UINT64_C(6) << 20)
#define EFFORT_TOTAL     UINT64_C(8000000)
#define COVERED_MAX      (UINT64_C(1) << 18) /* points of two rules */
#define SAMPLES          20000
#define CANDIDATES       64 /* cells of one pair from which a message is grown */
#define CANDIDATES_FIRST 8
#define DATES_MAX        256

const char *diff_relation_name(enum diff_relation r)
{
    static const char *const names[] = {"same", "stricter", "looser", "incomparable", "not proven"};
    return (unsigned)r < 5 ? names[r] : "not proven";
}

const char *diff_change_name(enum diff_change c)
{
    static const char *const names[] = {"added", "removed", "changed", "reworded"};
    return (unsigned)c < 4 ? names[c] : "changed";
}

/* ---- pairs ---- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->face.id, ((const struct pair *)b)->face.id);
}

static int make_pairs(struct comparison *c, struct err *e)
{
    const struct ruleset *x = c->book[0], *y = c->book[1];
    c->pair = arena_new_array(c->keep, struct pair, x->n_rules + y->n_rules + 1);
    if (c->pair == NULL)
        return err_set(e, WL_ENOMEM, "out of memory comparing the rules");
    c->pair[c->n_pairs++] = (struct pair){.face = {.id = "basis", .change = DIFF_CHANGED}};
    for (size_t i = 0; i < x->n_rules; i++) {
        const struct rule *other = ruleset_find(y, x->rule[i].id);
        c->pair[c->n_pairs++] =
            (struct pair){.before = &x->rule[i],
                          .after = other,
                          .face = {.id = x->rule[i].id, .change = other != NULL ? DIFF_CHANGED : DIFF_REMOVED}};
    }
    for (size_t i = 0; i < y->n_rules; i++)
        if (ruleset_find(x, y->rule[i].id) == NULL)
            c->pair[c->n_pairs++] =
                (struct pair){.after = &y->rule[i], .face = {.id = y->rule[i].id, .change = DIFF_ADDED}};
    qsort(c->pair, c->n_pairs, sizeof *c->pair, by_id);
    return 0;
}

/* ---- dates ---- */

struct dates {
    size_t n;
    bool cut;
    int64_t at[DATES_MAX];
};

static void add_dates(struct dates *d, const struct values *v)
{
    for (uint16_t i = 0; i < v->n_rows; i++) {
        int64_t since = v->row[i].since;
        size_t k = d->n;
        while (k > 0 && d->at[k - 1] > since)
            k--;
        if (k == 0 || d->at[k - 1] == since)
            continue; /* in force from the beginning, or known */
        if (d->n == DATES_MAX) {
            d->cut = true;
            continue;
        }
        memmove(&d->at[k + 1], &d->at[k], (d->n - k) * sizeof d->at[0]);
        d->at[k] = since;
        d->n++;
    }
}

static void find_dates(const struct comparison *c, int64_t at, struct dates *ret)
{
    *ret = (struct dates){.n = 1, .at = {at}};
    for (int side = 0; side < 2; side++) {
        const struct ruleset *rs = c->book[side];
        for (size_t i = 0; i < rs->n_rules; i++)
            add_dates(ret, &rs->rule[i].values);
        for (size_t i = 0; i < rs->n_basis; i++)
            add_dates(ret, &rs->basis[i].values);
    }
}

/* ---- one pair at one date ---- */

struct found {
    bool differs[2]; /* by direction: cells in which the strong side says more */
    bool unsure[2];  /* both deny, the weak side because there is no opening: one elsewhere would be a hold */
    bool exact;
    size_t n[2];
    struct facts cell[2][CANDIDATES];
    struct say target[2][CANDIDATES];
    int64_t moment[2][CANDIDATES];
    uint64_t seen[2], seed;
};

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* The first few and, of all others, as many as there is room for, each as likely (Vitter's algorithm R, always with the
 * same numbers): cells that lie together tend to fail together. */
static void keep_cell(struct found *r, int dir, const struct facts *f, struct say target, int64_t now)
{
    uint64_t seen = ++r->seen[dir], at = r->n[dir];
    if (r->n[dir] < CANDIDATES)
        r->n[dir]++;
    else if ((at = next_random(&r->seed) % seen) < CANDIDATES_FIRST || at >= CANDIDATES)
        return;
    r->cell[dir][at] = *f;
    r->target[dir][at] = target;
    r->moment[dir][at] = now;
}

static void judge_point(const struct comparison *c, const struct pair *p, const struct facts *f, int64_t now,
                        struct found *r)
{
    struct say s[2] = {pair_say(c, p, 0, f, now), pair_say(c, p, 1, f, now)};
    if (s[0].calendar != s[1].calendar && s[s[0].calendar].verdict == VERDICT_HOLD)
        r->exact = false; /* an opening against a fixed time: the moments were not chosen for that */
    else if (s[0].calendar != s[1].calendar && s[0].verdict == VERDICT_DENY && s[1].verdict == VERDICT_DENY)
        r->unsure[s[0].calendar] = true;
    for (int dir = 0; dir < 2; dir++) {
        if (!say_less(s[!dir], s[dir]))
            continue;
        r->differs[dir] = true;
        keep_cell(r, dir, f, s[dir], now);
    }
}

/* All cells of the pair at one moment, in one place (NULL: some places, and nobody knows where). */
static int judge_grid(struct comparison *c, const struct pair *p, int64_t now, const struct place *place,
                      struct grid *g, struct found *r)
{
    struct facts f = {0};
    uint64_t seed = 1, total;
    grid_init(g, c->scratch, now);
    grid_add_pair(g, c, p);
    if (grid_close(g) != 0)
        return WL_ENOMEM;
    if (place != NULL)
        grid_put(g, place);
    total = grid_points(g);
    bool all = total <= POINTS_MAX && total <= c->left;
    if (!all) {
        total = c->left < SAMPLES ? c->left : SAMPLES;
        c->ret->sampled = true;
    }
    for (uint64_t i = 0; i < total; i++) {
        if (all)
            grid_point(g, i, &f);
        else
            grid_random_point(g, next_random, &seed, &f);
        judge_point(c, p, &f, now, r);
    }
    r->exact = r->exact && g->exact && all;
    c->left -= total;
    c->ret->points += total;
    return 0;
}

static const struct rule *enforced(const struct rule *r)
{
    return r != NULL && r->mode == MODE_ENFORCE ? r : NULL;
}

/* Everywhere in [now, end), as far as the pair's calendar can tell. */
static int judge_places(struct comparison *c, const struct pair *p, int64_t now, int64_t end, struct grid *g,
                        struct found *r)
{
    const struct rule *before = enforced(p->before), *after = enforced(p->after);
    const struct places_rule rules[2] = {{c->book[0], before}, {c->book[1], after}};
    struct places *places = arena_new(c->scratch, struct places);
    if (places == NULL || ruleset_places_find(c->scratch, rules, now, end, c->left, places) != 0)
        return WL_ENOMEM;
    c->left -= places->asked;
    r->exact = r->exact && places->exact;
    int rc = 0;
    bool differs = false;
    for (size_t i = 0; i < places->n && rc == 0 && c->left > 0; i++) {
        const struct place *place = &places->place[i];
        uint64_t seen = r->seen[LOOSER] + r->seen[STRICTER];
        if (place->again && !differs)
            continue; /* as in the place before: others of its class only matter to examples */
        rc = judge_grid(c, p, place->at, place, g, r);
        differs = r->seen[LOOSER] + r->seen[STRICTER] > seen;
    }
    r->exact = r->exact && c->left > 0;
    return rc;
}

/* All cells, wherever the person may be, at all moments that matter in [now, end). */
static int judge_pair(struct comparison *c, const struct pair *p, int64_t now, int64_t end, struct grid *g,
                      struct found *r)
{
    *r = (struct found){.exact = true};
    int rc = judge_grid(c, p, now, NULL, g, r);
    if (rc == 0 && g->calendar)
        rc = judge_places(c, p, now, end, g, r);
    for (int dir = 0; dir < 2; dir++)
        r->exact = r->exact && (!r->unsure[dir] || r->differs[dir]);
    return rc;
}

/* ---- the whole ---- */

static void grow_example(struct comparison *c, const struct pair *p, enum direction dir, const struct grid *g,
                         const struct found *r)
{
    struct diff_example *x = dir == LOOSER ? &c->ret->looser : &c->ret->stricter;
    for (int attempt = 0; attempt < SEARCH_ATTEMPTS; attempt++)
        for (size_t i = 0; i < r->n[dir] && !x->found && c->effort > 0; i++) {
            struct search_goal goal = {dir, &r->cell[dir][i], g, r->target[dir][i], r->moment[dir][i]};
            if (search_example(c, &goal, attempt, x))
                x->rule = p->face.id;
        }
}

static enum diff_relation relation_of(const bool differs[2], const bool proven[2])
{
    if (differs[LOOSER] && differs[STRICTER])
        return DIFF_INCOMPARABLE;
    if (differs[LOOSER])
        return proven[STRICTER] ? DIFF_LOOSER : DIFF_UNPROVEN;
    if (differs[STRICTER])
        return proven[LOOSER] ? DIFF_STRICTER : DIFF_UNPROVEN;
    return proven[LOOSER] && proven[STRICTER] ? DIFF_SAME : DIFF_UNPROVEN;
}

/* Two dates' findings about one rule. */
static enum diff_relation both(enum diff_relation a, enum diff_relation b)
{
    if (a == b || b == DIFF_SAME)
        return a;
    if (a == DIFF_SAME)
        return b;
    if (a == DIFF_INCOMPARABLE || b == DIFF_INCOMPARABLE || (a != DIFF_UNPROVEN && b != DIFF_UNPROVEN))
        return DIFF_INCOMPARABLE;
    return DIFF_UNPROVEN;
}

/* Whether other values are in force than at the last date; the basis sections are always looked at. */
static bool new_values(struct pair *p, int64_t now)
{
    const int64_t *row[2] = {NULL, NULL};
    bool in[2] = {p->before != NULL && values_at(&p->before->values, now, &row[0]),
                  p->after != NULL && values_at(&p->after->values, now, &row[1])};
    bool changed = (p->before == NULL && p->after == NULL) || in[0] != p->in[0] || in[1] != p->in[1] ||
                   row[0] != p->row[0] || row[1] != p->row[1];
    memcpy(p->row, row, sizeof row);
    memcpy(p->in, in, sizeof in);
    return changed;
}

/* Until when the pair's own values stay as they are. */
static int64_t values_end(const struct pair *p, int64_t now)
{
    int64_t end = TIME_LAST;
    const struct rule *r[2] = {p->before, p->after};
    for (int side = 0; side < 2; side++)
        for (uint16_t i = 0; r[side] != NULL && i < r[side]->values.n_rows; i++) {
            int64_t since = r[side]->values.row[i].since;
            end = since > now && since < end ? since : end;
        }
    return end;
}

/* What the cells of one direction prove about the pair, and about the books. */
static bool judge_direction(struct comparison *c, const struct pair *p, enum direction dir, int64_t now,
                            const struct grid *g, const struct found *r)
{
    bool *never = dir == LOOSER ? &c->ret->never_looser : &c->ret->never_stricter;
    if (r->exact && !r->differs[dir] && (!g->calendar || calendar_ordered(c, p, dir, now)))
        return true;
    grow_example(c, p, dir, g, r);
    if (!r->exact || !r->differs[dir] ||
        !covered_by_others(c, p, dir, now, dir == LOOSER ? &c->ret->looser : &c->ret->stricter))
        *never = false;
    return false;
}

static int compare_pair(struct comparison *c, struct pair *p, int64_t now, struct grid *g, struct found *r)
{
    bool proven[2], changed = new_values(p, now) || !p->settled;
    if (!changed || same_at(c, p, now))
        return 0;
    arena_reset(c->scratch);
    int rc = judge_pair(c, p, now, values_end(p, now), g, r);
    if (rc != 0)
        return rc;
    for (int dir = 0; dir < 2; dir++)
        proven[dir] = judge_direction(c, p, (enum direction)dir, now, g, r);
    /* What rests on other rules of the book must be asked again when their values change. */
    p->settled = (proven[LOOSER] || c->ret->looser.found) && (proven[STRICTER] || c->ret->stricter.found);
    enum diff_relation here = relation_of(r->differs, proven);
    p->face.relation = p->face.since == 0 ? here : both(p->face.relation, here);
    if (p->face.since == 0 && here != DIFF_SAME)
        p->face.since = now;
    return 0;
}

static int compare_all(struct comparison *c, int64_t at, struct grid *g, struct found *r)
{
    struct dates d;
    int rc = 0;
    find_dates(c, at, &d);
    c->ret->n_dates = d.n;
    c->ret->never_looser = c->ret->never_stricter = !d.cut;
    for (size_t k = 0; k < d.n && rc == 0; k++)
        for (size_t i = 0; i < c->n_pairs && rc == 0; i++)
            rc = compare_pair(c, &c->pair[i], d.at[k], g, r);
    return rc;
}

static void conclude(struct comparison *c)
{
    struct ruleset_diff *ret = c->ret;
    bool differs[2] = {ret->looser.found, ret->stricter.found};
    const bool proven[2] = {ret->never_looser && !differs[LOOSER], ret->never_stricter && !differs[STRICTER]};
    ret->never_looser = proven[LOOSER];
    ret->never_stricter = proven[STRICTER];
    ret->relation = relation_of(differs, proven);
    for (size_t i = 0; i < c->n_pairs; i++) {
        struct pair *p = &c->pair[i];
        bool text = p->before != NULL && p->after != NULL && !same_text(p->before, p->after);
        if (p->face.change == DIFF_CHANGED && p->face.since == 0 && p->face.relation == DIFF_SAME) {
            if (!text)
                continue;
            p->face.change = DIFF_TEXT;
        }
        ret->rule[ret->n_rules++] = p->face;
    }
}

int ruleset_diff(const struct ruleset *before, const struct ruleset *after, int64_t at, struct arena *a,
                 struct ruleset_diff *ret, struct err *e)
{
    struct ruleset_diff d = {0};
    struct comparison c = {.book = {before, after}, .keep = a, .ret = &d, .left = POINTS_TOTAL, .effort = EFFORT_TOTAL};
    if (before->decides != after->decides)
        return err_set(e, WL_EINVAL,
                       "one of them has the platform's rules and the other has not: a whole book and a "
                       "part of one cannot be compared");
    int rc = make_pairs(&c, e);
    if (rc != 0)
        return rc;
    c.scratch = arena_create(SCRATCH_MAX);
    struct grid *g = arena_new(a, struct grid);
    struct found *r = arena_new(a, struct found);
    d.rule = arena_new_array(a, struct diff_rule, c.n_pairs);
    if (c.scratch == NULL || g == NULL || r == NULL || d.rule == NULL)
        rc = WL_ENOMEM;
    if (rc == 0)
        rc = compare_all(&c, at, g, r);
    arena_free(c.scratch);
    if (rc != 0)
        return err_set(e, rc, "out of memory comparing the rules");
    conclude(&c);
    *ret = d;
    return 0;
}

bool rule_is_covered(const struct ruleset *rs, const struct rule *r, const struct rule *p, int64_t now, struct arena *a)
{
    struct grid *g = arena_new(a, struct grid);
    struct facts f = {0};
    if (g == NULL || asks_calendar(rs, r) || asks_calendar(rs, p))
        return false;
    grid_init(g, a, now);
    grid_add_rule(g, rs, r);
    grid_add_rule(g, rs, p);
    if (grid_close(g) != 0 || !g->exact || grid_points(g) > COVERED_MAX)
        return false;
    for (uint64_t i = 0; i < grid_points(g); i++) {
        grid_point(g, i, &f);
        if (say_less(rule_say(rs, p, &f, now), rule_say(rs, r, &f, now)))
            return false;
    }
    return true;
}
