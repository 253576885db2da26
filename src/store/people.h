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
    /* --- written by others: people_save() leaves them alone --- */
    int64_t leaf; /* highest place of their leaves in the log (ledger.h); -1 none. Of somebody nobody knows: 0 */
    int64_t restricted_until; /* they are to be erased then (erasures.h); 0: they are not */
};

/* ret[i].id is 0 where nobody is known. Reads only. */
int people_find(struct store *s, const struct identity *who, size_t n, struct person *ret, struct err *e);
/* Finds or creates. Duplicates within the batch give the same person. */
int people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret,
                  struct err *e);
/* Writes consent, undeliverable_at, name and its time, lang, zone, caps; WL_ECONFLICT when any version moved (then roll back). ver is raised. */
int people_save(struct store *s, struct person *p, size_t n, struct err *e);
/* Writes what the person said, or somebody for them, under one of their names; NULL or a name that is not theirs: under all
 * of their names. The person's consent is worked out from what was said under each name (consent_of_voices()), and *p saved as
 * people_save() does. Nothing else writes consent of somebody who goes by more than one name. */
int people_say(struct store *s, struct person *p, const struct identity *under, const struct consent_event *ev,
               int64_t now, struct err *e);

/* Whose name is it? A user id is one person's, for ever. A phone number or a parent id goes with the user id it was heard
 * with: of several, with the one that was heard with it first at the latest time (of one moment: the least id). So old news that
 * comes late moves nothing, and whatever the order, the same people have the same names in the end.
 * - Somebody known by a phone number alone is whoever is heard with that number first, or had it when it changed: one person.
 * - Two people who each have a user id stay two. A number goes from one to the other with what was refused under it and
 *   without what was granted; once it was heard with two, what is granted under the number alone counts for neither.
 * - People who turn out to be one become one: names and pair state move to the older row, the merge is recorded, and a
 *   refusal said under one of the names stands against grants under the others that were said before they were known to
 *   be one.
 * - Somebody who is to be erased is nobody else from then on, also when known by a number alone: whoever is heard with it takes it.
 * What nobody can know, and what we do then: what was said or written under a number alone, that was later heard with two
 * user ids, is of the one that was heard first. Only its window and its history; never a grant.
 *
 * These names were heard together at `at`: finds or creates whom they mean, and learns the names. Any of them may be of kind
 * NONE; id 0: nobody is named. */
struct heard {
    const struct identity *phone, *user_id, *parent_id;
};
int people_hear(struct store *s, const struct heard *names, int64_t at, int64_t now, struct person *ret, struct err *e);
/* Adds a name to a person that was heard with another of their names at `at`; *p is re-read. Who has a user id gets no second
 * one. */
int people_add_identity(struct store *s, struct person *p, const struct identity *also, int64_t at, struct err *e);
/* The platform says that who went by `before` until `at` goes by `after` since. The user id and the number of before stay the
 * person's names; they tell nobody apart any more, and the number is the next one's who is heard with it later. *ret: who it
 * is; id 0: nobody is named. */
int people_rename(struct store *s, const struct heard *before, const struct heard *after, int64_t at, int64_t now,
                  struct person *ret, struct err *e);
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
    int64_t named_at; /* when the person's name was last heard with a message to this number; 0 never */
    int64_t ver;      /* 0: no row yet */
};
/* bucket, contact, sender are given; the rest is filled (zeros where no row). */
int pairs_get(struct store *s, struct pair *p, size_t n, struct err *e);
/* The latest named_at of all of a person's pairs. */
int pairs_last_named(struct store *s, int bucket, int64_t contact, int64_t *ret, struct err *e);
/* Those of contacts above this one, at most max: contact, sender, last_inbound, last_out. A page ends between two people, unless one fills
 * it alone. n 0: that was all. */
int pairs_after(struct store *s, int bucket, int64_t contact, size_t max, struct arena *a, struct pair **ret,
                size_t *ret_n, struct err *e);
/* Inserts (ver 0) or updates with the version seen; WL_ECONFLICT as above. ver is raised. */
int pairs_put(struct store *s, struct pair *p, size_t n, struct err *e);

#endif
