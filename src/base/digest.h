/* SPDX-License-Identifier: Apache-2.0
 * digest.h - hashes, message authentication and their text forms, over OpenSSL and libsodium.
 *
 * Secrets are compared only with digest_equal(), which takes the same time wherever they differ. */
#ifndef WL_BASE_DIGEST_H
#define WL_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SHA256_BYTES 32
#define SHA256_HEX   65 /* with the NUL */

void sha256(const void *p, size_t n, uint8_t ret[SHA256_BYTES]);

/* Incremental, for canonical forms and files. */
struct sha256_state;
struct sha256_state *sha256_begin(void);
void sha256_add(struct sha256_state *s, const void *p, size_t n);
void sha256_end(struct sha256_state *s, uint8_t ret[SHA256_BYTES]); /* frees s */

void hmac_sha256(struct str key, struct str data, uint8_t ret[SHA256_BYTES]);

/* Lower-case hex. out holds 2*n+1 bytes. */
void hex_encode(const uint8_t *p, size_t n, char *out);
/* Whole even-length hex text of at most max bytes; false otherwise. */
bool hex_decode(struct str hex, uint8_t *out, size_t max, size_t *ret_n);

/* base64url without padding, appended to b. */
bool base64url_encode(struct buf *b, const void *p, size_t n);
bool base64url_decode(struct str s, struct buf *out);
/* The alphabet of mail and notes, padded. Decoding takes the whole text or nothing, at most max bytes, and only the one
 * spelling that base64_encode() gives. */
bool base64_encode(struct buf *b, const void *p, size_t n);
bool base64_decode(struct str s, void *out, size_t max, size_t *ret_n);

/* Constant-time in the bytes compared; false at once only when the lengths differ. */
bool digest_equal(const void *a, const void *b, size_t n);

/* SipHash-2-4 with a fixed, public key: spreads values over buckets and hash tables; not a secret. */
uint64_t hash64(const void *p, size_t n);

/* Cryptographically secure random bytes (the system's source). Aborts when there is none. */
void random_bytes(void *out, size_t n);

#endif
