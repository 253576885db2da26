/* SPDX-License-Identifier: Apache-2.0
 * country.h - country codes as they must be written: two capitals of ISO 3166, "US", and of a part of one "US-TX".
 *
 * For rule files and facts that people write. What the gateway gathers itself comes from phone.h and needs no check. */
#ifndef WL_CORE_COUNTRY_H
#define WL_CORE_COUNTRY_H

#include "base/buf.h"
#include "base/err.h"

enum place_kind { PLACE_COUNTRY, PLACE_REGION, PLACE_EITHER };

/* WL_EINVAL says what is wrong, with what was probably meant ("usa": US). ZZ is nobody's place, of either kind. */
int country_check(struct str text, enum place_kind kind, struct err *e);

#endif
