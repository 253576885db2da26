/* SPDX-License-Identifier: Apache-2.0
 * wordings.h - the wordings people were shown, each kept once under its SHA-256 (written by ledger.c). */
#ifndef WL_STORE_WORDINGS_H
#define WL_STORE_WORDINGS_H

#include "base/digest.h"
#include "store/store.h"

struct wording {
    uint8_t hash[SHA256_BYTES];
    struct str language, text;
    int64_t first_at;       /* when it was first recorded, ms */
    int64_t events, people; /* that rest on it; wording_get() leaves them 0 */
};
/* The latest first, at most max; strings in the arena. Counting reads the whole ledger. */
int wordings_list(struct store *s, size_t max, struct arena *a, struct wording **ret, size_t *ret_n, struct err *e);
int wording_get(struct store *s, const uint8_t hash[SHA256_BYTES], struct arena *a, struct wording *ret,
                struct err *e); /* WL_ENOTFOUND */

#endif
