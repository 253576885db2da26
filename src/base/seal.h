/* SPDX-License-Identifier: Apache-2.0
 * seal.h - secrets at rest: sealed with a key that lies beside the database, not in it.
 *
 * libsodium's secretbox (XSalsa20-Poly1305) with a random nonce in front. A copy of the database alone gives nothing away;
 * whoever has the state directory has both. */
#ifndef WL_BASE_SEAL_H
#define WL_BASE_SEAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define SEAL_KEY_BYTES 32
#define SEAL_MORE      40 /* bytes a sealed text is longer than the text */

/* Appends the sealed text. */
int seal(const uint8_t key[SEAL_KEY_BYTES], struct str text, struct buf *out, struct err *e);
/* The text, in the arena; WL_EDENIED when it was sealed with another key or changed since. */
int unseal(const uint8_t key[SEAL_KEY_BYTES], struct str sealed, struct arena *a, struct str *ret, struct err *e);

#endif
