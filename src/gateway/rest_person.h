/* SPDX-License-Identifier: Apache-2.0
 * rest_person.h - what the files about one person's consent and data share: rest_consent*.c, rest_contacts.c,
 * rest_wordings.c, rest_person_export.c, rest_person_campaigns.c. Private to them. */
#ifndef WL_GATEWAY_REST_PERSON_H
#define WL_GATEWAY_REST_PERSON_H

#include "gateway/rest_impl.h"
#include "store/ledger.h"

#define EVENTS_SHOWN 1000

/* What stands around the events of a call. */
struct rest_ground {
    struct store *s;
    struct arena *a; /* lives as long as the transaction */
    int64_t now;
    const char *default_method;
};
/* A consent event as a caller states it, checked. A mistake is in c->problem afterwards; what is returned is the store's. */
int rest_consent_row(struct rest_call *c, const struct rest_ground *g, struct json v, struct consent_row *ret,
                     struct err *e);
/* The same for a withdrawal that must be taken whatever else is wrong: each mistake is told to `note` and the stricter reading
 * taken (no readable scope: all; no readable time: now), or the text left out. *ret_dated: the time was given. */
struct rest_notes {
    void (*note)(void *ctx, const char *field, const char *why);
    void *ctx;
};
int rest_withdrawal_row(struct rest_call *c, const struct rest_ground *g, struct json v, struct rest_notes notes,
                        struct consent_row *ret, bool *ret_dated, struct err *e);
/* The member `scope`: a text with commas, or a list of texts. WL_EINVAL names the word, or says that it is missing. */
int rest_scope(struct json field, consent_scope *ret, struct err *e);
bool rest_no_scope(struct json field); /* nothing is named at all */
/* The object says when, and that has passed. */
bool rest_is_timed(struct json v, int64_t now);
/* Whether the row grants what the person refused: then it must be rest_is_timed(). c->problem says so. */
bool rest_wants_time(struct rest_call *c, const struct person *p, const struct consent_row *row);
/* Appends the event and folds it into the person; what waits for somebody who refused is looked at after the commit. */
int rest_record_consent(struct rest_call *c, struct store *s, struct person *p, struct consent_row *row,
                        size_t *ret_new, struct err *e);

/* What its row says of an event's rank: *ret_lacks as consent_rank() has it. */
enum consent_rank rest_rank(const struct consent_row *row, const char **ret_lacks);
/* It was recorded more than a day after it happened. */
bool rest_back_dated(const struct consent_row *row);
/* "rank", "lacks", "back_dated", "in_force", "why" of an event that was just given, into the open object. */
void rest_consent_fate(struct json_out *o, const struct person *p, const struct consent_row *row);
/* "events": [...] with everything a row says, into the open object, the oldest first. False: not all of them, there is no more
 * room in an answer. */
bool rest_consent_events(struct rest_call *c, const struct consent_row *rows, size_t n);
/* "standing": [...], a word for each category: what is in force, which event decides, and what stands against it. */
void rest_consent_standing(struct rest_call *c, const struct person *p, const struct consent_row *rows, size_t n,
                           int64_t now);

/* The body as one object whose keys are all known and come once; otherwise c->problem says what is wrong. */
bool rest_read_body(struct rest_call *c, struct json *ret);
/* 64 hex digits. */
bool rest_read_hash(struct str hex, uint8_t ret[SHA256_BYTES]);

/* "campaigns": [...] they were chosen for, into the open object. *ret_cut: not all of them. */
int rest_person_campaigns(struct json_out *o, struct store *s, struct arena *a, const struct person *p, bool *ret_cut,
                          struct err *e);

int rest_consent_bulk(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_wordings_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_wording(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_person_export(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
