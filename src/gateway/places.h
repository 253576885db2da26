/* SPDX-License-Identifier: Apache-2.0
 * places.h - where a person may be, as offsets from UTC now and after the next change of clocks.
 *
 * The zone the contact gave us decides; else the country of the number or user id, with all its zones; else the
 * countries the number may belong to (core/phone_country.h). More places than one make a range, and who keeps quiet hours in all of
 * them wakes nobody. Belongs to one thread: what a country's clocks say is remembered until it may change. */
#ifndef WL_GATEWAY_PLACES_H
#define WL_GATEWAY_PLACES_H

#include "core/calendar.h"
#include "core/identity.h"
#include "core/phone_data.h"

struct places;

/* phones: whose countries numbers are, kept by the caller. folder NULL: the system's time zone database. Without one everybody is nowhere (places_known() false, `e` says why)
 * and the call still succeeds; places_free() it. */
void places_load(struct places **ret, const char *folder, const struct phone_data *phones, struct err *e);
void places_free(struct places *p); /* accepts NULL */
bool places_known(const struct places *p);
size_t
places_damaged(const struct places *p); /* zones the database should have and has not; said in the log at loading */
bool places_has_zone(const struct places *p, struct str name); /* any thread */

/* zone: a name from the contact, "" none; one the database does not have counts as none. False: nobody knows. */
bool places_find(struct places *p, const char *zone, const struct identity *who, int64_t now, struct whereabouts *ret);

#endif
