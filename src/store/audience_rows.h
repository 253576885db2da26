/* SPDX-License-Identifier: Apache-2.0
 * audience_rows.h - everybody with all that is known of them, in the order of their ids: what an audience is built from.
 *
 * Reads only, in pages, each within store_begin_reading(), so that no snapshot is held for long (docs/decisions/0005-store.md). Merge joins along the same key, no
 * look-up a person. People who were merged into others are left out; those who are to be erased come marked. */
#ifndef WL_STORE_AUDIENCE_ROWS_H
#define WL_STORE_AUDIENCE_ROWS_H

#include "core/audience.h"
#include "store/store.h"

/* Calls each() for people after this id, at most max; *ret_last: the last one's id, as it was where there was nobody. The person and what they
 * point to are good during the call. Their number is the one they were first known by of those they have not left; without one it is their user id. Fewer than max:
 * that was all. */
int audience_rows(struct store *s, int bucket, int64_t after, size_t max, struct arena *a,
                  int (*each)(void *ctx, const struct audience_person *p, struct err *e), void *ctx, int64_t *ret_last,
                  size_t *ret_n, struct err *e);
int audience_row_sources(struct store *s, struct arena *a,
                         int (*each)(void *ctx, int64_t id, struct str name, struct err *e), void *ctx, struct err *e);
/* What campaigns did with people (enum audience_mark): those of one campaign after this place, at most max. *ret_last: the last one's
 * place. Fewer than max: that was all. */
int audience_row_marks(struct store *s, int bucket, int64_t campaign, int64_t after, size_t max,
                       int (*each)(void *ctx, int64_t contact, unsigned marks, struct err *e), void *ctx,
                       int64_t *ret_last, size_t *ret_n, struct err *e);

#endif
