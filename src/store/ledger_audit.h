/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit.h - reading everything the ledger's log speaks of, in pages, to compare it with the log.
 *
 * For whoever looks for a database that was changed behind the program's back (gateway/ledger_audit.c). Reads only. */
#ifndef WL_STORE_LEDGER_AUDIT_H
#define WL_STORE_LEDGER_AUDIT_H

#include "store/erasures.h"
#include "store/ledger.h"
#include "store/people.h"

/* Ids of people above `after`, in that order, at most max; those who were merged into others are left out. */
int people_after(struct store *s, int bucket, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e);
/* By the leaf that says so; WL_ENOTFOUND: none has this leaf. */
int erasure_by_leaf(struct store *s, int64_t leaf, struct erasure *ret, struct err *e);
/* Leaves above `after` that an erasure has, each once, in order, at most max. */
int erasure_leaves_after(struct store *s, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e);
/* Ids of erasures above `after` that have not ended, in order, at most max. */
int erasures_open_after(struct store *s, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e);
/* Entries above `after` that are marked as erased, in order, at most max; how many there are. */
int log_gone_after(struct store *s, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e);
int log_gone_count(struct store *s, int64_t *ret, struct err *e);
/* People's keys above `after`, in the order of their ids, at most max. */
struct subject_key {
    int64_t contact;
    uint8_t key[LEAF_KEY_BYTES];
};
int subject_keys_after(struct store *s, int bucket, int64_t after, size_t max, struct subject_key *ret, size_t *ret_n,
                       struct err *e);
/* Whose a name is and since when by the claims there are (0: by none); contact 0: nobody's. `name` as identity_text() has it. */
struct name_owner {
    int64_t contact, claimed_at;
};
int name_owner_get(struct store *s, int bucket, struct str name, struct name_owner *ret, struct err *e);
/* The person's consent as it follows from what was said under each of their names; as it is where nothing was yet. */
int people_fold(struct store *s, const struct person *p, struct consent_state *ret, struct err *e);
/* Checkpoints of a generation above `size`, in their order, at most max, in the arena. */
int log_heads_after(struct store *s, int64_t generation, int64_t size, size_t max, struct arena *a,
                    struct log_head **ret, size_t *ret_n, struct err *e);

#endif
