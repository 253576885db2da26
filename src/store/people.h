/* SPDX-License-Identifier: Apache-2.0
 * people.h - persons, the names they go by, and their state with each of our numbers.
 *
 * identity rows map (kind, value) to a contact; several identities may lead to one person, and a merge keeps both
 * histories. State that a decision changes is versioned: a save with an old version is WL_ECONFLICT and the
 * caller reads and decides again. */
#ifndef WL_STORE_PEOPLE_H
#define WL_STORE_PEOPLE_H

#include "base/zone.h"
#include "core/caps.h"
#include "core/consent.h"
#include "core/identity.h"
#include "store/store.h"

#define PERSON_NAME_MAX 128

struct person {
    int bucket;
    int64_t id; /* 0: nobody known by that name */
    int64_t ver;
    struct consent_state consent;
    int64_t undeliverable_at; /* 0 never */
    char name[PERSON_NAME_MAX];
    int64_t name_at; /* when a webhook said the name; 0: the business gave it, and webhooks do not change it */
    char lang[16];
    char zone[ZONE_NAME_MAX]; /* time zone the contact gave ("America/Sao_Paulo"), "" when it did not */
    struct caps caps;         /* what they got lately; kept in the row, so caps hold under its version */
    int64_t created_at;
};

/* ret[i].id is 0 where nobody is known. Reads only. */
int people_find(struct store *s, const struct identity *who, size_t n, struct person *ret, struct err *e);
/* Finds or creates. Duplicates within the batch give the same person. */
int people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret,
                  struct err *e);
/* Writes consent, undeliverable_at, name and its time, lang, zone, caps; WL_ECONFLICT when any version moved (then roll back). ver is raised. */
int people_save(struct store *s, struct person *p, size_t n, struct err *e);
/* Adds a name to a person that was heard with another of their names at `at`; *p is re-read.
 * - Who has a user id gets no second one; a parent id that somebody else has stays theirs.
 * - Somebody else has the name, and both have a user id: two people. A phone number heard later than its owner got it was
 *   given to somebody new and moves to p, with its former owner's withdrawals where p said nothing yet, without their
 *   grants; a user id stays.
 * - Somebody else has it, and one of the two has no user id: one person. Names and pair state move to the older id, the
 *   merge is recorded. Refusals win: what one of them withdrew stays withdrawn whatever the other granted, until a
 *   grant later than the words of both; a platform stop of either stands until a resume later than those. Their own rows' history is
 *   not touched: who withdrew and granted again under one name has granted. */
int people_add_identity(struct store *s, struct person *p, const struct identity *also, int64_t at, struct err *e);
/* The platform says that p, until then `before`, goes by these names from `at` on (kind NONE: none of that kind). User ids
 * p had until then stay p's names and are replaced ones: they tell nobody apart any more. Whoever else has one of the names is the same person and merges as above, save one
 * with a user id who had the number before `at`: that was its former owner, and the number moves. */
int people_rename(struct store *s, struct person *p, const struct identity *before, const struct identity *names,
                  size_t n, int64_t at, struct err *e);
/* All names of a person, at most max. */
int people_identities(struct store *s, int bucket, int64_t id, struct identity *ret, size_t max, size_t *ret_n,
                      struct err *e);
int people_get(struct store *s, int bucket, int64_t id, struct person *ret,
               struct err *e); /* WL_ENOTFOUND; follows merges */
int people_count(struct store *s, int64_t *ret, struct err *e);

/* A person with one of our numbers. */
struct pair {
    int bucket;
    int64_t contact, sender;
    int64_t last_inbound; /* 0 never: the window is measured from here */
    int64_t tat;          /* GCRA state of pair.rate */
    int64_t last_out;
    int64_t ver; /* 0: no row yet */
};
/* bucket, contact, sender are given; the rest is filled (zeros where no row). */
int pairs_get(struct store *s, struct pair *p, size_t n, struct err *e);
/* Inserts (ver 0) or updates with the version seen; WL_ECONFLICT as above. ver is raised. */
int pairs_put(struct store *s, struct pair *p, size_t n, struct err *e);

#endif
