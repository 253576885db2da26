/* SPDX-License-Identifier: Apache-2.0
 * ruleset_cells.h - the finitely many facts that stand for all facts, as far as some rules can tell.
 *
 * A rule looks at a fact through comparisons only, so values that compare alike are one cell: each word that is treated
 * alike, each side of a threshold, each member of a list that is treated alike, and "unknown". A grid holds one
 * value of every cell of every fact its rules mention; what holds at all its points holds for all facts, if `exact`.
 * Times are cells relative to one moment. What asks the calendar depends on the moment itself too: ruleset_places.h. */
#ifndef WL_CORE_RULESET_CELLS_H
#define WL_CORE_RULESET_CELLS_H

#include "core/ruleset_places.h"

#define GRID_AXES_MAX   24
#define GRID_LEAVES_MAX 512

struct axis {
    uint8_t fact;
    bool compared; /* with another fact, so its cells are not merged */
    bool put;      /* grid_put(): its one value, never unknown */
    uint32_t n, room;
    int64_t *v; /* known values; unknown is one more */
};

struct grid_leaf {
    const struct ruleset *rs;
    const int64_t *row;
    uint32_t node;
};

struct grid {
    struct arena *arena;
    int64_t now;
    bool exact;    /* the points stand for everything */
    bool calendar; /* something depends on the moment too */
    bool failed;   /* no memory */
    size_t n, n_leaves, n_untils, n_delays;
    struct axis axis[GRID_AXES_MAX];
    struct grid_leaf leaf[GRID_LEAVES_MAX];
    struct {
        uint8_t fact;
        int64_t plus;
    } until[8];       /* holds that end at fact + plus */
    int64_t delay[8]; /* holds that end at now + delay */
};

void grid_init(struct grid *g, struct arena *a, int64_t now);
/* Adds the facts of a rule in force at the grid's moment (else nothing), or of one condition. */
void grid_add_rule(struct grid *g, const struct ruleset *rs, const struct rule *r);
void grid_add_tree(struct grid *g, const struct ruleset *rs, const struct values *values, uint32_t root);
/* No more to be added: merges cells that no comparison tells apart. */
int grid_close(struct grid *g);
/* Then, if it asks the calendar: the person is there. The grid's moment should be the place's. */
void grid_put(struct grid *g, const struct place *p);
uint64_t grid_points(const struct grid *g); /* UINT64_MAX: more than can be counted */
/* Sets the grid's facts to those of point i. */
void grid_point(const struct grid *g, uint64_t i, struct facts *f);
void grid_random_point(const struct grid *g, uint64_t (*draw)(uint64_t *seed), uint64_t *seed, struct facts *f);
/* The fact of an axis takes its value `at`; the one after the last is unknown. */
void axis_cell(const struct axis *x, uint64_t at, struct facts *f);
bool grid_has(const struct grid *g, uint8_t fact);

#endif
