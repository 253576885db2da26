/* SPDX-License-Identifier: Apache-2.0
 * phone_match.h - whether two texts may be the same number.
 *
 * As libphonenumber's IsNumberMatchWithTwoStrings, oddities included. */
#ifndef WL_CORE_PHONE_MATCH_H
#define WL_CORE_PHONE_MATCH_H

#include "core/phone_number.h"

enum phone_match { PHONE_MATCH_INVALID, PHONE_NO_MATCH, PHONE_SHORT_NSN_MATCH, PHONE_NSN_MATCH, PHONE_EXACT_MATCH };

enum phone_match phone_match(const struct phone_data *d, struct str a, struct str b);

#endif
