/* SPDX-License-Identifier: Apache-2.0
 * ledger.h - consent events, append-only: who, to what, when, how, with the wording shown.
 *
 * The person's consent_state (people.h) is the fold of these rows and is saved in the same transaction by the
 * caller. Rows are never changed or deleted here. */
#ifndef WL_STORE_LEDGER_H
#define WL_STORE_LEDGER_H

#include "core/consent.h"
#include "store/store.h"

struct consent_row {
    int bucket;
    int64_t id; /* given by the caller: store_id() */
    int64_t contact;
    struct consent_event event; /* act, scope, at; rank follows from method and wording and is not kept */
    int64_t recorded_at;        /* when we learned of it */
    struct str method;          /* "import", "web_form", "sms", "whatsapp", "platform", "api", "cli", ... */
    struct str source;          /* file name and hash, webhook id, form address */
    struct str wording;         /* text shown to the person */
    struct str language;
    struct str evidence; /* free text or JSON from the caller */
    struct str actor;    /* who recorded it: key name, "webhook" */
    int64_t sender;      /* number concerned, 0 all */
};

/* Same contact, act, scope, at and method already there: not written again (idempotent imports);
 * ret_new (may be NULL) counts the rows written. */
int ledger_append(struct store *s, const struct consent_row *rows, size_t n, size_t *ret_new, struct err *e);
/* Oldest first, strings in the arena; at most max. */
int ledger_list(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max, struct consent_row **ret,
                size_t *ret_n, struct err *e);

#endif
