/* SPDX-License-Identifier: Apache-2.0
 * webhook_filter.h - which events somebody wants: by webhook field, number, account, kind and status.
 *
 * Text form, as subscribers keep it: JSON {"fields": ["messages"], "numbers": ["106540352242922"], "accounts": ["…"],
 * "kinds": ["inbound", "status"], "statuses": ["failed"]}. A list that is absent or empty excludes nothing; the lists are ANDed.
 * "statuses" without "kinds" wants statuses of these words and nothing else; with kinds it narrows the statuses among them,
 * so that "inbound, and what failed" can be said. A number is the id of a phone number, or the number itself in digits: some
 * events of the account name it only so. Unknown members, kinds and statuses are refused with the nearest word, or with
 * all there are; unknown fields are allowed, Meta adds some. */
#ifndef WL_CORE_WEBHOOK_FILTER_H
#define WL_CORE_WEBHOOK_FILTER_H

#include "core/event.h"

#define FILTER_TEXT_MAX 4096
#define FILTER_LIST_MAX 32
#define FILTER_WORD_MAX 64 /* of a field */

struct webhook_filter; /* in the arena */

/* WL_EINVAL with a sentence that names the member; WL_ENOMEM. An absent value or null is the filter that lets everything
 * through. */
int webhook_filter_read(struct json v, struct arena *a, struct webhook_filter **ret, struct err *e);
bool webhook_wanted(const struct webhook_filter *f, const struct event *ev);
/* The canonical text, sorted and each word once; "" when it lets everything through. What it writes reads as the same filter. */
void webhook_filter_write(const struct webhook_filter *f, struct buf *out);

#endif
