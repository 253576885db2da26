/* SPDX-License-Identifier: Apache-2.0
 * timestamp.h - asks a time-stamping authority about a digest, and checks its answer: RFC 3161 over OpenSSL.
 *
 * Bytes in, bytes out: who carries them is the caller's business, and when. */
#ifndef WL_BASE_TIMESTAMP_H
#define WL_BASE_TIMESTAMP_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

/* Appends a query (application/timestamp-query) for a SHA-256 digest; it asks for the authority's certificate. */
int timestamp_query(const uint8_t digest[SHA256_BYTES], int64_t nonce, struct buf *out, struct err *e);
/* The answer (application/timestamp-reply) grants what this query asked for; *ret_at: the time it says, ms. ca_file: the
 * certificate the authority's must lead to, PEM; NULL: whose signature it is is not looked at. WL_EDENIED: it does not. */
int timestamp_check(struct str reply, struct str query, const char *ca_file, int64_t *ret_at, struct err *e);

#endif
