/* SPDX-License-Identifier: Apache-2.0
 * skeletons.h - the fixed texts of marketing templates, so that a decision can be explained when a template is gone.
 *
 * A control table: one row a text ever seen, by the number the facts message.skeleton and duplicate.of carry. No
 * personal data: values put into a template never come here. */
#ifndef WL_STORE_SKELETONS_H
#define WL_STORE_SKELETONS_H

#include "store/store.h"

struct skeleton {
    uint32_t number; /* from the text: 32 bits of similar_fixed_hash(), never 0 */
    struct str text; /* body and footer with their placeholders */
    int64_t first_seen;
};
int skeletons_put(struct store *s, const struct skeleton *v, size_t n,
                  struct err *e); /* a number that is there stays */
int skeletons_get(struct store *s, uint32_t number, struct arena *a, struct skeleton *ret,
                  struct err *e); /* WL_ENOTFOUND */
/* The newest `max`, newest first. */
int skeletons_list(struct store *s, struct arena *a, size_t max, struct skeleton **ret, size_t *ret_n, struct err *e);

#endif
