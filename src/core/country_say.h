/* SPDX-License-Identifier: Apache-2.0
 * country_say.h - the English name of a country, for sentences.
 *
 * Names to be read by people; whoever compares countries compares codes. */
#ifndef WL_CORE_COUNTRY_SAY_H
#define WL_CORE_COUNTRY_SAY_H

#include "base/buf.h"

/* "DE": Germany. A code without a name is put as it is. */
void country_say(struct str code, struct buf *out);

#endif
