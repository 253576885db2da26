/* SPDX-License-Identifier: Apache-2.0
 * messages_rows.h - what the files about messages share inside the store.
 *
 * The columns of a message are read by one function, in one order. Private to src/store. */
#ifndef WL_STORE_MESSAGES_ROWS_H
#define WL_STORE_MESSAGES_ROWS_H

#include "store/db.h"
#include "store/messages.h"

int decision_insert(struct store *s, const struct decision_row *d, struct err *e);

#endif
