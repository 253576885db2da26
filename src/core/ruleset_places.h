/* SPDX-License-Identifier: Apache-2.0
 * ruleset_places.h - the finitely many local times that stand for all of them, as far as some rules can tell.
 *
 * What hours and holidays say depends on two numbers alone: the local minute in the westernmost and in the easternmost
 * place a person may be. All pairs of such minutes fall into classes that the calendar of one or two rules treats
 * alike; a place is one moment with one pair of offsets from UTC that lies in such a class. */
#ifndef WL_CORE_RULESET_PLACES_H
#define WL_CORE_RULESET_PLACES_H

#include "core/ruleset_impl.h"

#define PLACES_EACH 4 /* of one class: the narrowest, and some others, because other rules may tell them apart */
#define PLACES_MAX  (128 * PLACES_EACH)

struct place {
    int64_t at;       /* in the stretch of time that was asked about */
    int32_t min, max; /* minutes east of UTC */
    bool again;       /* the class of the place before it once more */
};

struct places {
    bool exact; /* every class is here */
    size_t n;
    struct place place[PLACES_MAX];
    uint64_t asked; /* pairs of minutes the calendar was asked about */
};

/* One or two rules (either may be NULL) that do not change their values in [from, to). `most`: pairs that may be asked
 * about. Takes what it needs from the arena; WL_ENOMEM. */
struct places_rule {
    const struct ruleset *rs;
    const struct rule *rule;
};
int ruleset_places_find(struct arena *a, const struct places_rule rules[2], int64_t from, int64_t to, uint64_t most,
                        struct places *ret);

/* Every node of a rule, for those who walk it. */
struct rule_walk {
    const struct rule *r;
    const struct ruleset *rs;
    uint32_t at, end;
    bool second;
};
struct rule_walk rule_walk(const struct ruleset *rs, const struct rule *r);
const struct node *rule_walk_next(struct rule_walk *w); /* NULL after the last */

#endif
