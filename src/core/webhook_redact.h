/* SPDX-License-Identifier: Apache-2.0
 * webhook_redact.h - one person's data taken out of a webhook body.
 *
 * Elements of the lists of events and of `contacts` in which one of the person's names stands as a whole string are taken
 * out; where a name stands elsewhere in a change, the change's `value` becomes {}. What is left is a valid body that still
 * says of everybody else what it said. Names are compared after unescaping; a phone number also with '+' before it. */
#ifndef WL_CORE_WEBHOOK_REDACT_H
#define WL_CORE_WEBHOOK_REDACT_H

#include "base/buf.h"
#include "core/identity.h"

/* False: none of these names is in it, and `out` is untouched. */
bool webhook_redact(struct str body, const struct identity *names, size_t n, struct buf *out);

#endif
