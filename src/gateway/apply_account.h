/* SPDX-License-Identifier: Apache-2.0
 * apply_account.h - what a word of Meta's changes in our accounts and numbers, told by an event or read.
 *
 * Runs inside the writer's transaction. An older word changes nothing a newer one said, and of one moment the stricter
 * counts, whatever the order they come in. */
#ifndef WL_GATEWAY_APPLY_ACCOUNT_H
#define WL_GATEWAY_APPLY_ACCOUNT_H

#include "core/account_word.h"
#include "store/accounts.h"
#include "store/senders.h"

/* What `w` said at `at` (ms) about the account and, by its number as Meta shows it, about one of its numbers. */
int apply_account_word(struct store *s, struct arena *a, int64_t waba, struct str display_phone,
                       const struct account_word *w, int64_t at, struct err *e);

/* The number that Meta shows so; 0: none of ours. */
int apply_number_shown(struct store *s, struct arena *a, struct str display_phone, int64_t *ret, struct err *e);

/* How old a word is that was read and not told: as old as its request. Of the second that was begun in, a webhook's word
 * counts, because it may have been said at the end of it. */
static inline int64_t reading_at(int64_t begun)
{
    return begun / 1000 * 1000 - 1;
}

/* What a reading begun at read->updated_at told of a number; waba and per_second 0, an unknown health and an empty quality,
 * name_status or username say nothing. */
int apply_number_read(struct store *s, struct arena *a, const struct sender *read, struct err *e);
/* The same of an account: name, portfolio, limit (-1 says nothing), health. */
int apply_account_read(struct store *s, struct arena *a, const struct account *read, struct err *e);

#endif
