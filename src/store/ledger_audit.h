/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit.h - reading everything the ledger's log speaks of, in pages, to compare it with the log.
 *
 * For whoever looks for a database that was changed behind the program's back (gateway/ledger_audit.c). Reads only. */
#ifndef WL_STORE_LEDGER_AUDIT_H
#define WL_STORE_LEDGER_AUDIT_H

#include "store/ledger.h"

/* Ids of people above `after`, in that order, at most max; those who were merged into others are left out. */
int people_after(struct store *s, int bucket, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e);
/* What an erasure says it left behind, by the leaf that says so; WL_ENOTFOUND: none has this leaf. */
int erasure_by_leaf(struct store *s, int64_t leaf, int64_t *ret_leaves, struct err *e);
/* Whether an erasure has begun and not ended: some of its entries may be marked already. */
int erasures_open(struct store *s, bool *ret, struct err *e);
/* Checkpoints of a generation above `size`, in their order, at most max, in the arena. */
int log_heads_after(struct store *s, int64_t generation, int64_t size, size_t max, struct arena *a,
                    struct log_head **ret, size_t *ret_n, struct err *e);

#endif
