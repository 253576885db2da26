/* SPDX-License-Identifier: Apache-2.0
 * people_list.h - people in the order they became known, a page at a time.
 *
 * Those that a filter lets through: by what they did lately, by a tag, by attributes. Nobody who is to be erased. */
#ifndef WL_STORE_PEOPLE_LIST_H
#define WL_STORE_PEOPLE_LIST_H

#include "core/activity.h"
#include "store/people.h"

#define PEOPLE_SCAN_MAX       20000 /* rows one call looks at */
#define PEOPLE_ATTRIBUTES_MAX 8     /* of a filter */

struct people_filter {
    uint32_t classes; /* bit 1 << enum activity_class; 0: any */
    struct activity_horizons horizons;
    int64_t idle_since;  /* ms; no sign of life after it, nor first heard of after it; 0 any */
    int64_t alive_since; /* ms; a sign of life at or after it: their phone is on; 0 any */
    struct str tag;      /* absent: any */
    struct {
        struct str name, value; /* value absent: any, as long as they have one */
    } attribute[PEOPLE_ATTRIBUTES_MAX];
    size_t n_attributes;
};

struct listed_person {
    int bucket;
    int64_t id, created_at;
    char name[PERSON_NAME_MAX];
    char lang[16];
    struct consent_state consent;
    int64_t restricted_until;
    struct activity a;
};

/* Those with an id above `after` (0: from the first), at most max. *ret_next: where to go on; 0: that was all. A page may be empty and
 * have a next one. */
int people_list(struct store *s, int bucket, const struct people_filter *f, int64_t after, int64_t now, struct arena *a,
                size_t max, struct listed_person **ret, size_t *ret_n, int64_t *ret_next, struct err *e);

#endif
