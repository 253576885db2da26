/* SPDX-License-Identifier: Apache-2.0
 * webhook_split.h - a webhook body as bodies of one event each.
 *
 * Many apps read the first entry, the first change, the first message and no more (docs/wire.md: Chatwoot, frappe_whatsapp,
 * Evolution). Each event of a body gets an envelope of its own: `object`, its entry with `id` and `time`, its change with
 * `field`, and of `value` everything but the other events: `messages`, `statuses`, `calls`, `user_preferences`,
 * `message_echoes`, `groups` (also inside `standby`) keep one element, `contacts` those that its event speaks of; `errors`
 * beside events are a piece of their own. Every kept byte is as Meta wrote it, escapes and large numbers and unknown members
 * included. What is no list of events (account and template fields, histories, fields nobody knows) stays whole.
 *
 * What events_parse() of core/event.h makes of the pieces is what it makes of the body; a piece split again is that piece. */
#ifndef WL_CORE_WEBHOOK_SPLIT_H
#define WL_CORE_WEBHOOK_SPLIT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define SPLIT_MAX       5000        /* as EVENTS_MAX in core/event.h; also contacts of one change */
#define SPLIT_BYTES_MAX (32u << 20) /* all pieces together; Meta's bodies of 3 MB stay below 5 */

/* One piece; text in the arena. In the order in which they stand in the body. */
struct webhook_piece {
    struct str body;
};
/* The body must be valid JSON (it was parsed before); others are refused or come to pieces without meaning. Never fewer than
 * one piece: an empty list of entries, or an entry without changes, is a piece of no event. A body that names one of the
 * members above twice in one object stays whole. WL_EINVAL: it is no webhook body; WL_ETOOBIG: more than SPLIT_MAX or
 * SPLIT_BYTES_MAX; WL_ENOMEM: the arena is too small: the pieces, and some 100 bytes for each event and 600 for each contact. */
int webhook_split(struct str body, struct arena *a, struct webhook_piece **ret, size_t *ret_n, struct err *e);

#endif
