/* SPDX-License-Identifier: Apache-2.0
 * webhook_redact.h - one person's data taken out of a webhook body.
 *
 * Elements of the lists of events and of `contacts` in which one of the person's names stands become null: places stay, and
 * the n-th piece of core/webhook_split.h is of the same event as before. Where a name stands elsewhere in a change, its
 * `value` keeps the places of its lists alone, or becomes null; beside it the change does, beside changes the entry, and
 * beside all entries the body. What is left is a valid body that still says of everybody else what it said.
 *
 * A name is a whole string, number or name of a member, compared after unescaping and as core/identity.h reads it. A phone
 * number of at least 8 digits is found inside of a text, too ("call +44 7700 900123", wa.me/447700900123, a vCard), as a
 * run of digits that is no part of a longer one, with whatever people write between them. Not found outside of the
 * person's own elements: user ids and the name of the profile inside of a text, a number without its country's code, and
 * what is encoded: message ids (wamid) hold the number in base64. */
#ifndef WL_CORE_WEBHOOK_REDACT_H
#define WL_CORE_WEBHOOK_REDACT_H

#include "base/buf.h"
#include "core/identity.h"

#define WEBHOOK_OF_NOTHING "{\"entry\":[]}" /* no place is in it */

/* False: none of these names is in it, and `out` is untouched. A body that is no JSON and has one becomes {"entry":[]}, as
 * does one whose places would need more room than it had. When *out has failed, it was too small: while it is made it may
 * be three times the body, and in the end never longer than it and 16 bytes. */
bool webhook_redact(struct str body, const struct identity *names, size_t n, struct buf *out);
/* Whether one of these names is in the text, JSON or not. */
bool webhook_names(struct str text, const struct identity *names, size_t n);

/* The body as receivers are to have it: without the nulls that stand for what was taken out, and without changes and
 * entries that have no event any more. `out` is written with WEBHOOK_LESS only. A null where Meta has a message counts as
 * one of ours: it says nothing. */
enum webhook_left { WEBHOOK_AS_IT_WAS, WEBHOOK_LESS, WEBHOOK_NOTHING };
enum webhook_left webhook_without_gaps(struct str body, struct buf *out);

#endif
