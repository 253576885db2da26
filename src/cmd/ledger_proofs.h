/* SPDX-License-Identifier: Apache-2.0
 * ledger_proofs.h - a person's events with their proofs, read from the gateway and checked here.
 *
 * The gateway is not believed: each event's record must give its entry's commitment, and its entry must lead to the root of the
 * signed checkpoint. */
#ifndef WL_CMD_LEDGER_PROOFS_H
#define WL_CMD_LEDGER_PROOFS_H

#include "cmd/rest_client.h"
#include "core/leaf.h"
#include "core/note.h"

struct ledger_event {
    int64_t leaf;
    struct leaf entry;
    uint8_t bytes[LEAF_BYTES];
    struct json answer;        /* of the event */
    struct str record, notice; /* notice.p NULL: none was shown */
    char salt[SHA256_HEX];
    bool sealed; /* it has a proof */
    struct tlog_hash proof[TLOG_PROOF_MAX];
    size_t n_proof;
};

struct ledger_pack {
    char contact[64];
    struct buf key, note;         /* the verifier key as text; the signed checkpoint, empty: there is none */
    struct checkpoint checkpoint; /* of note */
    struct buf text;              /* what checkpoint borrows from */
};

/* Calls each() with every event in the order of the log, until it says something else than CMD_OK. */
typedef int ledger_each(void *ctx, const struct ledger_pack *p, const struct ledger_event *ev);
int ledger_proofs(struct rest *r, const char *who, ledger_each *each, void *ctx);

/* Whether the note is signed with the key (a verifier key's text); *ret borrows from *text. */
int ledger_read_note(struct str note, struct str key, struct buf *text, struct checkpoint *ret, struct err *e);

#endif
