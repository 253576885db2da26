/* SPDX-License-Identifier: Apache-2.0
 * decision_blocks.h - what decisions.c and the store's handle need of the packed part of the log.
 *
 * Private to src/store. */
#ifndef WL_STORE_DECISION_BLOCKS_H
#define WL_STORE_DECISION_BLOCKS_H

#include "store/messages.h"

struct block_cache; /* the block a handle read last; NULL before the first */

void block_cache_free(struct block_cache *c); /* accepts NULL */
/* decisions_get() for what is no row any more. */
int block_decision_get(struct store *s, int bucket, int64_t id, struct arena *a, struct decision_row *ret,
                       struct err *e);

#endif
