/* SPDX-License-Identifier: Apache-2.0
 * welcome_row.h - all that an errand's row says, read out of its detail.
 *
 * For errand*.c, welcome*.c and rest_welcomes.c only; docs/welcome.md has the states in words. */
#ifndef WL_GATEWAY_WELCOME_ROW_H
#define WL_GATEWAY_WELCOME_ROW_H

#include "core/welcome.h"
#include "store/errands.h"

struct welcome_row {
    struct welcome w;
    struct str language; /* of the person, or of the template */
    struct str template_name, components;
    struct str text, wording, first, actor;
    bool buttons, reconfirm;
    struct str reply;    /* id of the message that answered */
    struct str messages; /* JSON array of the ids of ours */
};
/* Kinds other than WELCOME ask nothing. Strings in the arena. */
int welcome_row_read(const struct errand *v, struct arena *a, struct welcome_row *ret, struct err *e);
/* The same of a row whose detail nobody can read: what its columns say, *ret_damaged, and v->detail is empty from then on. Fails
 * for want of memory alone: no row may stop whoever goes through many. */
int welcome_row_salvage(struct errand *v, struct arena *a, struct welcome_row *ret, bool *ret_damaged, struct err *e);
/* Into the row: state, due, step and the progress of its detail. one_more: id of a message that was taken, or NULL. */
int welcome_row_write(struct errand *v, struct arena *a, const struct welcome_row *row, const char *one_more,
                      struct err *e);
enum errand_state welcome_errand_state(enum welcome_state s);

#endif
