/* SPDX-License-Identifier: Apache-2.0
 * idempotency.h - callers' keys: the same key is the same message, however often it is asked for.
 *
 * A key is written in the transaction that accepts its message, in the message's bucket, and kept for seven days at least
 * (fourteen at most). Keys are stored hashed; `fingerprint` says whether the request under the key is the same one. */
#ifndef WL_STORE_IDEMPOTENCY_H
#define WL_STORE_IDEMPOTENCY_H

#include "store/store.h"

#define IDEMPOTENCY_KEY_BYTES 16
#define IDEMPOTENCY_TEXT_MAX  255 /* of the key a caller chooses, bytes */

struct idempotency {
    int bucket;
    uint8_t key[IDEMPOTENCY_KEY_BYTES];
    int64_t msg;
    int64_t fingerprint;
};

/* msg 0: the key is not known. */
int idempotency_get(struct store *s, int bucket, const uint8_t key[IDEMPOTENCY_KEY_BYTES], int64_t now,
                    struct idempotency *ret, struct err *e);
/* The key now stands for this message; what it stood for before is forgotten. */
int idempotency_put(struct store *s, const struct idempotency *v, int64_t now, struct err *e);
/* Forgets what is older than is promised, the oldest 2000 at a time: to be called again and again, cheap when there is
 * nothing. */
int idempotency_forget(struct store *s, int bucket, int64_t now, struct err *e);

#endif
