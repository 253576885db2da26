/* SPDX-License-Identifier: Apache-2.0
 * ledger.h - consent events, append-only: who, to what, when, how, with the wording shown; and their leaves in the log.
 *
 * An event and its leaf are one transaction. The leaf commits to the event's record (core/consent_record.h), which is worked
 * out anew from the row whenever somebody asks for it. The person's consent_state (people.h) is the fold of these rows and is
 * saved in the same transaction by the caller. Rows are never changed; they go with their person only (erasures.h), and then
 * their leaves stay as noise. */
#ifndef WL_STORE_LEDGER_H
#define WL_STORE_LEDGER_H

#include "core/consent.h"
#include "core/consent_record.h"
#include "core/leaf.h"
#include "store/store.h"

struct consent_row {
    int bucket;
    int64_t id; /* given by the caller: store_id() */
    int64_t contact;
    struct consent_event
        event;           /* act, scope, at, until; rank follows from the row (core/consent_rank.c) and is not kept */
    int64_t recorded_at; /* when we learned of it */
    struct str method;   /* "import", "web_form", "sms", "whatsapp", "platform", "api", "cli", ... */
    struct str source;   /* file name and hash, webhook id, form address */
    struct str wording;  /* text shown to the person */
    struct str language;
    struct str evidence; /* free text or JSON from the caller */
    struct str actor;    /* who recorded it: key name, "webhook" */
    int64_t sender;      /* number concerned, 0 all */
    struct str subject;  /* the name it was said under, "phone:15550001111"; empty: the person's first name is taken */
    struct str business; /* name of the business as it was shown; empty: not said */
    struct str policy;   /* version of the privacy policy shown */
    struct str jurisdiction; /* "DE", "US-CA"; empty: not said */
    /* --- filled by reading --- */
    int64_t leaf;                 /* its place in the log */
    int64_t n;                    /* which of the person's leaves: salt and tag follow from it (core/leaf.h) */
    uint8_t notice[SHA256_BYTES]; /* of the wording; zero: none was shown */
};

/* Each with its leaf, in order. The same event with the same evidence already there: not written again, nor given a leaf
 * (idempotent imports); ret_new (may be NULL) counts the rows written. A person's key is made with their first leaf. */
int ledger_append(struct store *s, const struct consent_row *rows, size_t n, size_t *ret_new, struct err *e);
/* Oldest first, strings in the arena; at most max. */
int ledger_list(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max, struct consent_row **ret,
                size_t *ret_n, struct err *e);
/* Rows with a leaf from `leaf` on (-1: also those without one), in that order, at most max: what an audit reads. */
int ledger_by_leaf(struct store *s, int bucket, int64_t leaf, size_t max, struct arena *a, struct consent_row **ret,
                   size_t *ret_n, struct err *e);
/* The event's record as core/consent_record.h writes it. */
int ledger_record(const struct consent_row *row, struct buf *out, struct err *e);

/* The person's key; WL_ENOTFOUND when they have none (any more). Contact 0: the business itself. */
int subject_key_get(struct store *s, int bucket, int64_t contact, uint8_t ret[LEAF_KEY_BYTES], struct err *e);

/* Rows of before there was a log get their leaves, in the order they were learned of, then what happened to the rules;
 * *ret_left: how many still have none, counted up to some hundred thousand. At most max at a time. After log_restart() that is
 * all of them. A leaf's time is `now`, which its record may be older than. */
int ledger_adopt(struct store *s, int bucket, size_t max, int64_t now, int64_t *ret_left, struct err *e);

/* --- the log itself (ledger_log.c) --------------------------------------------------------------------------------- */

/* A leaf of something that is no consent event: kind, at and count are given; the commitment is to `record` under the key of
 * (bucket, contact), contact 0: the business itself. *ret_leaf: its place, *ret_n: what salt and tag follow from. */
int log_append(struct store *s, int bucket, int64_t contact, const struct leaf *l, struct str record, int64_t *ret_leaf,
               int64_t *ret_n, struct err *e);
int log_size(struct store *s, int64_t *ret, struct err *e);
/* Whether somebody's event ever had a place in a log: it has one, or there are keys of people's entries. */
int log_begun(struct store *s, int bucket, bool *ret, struct err *e);

struct log_entry {
    int64_t idx;
    bool gone; /* what it committed to was erased */
    uint8_t bytes[LEAF_BYTES];
};
/* From `from` on, at most max, into ret; fewer only at the end. A gap or an entry of another length is WL_ECORRUPT and named. */
int log_read(struct store *s, int64_t from, size_t max, struct log_entry *ret, size_t *ret_n, struct err *e);
/* Marks what an erasure left behind. */
int log_mark_gone(struct store *s, const int64_t *idx, size_t n, struct err *e);

struct log_head {
    int64_t generation, size, at;
    uint8_t root[SHA256_BYTES];
    struct str note; /* signed; empty: not yet */
};
int log_head_put(struct store *s, const struct log_head *h, struct err *e); /* inserts, or puts the note in */
int log_head_last(struct store *s, struct arena *a, struct log_head *ret, struct err *e); /* WL_ENOTFOUND: none */
/* Of checkpoints older than `before` only the last of each day stays. */
int log_heads_thin(struct store *s, int64_t before, struct err *e);
/* A new generation: no leaves; every record waits for ledger_adopt(). For a database that was restored from a backup. */
int log_restart(struct store *s, int64_t now, struct err *e);

#endif
