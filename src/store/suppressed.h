/* SPDX-License-Identifier: Apache-2.0
 * suppressed.h - names of people who were erased, so that they are not written to again because an old list has them.
 *
 * A name is kept as its HMAC under a key that is not in the database: whoever has only one of the two can neither read the
 * names nor try numbers. Who is met again by such a name starts with the refusal they were erased with, in the ledger with the
 * method "suppression"; what they grant later counts, when it is not weaker than a refusal of their own. */
#ifndef WL_STORE_SUPPRESSED_H
#define WL_STORE_SUPPRESSED_H

#include "base/digest.h"
#include "core/consent.h"
#include "core/identity.h"
#include "store/people.h"

#define SUPPRESS_KEY_BYTES 32

/* Without it nothing is looked up, and suppress_names() is WL_EBUG. Only a handle that writes needs it. */
void store_pepper(struct store *s, const uint8_t key[SUPPRESS_KEY_BYTES]);
/* WL_ECONFLICT: names were hashed under another key. With the first name that is hashed, the database keeps 63 bits of an HMAC under
 * the key, which says no more than that. */
int suppress_key_fits(struct store *s, struct err *e);
/* HMAC-SHA256(key, "phone:15550001111"). */
void suppress_hash(const uint8_t key[SUPPRESS_KEY_BYTES], const struct identity *name, uint8_t ret[SHA256_BYTES]);

struct suppressed {
    uint8_t hash[SHA256_BYTES];
    consent_scope scope;
    int64_t at;          /* when they refused; a grant later than that is another matter */
    int64_t platform_at; /* when they stopped marketing in WhatsApp itself; 0 they did not */
};
/* Written for each name; what is there already only grows. */
int suppress_names(struct store *s, int bucket, const struct identity *name, size_t n, const struct suppressed *v,
                   struct err *e);
int suppressed_put(struct store *s, int bucket, const struct suppressed *v, size_t n, struct err *e);
/* By their hashes, those after `after` (NULL: from the first), at most max. */
int suppressed_list(struct store *s, int bucket, const uint8_t *after, size_t max, struct arena *a,
                    struct suppressed **ret, size_t *ret_n, struct err *e);

/* *p has just been given a name that nobody had. Where it is one of these, it is said under it, and *p is read again. */
int suppressed_meet(struct store *s, struct person *p, const struct identity *name, int64_t now, struct err *e);

#endif
