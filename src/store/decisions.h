/* SPDX-License-Identifier: Apache-2.0
 * decisions.h - the log of decisions: new ones a row each, old ones thousands to a block.
 *
 * A decision is written as a row in the transaction of its message (messages.h). Rows that are old enough are packed into
 * a block (core/decision_block.h, compressed with zstd) and deleted in the transaction that writes the block, so at any
 * moment, and after any crash, a decision lies in exactly one place. Reading needs no transaction over both: rows are
 * looked at first and blocks after, and what moved in between is found in the block.
 *
 * A handle keeps the block it read last: whoever asks for many decisions of one time reads it once. */
#ifndef WL_STORE_DECISIONS_H
#define WL_STORE_DECISIONS_H

#include "core/decision_block.h"
#include "store/messages.h"

/* Decisions that were taken out of rows and wait to be written as one block. */
struct packed_decisions {
    int bucket;
    int64_t first_id, last_id;
    size_t n; /* 0: there are not enough rows */
    struct str bytes;
};

/* Reads the oldest `n` rows with ids below `before` and packs them; fewer are left alone. Any handle, no transaction:
 * rows of the log never change. */
int decisions_pack(struct store *s, int bucket, int64_t before, size_t n, struct arena *a, struct packed_decisions *ret,
                   struct err *e);
/* Writes the block and deletes its rows. WL_ECONFLICT when they are not the rows that were packed. */
int decisions_compact(struct store *s, const struct packed_decisions *p, struct err *e);

/* The decisions after the id `after`, in order, a block at a time: those from *ret_from on are meant. Valid until the
 * handle reads another decision. WL_ENOTFOUND when there are none; WL_EINVAL when a block is damaged, then *ret_skip (may
 * be NULL) is the last id it held. */
int decisions_page(struct store *s, int bucket, int64_t after, struct decision_block **ret, size_t *ret_from,
                   int64_t *ret_skip, struct err *e);

#endif
