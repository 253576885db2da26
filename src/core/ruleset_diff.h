/* SPDX-License-Identifier: Apache-2.0
 * ruleset_diff.h - is a book of rules stricter than another, looser, the same, or neither? With a message for which it is so.
 *
 * "Stricter" means: for every message there can be, at every time from a given day on, the verdict is at least as strong
 * (allow < hold < deny; of two holds the later end), and for some it is stronger. Rules are compared one by one over
 * the cells of their facts: when every rule dominates its predecessor, the join of all does, by monotonicity. Where a
 * rule does not, a message is sought for which the whole books differ, and shown only when both books, asked about
 * it, do differ. What is too large to be enumerated is sampled and called not proven. */
#ifndef WL_CORE_RULESET_DIFF_H
#define WL_CORE_RULESET_DIFF_H

#include "base/arena.h"
#include "core/facts.h"
#include "core/ruleset.h"

enum diff_relation {
    DIFF_SAME,         /* proven */
    DIFF_STRICTER,     /* proven never looser, and there is a message for which it is stricter */
    DIFF_LOOSER,       /* the other way round */
    DIFF_INCOMPARABLE, /* a message for each */
    DIFF_UNPROVEN
};
const char *diff_relation_name(enum diff_relation r); /* "same", "stricter", ... "not proven" */

enum diff_change {
    DIFF_ADDED,
    DIFF_REMOVED,
    DIFF_CHANGED,
    DIFF_TEXT /* decides alike: words, code or source differ */
};
const char *diff_change_name(enum diff_change c);

/* A message about which the books differ. */
struct diff_example {
    bool found;
    struct facts facts;
    int64_t at;
    int before, after;                    /* enum verdict */
    int64_t before_until, after_until;    /* of holds */
    const char *before_rule, *after_rule; /* that speaks; NULL when allowed */
    const char *rule;                     /* the changed one because of which it was sought */
};

struct diff_rule {
    const char *id; /* "basis" for the basis sections */
    enum diff_change change;
    enum diff_relation relation; /* of the rule alone */
    int64_t since;               /* first moment at which they differ; 0 for DIFF_TEXT */
};

struct ruleset_diff {
    enum diff_relation relation;
    bool never_looser, never_stricter; /* proven */
    struct diff_example looser, stricter;
    struct diff_rule *rule; /* those that differ, in order of id */
    size_t n_rules;
    size_t n_dates;  /* days looked at: `at` and each later one at which a value changes */
    uint64_t points; /* cells judged */
    bool sampled;    /* some rule was too large to be enumerated */
};

/* Two books, or two parts. Everything in *ret lives in the arena or in the books. */
int ruleset_diff(const struct ruleset *before, const struct ruleset *after, int64_t at, struct arena *a,
                 struct ruleset_diff *ret, struct err *e);

/* Whether rule p of the same book always says at least as much as rule r, at `now`: then r can never speak. */
bool rule_is_covered(const struct ruleset *rs, const struct rule *r, const struct rule *p, int64_t now,
                     struct arena *a);

#endif
