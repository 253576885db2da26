/* SPDX-License-Identifier: Apache-2.0
 * inbox.h - webhook bodies as they came, durable before the 200.
 *
 * Appended by the receiver, read in order by the projector and by the forwarder, each with its own cursor
 * (store.h). A body that could not be applied stays, with the reason. */
#ifndef WL_STORE_INBOX_H
#define WL_STORE_INBOX_H

#include "store/store.h"

struct inbox_row {
    int64_t seq; /* store_id(): time-ordered */
    int64_t at;
    struct str body;
    struct str problem; /* why it could not be applied; {NULL,0} */
};
int inbox_append(struct store *s, const struct inbox_row *rows, size_t n, struct err *e);
/* In order, after `after`, at most max rows and about max_bytes; strings in the arena. */
int inbox_read(struct store *s, int64_t after, size_t max, size_t max_bytes, struct arena *a, struct inbox_row **ret,
               size_t *ret_n, struct err *e);
int inbox_newest(struct store *s, int64_t *ret_seq, struct err *e); /* 0: empty */
int inbox_problem(struct store *s, int64_t seq, struct str why, struct err *e);
int inbox_counts(struct store *s, int64_t *ret_rows, int64_t *ret_problems, struct err *e);

#endif
