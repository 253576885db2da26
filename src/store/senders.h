/* SPDX-License-Identifier: Apache-2.0
 * senders.h - our phone numbers and their templates.
 *
 * Control tables: small, not bucketed, read into memory as a snapshot by the gateway. */
#ifndef WL_STORE_SENDERS_H
#define WL_STORE_SENDERS_H

#include "core/account_word.h"
#include "core/template.h"
#include "store/store.h"

struct sender {
    int64_t id;             /* phone_number_id */
    int64_t waba;           /* 0 when not known yet */
    int status;             /* position in facts.def's sender.status words */
    char display_phone[24]; /* as Meta shows it */
    char verified_name[128];
    char quality[16]; /* GREEN, YELLOW, RED, UNKNOWN, "" */
    int per_second;   /* messages in and out: 80, 1000, 20 with coexistence; 0 not known */
    int64_t updated_at;
    struct {                                 /* when each was said, ms, 0 never: an older word changes nothing */
        int64_t number, quality, per_second; /* number: waba, status and names */
    } said_at;
    char name_status[32]; /* APPROVED, DECLINED, PENDING_REVIEW ...; "" not known */
    char username[40];    /* the business's, "" none known */
    enum health health;
    struct str health_detail; /* why, Meta's entities as JSON; written: {NULL,0} keeps what is there */
    struct {
        int64_t name_status, username, health;
    } told_at;       /* when each was said, as said_at */
    int64_t spam_at; /* last 131048; 0: none since a template was accepted. Written by senders_spam() alone */
};
/* Everything else is replaced: read, change, write, in one transaction. */
int senders_put(struct store *s, const struct sender *v, size_t n, struct err *e);
/* Meta answered with 131048 then; 0: the number's templates are taken again. */
int senders_spam(struct store *s, int64_t id, int64_t at, struct err *e);
int senders_spam_at(struct store *s, int64_t id, int64_t *ret, struct err *e); /* 0 also when the number is not known */
int senders_list(struct store *s, struct arena *a, struct sender **ret, size_t *ret_n, struct err *e);

struct template_row {
    int64_t waba;
    struct str name, language; /* language with '_' */
    int64_t id;
    enum template_status status;
    enum category category;
    struct str quality;
    struct str listing; /* the listing object as JSON text; may be empty when only a webhook spoke of it */
    int64_t updated_at;
    int64_t status_at; /* when the status was said; written: when all of this was, 0: at updated_at */
    struct str
        detail; /* what was said with this status, as JSON: reason, recommendation, disable_date ...; may be empty */
    enum category next_category; /* announced and not in force yet; UNKNOWN: none */
    int64_t next_category_at;    /* ms, when it comes into force; 0 not said */
    int64_t next_said_at;  /* when that was said; written: 0 nothing is said of it, and a time with UNKNOWN: what was
                                  * announced up to then has happened, or will not */
    int64_t components_at; /* when Meta said that its contents changed; later than listed_at: `listing` is stale */
    int64_t listed_at;     /* when `listing` was read; written: 0 as status_at */
};
/* Upsert by (waba, name, language). What a row does not say (UNKNOWN, 0 or empty) it leaves as it was; what it says counts
 * by when it was said, never by when we heard of it: any order of the same rows leaves the same row. Of one moment the
 * stricter word counts: of statuses PENDING is the least, then by their numbers; of qualities RED, YELLOW, UNKNOWN, GREEN,
 * then whatever comes last in the alphabet; of announcements that there is none; of anything else the greater value. A row
 * with a status and no listing says its detail with it, also when that is empty. */
int templates_put(struct store *s, const struct template_row *t, size_t n, struct err *e);
int templates_list(struct store *s, int64_t waba /* 0 all */, struct arena *a, struct template_row **ret, size_t *ret_n,
                   struct err *e);

#endif
