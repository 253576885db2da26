/* SPDX-License-Identifier: Apache-2.0
 * census.h - how many messages wait, and for what: counts for those who watch.
 *
 * Each is read from an index alone and looks at no more than `most` rows: what it says is "at least" when it reaches that. */
#ifndef WL_STORE_CENSUS_H
#define WL_STORE_CENSUS_H

#include "store/store.h"

/* Rows of the outbox of one number. */
struct census_row {
    int64_t sender;
    int64_t due;    /* at `now` or before */
    int64_t later;  /* after it */
    int64_t parked; /* their attempt is in doubt */
};
/* By number, the first `most` rows in the order of the numbers. */
int census_outbox(struct store *s, int bucket, int64_t now, int64_t most, struct arena *a, struct census_row **ret,
                  size_t *ret_n, struct err *e);
/* Rows that a rule holds until later. */
int census_held(struct store *s, int bucket, int64_t now, int64_t most, int64_t *ret, struct err *e);
/* The same by number, in the order of the numbers: `later` of each row, the others 0. */
int census_held_of(struct store *s, int bucket, int64_t now, int64_t most, struct arena *a, struct census_row **ret,
                   size_t *ret_n, struct err *e);
/* Messages in doubt, whoever answers for them. */
int census_in_doubt(struct store *s, int bucket, int64_t most, int64_t *ret, struct err *e);

#endif
