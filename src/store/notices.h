/* SPDX-License-Identifier: Apache-2.0
 * notices.h - what Meta said of accounts, numbers, templates and flows, word for word; and which webhook fields were heard.
 *
 * The state that decisions read is the fold of such words; this is what they were, for people who ask why. Nothing about
 * a person is kept here: that stays in the inbox, for as long as bodies are kept. */
#ifndef WL_STORE_NOTICES_H
#define WL_STORE_NOTICES_H

#include "store/store.h"

#define NOTICE_DETAIL_MAX 16384

struct notice {
    int64_t at;   /* when Meta says that it happened; when the body came, if Meta does not say */
    uint64_t key; /* the event's (core/event.h); with `at` it says when two are the same */
    int64_t recorded_at;
    int64_t waba;
    int64_t sender;     /* phone_number_id; 0: of no single number */
    struct str field;   /* "account_update" */
    struct str subject; /* what it is about beside account and number: "promo_may/en_US", a flow's id; may be empty */
    struct str word;    /* event or decision: "ACCOUNT_RESTRICTION" */
    struct str detail;  /* the change's value as JSON; {"cut":true} when it was longer than NOTICE_DETAIL_MAX, or
                         * with more beside it that says why it is not here */
};
/* Two that are the same in time and key are one, the one recorded first; recorded in the same millisecond, the smaller one
 * by its other values in the order of the columns. *ret_new: those that were not there. */
int notices_put(struct store *s, const struct notice *v, size_t n, size_t *ret_new, struct err *e);
/* Newest first, before (before, before_key), the last one of the page before (before 0: from the newest); waba, sender 0
 * and field {NULL,0}: any. */
struct notice_filter {
    int64_t waba, sender, before;
    uint64_t before_key; /* 0 with `before`: all that happened before then */
    struct str field;
};
int notices_list(struct store *s, const struct notice_filter *f, size_t max, struct arena *a, struct notice **ret,
                 size_t *ret_n, struct err *e);

/* Drops at most max of the oldest, those that happened and were heard before `before`. */
int notices_expire(struct store *s, int64_t before, size_t max, size_t *ret_n, struct err *e);

struct field_heard {
    struct str field;
    bool known; /* docs/platform.md §6.3 names it */
    int64_t events, first_at, last_at;
};
/* Adds the counts. */
int fields_add(struct store *s, const struct field_heard *v, size_t n, struct err *e);
int fields_list(struct store *s, struct arena *a, struct field_heard **ret, size_t *ret_n, struct err *e);

#endif
