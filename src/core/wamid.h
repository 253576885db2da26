/* SPDX-License-Identifier: Apache-2.0
 * wamid.h - whom one of Meta's message ids names: it is base64, and the person's phone number stands in it.
 *
 * Nothing else is read from it: what the other bytes mean is Meta's, and changes. */
#ifndef WL_CORE_WAMID_H
#define WL_CORE_WAMID_H

#include "core/identity.h"

/* Whether one of these names is a run of digits, or of the characters of an id, in what it encodes, and no part of a longer one.
 * Both alphabets of base64 are read; what does not belong to them ends the id. */
bool wamid_names(struct str wamid, const struct identity *name, size_t n);

#endif
