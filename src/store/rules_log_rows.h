/* SPDX-License-Identifier: Apache-2.0
 * rules_log_rows.h - what the log of the rules does for the ledger's adoption of rows of before.
 *
 * Private to src/store; runs inside the caller's transaction. */
#ifndef WL_STORE_RULES_LOG_ROWS_H
#define WL_STORE_RULES_LOG_ROWS_H

#include "store/rules_log.h"

/* Events without a place in the log get one, oldest first, at most max. at: when they come into it. */
int rules_log_adopt(struct store *s, size_t max, int64_t at, struct err *e);
/* How many have none, counted up to max. */
int rules_log_left(struct store *s, int64_t max, int64_t *ret, struct err *e);

#endif
