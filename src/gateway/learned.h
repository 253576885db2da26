/* SPDX-License-Identifier: Apache-2.0
 * learned.h - what one reading told of a number, its account and its templates, on its way into the store.
 *
 * Everything is worked out on the calling thread, beside the writer: the writer gets finished rows, only those that are new
 * or say something else, and a slice of them at a time. So a list of thousands of templates stands in no message's way, and
 * one that says what it said costs the writer nothing. */
#ifndef WL_GATEWAY_LEARNED_H
#define WL_GATEWAY_LEARNED_H

#include "gateway/meta_read.h"
#include "gateway/writer.h"

struct learned {
    struct sender sender; /* updated_at: when the reading was begun */
    struct meta_limits limits;
    int64_t limits_at; /* when they were asked for */
    struct template_row *rows;
    size_t n_rows;
    int64_t listed_at; /* when the list was asked for */
};

/* `reader`: the calling thread's, to compare with. Times are the requests': what a webhook said since then stays. */
int learned_write(struct writer *w, struct store *reader, const struct learned *l, struct err *e);

#endif
