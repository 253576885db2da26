/* SPDX-License-Identifier: Apache-2.0
 * phone_place.h - what a number tells about where it is and whose it was.
 *
 * Time zones as libphonenumber's PhoneNumberToTimeZonesMapper, networks as its PhoneNumberToCarrierMapper, examples from the plans.
 * A network is the one the range was given to: in portable regions the number may have moved since. */
#ifndef WL_CORE_PHONE_PLACE_H
#define WL_CORE_PHONE_PLACE_H

#include "core/phone_number.h"

#define PHONE_ZONES_UNKNOWN "Etc/Unknown"

/* "Europe/Berlin&Europe/Busingen": every zone it may be in. PHONE_ZONES_UNKNOWN where the number is not valid or nobody knows. */
const char *phone_zones(const struct phone_data *d, const struct phone_number *n);
/* "" where nobody knows, or numbers of that type have no network. *ret_portable: it may have moved. ret_portable may be NULL. */
const char *phone_network(const struct phone_data *d, const struct phone_number *n, bool *ret_portable);
bool phone_geographical(const struct phone_data *d, const struct phone_number *n); /* IsNumberGeographical */

/* The example of a region and type, in digits with its country code; 0 none. type PHONE_UNKNOWN_TYPE: the region's first one. */
uint64_t phone_example(const struct phone_data *d, int region, enum phone_type type);
/* Whether it is one of the examples: nobody's number, for tests. */
bool phone_is_example(const struct phone_data *d, uint64_t e164);

#endif
