/* SPDX-License-Identifier: Apache-2.0
 * activities.h - the rows of core/activity.h: one a person.
 *
 * A row is read and written whole, with every status of a message to them and with every message of theirs. */
#ifndef WL_STORE_ACTIVITIES_H
#define WL_STORE_ACTIVITIES_H

#include "core/activity.h"
#include "store/store.h"

struct activity_row {
    int bucket;
    int64_t contact;
    int64_t ver; /* 0: nothing is known of them yet, and `a` is empty */
    struct activity a;
};

/* bucket and contact are given. Of a person who was merged into another there is none any more. */
int activities_get(struct store *s, struct activity_row *r, size_t n, struct err *e);
/* Inserts (ver 0) or updates with the version read; WL_ECONFLICT when another was quicker. ver is raised. */
int activities_put(struct store *s, struct activity_row *r, size_t n, struct err *e);
/* What happened to somebody: `contact`, or whom they were merged into. Nothing is written of people who are to be erased, or are
 * gone. */
int activities_add(struct store *s, int bucket, int64_t contact, const struct activity_event *ev, size_t n,
                   struct err *e);

#endif
