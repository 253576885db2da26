/* SPDX-License-Identifier: Apache-2.0
 * webhook_who.h - whom an element of a webhook body speaks of, read from its bytes.
 *
 * The same members, in the same order, as core/event.h takes them: a message names who wrote it, a status who gets it, a
 * call the other side. For those who leave the bytes as they are (base/json_walk.h). */
#ifndef WL_CORE_WEBHOOK_WHO_H
#define WL_CORE_WEBHOOK_WHO_H

#include "base/buf.h"
#include "core/identity.h"

#define WHO_KEYS_MAX 5

/* The members with names; others when `when` says `is`. */
struct who_keys {
    const char *usual[WHO_KEYS_MAX], *other[WHO_KEYS_MAX];
    const char *when, *is;
};
extern const struct who_keys who_of_contact, who_of_message, who_of_status, who_of_call, who_of_preference, who_of_echo;

/* A phone number and a user id; kind NONE where absent. Parent ids tell nobody apart. */
#define WHO_IDS 2
struct who {
    struct identity id[WHO_IDS];
};
void who_read(struct str element, const struct who_keys *keys, struct who *ret);

/* Whether what stands between quotes is this word, case ignored. */
bool who_word_is(struct str written, const char *word);

#endif
