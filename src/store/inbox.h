/* SPDX-License-Identifier: Apache-2.0
 * inbox.h - webhook bodies as they came, durable before the 200.
 *
 * Appended by the receiver, read in order by the projector (with a cursor of its own, store.h) and by the fan-out (with a
 * position for each subscriber). A body that could not be applied stays, with the reason. Bodies are kept for a set time
 * and then dropped, oldest first; what a person may have erased is taken out of them in place. */
#ifndef WL_STORE_INBOX_H
#define WL_STORE_INBOX_H

#include "store/store.h"

#define INBOX_BODY_MAX (4u << 20)

struct inbox_row {
    int64_t seq; /* store_id(): time-ordered */
    int64_t at;
    int64_t app; /* Meta's id of the app whose secret signed it; 0: the one that is configured without an id */
    struct str body;
    struct str problem; /* why it could not be applied; {NULL,0} */
    struct str repeats; /* keys of its events that we had before: inbox_repeated() */
};
/* Bodies are packed here and unpacked when read: nobody else sees how they are kept. */
int inbox_append(struct store *s, const struct inbox_row *rows, size_t n, struct err *e);
/* In order, after `after`, at most max rows and about max_bytes of bodies; strings in the arena. */
int inbox_read(struct store *s, int64_t after, size_t max, size_t max_bytes, struct arena *a, struct inbox_row **ret,
               size_t *ret_n, struct err *e);
/* The same, newest first, before `before`; 0: from the newest. */
int inbox_read_back(struct store *s, int64_t before, size_t max, size_t max_bytes, struct arena *a,
                    struct inbox_row **ret, size_t *ret_n, struct err *e);
int inbox_get(struct store *s, int64_t seq, struct arena *a, struct inbox_row *ret, struct err *e); /* WL_ENOTFOUND */
int inbox_newest(struct store *s, int64_t *ret_seq, struct err *e);                                 /* 0: empty */
int inbox_oldest(struct store *s, int64_t *ret_seq, struct err *e);                                 /* 0: empty */
int inbox_problem(struct store *s, int64_t seq, struct str why, struct err *e);
/* These events of the body had come before; what was said so far of this body is replaced. */
int inbox_repeats(struct store *s, int64_t seq, const uint64_t *keys, size_t n, struct err *e);
bool inbox_repeated(const struct inbox_row *row, uint64_t key);
/* Another body in the place of the one that is there: a person's data were taken out of it. */
int inbox_rewrite(struct store *s, int64_t seq, struct str body, struct err *e);
/* The newest of the oldest `max` rows before this seq: what inbox_drop() would drop ends there. 0: there is none. */
int inbox_last_of(struct store *s, int64_t before, size_t max, int64_t *ret_seq, struct err *e);
/* Drops at most max of the oldest rows before this seq. Ids never come again for it. */
int inbox_drop(struct store *s, int64_t before, size_t max, size_t *ret_n, struct err *e);
/* How many there are after `after` up to `until`, counted up to `most`. */
int inbox_count(struct store *s, int64_t after, int64_t until, int64_t most, int64_t *ret, struct err *e);
int inbox_counts(struct store *s, int64_t *ret_rows, int64_t *ret_problems, struct err *e);

#endif
