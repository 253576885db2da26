/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit.h - compares what the database says with the ledger's log, and the log with what was published, in pages.
 *
 * Records against the leaves they lie behind, leaves against tiles and checkpoints, what was erased against what erasures
 * say, and what people's rows say of their consent against the events. Each thing that does not fit is told in a sentence that
 * names the record or the person by their ids, and the leaf. */
#ifndef WL_GATEWAY_LEDGER_AUDIT_H
#define WL_GATEWAY_LEDGER_AUDIT_H

#include "base/arena.h"
#include "core/note.h"
#include "gateway/ledger_dir.h"
#include "store/store.h"

struct ledger_audit {
    struct store *s; /* in a reading transaction */
    struct arena *a; /* for a page; the caller empties it */
    struct ledger_dir *dir;
    const struct note_key *key;
    int64_t generation;
    int64_t sealed; /* asked for before the transaction began */
    void (*tell)(void *ctx, const char *what);
    void *ctx;
    /* --- counts up --- */
    int64_t leaves, records, people, heads; /* looked at */
    int64_t gone, erased;                   /* entries marked as erased; those that erasures say they left */
};

/* A page from `from` on (0 first); *ret_next: where the next begins, -1: that was all. Errors are the store's alone. */
int ledger_audit_leaves(struct ledger_audit *au, int64_t from, int64_t *ret_next, struct err *e);
int ledger_audit_people(struct ledger_audit *au, int64_t from, int64_t *ret_next, struct err *e);
int ledger_audit_heads(struct ledger_audit *au, int64_t from, int64_t *ret_next, struct err *e);
/* After all leaves, with the sums over them: whether as many are gone as erasures say. */
int ledger_audit_end(struct ledger_audit *au, int64_t gone, int64_t erased, struct err *e);

#endif
