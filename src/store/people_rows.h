/* SPDX-License-Identifier: Apache-2.0
 * people_rows.h - what the files about people share inside the store.
 *
 * Finding a person by a name, giving a name, following a merge, moving pair rows: the pieces that a merge is made
 * of, kept beside the statements they belong to. Private to src/store; runs inside the caller's transaction. */
#ifndef WL_STORE_PEOPLE_ROWS_H
#define WL_STORE_PEOPLE_ROWS_H

#include "store/db.h"
#include "store/people.h"

int identity_lookup(struct store *s, int bucket, const struct identity *who, struct person *ret,
                    struct err *e); /* id 0: nobody */
int identity_insert(struct store *s, int bucket, const struct identity *who, int64_t contact, int64_t now,
                    struct err *e);
/* Moves every pair row of `gone` to `kept`, the larger value of each column winning. */
int pairs_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e);
/* Moves every reach row of `gone` to `kept`, the later time winning. What was counted for `gone` stays in the portfolio's
 * counts until its time is over: for a day the two may count as two, never as fewer than one. */
int reach_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e);
/* Activity, attributes, tags and sources of `gone` become those of `kept`. */
int activities_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e);
int attributes_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e);
/* The person this id stands for today: itself, or what it was merged into. */
int person_root(struct store *s, int bucket, int64_t id, int64_t *ret, struct err *e);

/* Names of the person that were heard with no other until now. */
int identities_together(struct store *s, int bucket, int64_t contact, int64_t at, struct err *e);

/* --- people_words.c --- */

/* Words of before there were names to them are given to all names of the person. Before names move. */
int words_seed(struct store *s, const struct person *p, struct err *e);
/* Works out the person's consent anew from what was said under their names, in *p; people_save() is the caller's. What it
 * refuses against a later grant is in the ledger like any other refusal, as `why` (NULL: not). */
int words_fold(struct store *s, struct person *p, const char *why, int64_t now, struct err *e);
/* A refusal that follows from what we learned about names: in the ledger like any other, so that a reader finds the reason. */
int words_refuse(struct store *s, const struct person *p, enum consent_act act, int category, int64_t said,
                 const char *why, int64_t now, struct err *e);

/* --- people_merge.c --- */

/* Not where one of two is to be erased. */
int people_may_merge(struct store *s, int bucket, int64_t one, int64_t other, bool *ret, struct err *e);
/* Makes the two one; *ret: who stays. What they said is folded, at `at`. Where they may not be, *ret is `one`. */
int people_merge(struct store *s, int bucket, int64_t one, int64_t other, int64_t at, struct person *ret,
                 struct err *e);

#endif
