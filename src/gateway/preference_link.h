/* SPDX-License-Identifier: Apache-2.0
 * preference_link.h - a signed link to a person's own preference page.
 *
 * Whoever has the link may see and change what that person agreed to, until it ends; it says nothing about who they are. It is
 * signed with a key from the state directory and dies with it, and with the person's row. */
#ifndef WL_GATEWAY_PREFERENCE_LINK_H
#define WL_GATEWAY_PREFERENCE_LINK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"

#define PREFERENCE_PREFIX "/preferences/"
#define PREFERENCE_TOKEN  96 /* with the NUL */

struct preference_link {
    int bucket;
    int64_t contact;
    int64_t until; /* ms; kept by the minute, rounded down */
};
char *preference_link_write(const uint8_t key[SHA256_BYTES], const struct preference_link *l,
                            char out[PREFERENCE_TOKEN]);
/* false: not signed with this key, or over at `now`. */
bool preference_link_read(const uint8_t key[SHA256_BYTES], struct str token, int64_t now, struct preference_link *ret);

#endif
