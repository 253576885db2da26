/* SPDX-License-Identifier: Apache-2.0
 * phone_format.h - a number as it is written: E.164, for people at home and abroad, and as a tel: link.
 *
 * As libphonenumber's Format(), byte for byte (tests/phone proves it against the library itself). */
#ifndef WL_CORE_PHONE_FORMAT_H
#define WL_CORE_PHONE_FORMAT_H

#include "core/phone_number.h"

#define PHONE_FORMAT_MAX 512 /* with an extension of PHONE_TEXT_MAX */

enum phone_format {
    PHONE_E164,
    PHONE_INTERNATIONAL,
    PHONE_NATIONAL,
    PHONE_RFC3966
}; /* libphonenumber's PhoneNumberFormat */

/* ext: the extension's digits, may be empty; E.164 leaves it out. Writes NUL, returns the length. n->status must be PHONE_OK. */
size_t phone_format(const struct phone_data *d, const struct phone_number *n, struct str ext, enum phone_format f,
                    char ret[PHONE_FORMAT_MAX]);

#endif
