/* SPDX-License-Identifier: Apache-2.0
 * outbox.h - messages we answer for: what waits to be sent, with everything that sending takes.
 *
 * A row is written in the transaction that accepts its message and deleted in the one that ends it; while an attempt is
 * open or in doubt the row stays, parked. So whatever is accepted and not ended has a row here, and the rows are the
 * whole queue: a line is (sender, class, campaign) in the order of (due, id), and a reader goes along it with a position
 * of its own. Nothing is ever written behind that position when three things hold: a row is written, moved or put back with
 * a `due` at the `now` of its transaction or later (or, of a message that is being sent, anywhere: it is moved again before it
 * waits); that `now` never goes back from one commit to the next; and the
 * reader asks for what is due before the `now` of every transaction that is not committed yet. A reader that cannot know
 * the last (it reads beside the writer) keeps a little behind the clock, and begins a line anew now and then: rows it
 * holds already are no news to it.
 *
 * Bodies are kept as accepted, at most OUTBOX_BODY_MAX bytes. */
#ifndef WL_STORE_OUTBOX_H
#define WL_STORE_OUTBOX_H

#include "store/store.h"

#define OUTBOX_BODY_MAX (256u << 10)
#define OUTBOX_PARKED   INT64_MAX /* due of a row whose attempt is in doubt */

enum outbox_flag {
    OUTBOX_OUR_ID = 1 /* the client was given our id for Meta's: statuses are handed on with it */
};

struct outbox_key {
    int bucket;
    int64_t sender;
    int class; /* enum lane_class */
    int64_t campaign;
    int64_t due; /* ms */
    int64_t id;  /* the message's */
};

struct outbox_row {
    struct outbox_key key;
    int path;        /* enum intent_path */
    int64_t flags;   /* enum outbox_flag */
    int expected;    /* enum category the caller counts on; 0 none */
    struct str body; /* the Graph body */
    /* What holds it, as decided last; ruleset 0: no rule does. */
    int64_t ruleset, until;
    struct str facts, findings;
};

/* WL_ETOOBIG: a body is larger than OUTBOX_BODY_MAX; nothing was written. */
int outbox_put(struct store *s, const struct outbox_row *r, size_t n, struct err *e);
/* WL_ENOTFOUND when there is no such row (here and in outbox_move); nothing was written then, the transaction may go on. */
int outbox_delete(struct store *s, const struct outbox_key *k, struct err *e);
/* The same row with another class or due (and what holds it now, when `held` is not NULL); *k becomes where it is. */
int outbox_move(struct store *s, struct outbox_key *k, int class, int64_t due, const struct outbox_row *held,
                struct err *e);
/* The row of a message whose `due` is not known: tries the message's own `due` and PARKED. WL_ENOTFOUND. */
int outbox_get(struct store *s, const struct outbox_key *k, struct arena *a, struct outbox_row *ret, struct err *e);
/* The keys of the next rows of a line after (due, id), due at `until` or before. */
int outbox_read(struct store *s, const struct outbox_key *after, int64_t until, struct arena *a, size_t max,
                struct outbox_key **ret, size_t *ret_n, struct err *e);
/* The bucket's rows of all lines after this key, in key order, with whom they are to; fewer than max only at the end. */
struct outbox_addressee {
    struct outbox_key key;
    int64_t contact; /* 0: nobody was known when the message was accepted */
};
int outbox_addressees(struct store *s, const struct outbox_key *after, size_t max, struct arena *a,
                      struct outbox_addressee **ret, size_t *ret_n, struct err *e);
/* The bucket's next line after this one in key order (sender 0: its first): WL_ENOTFOUND when there is none. Sender, class
 * and campaign of it, and due and id of its first row. */
int outbox_next_line(struct store *s, const struct outbox_key *after, struct outbox_key *ret, struct err *e);
/* How many rows a line has, counted up to max. */
int outbox_count(struct store *s, const struct outbox_key *line, int64_t max, int64_t *ret, struct err *e);

/* A client's own callback data that did not fit beside ours (core/callback.h). */
int callback_data_put(struct store *s, int bucket, int64_t id, struct str value, struct err *e);
/* {NULL,0} when there is none. */
int callback_data_get(struct store *s, int bucket, int64_t id, struct arena *a, struct str *ret, struct err *e);
/* Those of messages with ids below `before` that ended by `ended_by` (ms) or are not there. A message may wait for a year: its
 * value stays. Looks at the next 2000 after the id *after, which moves on; 0: begins, and has come to the end. */
int callback_data_forget(struct store *s, int bucket, int64_t before, int64_t ended_by, int64_t *after, struct err *e);

#endif
