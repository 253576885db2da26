/* SPDX-License-Identifier: Apache-2.0
 * phone.h - an international phone number in any spelling to its E.164 digits, as Meta reads it.
 *
 * Syntax only; numbering plans are core/phone_number.h. Accepted: '+', spaces of any kind, '-', '.', '(', ')', '/', full-width and other
 * decimal digits; "00" is not read as '+'. A business-scoped id is never turned into digits (docs/platform.md §6.9). */
#ifndef WL_CORE_PHONE_H
#define WL_CORE_PHONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/phone_data.h"

#define PHONE_MIN_DIGITS 7  /* shortest international number worth sending to; E.164 has no minimum */
#define PHONE_MAX_DIGITS 15 /* E.164 */

/* E.164 digits as an integer (country code first, no leading zero). WL_EINVAL naming what is wrong. */
int phone_parse(struct str text, uint64_t *ret_e164, struct err *e);
/* The same for a number as people write it: what stands in brackets and is dialled inside the country only, "(0)" or "(06)", is left out.
 * For our own interfaces, not for what Meta reads. */
int phone_parse_written(const struct phone_data *d, struct str text, uint64_t *ret_e164, struct err *e);
/* Mobile numbers of Brazil and Mexico go by two forms at WhatsApp: the same person's give the same digits, any other stays as it is. */
uint64_t phone_canonical(uint64_t e164);

/* Whether both have the same digits, whatever stands between them, as a number of ours that Meta shows in two ways. False where one
 * has none. */
bool phone_same_digits(struct str a, struct str b);

#endif
