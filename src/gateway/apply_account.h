/* SPDX-License-Identifier: Apache-2.0
 * apply_account.h - what an account event changes in our accounts and numbers.
 *
 * Runs inside the writer's transaction. An older word changes nothing a newer one said, whatever the order they come
 * in; times are compared by whole seconds, as webhooks count. */
#ifndef WL_GATEWAY_APPLY_ACCOUNT_H
#define WL_GATEWAY_APPLY_ACCOUNT_H

#include "core/account_word.h"
#include "store/store.h"

/* What `w` said at `at` (ms) about the account and, by its number as Meta shows it, about one of its numbers. */
int apply_account_word(struct store *s, struct arena *a, int64_t waba, struct str display_phone,
                       const struct account_word *w, int64_t at, struct err *e);

#endif
