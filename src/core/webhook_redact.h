/* SPDX-License-Identifier: Apache-2.0
 * webhook_redact.h - one person's data taken out of a webhook body.
 *
 * Elements of the lists of events and of `contacts` in which one of the person's names stands as a whole string (or number, or
 * the name of a member) are taken out; where a name stands elsewhere in a change, the change's `value` becomes {}; beside it,
 * the change or entry goes, and beside all entries everything does: {"entry":[]}. What is left is a valid body that still
 * says of everybody else what it said. Names are compared after unescaping and as core/identity.h reads them: phone numbers by
 * their digits, with whatever people write between them. A name inside of a longer text is not looked for. */
#ifndef WL_CORE_WEBHOOK_REDACT_H
#define WL_CORE_WEBHOOK_REDACT_H

#include "base/buf.h"
#include "core/identity.h"

/* False: none of these names is in it, and `out` is untouched. A body that is no JSON and has one becomes {"entry":[]}. When
 * *out has failed, it was too small; what is put is never longer than the body and 16 bytes. */
bool webhook_redact(struct str body, const struct identity *names, size_t n, struct buf *out);

#endif
