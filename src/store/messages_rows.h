/* SPDX-License-Identifier: Apache-2.0
 * messages_rows.h - what the files about messages share inside the store.
 *
 * The columns of a message are read by one function, in one order. Private to src/store. */
#ifndef WL_STORE_MESSAGES_ROWS_H
#define WL_STORE_MESSAGES_ROWS_H

#include "store/db.h"
#include "store/messages.h"

/* The columns every statement about messages reads, in its order; the bucket is none of them. A row_reader. */
int message_read(struct db_stmt *q, struct arena *a, void *row, struct err *e);
int decision_insert(struct store *s, const struct decision_row *d, struct err *e);

#endif
