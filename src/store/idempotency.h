/* SPDX-License-Identifier: Apache-2.0
 * idempotency.h - callers' keys: the same key is the same message, however often it is asked for.
 *
 * A key is written in the transaction that accepts its message, in the message's bucket, and kept for seven days at least,
 * and for as long as its message has not ended. Keys are stored hashed; `fingerprint` says whether the request under the key is the same one. */
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
/* One step along the keys of the weeks before this one: those of messages that have not ended are kept anew, those older
 * than is promised are forgotten. Looks at the next 500 from *at, which moves on; zeroed: begins, and has come to the end. A walk
 * has to come to its end in every week. */
struct idempotency_at {
    int64_t week;
    uint8_t key[IDEMPOTENCY_KEY_BYTES];
};
int idempotency_forget(struct store *s, int bucket, int64_t now, struct idempotency_at *at, struct err *e);

#endif
