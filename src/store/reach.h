/* SPDX-License-Identifier: Apache-2.0
 * reach.h - who was reached outside windows, for the portfolio's limit on people a day.
 *
 * The person's own row says when they were last counted (bucketed); the portfolio's row holds the counts of the last
 * 24 hours (control, versioned: a save with an old version is WL_ECONFLICT). core/budget.h computes both. */
#ifndef WL_STORE_REACH_H
#define WL_STORE_REACH_H

#include "core/budget.h"
#include "store/store.h"

struct reach {
    int bucket;
    int64_t portfolio, contact;
    int64_t opened_at; /* 0: never */
};
/* bucket, portfolio, contact are given; opened_at is filled, 0 where there is no row. */
int reach_get(struct store *s, struct reach *r, size_t n, struct err *e);
int reach_put(struct store *s, const struct reach *r, size_t n, struct err *e); /* inserts or moves forward */
/* Removes the row if it still says r->opened_at; ret_gone: whether it did. */
int reach_forget(struct store *s, const struct reach *r, bool *ret_gone, struct err *e);

struct portfolio {
    int64_t id;
    int64_t ver; /* 0: no row yet */
    struct budget budget;
};
int portfolio_get(struct store *s, int64_t id, struct portfolio *ret, struct err *e);
int portfolio_put(struct store *s, struct portfolio *p, struct err *e); /* WL_ECONFLICT as above; ver is raised */
/* Whom `from` counts `to` counts as well, from now on. The rows of people stay with `from`, so who is reached again through
 * `to` counts twice there until a day after the first time: a place too many taken, never one too few. */
int portfolio_add(struct store *s, int64_t to, int64_t from, struct err *e);

#endif
