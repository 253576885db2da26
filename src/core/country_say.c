/* SPDX-License-Identifier: Apache-2.0
 * country_say.c - ICU's English names of countries.
 *
 * English whatever the machine's language is: what is said of a campaign must read the same everywhere. A code ICU knows no name
 * of is its own. */
#include "core/country_say.h"

#include <unicode/uloc.h>
#include <unicode/ustring.h>

void country_say(struct str code, struct buf *out)
{
    char locale[4] = {'_', 0, 0, 0}, name[256]; /* "_DE": a country without a language */
    UChar wide[128];
    UErrorCode status = U_ZERO_ERROR;
    int32_t bytes = 0;
    if (code.n == 2) {
        locale[1] = code.p[0];
        locale[2] = code.p[1];
        int32_t n = uloc_getDisplayCountry(locale, "en", wide, 128, &status);
        u_strToUTF8(name, sizeof name, &bytes, wide, n, &status);
    }
    if (code.n != 2 || U_FAILURE(status) || bytes <= 0)
        buf_putstr(out, code);
    else
        buf_put(out, name, (size_t)bytes);
}
