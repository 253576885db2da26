/* SPDX-License-Identifier: Apache-2.0
 * phone.h - a phone number in any spelling to its E.164 digits.
 *
 * Syntax only, for now: the number engine with the numbering plans will take this file's place behind the
 * same function. Accepted: '+', spaces of any kind, '-', '.', '(', ')', '/', full-width and other decimal
 * digits; "00" is not read as '+'. A business-scoped id is never turned into digits (docs/platform.md §6.9). */
#ifndef WL_CORE_PHONE_H
#define WL_CORE_PHONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define PHONE_MIN_DIGITS 7  /* shortest international number worth sending to; E.164 has no minimum */
#define PHONE_MAX_DIGITS 15 /* E.164 */

/* E.164 digits as an integer (country code first, no leading zero). WL_EINVAL naming what is wrong. */
int phone_parse(struct str text, uint64_t *ret_e164, struct err *e);
/* The same for a number as people write it: a "(0)" right behind the country code is left out, except in the countries whose
 * numbers keep the zero (39, 225, 242, 378). Not for what Meta reads. */
int phone_parse_written(struct str text, uint64_t *ret_e164, struct err *e);

/* Whether both have the same digits, whatever stands between them, as a number of ours that Meta shows in two ways. False where one
 * has none. */
bool phone_same_digits(struct str a, struct str b);

/* The ISO country whose rules are asked: of the calling code ("BR"), of the beginning of the number where countries share
 * the code ("US", "CA" or "JM" for 1), and of most numbers of the code where that does not tell (47: "NO"). "" where the
 * code is nobody's. ret holds 3 bytes. */
void phone_country(uint64_t e164, char ret[3]);

/* Every ISO country the number may belong to, the one above first, at most max (PHONE_COUNTRIES_MAX is enough). Several
 * where calling code or area code do not decide it (+1 212: US, CA), 0 where the code is unassigned. */
#define PHONE_COUNTRIES_MAX 4
size_t phone_countries(uint64_t e164, const char *ret[], size_t max);

#endif
