/* SPDX-License-Identifier: Apache-2.0
 * learned.h - what one reading told of a number, its account and its templates, on its way into the store.
 *
 * Everything is worked out on the calling thread, beside the writer: the writer gets finished rows, only those that are new
 * or say something else, and a slice of them at a time. So a list of thousands of templates stands in no message's way, and
 * one that says what it said costs the writer nothing. A template that a complete list does not name any more is deleted. */
#ifndef WL_GATEWAY_LEARNED_H
#define WL_GATEWAY_LEARNED_H

#include "gateway/meta_read.h"
#include "gateway/writer.h"

struct learned {
    struct sender sender;   /* updated_at: when the reading was begun; id 0: no number was read */
    int64_t people;         /* what the number says of its portfolio's limit, as account.limit; -1: nothing */
    struct account account; /* as sender; waba 0: no account was read */
    int64_t waba;           /* whose templates were listed */
    struct template_row *rows;
    size_t n_rows;
    int64_t listed_at; /* when the list was asked for; 0: none was */
    bool all;          /* it is complete: what it does not name is gone */
};

/* `reader`: the calling thread's, to compare with. Times are the requests': what a webhook said since then stays. */
/* *ret_new: templates that were written. May be NULL. */
int learned_write(struct writer *w, struct store *reader, const struct learned *l, size_t *ret_new, struct err *e);

#endif
