/* SPDX-License-Identifier: Apache-2.0
 * webhook_filter.h - which events somebody wants: by webhook field, number, account and kind.
 *
 * Text form, as subscribers keep it: JSON {"fields": ["messages"], "numbers": ["106540352242922"], "accounts": ["…"],
 * "kinds": ["inbound", "status"], "statuses": ["failed"]}. A list that is absent or empty excludes nothing; the lists are ANDed. Unknown
 * members and kinds are refused with the nearest word; unknown fields are allowed, Meta adds some. */
#ifndef WL_CORE_WEBHOOK_FILTER_H
#define WL_CORE_WEBHOOK_FILTER_H

#include "core/event.h"

#define FILTER_TEXT_MAX 4096
#define FILTER_LIST_MAX 32

struct webhook_filter; /* in the arena */

/* WL_EINVAL with a sentence that names the member. An absent value is the filter that lets everything through. */
int webhook_filter_read(struct json v, struct arena *a, struct webhook_filter **ret, struct err *e);
bool webhook_wanted(const struct webhook_filter *f, const struct event *ev);
/* The canonical text; "" when it lets everything through. */
void webhook_filter_write(const struct webhook_filter *f, struct buf *out);

#endif
