/* SPDX-License-Identifier: Apache-2.0
 * event_key.h - what makes two reports of an event the same one, as 64 bits.
 *
 * A key is a hash over a few words in a fixed order. Where an event has no id, the value that tells of it stands for one: hashed
 * by what it says, not by how it was written (the order of members and the spelling of escapes do not count). Keys are
 * stored: how they are made never changes. Source: docs/platform.md §6.1. */
#ifndef WL_CORE_EVENT_KEY_H
#define WL_CORE_EVENT_KEY_H

#include "base/json.h"

#define EVENT_KEY_PARTS 16

struct event_key {
    uint64_t part[EVENT_KEY_PARTS];
    size_t n;
};

void event_key_word(struct event_key *k, struct str word); /* an empty word is a part like any other */
void event_key_number(struct event_key *k, int64_t v);
uint64_t event_key_done(const struct event_key *k); /* never 0 */

/* The value as a hash of what it says. *timed becomes true when a `timestamp` stands anywhere in it, and is left alone
 * otherwise. */
uint64_t event_key_of_value(struct json v, bool *timed);

#endif
