/* SPDX-License-Identifier: Apache-2.0
 * ledger_rows.h - what the files about the ledger and its log share inside the store.
 *
 * Giving an event a place in the log: the next place, the person's key, the entry. Private to src/store; runs inside the
 * caller's transaction. */
#ifndef WL_STORE_LEDGER_ROWS_H
#define WL_STORE_LEDGER_ROWS_H

#include "core/identity.h"
#include "store/db.h"
#include "store/ledger.h"

/* --- ledger_log.c --------------------------------------------------------------------------------------------------- */

/* A person's key while entries are written under it. contact 0: the business itself. */
struct log_key {
    int bucket;
    int64_t contact;
    bool is_new; /* kept nowhere yet */
    uint8_t key[LEAF_KEY_BYTES];
};
/* Reads it; of somebody who has none makes one up, which is kept with the first entry. */
int log_key_take(struct store *s, int bucket, int64_t contact, struct log_key *ret, struct err *e);
struct log_place {
    int64_t idx;
    int64_t n; /* what tag and salt of an entry there follow from */
};
/* The place the next entry gets. */
int log_next(struct store *s, struct log_place *ret, struct err *e);
/* Writes the entry there, with tag and commitment under k, and that the person's entries reach so far. */
int log_put(struct store *s, struct log_key *k, const struct leaf *l, struct str record, struct log_place *ret,
            struct err *e);

/* --- ledger.c ------------------------------------------------------------------------------------------------------- */

/* What appending rows keeps from one to the next. */
struct ledger_pen {
    struct log_key key;
    bool any_key;
    struct str wording; /* the last one that was kept, borrowed; empty: none */
    uint8_t notice[SHA256_BYTES];
    struct buf record;
};
void pen_init(struct ledger_pen *pen);
void pen_done(struct ledger_pen *pen);
/* The key of the row's person. */
int pen_key(struct store *s, struct ledger_pen *pen, const struct consent_row *row, struct err *e);
/* Keeps the wording, in *notice its digest; zero where there is none. */
int pen_wording(struct store *s, struct ledger_pen *pen, const struct consent_row *row, uint8_t notice[SHA256_BYTES],
                struct err *e);
/* Writes the row's entry; row->notice, subject, id and bucket are filled. at: when it comes into the log. */
int pen_leaf(struct store *s, struct ledger_pen *pen, const struct consent_row *row, int64_t at, struct err *e);

/* How it was given: two events that differ in nothing but this are two. Kept with the row, so it stays as it is; never 0. */
int64_t row_fingerprint(const struct consent_row *row, const uint8_t notice[SHA256_BYTES]);
/* The name a person was first known by, "" for nobody's. */
int first_subject(struct store *s, int bucket, int64_t contact, char ret[IDENTITY_TEXT_MAX], struct err *e);
/* Reads the columns every statement about whole rows gives, in their order. */
int consent_row_read(struct db_stmt *q, struct arena *a, void *row, struct err *e);

#endif
