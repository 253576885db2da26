/* SPDX-License-Identifier: Apache-2.0
 * send_terms.h - what a caller says about a send beside the message: its key, whether it may wait, from when, until when.
 *
 * Both faces read these words here, so that a key or a time means the same wherever it stands. Pure. */
#ifndef WL_GATEWAY_SEND_TERMS_H
#define WL_GATEWAY_SEND_TERMS_H

#include "base/arena.h"
#include "base/json.h"
#include "core/intent.h"
#include "gateway/gateway.h"
#include "net/http_server.h"

#define KEY_HEADER      "Idempotency-Key"
#define HOLD_HEADER     "Wayleave-Hold"
#define UNTIL_HEADER    "Wayleave-Until"
#define REPLAYED_HEADER "Idempotent-Replayed"

#define TERMS_DAY_MS         INT64_C(86400000)
#define TERMS_EXPIRES_MS     (7 * TERMS_DAY_MS)   /* of a message that waits, when its caller does not say */
#define TERMS_NOT_BEFORE_MAX (365 * TERMS_DAY_MS) /* from now */
#define TERMS_EXPIRES_MAX    (373 * TERMS_DAY_MS) /* from now: the last that may leave have their seven days too */

/* What a request says in this header, {NULL,0} when it does not have it. WL_EINVAL: it says two things. */
int terms_header(const struct http_header *h, size_t n, const char *name, struct str *ret, struct err *e);

/* "refuse", "queue"; empty: HOLD_AS_SET. WL_EINVAL. */
int terms_hold(struct str word, enum hold_word *ret, struct err *e);

/* A caller's key: as it stands, or as a quoted string of a structured header (draft-ietf-httpapi-idempotency-key-header).
 * 1 to IDEMPOTENCY_TEXT_MAX characters of visible ASCII. WL_EINVAL begins with `name`. */
int terms_key(struct str text, const char *name, struct arena *a, struct str *ret, struct err *e);
/* The same request: number, path and what the message's members say. Their order, white space, the way a form is packed, the
 * token and the key itself do not count: they may change when a program sends the same thing again. */
int64_t terms_fingerprint(int64_t sender, enum intent_path path, struct json message);

/* Keys of POST /wayleave/v1/messages that are no part of the Graph body. */
bool terms_ours(struct str key);
/* One of ours that is misspelt would be handed to Meta and not be obeyed: a message that was to wait would leave at once. So a
 * key that is nobody's and looks like one of ours is refused, and with `queue` every key that is nobody's. WL_EINVAL. */
int terms_keys(struct json body, bool queue, struct err *e);

/* How times are written, for sentences; facts_read_time() knows "never" too, which is no time of a message. */
#define TERMS_TIMES "2026-12-24T18:00:00Z, 2026-12-24 or now+2h"

/* Not before and not after, as RFC 3339, a date, "now+2h" or milliseconds; absent or null: not given. *ret_not_before: 0
 * at once. WL_EINVAL; *ret_field names the one that is wrong. */
int terms_times(struct json not_before, struct json expires, int64_t now, int64_t *ret_not_before, int64_t *ret_expires,
                const char **ret_field, struct err *e);

#endif
