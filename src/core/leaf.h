/* SPDX-License-Identifier: Apache-2.0
 * leaf.h - one entry of the log: what it says in the open, and what it commits to.
 *
 * The log is for strangers, so an entry has no personal data and no plain hash of any: a commitment to the record, blinded
 * with a salt, and a tag that differs for every event. Both follow from a key of the person's and a number of the entry's. Who has the
 * record and its salt can prove that it lies behind the entry; once the key and the record are gone nobody can tell whose the
 * entry was, nor that two entries were one person's. docs/ledger.md has the format in words. */
#ifndef WL_CORE_LEAF_H
#define WL_CORE_LEAF_H

#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define LEAF_BYTES     112
#define LEAF_VERSION   1
#define LEAF_KEY_BYTES 32

enum leaf_kind {
    LEAF_GRANT = 1,
    LEAF_WITHDRAW = 2,
    LEAF_STOP = 3,   /* platform */
    LEAF_RESUME = 4, /* platform */
    LEAF_ERASURE = 5,
    LEAF_RULES = 16,   /* a set of rules was activated */
    LEAF_CAMPAIGN = 17 /* a campaign was approved */
};
const char *leaf_kind_name(enum leaf_kind k); /* "grant", ... "erasure", "rules", "campaign"; "unknown" */

struct leaf {
    enum leaf_kind kind;
    int64_t at;     /* when we recorded it, ms; kept by the hour, rounded down */
    uint64_t count; /* ERASURE: leaves whose record went; else 0 */
    uint8_t tag[SHA256_BYTES], commit[SHA256_BYTES];
};

/* Big end first: version 1 byte, kind 1, zero 2, hours since the epoch 4, count 8, tag 32, commit 32, zero 32. */
void leaf_write(const struct leaf *l, uint8_t ret[LEAF_BYTES]);
int leaf_read(const void *p, size_t n, struct leaf *ret, struct err *e); /* WL_EINVAL */

/* HMAC-SHA256(key, "tag" or "salt" followed by n as 8 bytes, big end first). */
void leaf_tag(const uint8_t key[LEAF_KEY_BYTES], uint64_t n, uint8_t ret[SHA256_BYTES]);
void leaf_salt(const uint8_t key[LEAF_KEY_BYTES], uint64_t n, uint8_t ret[SHA256_BYTES]);
/* SHA-256("wayleave record v1\n" followed by the salt and the record's bytes). */
void leaf_commit(const uint8_t salt[SHA256_BYTES], struct str record, uint8_t ret[SHA256_BYTES]);

#endif
