/* SPDX-License-Identifier: Apache-2.0
 * phone_country.h - the countries a number may belong to, for rules and clocks.
 *
 * An answer at any price: of a number nobody has, whatever its calling code tells. Who must know whether it is one asks phone_number.h. */
#ifndef WL_CORE_PHONE_COUNTRY_H
#define WL_CORE_PHONE_COUNTRY_H

#include "core/phone_data.h"

/* The ISO country whose rules are asked: where the plans say the number is ("CA" for 1 416 ...), else, of a number that nobody has,
 * where most numbers of its calling code are ("US" for 1). "" where the code is nobody's or no country's. ret holds 3 bytes. */
void phone_country(const struct phone_data *d, uint64_t e164, char ret[3]);

/* Every ISO country it may belong to, the one above first, at most max (PHONE_COUNTRIES_MAX is enough): several where up to that many share
 * the code and the range, or nobody has the number (44 7700 900000: GB, GG, IM, JE); 0 where the code is unassigned. The strings are the tables'. */
#define PHONE_COUNTRIES_MAX 4
size_t phone_countries(const struct phone_data *d, uint64_t e164, const char *ret[], size_t max);

#endif
