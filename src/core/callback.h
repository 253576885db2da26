/* SPDX-License-Identifier: Apache-2.0
 * callback.h - our mark on what leaves: which attempt of which message a status is about.
 *
 * Meta takes up to 512 characters of biz_opaque_callback_data with a message and repeats them in its statuses: the only
 * thing that ties a webhook to an attempt whose answer was lost. Ours looks like
 *
 *     wl1.<bucket>.<message>.<attempt>.<flags>.<tag>|<the client's own value>
 *
 * with numbers in base 32 and a tag of HMAC-SHA256 over what stands before it, so that nobody's own data is taken for
 * ours. The client's value follows when both fit; when they do not, the flag ASIDE says that it is kept in the store.
 * Clients never see the mark: statuses are handed on with their own value, or without the member when they gave none.
 *
 * JSON texts are changed in place: every byte outside the member (and the id, for clients who know a message by our id)
 * stays as it was. Source: platform §11 (29, 30); scale §3.1; wire. */
#ifndef WL_CORE_CALLBACK_H
#define WL_CORE_CALLBACK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"

#define CALLBACK_MAX 512 /* characters Meta takes */

enum callback_flag {
    CALLBACK_ASIDE = 1, /* the client's value is in the store */
    CALLBACK_OWN = 2,   /* the client gave a value (it follows, or is aside) */
    CALLBACK_OUR_ID = 4 /* the client knows the message by our id */
};

struct callback {
    int bucket;
    int64_t message;
    int attempt;
    unsigned flags;
    struct str own; /* the client's value as it follows the mark; {NULL,0} when it does not */
};

struct callback_key {
    uint8_t bytes[32];
};

/* Whether the client's value fits behind any mark; else it has to be kept aside before the message leaves. Characters are
 * counted in UTF-16 units, the strictest reading of Meta's limit. */
bool callback_fits(struct str own);
/* Writes the value to send: at most CALLBACK_MAX characters. own.p NULL: the client gave none. Of c->flags only OUR_ID is
 * read; the others follow from `own`. */
void callback_write(const struct callback_key *k, const struct callback *c, struct str own, struct buf *out);
/* Reads a value as a status carries it. False: not ours. */
bool callback_read(const struct callback_key *k, struct str value, struct callback *ret);

/* The value of the member in the body of a send, as written there (a string in its quotes); {NULL,0} when there is none. */
struct str callback_member(struct str body);
/* Puts the member into the body of a send: replaces the value when the member is there, else adds it behind the opening
 * brace. `body` is a JSON object that was parsed before. */
int callback_put(struct str body, struct str value, struct buf *out, struct err *e);

/* A webhook body as the client is to see it. `aside` is asked for values that are in the store (false: there is none, the
 * member goes); it may be NULL when there are none. False: nothing in it is ours, out is untouched. */
struct callback_restore {
    const struct callback_key *key;
    bool (*aside)(void *ctx, int bucket, int64_t message, struct buf *out);
    void (*our_id)(void *ctx, int bucket, int64_t message, struct buf *out); /* writes our id */
    void *ctx;
};
/* When *out has failed, it was too small. */
bool callback_restore(const struct callback_restore *r, struct str body, struct buf *out);

#endif
