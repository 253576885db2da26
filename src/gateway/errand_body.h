/* SPDX-License-Identifier: Apache-2.0
 * errand_body.h - the Graph body of what the gateway has to say, and why it could not be said.
 *
 * Reads only; which of text, buttons and template it is follows from the errand and from the person's window. */
#ifndef WL_GATEWAY_ERRAND_BODY_H
#define WL_GATEWAY_ERRAND_BODY_H

#include "gateway/welcome_row.h"
#include "store/messages.h"

struct gateway;

/* In the arena. WL_EINVAL: there is nothing to say or nobody to say it to, and why. */
int errand_body(const struct gateway *g, struct store *reader, struct arena *a, const struct errand *v,
                const struct welcome_row *row, int64_t now, struct str *ret, struct err *e);

/* The text with its {business} filled in, in the arena; of the packs, where `text` is empty: what they say under `key`. */
struct str errand_words(const struct gateway *g, int64_t sender, struct str language, struct str text, const char *key,
                        struct arena *a);

/* "rule X: why", of a message that was refused. */
void errand_rule(const struct gateway *g, struct store *reader, struct arena *a, const struct message *m, char *ret,
                 size_t size);

#endif
