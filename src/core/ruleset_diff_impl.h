/* SPDX-License-Identifier: Apache-2.0
 * ruleset_diff_impl.h - what the files of the comparison share: two books, one direction, what a book says.
 *
 * A direction asks for messages about which the book after is looser, or stricter, than the book before. The strong
 * book of a direction is the one whose verdict is stronger there: before for looser, after for stricter. */
#ifndef WL_CORE_RULESET_DIFF_IMPL_H
#define WL_CORE_RULESET_DIFF_IMPL_H

#include "core/ruleset_cells.h"
#include "core/ruleset_diff.h"

enum direction { LOOSER = 0, STRICTER = 1 }; /* also the index of the strong book */

/* What a rule or a book says about facts. */
struct say {
    int64_t until; /* of a hold */
    uint8_t verdict;
    bool calendar; /* a hold until the calendar says otherwise, or the denial when it never does */
};

static inline bool say_less(struct say a, struct say b)
{
    return a.verdict != b.verdict ? a.verdict < b.verdict : a.verdict == VERDICT_HOLD && a.until < b.until;
}

/* A rule of both books by id; either may be absent. Both NULL: the basis sections. */
struct pair {
    const struct rule *before, *after;
    struct diff_rule face;
    bool settled; /* as long as its own values stay, nothing new can be found about it */
    bool in[2];   /* at the date looked at last: in force, and the values that were */
    const int64_t *row[2];
};

struct comparison {
    const struct ruleset *book[2]; /* before, after */
    struct arena *keep, *scratch;
    struct ruleset_diff *ret;
    struct pair *pair;
    size_t n_pairs;
    uint64_t left;   /* points that may still be judged */
    uint64_t effort; /* rules that may still be judged in search of examples */
};

/* ruleset_say.c: enforced rules only */
struct say rule_say(const struct ruleset *rs, const struct rule *r, const struct facts *f, int64_t now);
struct say basis_say(const struct ruleset *rs, const struct facts *f, int64_t now);
struct say pair_say(const struct comparison *c, const struct pair *p, int side, const struct facts *f, int64_t now);
/* The whole book without an expiry; ret_rule: the rule that speaks, NULL when none does. */
struct say book_say(const struct ruleset *rs, const struct facts *f, int64_t now, const char **ret_rule);
bool is_receipt(const struct facts *f);
bool asks_calendar(const struct ruleset *rs, const struct rule *r); /* r may be NULL */
void grid_add_pair(struct grid *g, const struct comparison *c, const struct pair *p);
void grid_add_side(struct grid *g, const struct ruleset *rs, const struct pair *p, int side);

/* ruleset_same.c: equal in everything that decides, with the values in force at `now` */
bool same_at(const struct comparison *c, const struct pair *p, int64_t now);
bool same_text(const struct rule *a, const struct rule *b);
/* Where both versions hold until the next opening, the weaker one's of this direction is never the earlier. */
bool calendar_ordered(const struct comparison *c, const struct pair *p, enum direction dir, int64_t now);

/* ruleset_search.c: facts with the values that `pinned` fixes on the grid, about which the books differ that way. The
 * weak book must say less than `target`. Attempts differ; later ones are wilder. */
#define SEARCH_ATTEMPTS 8
struct search_goal {
    enum direction dir;
    const struct facts *pinned;
    const struct grid *grid;
    struct say target;
    int64_t now;
};
bool search_example(struct comparison *c, const struct search_goal *goal, int attempt, struct diff_example *ret);
/* Asks both books; false when they do not differ that way about these facts. */
bool example_confirm(const struct comparison *c, enum direction dir, const struct facts *f, int64_t now,
                     struct diff_example *ret);

/* ruleset_cover.c: whether the strong side of the pair is always answered as strongly by other rules of the weak book.
 * May find an example on the way. */
bool covered_by_others(struct comparison *c, const struct pair *p, enum direction dir, int64_t now,
                       struct diff_example *ret);

#endif
