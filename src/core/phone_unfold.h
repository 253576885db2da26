/* SPDX-License-Identifier: Apache-2.0
 * phone_unfold.h - a program asked about all numbers of a length at once: its decision graph.
 *
 * One machine serves one program after the other and puts all graphs into the same store, where equal ones are one. */
#ifndef WL_CORE_PHONE_UNFOLD_H
#define WL_CORE_PHONE_UNFOLD_H

#include "core/phone_file.h"
#include "core/phone_graph.h"

#define PHONE_UNFOLD_NOWHERE 31

enum phone_unfold_how {
    PHONE_UNFOLD_WHOLE,  /* answers 1 where the program matches the whole number, else 0 */
    PHONE_UNFOLD_BEGINS, /* answers 1 where it matches the number's beginning */
    PHONE_UNFOLD_GROUPS  /* as WHOLE, but the answer is the one of `leaf` for where the groups lie */
};

/* Where group g (1..) begins: start[g], and ends: end[g], in digits; PHONE_UNFOLD_NOWHERE where it takes no part. */
struct phone_unfold_groups {
    uint8_t start[PHONE_GROUPS_MAX + 1], end[PHONE_GROUPS_MAX + 1];
};
typedef phone_ref (*phone_unfold_leaf)(void *context, const struct phone_unfold_groups *groups);

struct phone_unfold {
    struct phone_graph *graph;
    const struct phone_step *step;
    uint32_t steps;
    enum phone_unfold_how how;
    phone_unfold_leaf leaf;
    void *context;
    struct buf thread, state, slot, mark, stack;
    uint32_t states, slots, round;
    bool failed; /* sticky */
};

/* A machine to be used for one program after the other. phone_unfold_done() it. */
void phone_unfold_init(struct phone_unfold *u, struct phone_graph *graph);
void phone_unfold_done(struct phone_unfold *u);

/* Takes up a program of phone_regex.h; what is borrowed must live while graphs are asked for. leaf, context: of PHONE_UNFOLD_GROUPS. */
void phone_unfold_begin(struct phone_unfold *u, const struct phone_step *step, uint32_t steps,
                        enum phone_unfold_how how, phone_unfold_leaf leaf, void *context);
/* Its graph for numbers of `digits` digits, 0 to PHONE_NSN_MAX. */
phone_ref phone_unfold(struct phone_unfold *u, unsigned digits);
/* struct phone_region_row.prefix_first of the program. */
uint16_t phone_unfold_first(struct phone_unfold *u);

#endif
