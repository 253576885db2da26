/* SPDX-License-Identifier: Apache-2.0
 * ruleset_cover.c - a rule that says less than before may still be answered by other rules of its book.
 *
 * A rule that was split in two, renamed, or made superfluous by another: rule by rule it looks weaker, and the book is
 * not. Asked on a grid of the rule's facts with the rules that mention no other facts; then with those that share
 * some; then, when the whole book is that small, with all of it, and what remains then is an example. Rules that ask
 * the calendar are left out, which can only lose a proof. */
#include "core/ruleset_diff_impl.h"

#define COVERING_MAX (UINT64_C(1) << 17)

enum width { WITHIN, SHARING, ALL, WIDTHS };

static bool belongs(const struct rule *r, const struct grid *g, enum width width)
{
    size_t shared = 0;
    for (uint8_t i = 0; i < r->facts.n; i++)
        shared += grid_has(g, r->facts.fact[i]);
    return width == ALL || (width == SHARING ? shared > 0 : shared == r->facts.n);
}

/* The rules of a book that belong to the grid, and then on the grid they make. */
static size_t rules_on(struct grid *g, const struct ruleset *rs, enum width width, uint16_t *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = &rs->rule[i];
        if (r->builtin == BUILTIN_NONE && r->mode == MODE_ENFORCE && !asks_calendar(rs, r) && belongs(r, g, width))
            ret[n++] = (uint16_t)i;
    }
    for (size_t i = 0; i < n; i++)
        grid_add_rule(g, rs, &rs->rule[ret[i]]);
    return n;
}

struct cover {
    const struct ruleset *weak;
    uint16_t rule[RULES_MAX];
    size_t n;
    bool basis; /* is asked too */
};

static struct say cover_say(const struct cover *k, const struct facts *f, int64_t now)
{
    struct say most = k->basis ? basis_say(k->weak, f, now) : (struct say){0, VERDICT_ALLOW, false};
    for (size_t i = 0; i < k->n; i++) {
        struct say one = rule_say(k->weak, &k->weak->rule[k->rule[i]], f, now);
        most = say_less(most, one) ? one : most;
    }
    return most;
}

/* 1: covered; 0: not; -1: too large to tell. */
static int cover_grid(struct comparison *c, const struct pair *p, enum direction dir, enum width width, int64_t now,
                      struct diff_example *ret)
{
    static const struct pair basis;
    struct grid *g = arena_new(c->scratch, struct grid);
    struct cover *k = arena_new(c->scratch, struct cover);
    struct facts f = {0};
    if (g == NULL || k == NULL)
        return -1;
    grid_init(g, c->scratch, now);
    grid_add_side(g, c->book[dir], p, (int)dir);
    k->weak = c->book[!dir];
    k->basis = width == ALL || (p->before == NULL && p->after == NULL);
    if (k->basis)
        grid_add_side(g, k->weak, &basis, !dir);
    k->n = rules_on(g, k->weak, width, k->rule);
    if (grid_close(g) != 0 || !g->exact || grid_points(g) > COVERING_MAX || grid_points(g) > c->left)
        return -1;
    c->left -= grid_points(g);
    int covered = 1;
    for (uint64_t i = 0; i < grid_points(g); i++) {
        grid_point(g, i, &f);
        if (!say_less(cover_say(k, &f, now), pair_say(c, p, (int)dir, &f, now)))
            continue;
        covered = 0;
        if (width != ALL || example_confirm(c, dir, &f, now, ret))
            break;
    }
    return covered;
}

/* The same rule under another name. */
static bool renamed(const struct comparison *c, const struct pair *p, enum direction dir, int64_t now)
{
    const struct ruleset *weak = c->book[!dir];
    const struct rule *strong = dir == LOOSER ? p->before : p->after;
    for (size_t i = 0; i < weak->n_rules; i++) {
        const struct rule *r = &weak->rule[i];
        struct pair other = {.before = dir == LOOSER ? strong : r, .after = dir == LOOSER ? r : strong};
        if (r->builtin == BUILTIN_NONE && r->mode == MODE_ENFORCE && same_at(c, &other, now))
            return true;
    }
    return false;
}

bool covered_by_others(struct comparison *c, const struct pair *p, enum direction dir, int64_t now,
                       struct diff_example *ret)
{
    const struct rule *strong = dir == LOOSER ? p->before : p->after;
    int covered = 0;
    if (ret->found)
        return false; /* the question is answered */
    if (strong != NULL && renamed(c, p, dir, now))
        return true;
    if (asks_calendar(c->book[dir], strong))
        return false;
    for (enum width w = WITHIN; w < WIDTHS && covered == 0 && !ret->found; w++)
        covered = cover_grid(c, p, dir, w, now, ret);
    if (ret->found)
        ret->rule = p->face.id;
    return covered == 1;
}
