/* SPDX-License-Identifier: Apache-2.0
 * wordings.h - the wordings people were shown, each kept once under its SHA-256.
 *
 * ledger.c writes them with the events that rest on them; here they are read. */
#ifndef WL_STORE_WORDINGS_H
#define WL_STORE_WORDINGS_H

#include "base/digest.h"
#include "store/store.h"

struct wording {
    uint8_t hash[SHA256_BYTES];
    struct str language, text;
    int64_t first_at; /* when it was first recorded, ms */
};
/* The latest first, at most max; strings in the arena. */
int wordings_list(struct store *s, size_t max, struct arena *a, struct wording **ret, size_t *ret_n, struct err *e);
/* Which events rest on which, those from the place `leaf` in the log on, in that order, at most max. */
struct wording_use {
    int64_t leaf;
    bool any; /* there is a wording */
    uint8_t hash[SHA256_BYTES];
};
int wordings_used(struct store *s, int bucket, int64_t leaf, size_t max, struct arena *a, struct wording_use **ret,
                  size_t *ret_n, struct err *e);
int wording_get(struct store *s, const uint8_t hash[SHA256_BYTES], struct arena *a, struct wording *ret,
                struct err *e); /* WL_ENOTFOUND */

#endif
